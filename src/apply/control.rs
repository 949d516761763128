//! The run lock: a session of its own, which every unit asks before it starts.

use std::time::{Duration, Instant};

use crate::db::{ConnError, Connector, Identity, Interrupt, Session, describe};

/// `pg_try_advisory_lock` takes two integers; the first spells `pgst`. Advisory locks are per database.
const RUN_LOCK: &str = "1885827956, 1";
/// Marks statements of the control session in the server's log.
const COMMENT: &str = "/* pgstrata control */";
/// Between two tries: waiting inside `pg_advisory_lock` would deadlock with the holder's concurrent statements (measured).
const POLL: Duration = Duration::from_millis(250);

/// Why a run could not begin. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// No session.
    #[error(transparent)]
    Connect(#[from] ConnError),
    /// Somebody else runs.
    #[error("the run lock is held by {holder}")]
    Held {
        /// Who, as far as the role may see.
        holder: String,
    },
    /// Two sessions share a backend or a lock.
    #[error("there is a transaction pooler between here and the server: {0}")]
    Pooler(&'static str),
    /// A signal came first.
    #[error("interrupted before anything ran")]
    Interrupted,
    /// The control session failed.
    #[error("taking the run lock: {0}")]
    Query(String),
}

/// The session that holds the run lock.
#[derive(Debug)]
pub(super) struct Control {
    session: Session,
    /// The postmaster's start: another one means that the server was restarted under us.
    started: String,
    server: Identity,
    /// Whatever is asked of it now may never be answered.
    lost: bool,
}

impl Drop for Control {
    /// A backend lives on for a moment after its session: the next command of a script would find the lock still held.
    fn drop(&mut self) {
        if !self.lost && !self.session.is_given_up() {
            let _ = self.session.batch_execute(&format!("{COMMENT} SELECT pg_advisory_unlock({RUN_LOCK})"));
        }
    }
}

impl Control {
    /// Takes the run lock, waiting at most this long.
    pub(super) fn begin(connector: &Connector, wait: Duration, stop: &Interrupt) -> Result<Self, BeginError> {
        let connector = connector.clone().with_interrupt(stop);
        let session = connect(&connector)?;
        let watch = stop.watch(session.cancel_handle()).map_err(|_| BeginError::Interrupted)?;
        let taken = Self::take(session, &connector, wait, stop);
        drop(watch);
        // A statement that was cancelled says so in the server's words.
        if stop.is_set() { Err(BeginError::Interrupted) } else { taken }
    }

    fn take(mut session: Session, connector: &Connector, wait: Duration, stop: &Interrupt) -> Result<Self, BeginError> {
        let end = Instant::now() + wait;
        loop {
            if stop.is_set() {
                return Err(BeginError::Interrupted);
            }
            if ask(&mut session, &format!("SELECT pg_try_advisory_lock({RUN_LOCK})"))? == "t" {
                break;
            }
            if Instant::now() >= end {
                return Err(BeginError::Held { holder: holder(&mut session) });
            }
            stop.sleep(POLL.min(end.saturating_duration_since(Instant::now())));
        }
        no_pooler(&connector.pinned_to(&session), &mut session, stop)?;
        // It is idle while the others work, and carries the run lock.
        ask(&mut session, "SELECT set_config('idle_session_timeout', '0', false)")?;
        let started = ask(&mut session, "SELECT pg_postmaster_start_time()")?;
        let server = session.identity().map_err(|error| BeginError::Query(describe(&error)))?;
        Ok(Self { session, started, server, lost: false })
    }

    /// For further sessions with the very same server.
    pub(super) fn bind(&self, connector: &Connector) -> Connector {
        connector.bound_to(&self.session, self.server.clone())
    }

    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The server is gone, or does not answer: it is asked nothing more.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// Before each unit: the lock is still ours, the postmaster the same, and the server no standby.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let sql = format!(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 'the server became a standby'
               WHEN pg_postmaster_start_time()::text <> {started} THEN 'the server was restarted'
               WHEN NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                 AND (classid, objid) = ({RUN_LOCK}) AND objsubid = 2 AND granted) THEN 'the run lock is gone'
               ELSE '' END",
            started = crate::sql::Literal(&self.started)
        );
        match ask(&mut self.session, &sql) {
            Ok(lost) if lost.is_empty() => Ok(()),
            Ok(lost) => Err(lost),
            Err(error) => {
                self.lost = true;
                Err(format!("the control session was lost: {error}"))
            }
        }
    }
}

fn connect(connector: &Connector) -> Result<Session, BeginError> {
    connector.connect(connector.default_deadline()).map_err(|error| match error {
        ConnError::Interrupted { target: _ } => BeginError::Interrupted,
        error @ (ConnError::BadConnInfo(_)
        | ConnError::Unreachable { .. }
        | ConnError::Mute { .. }
        | ConnError::AuthFailed { .. }
        | ConnError::Tls { .. }
        | ConnError::UnknownDatabase { .. }
        | ConnError::TooManyConnections { .. }
        | ConnError::Refused { .. }
        | ConnError::WrongServer { .. }
        | ConnError::NoHost(_)
        | ConnError::PoolerExhausted { .. }
        | ConnError::AnotherServer { .. }
        | ConnError::PoolExhausted { .. }) => BeginError::Connect(error),
    })
}

/// A second session must get another backend, and must not get the lock.
fn no_pooler(connector: &Connector, first: &mut Session, stop: &Interrupt) -> Result<(), BeginError> {
    let mut second = connect(connector)?;
    let _watch = stop.watch(second.cancel_handle()).map_err(|_| BeginError::Interrupted)?;
    let pid = |session: &mut Session| ask(session, "SELECT pg_backend_pid()");
    let because = if ask(&mut second, &format!("SELECT pg_try_advisory_lock({RUN_LOCK})"))? == "t" {
        "a second session was given the same run lock"
    } else if pid(first)? == pid(&mut second)? || pid(first)? != first.backend_pid().to_string() {
        "two sessions share one backend"
    } else {
        return Ok(());
    };
    // Backends of a pooler outlive us: the lock would shut out every later run, and what pinned our sessions would
    // meet whoever gets the backend next.
    for session in [&mut second, first] {
        let _ = session.batch_execute(&format!("{COMMENT} SELECT pg_advisory_unlock({RUN_LOCK}); RESET ALL"));
    }
    Err(BeginError::Pooler(because))
}

fn holder(session: &mut Session) -> String {
    let sql = format!(
        "SELECT format('process %s (%s as %s%s, since %s)', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
           coalesce(a.usename, 'unknown'), ' from ' || a.client_addr, date_trunc('second', a.backend_start))
         FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND (l.classid, l.objid) = ({RUN_LOCK}) AND l.objsubid = 2 AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    ask(session, &sql).ok().filter(|holder| !holder.is_empty()).unwrap_or_else(|| "another session".to_owned())
}

/// The first column of the first row, as text.
pub(super) fn ask(session: &mut Session, sql: &str) -> Result<String, BeginError> {
    first_value(session, &format!("{COMMENT} {sql}")).map_err(|error| BeginError::Query(describe(&error)))
}

/// The first column of the first row, as text; empty when there is none.
pub(super) fn first_value(session: &mut Session, sql: &str) -> Result<String, postgres::Error> {
    let messages = session.simple_query(sql)?;
    let row = messages.iter().find_map(|message| {
        let postgres::SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0)
    });
    Ok(row.unwrap_or_default().to_owned())
}
