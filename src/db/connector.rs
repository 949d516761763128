//! Opening sessions: which server, which kind of TLS, and never longer than the deadline.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use r2d2::ManageConnection as _;
use r2d2_postgres::PostgresConnectionManager;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::CancelHandle;
use super::conninfo::{ConnInfo, Host, SslMode, TargetSessionAttrs};
use super::dial::{Dialer, Way, doorstep};
use super::error::ConnError;
use super::interrupt::Interrupt;
use super::line::{ANSWER, Patience};
use super::pool::{Pool, PoolOptions};
use super::session::{Identity, ServerState, Session, Setup, session_setup_sql};
use super::tls;
use crate::pg::Ident;

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
    expected: Option<Expected>,
    owners: Arc<BTreeMap<Ident, Connector>>,
}

/// What every further session must be with.
#[derive(Clone, Debug)]
struct Expected {
    server: Identity,
    /// The very same run of it, too.
    not_restarted: bool,
}

/// Why a connecting thread gave no session.
enum Failed {
    Driver(postgres::Error),
    Lookup(std::io::Error),
    AnotherServer(String),
}

impl From<postgres::Error> for Failed {
    fn from(error: postgres::Error) -> Self {
        Self::Driver(error)
    }
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
            expected: None,
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

    /// For the server that `session` is with alone, by its address: the sessions of one run must not spread over several
    /// hosts, nor over what a name stands for after a failover.
    #[must_use]
    pub fn pinned_to(&self, session: &Session) -> Self {
        let mut pinned = self.clone();
        pinned.info.hosts = vec![session.host().clone()];
        pinned
    }

    /// The same, and each session is asked whether it is with that server, in the same run of it: behind one address there
    /// may be a balancer.
    #[must_use]
    pub fn bound_to(&self, session: &Session, server: Identity) -> Self {
        let expected = Some(Expected { server, not_restarted: true });
        // By whatever name an owner's login reaches it.
        let owners = self
            .owners
            .iter()
            .map(|(owner, login)| (owner.clone(), Self { expected: expected.clone(), ..login.clone() }));
        Self { owners: Arc::new(owners.collect()), expected, ..self.pinned_to(session) }
    }

    /// Also after that server was restarted: to ask what it has kept.
    #[must_use]
    #[cfg(feature = "planner")]
    pub(crate) fn after_a_restart(&self) -> Self {
        let mut lenient = self.clone();
        if let Some(expected) = &mut lenient.expected {
            expected.not_restarted = false;
        }
        lenient
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
    #[cfg(feature = "planner")]
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
        if host.is_socket() && self.info.require_peer.is_some() && doorstep().is_err() {
            let message = "requirepeer cannot be checked: this machine has no loopback interface".to_owned();
            return Err((ConnError::Unreachable { target, message }, false));
        }
        let (connector, host) = (self.clone(), host.clone());
        let (sender, receiver) = mpsc::sync_channel(1);
        let up = Arc::new(AtomicBool::new(false));
        let entered = Arc::clone(&up);
        let opened = thread::Builder::new().name("pgstrata-connect".to_owned()).spawn(move || {
            let result = connector.open(&host, wire, end, &entered);
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
                Ok(Ok(session)) => {
                    if let Some(interrupt) = &self.interrupt {
                        interrupt.attend(session.patience());
                    }
                    return Ok(session);
                }
                Ok(Err(Failed::Driver(error))) => return Err(self.sorted(&error, &target)),
                Ok(Err(Failed::Lookup(error))) => {
                    let message = format!("error connecting to server: {error}");
                    return Err((ConnError::Unreachable { target, message }, false));
                }
                Ok(Err(Failed::AnotherServer(because))) => {
                    return Err((ConnError::AnotherServer { target, because }, false));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let message = "the connecting thread ended without an answer".to_owned();
                    return Err((ConnError::Unreachable { target, message }, false));
                }
                // It let the session in, and then had no server for its first statement.
                Err(mpsc::RecvTimeoutError::Timeout) if left <= INTERRUPT_POLL && up.load(Ordering::Relaxed) => {
                    let message = format!(
                        "it accepted the session and gave its first statement no server within {} s",
                        deadline.as_secs_f32()
                    );
                    return Err((ConnError::PoolerExhausted { target, message }, false));
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

    /// On the connecting thread: a session with the first address that gives one.
    fn open(&self, host: &Host, wire: Wire, end: Instant, entered: &AtomicBool) -> Result<Session, Failed> {
        let mut hosts = vec![host.clone()];
        if !host.is_socket() && host.address.is_none() {
            let found = (host.name.as_str(), host.port).to_socket_addrs().map_err(Failed::Lookup)?;
            hosts = found.map(|found| Host { address: Some(found.ip()), ..host.clone() }).collect();
        }
        let mut failed = Failed::Lookup(std::io::Error::other("could not resolve any addresses"));
        let mut left = u32::try_from(hosts.len()).unwrap_or(1);
        for host in hosts {
            let time = end.saturating_duration_since(Instant::now()) / left.max(1);
            left = left.saturating_sub(1);
            match self.open_at(host, wire, time, entered) {
                Ok(session) => return Ok(session),
                // It answered: what it says counts.
                Err(Failed::Driver(error)) if error.as_db_error().is_some() => return Err(Failed::Driver(error)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn open_at(&self, host: Host, wire: Wire, time: Duration, entered: &AtomicBool) -> Result<Session, Failed> {
        let dialer = Dialer { tls: self.tls.clone(), way: self.way(&host, wire), patience: Patience::new(ANSWER) };
        let client = PostgresConnectionManager::new(self.driver_config(&host, time), dialer.clone()).connect()?;
        entered.store(true, Ordering::Relaxed);
        let patience = dialer.patience.clone();
        let cancel = CancelHandle::new(client.cancel_token(), dialer);
        let mut session = Session::new(client, (cancel, patience), host, self.info.dbname.clone(), wire == Wire::Tls);
        session.set_up(&self.setup)?;
        if let Some(Expected { server, not_restarted }) = &self.expected {
            let found = session.identity()?;
            if let Some(because) = server.differs(&found, *not_restarted) {
                return Err(Failed::AnotherServer(because));
            }
        }
        Ok(session)
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

    fn way(&self, host: &Host, wire: Wire) -> Way {
        match wire {
            _ if host.is_socket() => Way::Unix {
                path: Path::new(&host.name).join(format!(".s.PGSQL.{}", host.port)),
                peer: self.info.require_peer,
            },
            Wire::Plain => Way::Plain,
            Wire::Tls => Way::Tls { direct: self.info.wire.direct_tls },
        }
    }

    fn driver_config(&self, host: &Host, left: Duration) -> postgres::Config {
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
            require_peer: _,
            revoked: _,
            service: _,
            notes: _,
        } = &self.info;
        let mut config = postgres::Config::new();
        config.user(user).dbname(dbname);
        match (host.is_socket().then(doorstep), host.address) {
            // The driver is to take our stream: see `dial`.
            (Some(Ok(doorstep)), _) => {
                config.host("localhost").hostaddr(doorstep.ip()).port(doorstep.port());
            }
            // Without a loopback it opens the socket itself, and only the server's own timeouts bound what it waits for.
            (Some(Err(_)), _) | (None, None) => {
                config.host(&host.name).port(host.port);
            }
            // Both the name, which TLS needs, and the address; the driver takes a name with a slash for a socket.
            (None, Some(address)) => {
                let name = if host.name.starts_with('/') { address.to_string() } else { host.name.clone() };
                config.host(&name).hostaddr(address).port(host.port);
            }
        }
        if let Some(password) = &host.password {
            config.password(password);
        }
        if let Some(options) = options {
            config.options(options);
        }
        config.application_name(&self.application_name);
        config.connect_timeout(left);
        // What it takes for TLS is our stream, whatever that is: see `dial`.
        let ours = !host.is_socket() || doorstep().is_ok();
        config.ssl_mode(if ours { postgres::config::SslMode::Require } else { postgres::config::SslMode::Disable });
        config.ssl_negotiation(postgres::config::SslNegotiation::Direct);
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
        (ConnError::Tls { message: tls, .. }, ConnError::AuthFailed { target, user, message, sqlstate }) => {
            let message = if tls.contains(NO_TLS) { message } else { format!("{message}; with tls before: {tls}") };
            ConnError::AuthFailed { target, user, message, sqlstate }
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
        | ConnError::AnotherServer { .. }
        | ConnError::Interrupted { .. } => true,
        ConnError::Unreachable { .. }
        | ConnError::Mute { .. }
        | ConnError::PoolerExhausted { .. }
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
            sqlstate: None,
        };
        assert_eq!(combined(tls("x: server does not support TLS"), auth()), auth());
        assert!(
            combined(tls("UnknownIssuer"), auth()).to_string().ends_with("no entry; with tls before: UnknownIssuer")
        );
        assert_eq!(combined(auth(), tls("x: server does not support TLS")), auth());
    }
}
