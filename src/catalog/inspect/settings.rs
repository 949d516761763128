//! The server's settings, where the policy speaks of them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use postgres::{Client, Row};

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::settings::{Absent, SettingContext, SettingFacts, SettingKind, SettingsFacts};
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
            Err(_) | Ok(_) if name.contains('.') => Absent::NotLoaded,
            Err(_) | Ok(_) => Absent::NoSuch(nearest(name, known.iter().copied()).map(str::to_owned)),
        };
        facts.absent.insert(name.clone(), absent);
    }
    Ok(facts)
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
        may_alter: superuser,
    })
}
