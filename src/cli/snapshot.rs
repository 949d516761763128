//! `pgstrata snapshot`

use pgstrata::catalog::{Snapshot, TableState};
use pgstrata::db::Env;
use pgstrata::plan::{PlanOptions, questions, snapshot_questions};
use pgstrata::render::json;

use super::args::{SnapshotArgs, SourceArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::files::{Mode, check_folder, write_atomically};
use super::ui::Ui;
use super::{inspect, paste, policy};

pub(super) fn run(args: SnapshotArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let SnapshotArgs { policy, connect, select, out, now } = args;
    if let Some(path) = &out {
        check_folder(path)?;
    }
    let loaded = policy::load(&policy, env, ui)?;
    inspect::check_selection(&select, &loaded.desired)?;
    let also = |snapshot: &Snapshot, options: &PlanOptions| {
        let mut all = snapshot_questions(&loaded.desired, snapshot, options);
        if let Some(now) = now {
            all.extend(questions(&loaded.desired, snapshot, &PlanOptions { now, ..options.clone() }));
        }
        all
    };
    let source = SourceArgs { connect, snapshot: None };
    let options = inspect::options(&select, None);
    let (snapshot, _) = inspect::read("snapshot", &source, &loaded, &options, None, &also, (env, ui))?;
    let text = Leaving::json(json::snapshot(&snapshot));
    match &out {
        None => ui.result(&text)?,
        Some(path) => {
            write_atomically(path, &text, Mode::Private)?;
            let (path, what) = (paste::path(path), counted(&snapshot));
            ui.note(&format!("saved the facts of {what}; plan from them with: pgstrata plan --snapshot {path}"));
        }
    }
    // What is missing or unfit is a fact like any other; the plan says what to make of it.
    Ok(Events::new())
}

/// `2 tables with 214 partitions`
fn counted(snapshot: &Snapshot) -> String {
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let tables = &snapshot.catalog.tables;
    let leaves = tables.values().map(|state| match state {
        TableState::Partitioned(root) => root.leaves.len(),
        TableState::Missing | TableState::Unfit(_) => 0,
    });
    format!("{} with {}", many(tables.len(), "table"), many(leaves.sum(), "partition"))
}
