//! A root's index that stayed invalid though each of its partitions has a valid one of its own: how PostgreSQL is asked to
//! look again.

use crate::catalog::Target;

/// The minor releases from which ATTACH PARTITION of an index that is attached already validates the parent's (all of May
/// 2026). Before, it says so and does nothing, and no other statement looks again: a partition's index can neither be
/// detached nor dropped by itself.
const SINCE: [(u32, u32); 5] = [(14, 23), (15, 18), (16, 14), (17, 10), (18, 4)];

/// The release of the server's own major version that looks again, where the server is older.
pub(super) fn needs_release(server: &Target) -> Option<String> {
    let (major, minor) = (server.major(), server.server_version_num % 10_000);
    let (_, first) = SINCE.into_iter().find(|(of, _)| *of == major)?;
    (minor < first).then(|| format!("{major}.{first}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Code;
    use crate::testing::{World, lines};

    const TABLE: &str = "public.events";

    fn world() -> World {
        let policy = format!(
            "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, indexes: {{by_actor: {{columns: [actor]}}}}}}}}"
        );
        World::new("2026-03-14", &policy)
    }

    fn of(server_version_num: u32) -> Option<String> {
        needs_release(&Target { server_version_num, ..world().snapshot.target })
    }

    #[test]
    fn an_older_server_is_not_asked_in_vain_at_each_run() {
        let mut world = world();
        let root = world.root(TABLE).oid;
        let index = world.index(TABLE, root, "by_actor", &["actor"], None);
        for (n, leaf) in world.windows(TABLE, "2026-03-01", "2026-05-01").into_iter().enumerate() {
            world.index(TABLE, leaf, &format!("of_{n}"), &["actor"], Some(index));
        }
        world.root(TABLE).indexes.get_mut(&index).unwrap().valid = false;
        assert_eq!(world.plan().steps[0].action.word(), "validate index");
        world.snapshot.target.server_version_num = 170_009;
        let plan = world.plan();
        assert!(plan.steps.is_empty(), "{}", lines(&plan));
        let found = plan.findings.iter().find(|finding| finding.code == Code::IndexNotPossible).expect("a finding");
        assert_eq!(
            found.hint.as_deref(),
            Some(
                "update the server to 17.10 or later, or build it anew on every partition: DROP INDEX public.by_actor, then apply"
            )
        );
    }

    #[test]
    fn what_came_with_a_minor_release_is_not_expected_before() {
        assert_eq!(of(170_009).as_deref(), Some("17.10"));
        assert_eq!(of(140_022).as_deref(), Some("14.23"));
        assert_eq!(of(180_000).as_deref(), Some("18.4"));
        for has_it in [140_023, 150_018, 160_014, 170_010, 180_004, 190_000] {
            assert_eq!(of(has_it), None, "{has_it}");
        }
    }
}
