//! Detached tables of which the policy does not speak: nothing drops them, and what is held is not to be dropped by hand.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::catalog::{Catalog, Oid, Retired, Snapshot, TableState};
use crate::policy::Desired;
use crate::render::day;

/// What comes before a hold line in a hint: the rest is the reason, which is left out of Markdown.
pub(crate) const HOLD_SAYS: &str = "; its comment says ";

/// Detached tables whose root the policy does not speak of, under any name.
pub(super) fn forgotten(desired: &Desired, snapshot: &Snapshot) -> Vec<Finding> {
    let Catalog { tables, retired, .. } = &snapshot.catalog;
    let roots: BTreeSet<Oid> = tables
        .values()
        .filter_map(|state| match state {
            TableState::Partitioned(root) => Some(root.oid),
            TableState::Missing | TableState::Unfit(_) => None,
        })
        .collect();
    let lost = retired.iter().filter(|(oid, table)| {
        let Retired { marker, in_use_as, .. } = table;
        marker.oid == **oid
            && in_use_as.is_none()
            && !roots.contains(&marker.root_oid)
            && !desired.tables.contains_key(&marker.root)
    });
    lost.map(|(_, table)| one(desired, snapshot, table)).collect()
}

fn one(desired: &Desired, snapshot: &Snapshot, table: &Retired) -> Finding {
    let Retired { name, owner, marker, root_now, .. } = table;
    let since = marker.detached_at.map_or_else(|| "detached".to_owned(), |at| format!("detached {}", day(at)));
    let root = match root_now {
        Some(now) if *now == marker.root => format!("its table {now} is not in the policy"),
        Some(now) => format!("its table {} is called {now} now and is not in the policy", marker.root),
        None => format!("its table {} is gone", marker.root),
    };
    let hold = hold_of(desired, table);
    let so = match &hold {
        Some((by, _)) => format!("held by {by}"),
        None if root_now.is_some() => "so no plan of this policy drops it".to_owned(),
        None => "so nothing drops it".to_owned(),
    };
    let session = &snapshot.catalog.session;
    let owns = session.superuser || session.name == owner.as_str() || session.may_become.contains(owner);
    let hint = match (&hold, root_now) {
        (Some((_, line)), Some(now)) => {
            format!("do not drop it by hand while it is held; a policy with {now} keeps it{line}")
        }
        (Some((_, line)), None) => format!("do not drop it by hand while it is held{line}"),
        (None, Some(now)) if !owns => format!("it belongs to {owner}: perhaps another policy manages {now}"),
        (None, None) if !owns => format!("it belongs to {owner}: ask {owner} whether its rows are still needed"),
        (None, Some(now)) => {
            format!("put {now} back into the policy; drop the table by hand only if no other policy manages {now}")
        }
        (None, None) => "drop the table by hand when its rows are no longer needed".to_owned(),
    };
    Finding {
        table: None,
        code: Code::Forgotten,
        object: Some(name.clone().into()),
        message: format!("{since}; {root}, {so}"),
        hint: Some(hint),
    }
}

/// What holds it, and what that says, which is left out of the message: a reason is not for everybody.
fn hold_of(desired: &Desired, table: &Retired) -> Option<(String, String)> {
    let Retired { held, hold_line, root_held, root_now, .. } = table;
    if *held {
        let line = hold_line.as_ref().map_or_else(String::new, |line| format!("{HOLD_SAYS}`{line}`"));
        return Some(("a line `pgstrata: hold` in its comment".to_owned(), line));
    }
    if let (true, Some(root)) = (*root_held, root_now) {
        return Some((format!("a line `pgstrata: hold` in the comment of {root}"), String::new()));
    }
    // A hold of all tables, which once were this one's too. Without the table's policy its zone is not known, nor what the
    // range of the hold means: when in doubt it holds.
    let (name, _) = desired.holds.iter().find(|(_, hold)| hold.tables.is_empty())?;
    Some((format!("`{name}`"), String::new()))
}
