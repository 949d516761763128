//! What a database has that could be put under policy: its partitioned tables, and what pg_partman was told of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postgres::Client;
use postgres::types::Type;

use super::ask::ask;
use super::error::InspectError;
use super::inspect::{BEGIN, inspect, inspect_siblings, inspect_storage};
use super::part_config::{Candidate, candidates, hold};
use super::question::Question;
use super::reader::{Reader, field};
use super::snapshot::{Snapshot, TableState};
use crate::grid::KeyKind;
use crate::sql::{Ident, TableName};

const LISTING: &str = "listing partitioned tables";
const PARTMAN: &str = "reading pg_partman's configuration";

/// A database as `import` sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The tables, read like those of a policy.
    pub snapshot: Snapshot,
    /// The `TimeZone` that sessions of this role begin with here.
    pub time_zone: String,
    /// What pg_partman was told of a table.
    pub partman: BTreeMap<TableName, PartConfig>,
    /// Where that was read, and whose the table is.
    pub told_by: Vec<(TableName, String)>,
    /// Tables that look like pg_partman's and are not believed, and why.
    pub not_believed: Vec<(TableName, String)>,
}

/// A row of pg_partman's `part_config`, whatever columns its version has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartConfig {
    /// The schema that `part_config` is in.
    pub schema: Ident,
    /// Columns that are not NULL, as text.
    pub columns: BTreeMap<String, String>,
    /// There is a row in `part_config_sub`: its partitions are partitioned.
    pub sub_partitioned: bool,
}

/// Which tables are surveyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyScope {
    /// Only these; empty means every partitioned table.
    pub tables: BTreeSet<TableName>,
    /// Only tables of these schemas; empty means all.
    pub schemas: BTreeSet<Ident>,
    /// Not these.
    pub exclude: BTreeSet<TableName>,
}

/// Reads the tables of a scope, in read-only transactions that wait for nobody. A table that is named and not there, or
/// of the wrong kind, is no error but a [`TableState`](super::TableState).
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pgstrata::catalog::{SurveyScope, survey};
/// use pgstrata::report::import;
/// let mut client = postgres::Client::connect("host=/var/run/postgresql dbname=app user=app", postgres::NoTls)?;
/// let found = survey(&mut client, "[local]", &SurveyScope::default(), &jiff::Timestamp::now)?;
/// println!("{}", import::from_database(&found).to_yaml("pgstrata.yaml"));
/// # Ok(()) }
/// ```
///
/// # Errors
/// The server's refusal or a lost connection, with the step it happened in.
pub fn survey(
    client: &mut Client,
    host: &str,
    scope: &SurveyScope,
    client_clock: &dyn Fn() -> Timestamp,
) -> Result<Survey, InspectError> {
    let (tables, time_zone, told) = Reader::transaction(client, BEGIN, |reader| {
        let tables = if scope.tables.is_empty() { listed(reader, scope)? } else { scope.tables.clone() };
        let tables: BTreeSet<TableName> = tables.difference(&scope.exclude).cloned().collect();
        Ok((tables, time_zone(reader)?, part_config(reader)?))
    })?;
    let mut snapshot = inspect(client, host, &tables, &tables, client_clock)?;
    inspect_storage(client, &mut snapshot, &tables)?;
    inspect_siblings(client, &mut snapshot, &tables, &BTreeSet::new())?;
    let highest = highest_keys(&snapshot);
    ask(client, &mut snapshot, &highest)?;
    let partman = tables.into_iter().filter_map(|table| {
        // Both names as the catalog has them, joined by a dot and never quoted.
        let row = told.rows.get(&format!("{}.{}", table.schema.as_str(), table.name.as_str()))?;
        Some((table, row.clone()))
    });
    let partman = partman.collect();
    let Told { rows: _, read, not_read } = told;
    Ok(Survey { snapshot, time_zone, partman, told_by: read, not_believed: not_read })
}

/// Among ids only rows tell which partitions lie ahead.
fn highest_keys(snapshot: &Snapshot) -> BTreeSet<Question> {
    let roots = snapshot.catalog.tables.values().filter_map(|state| match state {
        TableState::Partitioned(root) => Some(root),
        TableState::Missing | TableState::Unfit(_) => None,
    });
    roots.filter(|root| counts(root.key.kind)).map(|root| Question::HighestKeys { root: root.oid }).collect()
}

fn counts(kind: KeyKind) -> bool {
    match kind {
        KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt => true,
        KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date | KeyKind::Uuid => false,
    }
}

fn listed(reader: &mut Reader<'_>, scope: &SurveyScope) -> Result<BTreeSet<TableName>, InspectError> {
    let schemas: Vec<&str> = scope.schemas.iter().map(Ident::as_str).collect();
    let rows = reader.query(LISTING, include_str!("partitioned.sql"), &[(&schemas, Type::TEXT_ARRAY)])?;
    rows.iter()
        .map(|row| {
            let (schema, name): (&str, &str) = (field(LISTING, row, 0)?, field(LISTING, row, 1)?);
            Ok(TableName::new(schema, name))
        })
        .collect()
}

fn time_zone(reader: &mut Reader<'_>) -> Result<String, InspectError> {
    let rows = reader.query(LISTING, include_str!("setting.sql"), &[])?;
    let value = rows.first().map(|row| field::<_, Option<String>>(LISTING, row, 0)).transpose()?;
    Ok(value.flatten().unwrap_or_default())
}

/// What the tables say that are believed, and what is said of each.
#[derive(Default)]
struct Told {
    /// Every row, by its `parent_table`; of two tables the extension's own counts.
    rows: BTreeMap<String, PartConfig>,
    read: Vec<(TableName, String)>,
    not_read: Vec<(TableName, String)>,
}

fn part_config(reader: &mut Reader<'_>) -> Result<Told, InspectError> {
    let mut told = Told::default();
    let all = candidates(reader, PARTMAN)?;
    for table in &all {
        let whose = match table.judged() {
            Ok(whose) => whose,
            Err(because) => {
                told.not_read.push((table.name.clone(), because));
                continue;
            }
        };
        if table.is_sub() {
            continue;
        }
        let schema = &table.name.schema;
        let sub = all.iter().find(|sub| sub.is_sub() && sub.name.schema == *schema && sub.judged().is_ok());
        let exists = sub.map_or_else(
            || "false".to_owned(),
            |sub| format!("EXISTS (SELECT 1 FROM ONLY {} AS s WHERE s.sub_parent = p.parent_table)", sub.name),
        );
        let sql = format!(
            "/* pgstrata import */ SELECT p.parent_table::text, to_jsonb(p)::text, {exists} FROM ONLY {} AS p \
             WHERE p.parent_table IS NOT NULL",
            table.name
        );
        let held: Vec<&Candidate> = std::iter::once(table).chain(sub).collect();
        let read = reader.aside(PARTMAN, |reader| {
            hold(reader, PARTMAN, &held)?;
            reader.query(PARTMAN, &sql, &[])
        })?;
        let rows = match read {
            Ok(rows) => rows,
            Err(error) => {
                told.not_read.push((table.name.clone(), error.because()));
                continue;
            }
        };
        told.read.push((table.name.clone(), whose.words().to_owned()));
        for row in &rows {
            let (parent, json): (&str, &str) = (field(PARTMAN, row, 0)?, field(PARTMAN, row, 1)?);
            let columns = columns(json)?;
            let config = PartConfig { schema: schema.clone(), columns, sub_partitioned: field(PARTMAN, row, 2)? };
            told.rows.entry(parent.to_owned()).or_insert(config);
        }
    }
    Ok(told)
}

fn columns(json: &str) -> Result<BTreeMap<String, String>, InspectError> {
    use serde_json::Value;
    let values: BTreeMap<String, Value> =
        serde_json::from_str(json).map_err(|error| InspectError::unreadable(PARTMAN, error.to_string()))?;
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
        Value::Array(items) => {
            let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Some(items.collect::<Vec<_>>().join(", "))
        }
    };
    Ok(values.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
}
