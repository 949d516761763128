//! What of a lane may run side by side: an index is completed partition by partition, and no partition waits for another.

use std::collections::BTreeMap;

use crate::plan::{Action, BuildMode, IndexAction, Step};
use crate::sql::{Ident, TableName};

/// Steps of a lane that follow each other.
#[derive(Debug, PartialEq)]
pub(super) enum Stretch<'a> {
    /// By itself.
    InTurn(&'a Step),
    /// Chains, each in its order, several at once: clean-up, build and attach of one partition's index.
    SideBySide(Vec<Vec<&'a Step>>),
}

/// Cuts a lane into stretches. Where fewer than two partitions are built concurrently, and so for long, nothing is gained.
pub(super) fn stretches<'a>(lane: &[&'a Step]) -> Vec<Stretch<'a>> {
    let mut stretches = Vec::new();
    let mut rest = lane;
    while let Some((first, after)) = rest.split_first() {
        let Some(index) = index_of(first) else {
            stretches.push(Stretch::InTurn(first));
            rest = after;
            continue;
        };
        let (run, after) = rest.split_at(rest.iter().take_while(|step| index_of(step) == Some(index)).count());
        rest = after;
        if run.iter().filter(|step| takes_long(&step.action)).count() < 2 {
            stretches.extend(run.iter().map(|step| Stretch::InTurn(step)));
            continue;
        }
        let mut chains: Vec<Vec<&Step>> = Vec::new();
        let mut by_partition: BTreeMap<&TableName, usize> = BTreeMap::new();
        for step in run {
            let Some(partition) = partition_of(&step.action) else { continue };
            let at = *by_partition.entry(partition).or_insert(chains.len());
            match chains.get_mut(at) {
                Some(chain) => chain.push(step),
                None => chains.push(vec![step]),
            }
        }
        stretches.push(Stretch::SideBySide(chains));
    }
    stretches
}

/// The table and its index that a step on one partition is for.
fn index_of(step: &Step) -> Option<(Option<&TableName>, &Ident)> {
    partition_of(&step.action)?;
    Some((step.table.as_ref(), step.action.wanted_index()?))
}

/// The partition whose index it works on, alone.
fn partition_of(action: &Action) -> Option<&TableName> {
    match action {
        Action::Index(IndexAction::Build(build)) => Some(&build.partition),
        Action::Index(IndexAction::Attach(attach)) => Some(&attach.partition),
        Action::Index(IndexAction::Alter(alter)) => Some(&alter.partition.name),
        Action::Index(IndexAction::Rebuild(loose) | IndexAction::Drop(loose)) => Some(&loose.partition.name),
        // They are the root's: what comes before them must be done.
        Action::Index(
            IndexAction::Create(_) | IndexAction::Validate(_) | IndexAction::Discard(_) | IndexAction::Swap(_),
        )
        | Action::Partition(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}

fn takes_long(action: &Action) -> bool {
    match action {
        Action::Index(IndexAction::Build(build)) => match build.mode {
            BuildMode::Concurrently => true,
            BuildMode::Plainly(_) => false,
        },
        Action::Index(IndexAction::Rebuild(_)) => true,
        Action::Index(
            IndexAction::Attach(_)
            | IndexAction::Validate(_)
            | IndexAction::Alter(_)
            | IndexAction::Create(_)
            | IndexAction::Drop(_)
            | IndexAction::Discard(_)
            | IndexAction::Swap(_),
        )
        | Action::Partition(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Answer, Question};
    use crate::testing::World;

    const TABLE: &str = "public.events";

    /// A plan that builds two indexes on three partitions, as large as said.
    fn steps(bytes: u64) -> Vec<Step> {
        let policy = "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 1},
            indexes: {a_idx: {columns: [a]}, b_idx: {columns: [b]}}}}";
        let mut world = World::new("2026-03-14", policy);
        for leaf in world.windows(TABLE, "2026-02-01", "2026-05-01") {
            world.bytes.insert(leaf, bytes);
            world.snapshot.answers.put(Question::Bytes { relation: leaf }, Answer::Bytes(bytes));
        }
        world.plan().steps
    }

    #[test]
    fn large_partitions_are_built_side_by_side_and_small_ones_in_turn() {
        let steps = steps(1 << 30);
        let lane: Vec<&Step> = steps.iter().collect();
        let words: Vec<Vec<String>> = stretches(&lane)
            .iter()
            .map(|stretch| match stretch {
                Stretch::InTurn(step) => vec![step.action.word().to_owned()],
                Stretch::SideBySide(chains) => chains
                    .iter()
                    .map(|chain| chain.iter().map(|step| step.action.word()).collect::<Vec<_>>().join(", "))
                    .collect(),
            })
            .collect();
        let chain = "build index, attach index".to_owned();
        let index = [vec!["create index".to_owned()], vec![chain.clone(), chain.clone(), chain]];
        assert_eq!(words, [index.clone(), index].concat());
        let small = super::tests::steps(1 << 20);
        let lane: Vec<&Step> = small.iter().collect();
        let in_turn: Vec<Stretch<'_>> = lane.iter().map(|step| Stretch::InTurn(step)).collect();
        assert_eq!(stretches(&lane), in_turn);
    }
}
