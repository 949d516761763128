//! Settings whose text is a list, and how `ALTER SYSTEM` writes them down.

use super::Ident;

/// How a setting's text is a list (guc_tables.c, `GUC_LIST_INPUT` and `GUC_LIST_QUOTE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingList {
    /// `ALTER SYSTEM` takes one constant, commas and all.
    Plain,
    /// `ALTER SYSTEM` quotes each constant as one name.
    Quoted,
}

/// Libraries: the server does not look for them when it is told their names.
pub(super) const LIBRARIES: [&str; 4] =
    ["local_preload_libraries", "oauth_validator_libraries", "session_preload_libraries", "shared_preload_libraries"];

/// Names that are folded to lower case outside quotes.
const FOLDED: [&str; 2] = ["search_path", "temp_tablespaces"];

/// Lists of words, whose order and case mean nothing.
const SETS: [&str; 5] = [
    "createrole_self_grant",
    "debug_io_direct",
    "log_destination",
    "restrict_nonsystem_relation_kind",
    "wal_consistency_checking",
];
const PLAIN: [&str; 3] = ["listen_addresses", "synchronized_standby_slots", "synchronous_standby_names"];

/// How this setting's text is a list, if it is one.
pub fn setting_list(name: &str) -> Option<SettingList> {
    if LIBRARIES.contains(&name) || FOLDED.contains(&name) || name == "unix_socket_directories" {
        Some(SettingList::Quoted)
    } else if PLAIN.contains(&name) || SETS.contains(&name) {
        Some(SettingList::Plain)
    } else {
        None
    }
}

/// Whether the server reads its text without regard to case, and may show it in another one.
pub fn is_caseless(name: &str) -> bool {
    ["datestyle", "log_timezone", "timezone"].contains(&name)
}

/// A text by what it means: lists, and what the server shows in another case, order or spelling than it was told.
pub fn setting_shape(name: &str, text: &str) -> String {
    let lower = || list_elements(name, text).into_iter().map(|word| word.to_lowercase());
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words.dedup();
        words.join(", ")
    };
    match name {
        name if SETS.contains(&name) => sorted(lower().collect()),
        // Of 18 and later: it was a truth value before (variable.c, `check_log_connections`).
        "log_connections" => match text.trim().to_lowercase().as_str() {
            "off" | "false" | "no" | "0" => String::new(),
            "on" | "true" | "yes" | "1" => "authentication, authorization, receipt".to_owned(),
            _ => sorted(lower().collect()),
        },
        "datestyle" => sorted(lower().map(|word| date_order(&word).to_owned()).collect()),
        "default_text_search_config" => text.strip_prefix("pg_catalog.").unwrap_or(text).to_owned(),
        name if setting_list(name).is_some() => list_elements(name, text).join(", "),
        name if is_caseless(name) => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

/// Other words of `DateStyle` (variable.c, `check_datestyle`).
fn date_order(word: &str) -> &str {
    match word {
        "european" | "euro" => "dmy",
        "noneuropean" | "noneuro" | "us" => "mdy",
        other => other,
    }
}

/// The elements of a list, without the quotes around them.
pub fn list_elements(name: &str, text: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let (mut element, mut quoted, mut inside) = (String::new(), false, false);
    let mut chars = text.chars().peekable();
    let fold = FOLDED.contains(&name);
    let mut close = |element: &mut String, quoted: &mut bool| {
        let whole = std::mem::take(element);
        if *quoted {
            elements.push(whole);
        } else if !whole.trim().is_empty() {
            elements.push(if fold { whole.trim().to_lowercase() } else { whole.trim().to_owned() });
        }
        *quoted = false;
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                element.push('"');
            }
            '"' => {
                inside = !inside;
                quoted = true;
            }
            ',' if !inside => close(&mut element, &mut quoted),
            c if quoted && !inside && c.is_whitespace() => {}
            c if element.is_empty() && !inside && c.is_whitespace() => {}
            c => element.push(c),
        }
    }
    close(&mut element, &mut quoted);
    elements
}

/// A value as `ALTER SYSTEM` leaves it in its file.
pub fn setting_text(name: &str, text: &str) -> String {
    match setting_list(name) {
        Some(SettingList::Quoted) => {
            let elements = list_elements(name, text).into_iter().map(|element| match element.contains('$') {
                // The server leaves none without quotes (ruleutils.c, `quote_identifier`).
                true => format!("\"{}\"", element.replace('"', "\"\"")),
                false => Ident::new(element).to_string(),
            });
            elements.collect::<Vec<_>>().join(", ")
        }
        Some(SettingList::Plain) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_otherwise_means_the_same() {
        for (name, one, other) in [
            ("datestyle", "iso,mdy", "ISO, MDY"),
            ("datestyle", "dmy , German", "german, european"),
            ("log_destination", "csvlog,STDERR", "stderr, csvlog"),
            ("log_connections", "off", ""),
            ("log_connections", "Receipt,authorization", "authorization, receipt"),
            ("default_text_search_config", "english", "pg_catalog.english"),
            ("timezone", "utc", "UTC"),
            ("synchronous_standby_names", "ANY 1 (a,b)", "ANY 1 (a, b)"),
        ] {
            assert_eq!(setting_shape(name, one), setting_shape(name, other), "{name}");
        }
        for (name, one, other) in [("cluster_name", "a", "A"), ("search_path", "a, b", "b, a")] {
            assert_ne!(setting_shape(name, one), setting_shape(name, other), "{name}");
        }
    }

    #[test]
    fn elements_are_what_the_server_sees() {
        for (name, text, elements, written) in [
            ("search_path", "\"$user\",Public", vec!["$user", "public"], "\"$user\", public"),
            ("search_path", " a , \"B, \"\"c\" ,", vec!["a", "B, \"c"], "a, \"B, \"\"c\""),
            ("search_path", "a$b", vec!["a$b"], "\"a$b\""),
            ("unix_socket_directories", "/tmp, /Run", vec!["/tmp", "/Run"], "\"/tmp\", \"/Run\""),
            ("log_destination", "stderr,csvlog", vec!["stderr", "csvlog"], "stderr,csvlog"),
            ("temp_tablespaces", "", vec![], ""),
        ] {
            assert_eq!(list_elements(name, text), elements, "{text}");
            assert_eq!(setting_text(name, text), written, "{text}");
            assert_eq!(list_elements(name, written), elements, "{written}");
        }
    }
}
