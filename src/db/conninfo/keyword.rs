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
    honoured("requirepeer", "PGREQUIREPEER"),
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

/// The keyword that `name` is probably a slip for.
pub(super) fn nearest(name: &str) -> Option<&'static Keyword> {
    let slips = |keyword: &&Keyword| edit_distance(keyword.name, name);
    KEYWORDS.iter().min_by_key(slips).filter(|keyword| slips(keyword) <= keyword.name.len().div_ceil(4))
}

/// Insertions, deletions and replacements of bytes between the two.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (diagonal + usize::from(x != y)).min(left + 1).min(above + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_keyword_and_strangers_none() {
        for (name, expected) in [
            ("sslmod", Some("sslmode")),
            ("hoost", Some("host")),
            ("db_name", Some("dbname")),
            ("hunter2", None),
            ("", None),
        ] {
            assert_eq!(nearest(name).map(|keyword| keyword.name), expected, "{name}");
        }
        assert_eq!((edit_distance("kitten", "sitting"), edit_distance("", "ab"), edit_distance("ab", "")), (3, 2, 2));
    }

    #[test]
    fn no_name_appears_twice() {
        let mut names: Vec<_> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYWORDS.len());
    }
}
