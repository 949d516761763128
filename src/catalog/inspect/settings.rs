//! The server's settings, where the policy speaks of them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use postgres::{Client, Row};

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::settings::{Absent, FileError, SettingContext, SettingFacts, SettingKind, SettingsFacts};
use super::super::snapshot::Snapshot;
use crate::policy::suggest::nearest;
use crate::sql::Literal;

const STEP: &str = "reading settings";

/// What our own sessions set would hide what the server has: inside a transaction that is rolled back it is reset, which
/// uncovers the value that a new session gets, and where that comes from.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; RESET ALL";

/// Reads these settings into the snapshot.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_settings(
    client: &mut Client,
    snapshot: &mut Snapshot,
    names: &BTreeSet<String>,
) -> Result<(), InspectError> {
    let (major, superuser) = (snapshot.target.major(), snapshot.catalog.session.superuser);
    let facts = Reader::transaction(client, BEGIN, |reader| read(reader, names, major, superuser))?;
    snapshot.catalog.settings = Some(facts);
    Ok(())
}

fn read(
    reader: &mut Reader<'_>,
    names: &BTreeSet<String>,
    major: u32,
    superuser: bool,
) -> Result<SettingsFacts, InspectError> {
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = reader.query(STEP, include_str!("settings_session.sql"), &[])?;
    let row = rows.first().ok_or_else(|| InspectError::unreadable(STEP, "no row"))?;
    let mut facts = SettingsFacts {
        settings: BTreeMap::new(),
        absent: BTreeMap::new(),
        may_reload: field(STEP, row, 0)?,
        reads_files: field(STEP, row, 1)?,
        errors: Vec::new(),
        alter_system_allowed: field::<_, &str>(STEP, row, 2)? == "on",
    };
    for row in &reader.query(STEP, include_str!("settings.sql"), &[(&wanted, Type::TEXT_ARRAY)])? {
        facts.settings.insert(field(STEP, row, 0)?, setting(row, superuser)?);
    }
    if facts.reads_files {
        for row in &reader.query(
            STEP,
            include_str!("settings_files.sql"),
            &[(&wanted, Type::TEXT_ARRAY), (&superuser, Type::BOOL)],
        )? {
            if let Some(setting) = facts.settings.get_mut(field::<_, &str>(STEP, row, 0)?) {
                setting.configured = field(STEP, row, 1)?;
                setting.taken = field(STEP, row, 2)?;
            }
        }
    }
    if facts.reads_files {
        for row in &reader.query(STEP, include_str!("settings_errors.sql"), &[])? {
            facts.errors.push(FileError {
                place: field(STEP, row, 0)?,
                name: field(STEP, row, 1)?,
                error: field(STEP, row, 2)?,
            });
        }
    }
    // Before 15 only superusers may.
    if major >= 15 && !superuser {
        let seen: Vec<&str> = facts.settings.keys().map(String::as_str).collect();
        let rows = reader.query(STEP, include_str!("settings_rights.sql"), &[(&seen, Type::TEXT_ARRAY)])?;
        for row in &rows {
            if let Some(setting) = facts.settings.get_mut(field::<_, &str>(STEP, row, 0)?) {
                setting.may_alter = field(STEP, row, 1)?;
            }
        }
    }
    let missing: Vec<&String> = names.iter().filter(|name| !facts.settings.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(facts);
    }
    let known = reader.simple(STEP, "SELECT name FROM pg_catalog.pg_settings")?;
    let known: Vec<&str> = known.iter().filter_map(|row| row.get(0)).collect();
    for name in missing {
        // What only some roles may see is refused to others; of what does not exist there is none.
        let asked =
            reader.simple_aside(STEP, &format!("SELECT pg_catalog.current_setting({}, true)", Literal(name)))?;
        let absent = match asked {
            Err(error) if error.is_privilege() => Absent::Hidden,
            // `pg_settings` shows none that no library defines, and sessions have it all the same.
            Ok(rows) if rows.first().and_then(|row| row.get(0)).is_some() => {
                let value = rows.first().and_then(|row| row.get(0)).unwrap_or_default().to_owned();
                let setting = placeholder(reader, name, value, facts.reads_files)?;
                facts.settings.insert(name.clone(), setting);
                continue;
            }
            Err(_) | Ok(_) if name.contains('.') => Absent::NotLoaded,
            Err(_) | Ok(_) => Absent::NoSuch(nearest(name, known.iter().copied()).map(str::to_owned)),
        };
        facts.absent.insert(name.clone(), absent);
    }
    Ok(facts)
}

/// A setting that nothing defines: where the files say something else than a session sees, that is its role's, its
/// database's or its client's.
fn placeholder(
    reader: &mut Reader<'_>,
    name: &str,
    value: String,
    reads_files: bool,
) -> Result<SettingFacts, InspectError> {
    let configured: Option<String> = match reads_files {
        false => None,
        true => {
            let sql = format!(
                "SELECT f.setting FROM pg_catalog.pg_file_settings AS f \
                 WHERE pg_catalog.lower(f.name) OPERATOR(pg_catalog.=) {} ORDER BY f.seqno DESC LIMIT 1",
                Literal(name)
            );
            let rows = reader.simple(STEP, &sql)?;
            rows.first().and_then(|row| row.get(0)).map(str::to_owned)
        }
    };
    // Nothing of the server's goes before it where the files say nothing: what a session has is all that there is of it.
    let is_hidden = configured.as_ref().is_some_and(|configured| *configured != value);
    Ok(SettingFacts {
        value,
        source: if is_hidden { "user" } else { "customized option" }.to_owned(),
        place: None,
        configured,
        taken: false,
        default: None,
        unit: None,
        kind: SettingKind::String,
        context: SettingContext::Session,
        min: None,
        max: None,
        words: Vec::new(),
        pending_restart: false,
        placeholder: true,
        may_alter: false,
    })
}

fn setting(row: &Row, superuser: bool) -> Result<SettingFacts, InspectError> {
    let kind = match field::<_, &str>(STEP, row, 6)? {
        "bool" => SettingKind::Bool,
        "enum" => SettingKind::Enum,
        "integer" => SettingKind::Integer,
        "real" => SettingKind::Real,
        // What a later server may add is compared as it is written.
        _ => SettingKind::String,
    };
    let context = match field::<_, &str>(STEP, row, 7)? {
        "internal" => SettingContext::Internal,
        "sighup" => SettingContext::Sighup,
        "backend" | "superuser-backend" => SettingContext::Backend,
        "user" | "superuser" => SettingContext::Session,
        _ => SettingContext::Postmaster,
    };
    let (file, line): (Option<&str>, Option<i32>) = (field(STEP, row, 3)?, field(STEP, row, 4)?);
    Ok(SettingFacts {
        value: field::<_, Option<String>>(STEP, row, 1)?.unwrap_or_default(),
        source: field(STEP, row, 2)?,
        place: file.zip(line).map(|(file, line)| format!("{file}:{line}")),
        configured: None,
        taken: false,
        default: field(STEP, row, 12)?,
        unit: field(STEP, row, 5)?,
        kind,
        context,
        min: field(STEP, row, 8)?,
        max: field(STEP, row, 9)?,
        words: field(STEP, row, 10)?,
        pending_restart: field(STEP, row, 11)?,
        placeholder: false,
        may_alter: superuser,
    })
}
