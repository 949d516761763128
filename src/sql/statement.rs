//! A step as the statements that one session sends, BEGIN and SET included: for the executor and for every reader alike.

use std::time::Duration;

use super::shown::shown;
use super::{Ident, check, comment, create, index, limits, remove, server_time, settings, storage, trust, upkeep};
use crate::plan::{Action, Fact, IndexAction, MaintenanceAction, PartitionAction, Step, StorageAction, Unit};

/// What marks a check on the wire and in the server's log: it is the executor's own, not the plan's.
pub const CHECK_COMMENT: &str = "/* pgstrata check */";

const CHECK_CLIENT: &str = "client_connection_check_interval";

/// Without it a worker waits for a lock for as long as it takes, with the coordinator's locks held.
const PROPAGATE: &str = "SET LOCAL citus.propagate_set_commands = 'local'";

/// What ends a unit whose client is gone, or mute, and with it the locks it holds: the server notices neither by itself.
/// A client that says nothing, one that reads nothing (over TCP: the server then waits in a system call, which neither a
/// timeout nor a request to cancel ends), and one whose end of the connection is closed while a statement waits. The last
/// cannot be set where the server's platform does not tell (nor then be asked for without ending the transaction).
///
/// What goes on outside a transaction (CONCURRENTLY) is to end well whatever becomes of its client: an index that was
/// built to its end is valid, and one that was not is worth nothing.
const ABANDONED: [&str; 3] = [
    "SET LOCAL idle_in_transaction_session_timeout = '10s'",
    "SET LOCAL tcp_user_timeout = '10s'",
    "SELECT pg_catalog.set_config('client_connection_check_interval', '2s', true) WHERE pg_catalog.version() ~ 'linux'",
];

/// One statement of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Part of the plan.
    Sql(String),
    /// A boolean expression that must be true, and the fact that it asks for.
    Check {
        /// What keeps it true from then on, where the work does not lock that by itself until it is too late. The work takes
        /// the same lock.
        lock: Option<String>,
        /// The expression.
        expression: String,
        /// What must hold.
        fact: Box<Fact>,
    },
}

/// The statements of a step, in order.
///
/// Checks come after the lock that keeps them true, where the unit takes one.
pub fn render(step: &Step) -> Vec<Statement> {
    let (owner, mut locks, work) = work(&step.action, step.acts_as.as_ref());
    let role = step.acts_as.as_ref().or(owner);
    let checks = step.before.iter().filter_map(|fact| {
        let lock = match (step.unit, fact) {
            (Unit::Transaction, Fact::NoOwnersCode { root, detached, by: _ }) => {
                trust::lock(&step.action, &root.name, detached.as_ref().map(|table| &table.name))
            }
            (Unit::Transaction | Unit::Statement, _) => None,
        };
        let expression = shown(check::expression(fact)?);
        Some(Statement::Check { lock: lock.map(shown), expression, fact: Box::new(fact.clone()) })
    });
    let mut statements = Vec::new();
    let mut say = |sql: String| statements.push(said(sql));
    match step.unit {
        Unit::Transaction => {
            say("BEGIN".to_owned());
            if step.timeouts.reach_workers {
                // Before what it is to hand on; Citus hands nothing on outside a transaction.
                say(PROPAGATE.to_owned());
            }
            say(set("SET LOCAL", "lock_timeout", step.timeouts.lock));
            say(set("SET LOCAL", "statement_timeout", step.timeouts.statement));
            ABANDONED.into_iter().map(str::to_owned).for_each(&mut say);
            role.into_iter().map(|role| format!("SET LOCAL ROLE {role}")).for_each(&mut say);
            locks.drain(..).for_each(&mut say);
            statements.extend(checks);
            statements.extend(work.into_iter().map(said));
            // The one statement that may do nothing, and say so to nobody.
            if matches!(step.action, Action::Index(IndexAction::Validate(_))) {
                statements.extend(step.after.iter().filter_map(fact_check));
            }
            statements.push(said("COMMIT".to_owned()));
        }
        Unit::Statement => {
            say(set("SET", "lock_timeout", step.timeouts.lock));
            say(set("SET", "statement_timeout", step.timeouts.statement));
            let to_its_end = step.action.is_concurrent();
            if to_its_end {
                say(format!("SET {CHECK_CLIENT} = 0"));
            }
            role.into_iter().map(|role| format!("SET ROLE {role}")).for_each(&mut say);
            statements.extend(checks);
            statements.extend(work.into_iter().map(said));
            let reset = role.map(|_| "ROLE").into_iter().chain(to_its_end.then_some(CHECK_CLIENT));
            let reset = reset.chain(["statement_timeout", "lock_timeout"]);
            for setting in reset {
                statements.push(said(format!("RESET {setting}")));
            }
        }
    }
    statements
}

/// The statement that asks the server for a fact; `None` where the work itself refuses (overlapping bounds: 42P17).
pub fn fact_check(fact: &Fact) -> Option<Statement> {
    let expression = shown(check::expression(fact)?);
    Some(Statement::Check { lock: None, expression, fact: Box::new(fact.clone()) })
}

/// The one way from text to a statement.
fn said(sql: String) -> Statement {
    Statement::Sql(shown(sql))
}

fn set(word: &str, name: &str, value: Duration) -> String {
    format!("{word} {name} = '{}'", server_time(value))
}

/// The role that works, unless it is the session's own, the locks it takes first, and the work.
fn work<'a>(action: &'a Action, acts_as: Option<&Ident>) -> (Option<&'a Ident>, Vec<String>, Vec<String>) {
    let (role, locks, work) = match action {
        Action::Partition(PartitionAction::Create(action)) => {
            (&action.attributes.owner, vec![], create::partition(action, acts_as.is_some()))
        }
        Action::Partition(PartitionAction::CreateDefault(action)) => {
            (&action.attributes.owner, vec![], create::default(action, acts_as.is_some()))
        }
        Action::Partition(PartitionAction::Finalize(leaving)) => {
            (&leaving.owner, vec![], vec![remove::finalize(leaving)])
        }
        Action::Partition(PartitionAction::Mark(retiring)) => (&retiring.owner, vec![], vec![comment::write(retiring)]),
        Action::Partition(PartitionAction::Detach(action)) => {
            (&action.leaving.owner, vec![], vec![remove::detach(action)])
        }
        Action::Partition(PartitionAction::Stamp(retiring)) => {
            (&retiring.owner, vec![], vec![comment::stamp(retiring)])
        }
        Action::Partition(PartitionAction::Attach(action)) => {
            let mut work = create::again(action);
            work.push(comment::remove(&action.retired));
            (&action.owner, vec![], work)
        }
        Action::Partition(PartitionAction::Drop(action)) => {
            (&action.retired.owner, vec![remove::lock(action)], vec![remove::drop(action)])
        }
        Action::Index(IndexAction::Create(action)) => (&action.owner, vec![], vec![index::create(action)]),
        Action::Index(IndexAction::Build(action)) => (&action.owner, vec![], vec![index::build(action)]),
        Action::Index(IndexAction::Attach(action) | IndexAction::Validate(action)) => {
            (&action.owner, vec![], vec![index::attach(action)])
        }
        Action::Index(IndexAction::Alter(action)) => (&action.owner, vec![], index::alter(action)),
        Action::Index(IndexAction::Rebuild(loose)) => (&loose.owner, vec![], vec![index::rebuild(loose)]),
        Action::Index(IndexAction::Drop(loose)) => (&loose.owner, vec![], vec![index::drop(loose)]),
        Action::Index(IndexAction::Discard(action)) => (&action.owner, vec![], vec![index::discard(action)]),
        Action::Index(IndexAction::Swap(action)) => (&action.owner, vec![], index::swap(action)),
        Action::Storage(StorageAction::Alter(action)) => (&action.owner, vec![], storage::alter(action, acts_as)),
        Action::Maintenance(MaintenanceAction::AnalyzeParent(action)) => {
            (&action.role, vec![], vec![upkeep::analyze(action)])
        }
        Action::Maintenance(MaintenanceAction::Vacuum(action)) => (&action.role, vec![], vec![upkeep::vacuum(action)]),
        Action::Maintenance(MaintenanceAction::Reindex(action)) => {
            (&action.role, vec![], vec![upkeep::reindex(action)])
        }
        Action::Limit(action) => return (action.role(), vec![], limits::change(action)),
        Action::Setting(action) => return (None, vec![], settings::change(action)),
    };
    (Some(role), locks, work)
}

/// What an action itself says to the server, without what surrounds it: for people who carry it out by hand.
pub(crate) fn statements_of(action: &Action) -> Vec<String> {
    work(action, None).2.into_iter().map(shown).collect()
}

impl Statement {
    /// The text that goes over the wire.
    pub fn wire(&self) -> String {
        match self {
            Self::Sql(sql) => sql.clone(),
            Self::Check { lock: None, expression, fact: _ } => format!("{CHECK_COMMENT} SELECT {expression}"),
            Self::Check { lock: Some(lock), expression, fact: _ } => {
                format!("{CHECK_COMMENT} {lock}; SELECT {expression}")
            }
        }
    }

    /// The plan's SQL, checks left out.
    pub fn sql(&self) -> Option<&str> {
        match self {
            Self::Sql(sql) => Some(sql),
            Self::Check { .. } => None,
        }
    }
}
