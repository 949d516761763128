//! Opening sessions: which server, which kind of TLS, and never longer than the deadline.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use r2d2::ManageConnection as _;
use r2d2_postgres::PostgresConnectionManager;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::CancelHandle;
use super::conninfo::{ConnInfo, Host, SslMode, TargetSessionAttrs};
use super::error::ConnError;
use super::interrupt::Interrupt;
use super::pool::{Pool, PoolOptions};
use super::session::{ServerState, Session, Setup, session_setup_sql};
use super::tls;
use crate::sql::Ident;

/// How long a server is given when neither the caller nor `connect_timeout` says.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// How often a connecting thread looks at its interrupt.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// Opens sessions that are all alike. Cloning shares the settings and the TLS configuration.
#[derive(Clone)]
pub struct Connector {
    info: ConnInfo,
    tls: MakeRustlsConnect,
    application_name: String,
    setup: Setup,
    interrupt: Option<Interrupt>,
    pooler: Option<Box<Connector>>,
    owners: Arc<BTreeMap<Ident, Connector>>,
}

/// One way to talk to one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Plain,
    Tls,
}

impl Connector {
    /// Prepares connecting; reads certificates, opens nothing.
    ///
    /// # Errors
    /// [`ConnError::Tls`] if a certificate or key cannot be used.
    pub fn new(info: ConnInfo, application_name: &str) -> Result<Self, ConnError> {
        let tls = tls::connector(&info).map_err(|message| ConnError::Tls { target: info.display_target(), message })?;
        Ok(Self {
            info,
            tls,
            application_name: application_name.to_owned(),
            setup: Setup::Sql(session_setup_sql().to_owned()),
            interrupt: None,
            pooler: None,
            owners: Arc::default(),
        })
    }

    /// The settings in use.
    pub fn info(&self) -> &ConnInfo {
        &self.info
    }

    /// With another `application_name`.
    #[must_use]
    pub fn with_application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// With statements of the caller's instead of [`session_setup_sql`]; an empty text leaves a session as the server
    /// makes it.
    #[must_use]
    pub fn with_setup(mut self, sql: impl Into<String>) -> Self {
        self.setup = Setup::Sql(sql.into());
        self
    }

    /// Sends nothing at all after connecting: for PgBouncer's admin console, which knows neither `SET` nor `SELECT`.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.setup = Setup::Bare;
        self
    }

    /// With the admin console of the pooler that stands in front of the server: its sessions know where to ask.
    #[must_use]
    pub fn with_pooler(mut self, console: Self) -> Self {
        self.pooler = Some(Box::new(console));
        self
    }

    /// With logins of owners, for what is asked of, and done with, their tables.
    #[must_use]
    pub fn with_owners(mut self, owners: BTreeMap<Ident, Self>) -> Self {
        self.owners = Arc::new(owners);
        self
    }

    /// The login of an owner, if there is one.
    pub fn owner(&self, owner: &Ident) -> Option<&Self> {
        self.owners.get(owner)
    }

    /// Gives up connecting, and waiting for a pooled session, when that interrupt is tripped.
    #[must_use]
    pub fn with_interrupt(mut self, interrupt: &Interrupt) -> Self {
        self.interrupt = Some(interrupt.clone());
        self
    }

    /// For the server that `session` is with alone: the sessions of one run must not spread over several hosts.
    #[must_use]
    pub fn pinned_to(&self, session: &Session) -> Self {
        let mut pinned = self.clone();
        pinned.info.hosts = vec![session.host().clone()];
        pinned
    }

    /// `connect_timeout`, or [`DEFAULT_DEADLINE`].
    pub fn default_deadline(&self) -> Duration {
        self.info.connect_timeout().unwrap_or(DEFAULT_DEADLINE)
    }

    /// Opens a session, trying the hosts in order; each is given `deadline` in all, name lookup, TLS and
    /// authentication included. As in libpq, a host that answers and refuses the credentials ends the search.
    ///
    /// # Errors
    /// [`ConnError`], naming host and port.
    pub fn connect(&self, deadline: Duration) -> Result<Session, ConnError> {
        // prefer-standby is a first round for a standby and a second for any server.
        let rounds = if self.info.target_session_attrs == TargetSessionAttrs::PreferStandby {
            vec![TargetSessionAttrs::Standby, TargetSessionAttrs::Any]
        } else {
            vec![self.info.target_session_attrs]
        };
        let mut hosts = self.info.hosts.clone();
        if self.info.load_balance {
            fastrand::shuffle(&mut hosts);
        }
        let mut tried = Vec::new();
        for wanted in &rounds {
            tried.clear();
            for host in &hosts {
                match self.connect_host(host, deadline) {
                    Ok(session) if satisfies(session.state(), *wanted) => {
                        return Ok(session.with_pooler(self.pooler.as_deref()).with_owners(&self.owners));
                    }
                    Ok(session) => {
                        let target = session.target();
                        tried.push(ConnError::WrongServer { target, wanted: wanted.to_string() });
                    }
                    Err(error) if ends_search(&error) => return Err(error),
                    Err(error) => tried.push(error),
                }
            }
        }
        match tried.pop() {
            Some(only) if tried.is_empty() => Err(only),
            Some(last) => {
                tried.push(last);
                Err(ConnError::NoHost(tried))
            }
            None => Err(ConnError::BadConnInfo("no host is given".to_owned())),
        }
    }

    /// A pool of at most `size` sessions, opened when they are first needed. Open one session directly before, for
    /// a good error.
    ///
    /// # Errors
    /// [`ConnError::BadConnInfo`] for a size of 0.
    pub fn pool(&self, size: u32) -> Result<Pool, ConnError> {
        Pool::new(self.clone(), &PoolOptions { max_size: size, ..PoolOptions::default() })
    }

    /// A pool with limits of its own.
    ///
    /// # Errors
    /// [`ConnError::BadConnInfo`] for limits that contradict each other.
    pub fn pool_with(&self, options: &PoolOptions) -> Result<Pool, ConnError> {
        Pool::new(self.clone(), options)
    }

    /// Whether whoever uses it wants to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(Interrupt::is_set)
    }

    pub(super) fn interrupt(&self) -> Option<&Interrupt> {
        self.interrupt.as_ref()
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    fn connect_host(&self, host: &Host, deadline: Duration) -> Result<Session, ConnError> {
        let end = Instant::now() + deadline;
        let wires: &[Wire] = match self.info.sslmode {
            _ if host.is_socket() => &[Wire::Plain],
            SslMode::Disable => &[Wire::Plain],
            SslMode::Allow => &[Wire::Plain, Wire::Tls],
            SslMode::Prefer => &[Wire::Tls, Wire::Plain],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Wire::Tls],
        };
        let mut first_error = None;
        for wire in wires {
            match self.attempt(host, *wire, end, deadline) {
                Ok(session) => return Ok(session),
                Err((error, other_wire_may_help)) => {
                    let error = first_error.take().map_or(error.clone(), |first| combined(first, error));
                    if !other_wire_may_help {
                        return Err(error);
                    }
                    first_error = Some(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| ConnError::BadConnInfo("no host is given".to_owned())))
    }

    /// Connects on a thread of its own: the driver's `connect_timeout` covers the socket alone, and a server that
    /// accepts and stays mute would hold the caller for ever. A thread given up on ends with its socket.
    fn attempt(&self, host: &Host, wire: Wire, end: Instant, deadline: Duration) -> Result<Session, (ConnError, bool)> {
        let target = format!("{}@{host}", self.info.dbname);
        let config = self.driver_config(host, wire, end.saturating_duration_since(Instant::now()));
        let (tls, setup) = (self.tls.clone(), self.setup.clone());
        let (host, dbname) = (host.clone(), self.info.dbname.clone());
        let (sender, receiver) = mpsc::sync_channel(1);
        let opened = thread::Builder::new().name("pgstrata-connect".to_owned()).spawn(move || {
            let result = PostgresConnectionManager::new(config, tls.clone()).connect().and_then(|client| {
                let cancel = CancelHandle::new(client.cancel_token(), tls);
                let mut session = Session::new(client, cancel, host, dbname, wire == Wire::Tls);
                session.set_up(&setup).map(|()| session)
            });
            // Nobody listens any more once the deadline has passed; the session is then closed here.
            drop(sender.send(result));
        });
        if let Err(error) = opened {
            return Err((
                ConnError::Unreachable { target, message: format!("no thread to connect on: {error}") },
                false,
            ));
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left.min(INTERRUPT_POLL)) {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => return Err(self.sorted(&error, &target)),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let message = "the connecting thread ended without an answer".to_owned();
                    return Err((ConnError::Unreachable { target, message }, false));
                }
                Err(mpsc::RecvTimeoutError::Timeout) if left <= INTERRUPT_POLL => {
                    return Err((ConnError::Mute { target, deadline }, false));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.interrupt.as_ref().is_some_and(Interrupt::is_set) {
                        return Err((ConnError::Interrupted { target }, false));
                    }
                }
            }
        }
    }

    /// The error, and whether plain instead of TLS, or TLS instead of plain, may succeed: libpq's `prefer` and `allow`
    /// try the other after a failed handshake and after pg_hba.conf turned the session away.
    fn sorted(&self, error: &postgres::Error, target: &str) -> (ConnError, bool) {
        let refused = error.code() == Some(&postgres::error::SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        let mut sorted = ConnError::from_driver(error, target, &self.info.user);
        if let ConnError::AuthFailed { message, .. } = &mut sorted {
            for note in &self.info.notes {
                message.push_str("; ");
                message.push_str(note);
            }
        }
        let retry = refused || matches!(sorted, ConnError::Tls { .. });
        (sorted, retry)
    }

    fn driver_config(&self, host: &Host, wire: Wire, left: Duration) -> postgres::Config {
        let ConnInfo {
            hosts: _,
            user,
            dbname,
            options,
            connect_timeout: _,
            target_session_attrs: _,
            load_balance: _,
            sslmode: _,
            root_cert: _,
            client_cert: _,
            client_key: _,
            cert_mode: _,
            tls_versions: _,
            sni: _,
            wire: settings,
            service: _,
            notes: _,
        } = &self.info;
        let mut config = postgres::Config::new();
        // Both the name, which TLS needs, and the address; the driver takes a name with a slash for a socket.
        config.host(&host.name).port(host.port).user(user).dbname(dbname);
        if let Some(address) = host.address {
            config.hostaddr(address);
        }
        if let Some(password) = &host.password {
            config.password(password);
        }
        if let Some(options) = options {
            config.options(options);
        }
        config.application_name(&self.application_name);
        config.connect_timeout(left);
        config.ssl_mode(match wire {
            Wire::Plain => postgres::config::SslMode::Disable,
            Wire::Tls => postgres::config::SslMode::Require,
        });
        if settings.direct_tls {
            config.ssl_negotiation(postgres::config::SslNegotiation::Direct);
        }
        config.channel_binding(settings.channel_binding);
        config.keepalives(settings.keepalives);
        if let Some(idle) = settings.keepalives_idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = settings.keepalives_interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = settings.keepalives_count {
            config.keepalives_retries(count);
        }
        if let Some(timeout) = settings.tcp_user_timeout {
            config.tcp_user_timeout(timeout);
        }
        config
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("info", &self.info)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}

/// Of two failures with one host, the one to act on.
fn combined(first: ConnError, second: ConnError) -> ConnError {
    match (first, second) {
        // prefer: after the plain session failed too, that is the story, unless the server does have TLS.
        (ConnError::Tls { message: tls, .. }, ConnError::AuthFailed { target, user, message }) => {
            let message = if tls.contains(NO_TLS) { message } else { format!("{message}; with tls before: {tls}") };
            ConnError::AuthFailed { target, user, message }
        }
        (ConnError::Tls { message, .. }, second) if message.contains(NO_TLS) => second,
        // What was tried first is what the user asked for.
        (first, _) => first,
    }
}

/// The driver's words for a server that answers N to an SSLRequest.
const NO_TLS: &str = "server does not support TLS";

fn ends_search(error: &ConnError) -> bool {
    match error {
        ConnError::BadConnInfo(_)
        | ConnError::AuthFailed { .. }
        | ConnError::UnknownDatabase { .. }
        | ConnError::NoHost(_)
        | ConnError::PoolExhausted { .. }
        | ConnError::Interrupted { .. } => true,
        ConnError::Unreachable { .. }
        | ConnError::Mute { .. }
        | ConnError::Tls { .. }
        | ConnError::TooManyConnections { .. }
        | ConnError::WrongServer { .. } => false,
        // A server that is starting up or shutting down may have a sister that is not.
        ConnError::Refused { .. } => !error.is_transient(),
    }
}

fn satisfies(state: ServerState, wanted: TargetSessionAttrs) -> bool {
    match wanted {
        TargetSessionAttrs::Any | TargetSessionAttrs::PreferStandby => true,
        TargetSessionAttrs::ReadWrite => !state.read_only && !state.in_recovery,
        TargetSessionAttrs::ReadOnly => state.read_only || state.in_recovery,
        TargetSessionAttrs::Primary => !state.in_recovery,
        TargetSessionAttrs::Standby => state.in_recovery,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_share_can_be_shared() {
        fn shared<T: Clone + Send + Sync>() {}
        fn moved<T: Send>() {}
        shared::<Connector>();
        shared::<Interrupt>();
        shared::<CancelHandle>();
        shared::<Pool>();
        moved::<Session>();
    }

    #[test]
    fn the_failure_that_tells_most_is_reported() {
        let tls = |message: &str| ConnError::Tls { target: "d@h:1".to_owned(), message: message.to_owned() };
        let auth = || ConnError::AuthFailed {
            target: "d@h:1".to_owned(),
            user: "u".to_owned(),
            message: "no entry".to_owned(),
        };
        assert_eq!(combined(tls("x: server does not support TLS"), auth()), auth());
        assert!(
            combined(tls("UnknownIssuer"), auth()).to_string().ends_with("no entry; with tls before: UnknownIssuer")
        );
        assert_eq!(combined(auth(), tls("x: server does not support TLS")), auth());
    }
}
