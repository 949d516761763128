//! One table: its partitions, its retention, and whether the two go together.

use super::super::spec::{PartitionSpec, RetentionSpec, TableSpec};
use super::super::warnings::is_shorter;
use super::super::{
    DefaultPartition, Encoding, Keep, Label, OtherIndexes, PolicyError, PolicyPath, Position, Premake, Retention,
    Straddling, TableDesired, Then, Width,
};
use super::rest::{maintenance, storage_parameters};
use super::{Checks, index, moment, new_partitions};
use crate::grid::{CalendarSpan, Clash, Grid, GridError, Interval, KeyKind, NameTemplate, Unit, Zone};
use crate::policy::GridMismatch;
use crate::sql::TableName;

/// Partitions made ahead without the policy saying so.
pub(crate) const DEFAULT_PREMAKE: u32 = 4;
/// More of them than this was meant as something else.
pub(crate) const MAX_PREMAKE: u32 = 10_000;

pub(super) fn resolve(
    checks: &mut Checks,
    path: &PolicyPath,
    name: &TableName,
    spec: &TableSpec,
) -> Option<TableDesired> {
    let TableSpec {
        partition,
        retention,
        indexes: index_specs,
        other_indexes,
        storage_parameters: parameters,
        inherit_privileges,
        maintenance: maintenance_spec,
    } = spec;
    let indexes = index::resolve(checks, &path.key("indexes"), index_specs.as_ref());
    // Where the policy names none it has nothing to say of others.
    let other_indexes = match (other_indexes, indexes.is_empty()) {
        (Some(said), _) => (*said).into(),
        (None, true) => OtherIndexes::Ignore,
        (None, false) => OtherIndexes::Report,
    };
    let storage_parameters = storage_parameters(checks, &path.key("storage_parameters"), parameters.as_ref());
    let maintenance = maintenance(checks, &path.key("maintenance"), maintenance_spec.as_ref());

    let at = path.key("partition");
    let Some(spec) = partition else {
        let error = PolicyError::at_key(path.clone(), "`partition` is missing");
        checks.push(error.help("say how the table is partitioned: `partition: {key: created_at, interval: 1 month}`"));
        return None;
    };
    let width = width(checks, &at, spec);
    let retention = match retention {
        Some(spec) => retained(checks, path, spec, width).map(Some),
        None => Some(None),
    };
    let table = partitioned(checks, &at, name, spec, width)?;
    index::fits_the_key(checks, &path.key("indexes"), &table.key, &indexes, index_specs.as_ref());
    let inherit_privileges = inherit_privileges.unwrap_or_default();
    let retention = retention?;
    Some(TableDesired {
        retention,
        storage_parameters,
        inherit_privileges,
        indexes,
        other_indexes,
        maintenance,
        ..table
    })
}

fn width(checks: &mut Checks, at: &PolicyPath, spec: &PartitionSpec) -> Option<Width> {
    let path = at.key("interval");
    let Some(text) = &spec.interval else {
        let error = PolicyError::at_key(at.clone(), "`interval` is missing");
        checks.push(error.help("the width of a partition: `1 month`, or a number of keys for id keys"));
        return None;
    };
    let text = text.as_ref();
    if is_number(text) {
        return checks.keep(&path, keys(text)).map(Width::Keys);
    }
    checks.keep(&path, text.parse::<Interval>()).map(Width::Calendar)
}

fn partitioned(
    checks: &mut Checks,
    at: &PolicyPath,
    name: &TableName,
    spec: &PartitionSpec,
    width: Option<Width>,
) -> Option<TableDesired> {
    let PartitionSpec {
        key,
        interval: _,
        timezone,
        anchor,
        encoding,
        premake,
        start,
        name: template,
        schema: _,
        unlogged: _,
        checks: _,
        triggers: _,
        default_partition,
        default_rows,
    } = spec;
    let key = match key {
        Some(key) => checks.ident(&at.key("key"), key),
        None => {
            let error = PolicyError::at_key(at.clone(), "`key` is missing");
            checks.push(error.help("the column that the table is partitioned by"));
            None
        }
    };
    let timezone = checks.or(&at.key("timezone"), timezone.as_ref(), None, |text| text.parse::<Zone>().map(Some));
    let premake = premake_of(checks, &at.key("premake"), premake.as_ref().map(AsRef::as_ref));
    let encoding: Option<Encoding> = encoding.map(Into::into);
    let default_partition = default_partition.map_or(DefaultPartition::None, Into::into);

    let place = |text: &str| match width {
        Some(Width::Keys(_)) => key_of(text).map(Position::Key).map(Some),
        Some(Width::Calendar(_)) | None => moment(text).map(Position::Civil).map(Some),
    };
    let anchor = checks.or(&at.key("anchor"), anchor.as_ref(), None, place);
    let start = checks.or(&at.key("start"), start.as_ref(), None, place);
    let template = new_partitions::template(checks, at, template.as_ref().map(AsRef::as_ref));
    let new_partitions = new_partitions::new_partitions(checks, at, spec);
    let mut table = TableDesired {
        key: key?,
        width: width?,
        timezone: timezone?,
        anchor: anchor?,
        encoding,
        premake: premake?,
        start: start?,
        name: None,
        new_partitions: new_partitions?,
        default_partition,
        default_rows: default_rows.map_or_else(Default::default, Into::into),
        retention: None,
        storage_parameters: Default::default(),
        inherit_privileges: false,
        indexes: Default::default(),
        other_indexes: OtherIndexes::Ignore,
        maintenance: None,
    };
    if matches!(table.width, Width::Keys(_)) {
        only_of_times(checks, at, &table);
    }
    let grid = grid(checks, at, &table);
    table.name = template?;
    if let (Some(grid), Some(template)) = (grid, &table.name) {
        names(checks, at, name, &grid, template);
    }
    Some(table)
}

/// What ids have no use for.
fn only_of_times(checks: &mut Checks, at: &PolicyPath, table: &TableDesired) {
    for (given, key, message) in [
        (table.timezone.is_some(), "timezone", "ids are in no time zone"),
        (table.encoding.is_some(), "encoding", "an `encoding` tells the time of a key: write a calendar `interval`"),
    ] {
        if given {
            let error = PolicyError::at_key(at.key(key), message);
            checks.push(error.and(Label::value(at.key("interval"), "a number of ids")));
        }
    }
    if matches!(table.premake, Premake::Span(_)) {
        checks.at(&at.key("premake"), "with a number as `interval` this is a number of partitions");
    }
}

/// What a grid can be told wrong without knowing the key's type: only what no type allows.
fn grid(checks: &mut Checks, at: &PolicyPath, table: &TableDesired) -> Option<Grid> {
    let kind = match (table.width, table.encoding) {
        (Width::Keys(_), _) | (Width::Calendar(_), Some(Encoding::EpochS | Encoding::EpochMs)) => KeyKind::BigInt,
        (Width::Calendar(_), Some(Encoding::EpochUs | Encoding::EpochNs)) => KeyKind::BigInt,
        (Width::Calendar(_), Some(Encoding::Uuidv7)) => KeyKind::Uuid,
        (Width::Calendar(_), None) => KeyKind::Timestamptz,
    };
    match table.grid(kind) {
        Ok(grid) => Some(grid),
        Err(GridMismatch::Grid(error)) => {
            let key = match error {
                GridError::ZeroInterval | GridError::HoursOnDate(_) | GridError::NotCounted(_) => "interval",
                GridError::NoClock(..) => "encoding",
                GridError::AnchorDay { .. }
                | GridError::AnchorTime
                | GridError::AnchorFraction
                | GridError::AnchorYear => "anchor",
            };
            let message = error.to_string();
            let message = message.strip_prefix(&format!("{key}: ")).unwrap_or(&message).to_owned();
            checks.at(&at.key(key), message);
            None
        }
        // Of the column's type, which is not known here.
        Err(GridMismatch::EncodingMissing(_) | GridMismatch::ZoneMissing(_)) => None,
    }
}

/// No two windows may have one name.
fn names(checks: &mut Checks, at: &PolicyPath, name: &TableName, grid: &Grid, template: &NameTemplate) {
    let path = at.key("name");
    let interval = |says: String| Label::value(at.key("interval"), says);
    let help = format!("such as {}", NameTemplate::default_for(grid.width()));
    if template.is_of_ids() == grid.tells_time() {
        let (found, says) =
            if grid.tells_time() { ("names ids", "a time") } else { ("names dates", "a number of ids") };
        let error = PolicyError::at(path, format!("the template {found}"));
        checks.push(error.and(interval(says.to_owned())).help(help));
    } else if let Err(clash) = template.is_injective(grid) {
        let error = match clash {
            Clash::Windows(first, second) => {
                let shown = template.render(name.name.as_str(), first.from, first.to, grid);
                PolicyError::at(path, "the template gives two partitions the same name")
                    .says(format!("from {} and from {} are both `{shown}`", first.from, second.from))
                    .and(interval(format!("each partition spans {}", grid.width())))
            }
            Clash::Ids => PolicyError::at(path, "the template does not keep ids apart from what stands before them")
                .says("an id needs a character before it that is no digit and no `-`"),
        };
        checks.push(error.help(help));
    }
}

fn premake_of(checks: &mut Checks, path: &PolicyPath, text: Option<&str>) -> Option<Premake> {
    let Some(text) = text else { return Some(Premake::Windows(DEFAULT_PREMAKE)) };
    if !is_number(text) {
        return checks.keep(path, text.parse::<CalendarSpan>()).map(Premake::Span);
    }
    match text.trim().parse::<u32>() {
        Ok(count) if (1..=MAX_PREMAKE).contains(&count) => Some(Premake::Windows(count)),
        Ok(0) => {
            let error =
                PolicyError::at(path.clone(), "at least 1: with none inserts fail when the current partition ends");
            checks.push(error);
            None
        }
        Ok(_) | Err(_) => {
            checks.at(path, format!("from 1 to {MAX_PREMAKE} partitions, or a duration such as `90 days`"));
            None
        }
    }
}

fn retained(checks: &mut Checks, table: &PolicyPath, spec: &RetentionSpec, width: Option<Width>) -> Option<Retention> {
    let at = table.key("retention");
    let RetentionSpec { keep, then, grace, straddling } = spec;
    let keep = kept(checks, table, keep.as_ref().map(AsRef::as_ref), width);
    let week = CalendarSpan { days: 7, ..CalendarSpan::ZERO };
    let grace = checks.or(&at.key("grace"), grace.as_ref(), week, CalendarSpan::parse_or_zero);
    Some(Retention {
        keep: keep?,
        then: then.map_or(Then::Detach, Into::into),
        grace: grace?,
        straddling: straddling.map_or(Straddling::Keep, Into::into),
    })
}

fn kept(checks: &mut Checks, table: &PolicyPath, keep: Option<&str>, width: Option<Width>) -> Option<Keep> {
    let at = table.key("retention");
    let path = at.key("keep");
    let interval_path = table.key("partition").key("interval");
    let Some(text) = keep else {
        let error = PolicyError::at_key(at, "`keep` is missing");
        checks.push(error.help("how long rows are kept, such as `7 years`; without `retention` nothing ever leaves"));
        return None;
    };
    // Against an interval that could not be read it is only read itself.
    let numbers = match width {
        Some(Width::Keys(_)) => true,
        Some(Width::Calendar(_)) => false,
        None => is_number(text),
    };
    match (numbers, is_number(text)) {
        (true, true) => {
            let kept = checks.keep(&path, keys(text))?;
            match width {
                Some(Width::Keys(each)) if kept < each => {
                    shorter(checks, &path, &interval_path, &format!("{kept} keys"), &format!("{each} keys"));
                    None
                }
                Some(Width::Keys(_) | Width::Calendar(_)) | None => Some(Keep::Keys(kept)),
            }
        }
        (true, false) => {
            let error = PolicyError::at(path, "an id key is kept by distance, which is a number");
            checks.push(error.and(Label::value(interval_path, "a number of keys")));
            None
        }
        (false, true) => {
            let count = text.trim();
            let candidates = match width {
                Some(Width::Calendar(Interval { unit, .. })) => {
                    let number = count.parse().unwrap_or(0);
                    let meant = Interval { count: number, unit };
                    // Retention is often counted in days, whatever a partition holds.
                    let days = Interval { count: number, unit: Unit::Days };
                    match meant == days {
                        true => format!("did you mean `{days}`?"),
                        false => format!("did you mean `{meant}` or `{days}`?"),
                    }
                }
                Some(Width::Keys(_)) | None => "add days, months or years".to_owned(),
            };
            let error = PolicyError::at(path, format!("`{count}` is a count; rows are kept for a time"));
            checks.push(error.help(candidates));
            None
        }
        (false, false) => {
            let kept = checks.keep(&path, text.parse::<CalendarSpan>())?;
            match width {
                Some(Width::Calendar(interval)) if is_shorter(kept, interval) => {
                    shorter(checks, &path, &interval_path, &kept.to_string(), &interval.to_string());
                    None
                }
                Some(Width::Calendar(_) | Width::Keys(_)) | None => Some(Keep::Span(kept)),
            }
        }
    }
}

fn shorter(checks: &mut Checks, keep: &PolicyPath, interval: &PolicyPath, kept: &str, each: &str) {
    let error = PolicyError::at(keep.clone(), "retention is shorter than one partition")
        .says(format!("keeps {kept}"))
        .and(Label::value(interval.clone(), format!("each partition spans {each}")));
    checks.push(error.help("only whole partitions leave: keep at least one interval, or make the partitions smaller"));
}

pub(super) fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '_' || c == '.')
}

/// A whole number; `_` may stand between its digits.
pub(super) fn key_of(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| format!("`{}` is no whole number", super::super::tree::shortened(text)))
}

fn keys(text: &str) -> Result<i64, String> {
    match key_of(text) {
        Ok(keys) if keys > 0 => Ok(keys),
        Ok(_) | Err(_) => Err(format!("`{}` is no whole number of keys above 0", text.trim())),
    }
}
