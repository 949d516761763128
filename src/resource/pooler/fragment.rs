//! The part of PgBouncer's configuration that the policy decides, as a file that the main one includes.

use crate::policy::PoolerDesired;

/// Lines for the section `[pgbouncer]`, ending in a newline. An entry of `[databases]` also says how to connect, which the
/// policy does not: what it wants of one is a comment.
///
/// They have no section line of their own: a second `[pgbouncer]` sets all that stood before it back to the defaults,
/// `auth_type` included (measured on 1.18).
///
/// ```
/// use std::collections::BTreeMap;
/// use pgstrata::{policy::PoolerDesired, resource::pooler::fragment};
///
/// let settings = BTreeMap::from([("default_pool_size".to_owned(), "20".to_owned())]);
/// let wanted = PoolerDesired { settings, databases: BTreeMap::new(), processes: 1 };
/// assert!(fragment(&wanted).ends_with("\ndefault_pool_size = 20\n"));
/// ```
pub fn fragment(wanted: &PoolerDesired) -> String {
    let PoolerDesired { settings, databases, processes: _ } = wanted;
    let mut text = "\
; limits.pgbouncer of the policy, by pgstrata. Include it as the last line of the section [pgbouncer]:
;   %include /etc/pgbouncer/pgstrata.ini
; then RELOAD on the admin console; `pgstrata drift` says whether it took effect.
"
    .to_owned();
    for (name, settings) in databases {
        let words: Vec<String> = settings.iter().map(|(name, value)| format!("{}={value}", of_entry(name))).collect();
        // A name is the policy's text: it must not end the comment.
        let name = name.replace(['\n', '\r'], " ");
        text.push_str(&format!("; on the line of {name} in [databases]: {}\n", words.join(" ")));
    }
    for (name, value) in settings {
        text.push_str(&format!("{name} = {value}\n"));
    }
    text
}

/// What an entry of `[databases]` calls a setting: before 1.24 it knows no `reserve_pool_size`, and refuses the whole line;
/// later ones take both names.
fn of_entry(name: &str) -> &str {
    if name == "reserve_pool_size" { "reserve_pool" } else { name }
}
