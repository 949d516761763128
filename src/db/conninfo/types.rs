//! The values of libpq's keywords that are more than text.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first, TLS if the server insists.
    Allow,
    /// TLS first, plain if the server has none.
    Prefer,
    /// TLS or nothing; any certificate, unless there is a root certificate to check it against.
    Require,
    /// TLS with a certificate issued by a known root.
    VerifyCa,
    /// As `verify-ca`, and the certificate names the host.
    VerifyFull,
}

/// libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Any server.
    Any,
    /// Sessions can write by default.
    ReadWrite,
    /// Sessions cannot write by default.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// In recovery if any is, otherwise any.
    PreferStandby,
}

/// What the certificates of servers are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootCert {
    None,
    /// `sslrootcert=system`
    System,
    File(PathBuf),
}

/// libpq's `sslcertmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertMode {
    Disable,
    Allow,
    Require,
}

/// The TLS versions to offer; rustls knows no older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TlsVersions {
    pub(crate) tls12: bool,
    pub(crate) tls13: bool,
}

/// Where one server is.
#[derive(Clone, PartialEq, Eq)]
pub struct Host {
    /// A name or address, or a directory with a Unix-domain socket (it begins with a slash).
    pub name: String,
    /// The address to connect to instead of looking `name` up.
    pub address: Option<std::net::IpAddr>,
    /// The port, 5432 if nothing says otherwise.
    pub port: u16,
    pub(crate) password: Option<String>,
}

impl Host {
    /// Whether this is a Unix-domain socket, on which TLS does not exist.
    pub fn is_socket(&self) -> bool {
        self.name.starts_with('/') && self.address.is_none()
    }
}

/// `host:port`, an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address: _, port, password: _ } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// Without the password.
impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address, port, password } = self;
        f.debug_struct("Host")
            .field("name", name)
            .field("address", address)
            .field("port", port)
            .field("password", &password.as_ref().map(|_| "…"))
            .finish()
    }
}

/// How the socket and the session behave; small enough to go unnamed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) keepalives: bool,
    pub(crate) keepalives_idle: Option<Duration>,
    pub(crate) keepalives_interval: Option<Duration>,
    pub(crate) keepalives_count: Option<u32>,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) channel_binding: postgres::config::ChannelBinding,
    pub(crate) direct_tls: bool,
}

/// One spelling of each value.
pub(super) fn one_of<T: Copy>(keyword: &str, value: &str, values: &[(&str, T)]) -> Result<T, String> {
    match values.iter().find(|(name, _)| *name == value) {
        Some((_, found)) => Ok(*found),
        None => {
            let names = values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            Err(format!("{keyword} cannot be \"{value}\"; it is one of {names}"))
        }
    }
}

pub(super) const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

pub(super) const SESSION_ATTRS: [(&str, TargetSessionAttrs); 6] = [
    ("any", TargetSessionAttrs::Any),
    ("read-write", TargetSessionAttrs::ReadWrite),
    ("read-only", TargetSessionAttrs::ReadOnly),
    ("primary", TargetSessionAttrs::Primary),
    ("standby", TargetSessionAttrs::Standby),
    ("prefer-standby", TargetSessionAttrs::PreferStandby),
];

fn name_of<T: PartialEq>(value: &T, values: &'static [(&'static str, T)]) -> &'static str {
    values.iter().find(|(_, known)| known == value).map_or("?", |(name, _)| name)
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(self, &SSL_MODES))
    }
}

impl fmt::Display for TargetSessionAttrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(self, &SESSION_ATTRS))
    }
}
