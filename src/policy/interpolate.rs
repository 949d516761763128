//! `${NAME}` and `${NAME:-default}`, where a value may hold them and when it is used.

/// Why a reference stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InterpolateError {
    /// Not set, and no default.
    #[error("`{0}` is not set, and `${{{0}}}` has no default")]
    Unset(String),
    /// `${` without `}`.
    #[error("a `${{` is never closed")]
    Unclosed,
    /// Not a variable's name.
    #[error("`${{{0}}}` names no variable: letters, digits and `_`, and `:-` before a default")]
    Name(String),
}

/// What a variable's name must begin with, unless the command line names it: a policy is written by more people than
/// those who set the variables of the machine that it is read on.
const READABLE: [&str; 3] = ["PG", "DATABASE_", "PGSTRATA_"];

/// Whether a policy may refer to a variable of this name without being allowed to by name.
pub(crate) fn is_readable(name: &str) -> bool {
    READABLE.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a variable of this name holds a secret, or what has one in it.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASSWORD", "PASSWD", "TOKEN", "SECRET", "CREDENTIAL"].iter().any(|word| name.contains(word))
        || ["_URL", "_URI", "_DSN", "_KEY"].iter().any(|end| name.ends_with(end))
}

/// The names that a text refers to, and whether it is nothing but one reference: read as [`interpolate`] reads it.
pub(crate) fn references(text: &str) -> (Vec<&str>, bool) {
    let mut names = Vec::new();
    let (mut rest, mut beside) = (text, String::new());
    while let Some((before, reference)) = rest.split_once("${") {
        let Some((inside, after)) = reference.split_once('}') else { break };
        names.push(inside.split_once(":-").map_or(inside, |(name, _)| name));
        beside.push_str(before);
        rest = after;
    }
    beside.push_str(rest);
    let whole = names.len() == 1 && beside.trim().is_empty();
    (names, whole)
}

/// The text with its references replaced. An empty variable counts as set for `${NAME}` and as unset for
/// `${NAME:-default}`, as in a shell; `$` alone, and `$NAME`, are plain text.
pub(crate) fn interpolate(text: &str, vars: &dyn Fn(&str) -> Option<String>) -> Result<String, InterpolateError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("${") {
        out.push_str(before);
        let (reference, after) = reference.split_once('}').ok_or(InterpolateError::Unclosed)?;
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        let fits = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            return Err(InterpolateError::Name(super::tree::shortened(reference)));
        }
        match (vars(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => return Err(InterpolateError::Unset(name.to_owned())),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_may_be_read_and_what_is_a_secret() {
        for name in ["PGHOST", "PGBOUNCER_URL", "DATABASE_NAME", "PGSTRATA_X"] {
            assert!(is_readable(name), "{name}");
        }
        for name in ["HOME", "AWS_SECRET_ACCESS_KEY", "DATABASE", "database_url", "X_PG"] {
            assert!(!is_readable(name), "{name}");
        }
        for name in ["PGPASSWORD", "DATABASE_URL", "PGSTRATA_TOKEN", "DATABASE_PASSWORD_2", "PG_SECRETS", "db_password"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PGHOST", "DATABASE_NAME", "PGURLS"] {
            assert!(!is_secret(name), "{name}");
        }
        assert_eq!(references("${A}"), (vec!["A"], true));
        assert_eq!(references(" ${A:-x} "), (vec!["A"], true));
        assert_eq!(references("${A}${B}"), (vec!["A", "B"], false));
        assert_eq!(references("x${A}"), (vec!["A"], false));
        assert_eq!(references("${A:-${B}}"), (vec!["A"], false));
    }

    #[test]
    fn references_are_a_shells() {
        let vars = |name: &str| match name {
            "URL" => Some("postgres://db/app".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, value) in [
            ("${URL}?sslmode=require", "postgres://db/app?sslmode=require"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${NONE:-}", ""),
            ("${NONE:-a:-b}", "a:-b"),
            ("a$b $URL", "a$b $URL"),
        ] {
            assert_eq!(interpolate(text, &vars).as_deref(), Ok(value), "{text}");
        }
        assert_eq!(interpolate("x ${NONE}", &vars), Err(InterpolateError::Unset("NONE".to_owned())));
        assert_eq!(interpolate("${URL", &vars), Err(InterpolateError::Unclosed));
        assert_eq!(interpolate("${1}", &vars), Err(InterpolateError::Name("1".to_owned())));
        assert_eq!(interpolate("${}", &vars), Err(InterpolateError::Name(String::new())));
    }
}
