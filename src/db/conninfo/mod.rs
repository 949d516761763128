//! What to connect to, resolved by libpq's rules: explicit settings, then the service, the environment, the password
//! file, the defaults (PostgreSQL documentation, "Parameter Key Words" and "Environment Variables").

mod account;
mod hosts;
mod keyword;
mod parse;
mod pgpass;
mod service;
mod types;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::config::ChannelBinding;

use self::keyword::{KEYWORDS, Support};
use self::parse::Settings;
use self::types::{SESSION_ATTRS, SSL_MODES, one_of};
use super::env::Env;
use super::error::ConnError;

#[cfg(feature = "planner")]
pub(crate) use self::account::own_uid;
pub(super) use self::types::{CertMode, RootCert, TlsVersions, Wire};
pub use self::types::{Host, SslMode, TargetSessionAttrs};

/// The system's own would notice after two hours that a server is gone, and a session may hold locks meanwhile. A zero in
/// the settings stands for the system's, as in libpq.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVES_COUNT: u32 = 3;
/// What was sent and is not acknowledged for as long ends the connection, where the system can do that.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Resolved connection settings. Neither `Debug` nor [`display_target`](Self::display_target) shows a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnInfo {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) options: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) target_session_attrs: TargetSessionAttrs,
    pub(super) load_balance: bool,
    pub(super) sslmode: SslMode,
    pub(super) root_cert: RootCert,
    pub(super) client_cert: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
    pub(super) cert_mode: CertMode,
    pub(super) tls_versions: TlsVersions,
    pub(super) sni: bool,
    pub(super) wire: Wire,
    /// The operating system's user that a server behind a Unix-domain socket must run as.
    pub(super) require_peer: Option<u32>,
    /// A list of revoked certificates where libpq looks for one.
    pub(super) revoked: Option<PathBuf>,
    pub(super) service: Option<String>,
    pub(super) notes: Vec<String>,
}

impl ConnInfo {
    /// `database@host:port`, every host in order; for messages.
    pub fn display_target(&self) -> String {
        format!("{}@{}", self.dbname, self.display_hosts())
    }

    /// `host:port`, every one in order; for messages.
    pub fn display_hosts(&self) -> String {
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// The servers to try, in order.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The role.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// How TLS is negotiated over TCP. A Unix-domain socket never has TLS.
    pub fn sslmode(&self) -> SslMode {
        self.sslmode
    }

    /// Which kind of server is wanted.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.target_session_attrs
    }

    /// `connect_timeout`, if it is set and not 0.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// The service that settings came from, if any.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// What was passed over on the way and may explain a failure, such as a password file with loose permissions.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The same settings for another database on the same servers.
    #[must_use]
    pub fn with_dbname(mut self, dbname: impl Into<String>) -> Self {
        self.dbname = dbname.into();
        self
    }
}

/// Resolves connection settings as libpq does: `explicit` (a URI or a `key=value` list), then the service file, the
/// `PG*` variables of `env`, the password file, and the defaults.
///
/// Without a host it is the Unix-domain socket in `/var/run/postgresql` or `/tmp`, whichever exists, else `localhost`;
/// without a user the operating system's; without a database the one named like the user. `PGAPPNAME` and
/// `application_name` have no effect. Unlike libpq, a silent connection is given up after some twenty seconds:
/// `keepalives_idle=10 keepalives_interval=3 keepalives_count=3 tcp_user_timeout=20000`, unless these say otherwise.
///
/// # Errors
/// [`ConnError::BadConnInfo`], naming the keyword; also for settings that would be unsafe to ignore, such as `sslcrl`.
///
/// ```
/// use pgstrata::db::{Env, SslMode, resolve};
/// let env = Env::from_map([("PGUSER", "ana"), ("PGPASSWORD", "secret"), ("PGSSLMODE", "verify-full")]);
/// let info = resolve(Some("host=db1 dbname=app sslmode=require"), &env)?;
/// assert_eq!(info.display_target(), "app@db1:5432");
/// assert_eq!(info.sslmode(), SslMode::Require);
/// assert!(!format!("{info:?}").contains("secret"));
/// # Ok::<(), pgstrata::db::ConnError>(())
/// ```
pub fn resolve(explicit: Option<&str>, env: &Env) -> Result<ConnInfo, ConnError> {
    layered(explicit.unwrap_or(""), env).and_then(|settings| typed(&settings, env)).map_err(ConnError::BadConnInfo)
}

/// Whether a URI or `key=value` list has a password of its own. What cannot be read may have one.
pub fn carries_password(text: &str) -> bool {
    parse::parse(text)
        .map_or(true, |settings| ["password", "sslpassword"].iter().any(|name| settings.contains_key(name)))
}

/// Explicit over service over environment. An empty value hides lower layers and then counts as not given.
fn layered(explicit: &str, env: &Env) -> Result<Settings, String> {
    let mut settings = parse::parse(explicit)?;
    let from_env = |name: &str| KEYWORDS.iter().find(|k| k.name == name).and_then(|k| env.get(k.variable?));
    let given = |settings: &Settings, name: &str| {
        settings.get(name).map(String::as_str).or_else(|| from_env(name)).filter(|v| !v.is_empty()).map(str::to_owned)
    };
    if let Some(name) = given(&settings, "service") {
        let file = given(&settings, "servicefile");
        for (key, value) in service::load(&name, file.as_deref(), env)? {
            settings.entry(key).or_insert(value);
        }
    }
    for keyword in KEYWORDS {
        if let Some(value) = keyword.variable.and_then(|variable| env.get(variable)) {
            settings.entry(keyword.name).or_insert_with(|| value.to_owned());
        }
    }
    // libpq's deprecated PGREQUIRESSL stands in where no sslmode is given.
    if env.get("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        settings.entry("sslmode").or_insert_with(|| "require".to_owned());
    }
    settings.retain(|_, value| !value.is_empty());
    for keyword in KEYWORDS {
        match (keyword.support, settings.get(keyword.name)) {
            (Support::Honoured | Support::Ignored, _) | (Support::Only(_), None) => {}
            (Support::Only(allowed), Some(value)) => {
                if !allowed.contains(&value.as_str()) {
                    return Err(format!("{} is not supported here, and ignoring it could be unsafe", keyword.name));
                }
            }
        }
    }
    Ok(settings)
}

fn typed(settings: &Settings, env: &Env) -> Result<ConnInfo, String> {
    let get = |name: &str| settings.get(name).map(String::as_str);
    let mut notes = Vec::new();
    let user = get("user")
        .or_else(|| env.user())
        .ok_or("no user is given, and the operating system's user name is unknown")?
        .to_owned();
    let dbname = get("dbname").map_or_else(|| user.clone(), str::to_owned);
    let require_peer = match get("requirepeer") {
        Some(name) => {
            Some(account::uid_of(name).ok_or_else(|| format!("requirepeer: this machine knows no user \"{name}\""))?)
        }
        None => None,
    };
    let hosts = hosts::resolve(settings, env, &user, &dbname, &mut notes)?;

    let root_cert = match get("sslrootcert") {
        Some("system") => RootCert::System,
        Some(path) => RootCert::File(path.into()),
        None => existing(env, "root.crt").map_or(RootCert::None, RootCert::File),
    };
    let sslmode = match (get("sslmode"), &root_cert) {
        (Some(value), _) => one_of("sslmode", value, &SSL_MODES)?,
        (None, RootCert::System) => SslMode::VerifyFull,
        (None, RootCert::None | RootCert::File(_)) => SslMode::Prefer,
    };
    // Anybody can get a certificate from a public authority: without the name it proves nothing.
    if root_cert == RootCert::System && sslmode != SslMode::VerifyFull {
        return Err(format!("sslmode={sslmode} is too weak for sslrootcert=system; it takes verify-full"));
    }
    let client_cert = get("sslcert").map(PathBuf::from).or_else(|| existing(env, "postgresql.crt"));
    let client_key = get("sslkey").map(PathBuf::from).or_else(|| existing(env, "postgresql.key"));
    let cert_modes = [("disable", CertMode::Disable), ("allow", CertMode::Allow), ("require", CertMode::Require)];
    let direct_tls = get("sslnegotiation")
        .map_or(Ok(false), |v| one_of("sslnegotiation", v, &[("postgres", false), ("direct", true)]))?;
    if direct_tls && sslmode < SslMode::Require {
        return Err(format!("sslmode={sslmode} is too weak for sslnegotiation=direct; it takes require or stronger"));
    }
    let bindings = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let connect_timeout = whole(settings, "connect_timeout")?;

    Ok(ConnInfo {
        hosts,
        user,
        dbname,
        options: get("options").map(str::to_owned),
        connect_timeout: connect_timeout.and_then(positive_seconds),
        target_session_attrs: get("target_session_attrs")
            .map_or(Ok(TargetSessionAttrs::Any), |v| one_of("target_session_attrs", v, &SESSION_ATTRS))?,
        load_balance: get("load_balance_hosts")
            .map_or(Ok(false), |v| one_of("load_balance_hosts", v, &[("disable", false), ("random", true)]))?,
        sslmode,
        root_cert,
        client_cert,
        client_key,
        cert_mode: get("sslcertmode").map_or(Ok(CertMode::Allow), |v| one_of("sslcertmode", v, &cert_modes))?,
        tls_versions: tls_versions(get("ssl_min_protocol_version"), get("ssl_max_protocol_version"))?,
        sni: get("sslsni").map_or(Ok(true), |v| one_of("sslsni", v, &[("0", false), ("1", true)]))?,
        wire: Wire {
            keepalives: whole(settings, "keepalives")? != Some(0),
            keepalives_idle: whole(settings, "keepalives_idle")?.map_or(Some(KEEPALIVES_IDLE), positive_seconds),
            keepalives_interval: whole(settings, "keepalives_interval")?
                .map_or(Some(KEEPALIVES_INTERVAL), positive_seconds),
            keepalives_count: whole(settings, "keepalives_count")?
                .map_or(Some(KEEPALIVES_COUNT), |n| u32::try_from(n).ok().filter(|n| *n > 0)),
            tcp_user_timeout: whole(settings, "tcp_user_timeout")?.map_or(Some(TCP_USER_TIMEOUT), |ms| {
                u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
            }),
            channel_binding: get("channel_binding")
                .map_or(Ok(ChannelBinding::Prefer), |v| one_of("channel_binding", v, &bindings))?,
            direct_tls,
        },
        require_peer,
        revoked: existing(env, "root.crl"),
        service: get("service").map(str::to_owned),
        notes,
    })
}

/// A file in the user's `~/.postgresql`, if it is there.
fn existing(env: &Env, name: &str) -> Option<PathBuf> {
    env.home().map(|home| home.join(".postgresql").join(name)).filter(|path| Path::exists(path))
}

fn whole(settings: &Settings, name: &str) -> Result<Option<i32>, String> {
    match settings.get(name) {
        Some(value) => match value.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("{name} is not a whole number")),
        },
        None => Ok(None),
    }
}

/// Zero and negative numbers mean "not limited" or "the system's default" in libpq.
fn positive_seconds(seconds: i32) -> Option<Duration> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

fn tls_versions(min: Option<&str>, max: Option<&str>) -> Result<TlsVersions, String> {
    let level = |keyword: &str, value: Option<&str>, default: u8| match value {
        None => Ok(default),
        Some(value) => one_of(keyword, value, &[("TLSv1", 10_u8), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)]),
    };
    let min = level("ssl_min_protocol_version", min, 12)?;
    let max = level("ssl_max_protocol_version", max, 13)?;
    if max < 12 {
        return Err("ssl_max_protocol_version is below TLSv1.2, the oldest supported here".to_owned());
    }
    if min > max {
        return Err("ssl_min_protocol_version is above ssl_max_protocol_version".to_owned());
    }
    Ok(TlsVersions { tls12: min <= 12, tls13: max >= 13 })
}
