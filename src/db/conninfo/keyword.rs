//! libpq's connection keywords, their environment variables, and what is done with each here.

/// What pgstrata does with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    /// It has its effect.
    Honoured,
    /// It has no effect that would matter here.
    Ignored,
    /// Ignoring it would be less safe than the user asked for: any other value than these is an error.
    Only(&'static [&'static str]),
}

/// One keyword of libpq.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

const fn honoured(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), support: Support::Honoured }
}

const fn plain(name: &'static str, support: Support) -> Keyword {
    Keyword { name, variable: None, support }
}

const fn only(name: &'static str, variable: Option<&'static str>, values: &'static [&'static str]) -> Keyword {
    Keyword { name, variable, support: Support::Only(values) }
}

/// Every keyword of libpq 14 to 18. `application_name` is pgstrata's own, so `PGAPPNAME` is not read.
pub(super) const KEYWORDS: &[Keyword] = &[
    honoured("service", "PGSERVICE"),
    honoured("servicefile", "PGSERVICEFILE"),
    honoured("user", "PGUSER"),
    honoured("password", "PGPASSWORD"),
    honoured("passfile", "PGPASSFILE"),
    honoured("channel_binding", "PGCHANNELBINDING"),
    honoured("connect_timeout", "PGCONNECT_TIMEOUT"),
    honoured("dbname", "PGDATABASE"),
    honoured("host", "PGHOST"),
    honoured("hostaddr", "PGHOSTADDR"),
    honoured("port", "PGPORT"),
    honoured("options", "PGOPTIONS"),
    honoured("sslmode", "PGSSLMODE"),
    honoured("sslnegotiation", "PGSSLNEGOTIATION"),
    honoured("sslcert", "PGSSLCERT"),
    honoured("sslkey", "PGSSLKEY"),
    honoured("sslcertmode", "PGSSLCERTMODE"),
    honoured("sslrootcert", "PGSSLROOTCERT"),
    honoured("sslsni", "PGSSLSNI"),
    honoured("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    honoured("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    honoured("target_session_attrs", "PGTARGETSESSIONATTRS"),
    honoured("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    plain("keepalives", Support::Honoured),
    plain("keepalives_idle", Support::Honoured),
    plain("keepalives_interval", Support::Honoured),
    plain("keepalives_count", Support::Honoured),
    plain("tcp_user_timeout", Support::Honoured),
    plain("application_name", Support::Ignored),
    plain("fallback_application_name", Support::Ignored),
    plain("client_encoding", Support::Ignored),
    plain("sslcompression", Support::Ignored),
    plain("sslkeylogfile", Support::Ignored),
    plain("krbsrvname", Support::Ignored),
    plain("gsslib", Support::Ignored),
    plain("gssdelegation", Support::Ignored),
    plain("min_protocol_version", Support::Ignored),
    plain("max_protocol_version", Support::Only(&["latest", "3.2", "3.0"])),
    only("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"]),
    only("requirepeer", Some("PGREQUIREPEER"), &[]),
    only("require_auth", Some("PGREQUIREAUTH"), &[]),
    only("sslcrl", Some("PGSSLCRL"), &[]),
    only("sslcrldir", Some("PGSSLCRLDIR"), &[]),
    only("sslpassword", None, &[]),
    only("replication", None, &["false", "off", "no", "0"]),
    only("scram_client_key", None, &[]),
    only("scram_server_key", None, &[]),
    only("oauth_issuer", None, &[]),
    only("oauth_client_id", None, &[]),
    only("oauth_client_secret", None, &[]),
    only("oauth_scope", None, &[]),
];

/// The keyword of that exact name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}
