//! Partition names from a template: `{table}` and the window's ends in a fixed-width format.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::{self, DAY, HOUR, SECOND};
use super::interval::Unit;
use super::value::KeyValue;
use super::window::{Grid, Position, Width, Window};
use crate::sql::MAX_IDENT_BYTES;

/// A name template, such as `{table}_p{start:%Y%m%d}`.
///
/// Placeholders are `{table}` (the parent's name without its schema, once at most), `{start:FORMAT}` and `{end:FORMAT}`
/// (the window's first value and the first after it, on the grid's clock: its zone, or UTC for hours). A format may
/// hold literal text and
///
/// | code | is | code | is |
/// | --- | --- | --- | --- |
/// | `%Y` | year, 4 digits | `%G` | year of the ISO week, 4 digits |
/// | `%m` | month, 01 to 12 | `%V` | ISO week, 01 to 53 |
/// | `%d` | day, 01 to 31 | `%u` | ISO weekday, 1 (Monday) to 7 |
/// | `%H` | hour, 00 to 23 | `%j` | day of the year, 001 to 366 |
/// | `%M` | minute | `%q` | quarter, 1 to 4 |
/// | `%S` | second | `%%` | a percent sign |
///
/// All have a fixed width, so two names of one table are equal only where all their codes are.
///
/// For ids the placeholders are `{start}` and `{end}`, the keys themselves. There is no dot in a template: the schema of
/// partitions is said beside it.
///
/// ```
/// use pgstrata::grid::{Grid, KeyKind, NameTemplate, Zone};
/// let grid = Grid::new(KeyKind::Date, "1 quarter".parse()?, Zone::utc(), None)?;
/// let first = grid.window(0).unwrap();
/// let template: NameTemplate = "{table}_{start:%Yq%q}".parse()?;
/// assert_eq!(template.render("orders", first.from, first.to, &grid), "orders_2000q1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Literal(String),
    Table,
    Code(End, Code),
    Key(End),
}

/// Digits and sign of the longest `bigint`.
const LONGEST_KEY: usize = 20;

/// Which end of the window a code shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum End {
    Start,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Code {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    IsoYear,
    IsoWeek,
    IsoWeekday,
    DayOfYear,
    Quarter,
}

/// How two partitions come by one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// These two windows, earlier first.
    Windows(Window, Window),
    /// Every id follows the table's name, a digit or a minus: where a long table's name is cut, it may run into the id.
    Ids,
}

/// Why a text is not a name template. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing there.
    #[error("a name template is empty")]
    Empty,
    /// A `{` that is never closed.
    #[error("at {0}: `{{` is never closed")]
    Unclosed(usize),
    /// A `}` that closes nothing.
    #[error("at {0}: `}}` closes nothing")]
    Stray(usize),
    /// Not a placeholder.
    #[error(
        "at {at}: `{{{found}}}` is not a placeholder: use {{table}}, {{start:%Y%m%d}} or {{end:%Y%m%d}}; for ids {{start}} or {{end}}"
    )]
    Placeholder {
        /// Where.
        at: usize,
        /// What is between the braces.
        found: String,
    },
    /// Not a code of the documented subset.
    #[error("at {at}: `%{found}` is not one of %Y %m %d %H %M %S %G %V %u %j %q %%")]
    Code {
        /// Where.
        at: usize,
        /// The character after the percent sign.
        found: String,
    },
    /// `{table}` twice.
    #[error("at {0}: `{{table}}` is given twice")]
    SecondTable(usize),
    /// Not possible in an identifier, or not legible.
    #[error("at {0}: a control character")]
    Control(usize),
    /// A schema is no part of a name.
    #[error("at {0}: a dot: a partition's schema is no part of its name")]
    Dot(usize),
    /// No code at all: every window would get the same name.
    #[error("no {{start:…}} or {{end:…}} (for ids {{start}} or {{end}}): every partition would have the same name")]
    Constant,
    /// `{start}` and `{start:%Y}` in one.
    #[error("it names both dates and ids: a table has one or the other")]
    Mixed,
    /// No room for the table's name.
    #[error("{0} bytes besides the table's name; PostgreSQL keeps 63 in all")]
    TooLong(usize),
}

impl NameTemplate {
    /// `{table}_p` and the start: its date, with the time of day for hours, or the id. These are pg_partman's names.
    pub fn default_for(width: Width) -> Self {
        let start = |code| Part::Code(End::Start, code);
        let date = [Code::Year, Code::Month, Code::Day].map(start);
        let mut parts = vec![Part::Table, Part::Literal("_p".to_owned())];
        let text = match width {
            Width::Calendar(interval) if interval.is_sub_day() => {
                parts.extend(date);
                parts.push(Part::Literal("_".to_owned()));
                parts.extend([Code::Hour, Code::Minute, Code::Second].map(start));
                "{table}_p{start:%Y%m%d_%H%M%S}"
            }
            Width::Calendar(_) => {
                parts.extend(date);
                "{table}_p{start:%Y%m%d}"
            }
            Width::Keys(_) => {
                parts.push(Part::Key(End::Start));
                "{table}_p{start}"
            }
        };
        Self { text: text.to_owned(), parts }
    }

    /// Whether it names ids, rather than dates.
    pub fn is_of_ids(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Key(_)))
    }

    /// The name of a partition of `table` (without its schema) with these bounds, on the grid's clock. At most 63 bytes:
    /// only the table's part is cut, at a character's edge.
    pub fn render(&self, table: &str, from: KeyValue, to: KeyValue, grid: &Grid) -> String {
        let start = Moment::new(grid, from);
        let end = Moment::new(grid, to);
        let key = |end: &End| match end {
            End::Start => from.to_string(),
            End::End => to.to_string(),
        };
        let keys = self.parts.iter().map(|part| match part {
            // Cut by what it takes: two ids differ behind a literal that does not end in a digit, wherever it stands.
            Part::Key(end) => key(end).len(),
            Part::Literal(_) | Part::Table | Part::Code(..) => 0,
        });
        let room = MAX_IDENT_BYTES.saturating_sub(self.fixed_bytes() + keys.sum::<usize>());
        let cut = (0..=room.min(table.len())).rev().find_map(|at| table.get(..at)).unwrap_or_default();
        let mut name = String::with_capacity(MAX_IDENT_BYTES);
        for part in &self.parts {
            match part {
                Part::Literal(text) => name.push_str(text),
                Part::Table => name.push_str(cut),
                Part::Code(End::Start, code) => start.write(*code, &mut name),
                Part::Code(End::End, code) => end.write(*code, &mut name),
                Part::Key(end) => name.push_str(&key(end)),
            }
        }
        name
    }

    /// Whether no two windows of the grid share a name, wherever the table's part is cut; if they do, how.
    ///
    /// Among ids it takes a character before one of them that is no part of it. Dates are proven to differ from the codes
    /// where these tell all starts (or all ends) apart. Otherwise windows are compared from 2000 on until two clash: with
    /// a year in the name until 2100, which holds every combination of leap years and weekdays three times, without one
    /// until the calendar ends.
    ///
    /// # Errors
    /// What may share a name.
    pub fn is_injective(&self, grid: &Grid) -> Result<(), Clash> {
        if !grid.tells_time() {
            // Never one by one: there are 2^64 of them.
            return if self.separates_ids() { Ok(()) } else { Err(Clash::Ids) };
        }
        if [End::Start, End::End].into_iter().any(|end| self.tells_apart(end, grid)) {
            return Ok(());
        }
        let has_year = self.parts.iter().any(|part| matches!(part, Part::Code(_, Code::Year | Code::IsoYear)));
        let year = |year| grid.value_of(january(year)).and_then(|value| grid.index_of(value));
        let first = year(2000).unwrap_or(i64::MIN);
        let last = if has_year { year(2100).unwrap_or(i64::MAX) } else { i64::MAX };
        let mut seen = BTreeMap::new();
        for window in grid.windows_between(first, last) {
            if let Some(earlier) = seen.insert(self.render("", window.from, window.to, grid), window) {
                return Err(Clash::Windows(earlier, window));
            }
        }
        Ok(())
    }

    /// Whether the codes of one end alone give every window of the grid another name. Starts lie at least one interval
    /// apart, so a code that changes at least once an interval is as good as the full time; unless the zone's clock may
    /// skip a boundary into the next day, as `America/Nuuk` does with one at 23:30.
    fn tells_apart(&self, end: End, grid: &Grid) -> bool {
        let Width::Calendar(interval) = grid.width() else { return false };
        let midnight = match grid.anchor() {
            Position::Civil(anchor) => anchor.time() == jiff::civil::Time::midnight(),
            Position::Key(_) => false,
        };
        if grid.is_local() && !midnight {
            return false;
        }
        let has = |code| self.parts.contains(&Part::Code(end, code));
        let date = (has(Code::Year) && (has(Code::DayOfYear) || (has(Code::Month) && has(Code::Day))))
            || (has(Code::IsoYear) && has(Code::IsoWeek) && has(Code::IsoWeekday));
        match interval.unit {
            Unit::Hours => date && (interval.count >= 24 || has(Code::Hour)),
            Unit::Days => date,
            Unit::Weeks => date || (has(Code::IsoYear) && has(Code::IsoWeek)),
            Unit::Months => date || (has(Code::Year) && has(Code::Month)),
            Unit::Quarters => date || (has(Code::Year) && (has(Code::Month) || has(Code::Quarter))),
            Unit::Years => date || has(Code::Year),
        }
    }

    /// What everything but the table's name takes.
    fn fixed_bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.len(),
                Part::Table | Part::Key(_) => 0,
                Part::Code(_, code) => code.width(),
            })
            .sum()
    }

    /// Whether some id stands behind a character that cannot be a part of it: then no two windows share a name, however
    /// much of the table's is cut.
    pub fn separates_ids(&self) -> bool {
        let mut before: Option<&Part> = None;
        self.parts.iter().any(|part| {
            let separated = match before {
                Some(Part::Literal(text)) => !text.ends_with(|c: char| c.is_ascii_digit() || c == '-'),
                // At the very start, only what follows can be cut.
                None => true,
                Some(Part::Table | Part::Code(..) | Part::Key(_)) => false,
            };
            before = Some(part);
            separated && matches!(part, Part::Key(_))
        })
    }
}

/// 1 January of a year, 00:00.
fn january(year: i16) -> Position {
    Position::Civil(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0))
}

impl Code {
    fn from_char(c: char) -> Option<Self> {
        Some(match c {
            'Y' => Self::Year,
            'm' => Self::Month,
            'd' => Self::Day,
            'H' => Self::Hour,
            'M' => Self::Minute,
            'S' => Self::Second,
            'G' => Self::IsoYear,
            'V' => Self::IsoWeek,
            'u' => Self::IsoWeekday,
            'j' => Self::DayOfYear,
            'q' => Self::Quarter,
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Self::Year | Self::IsoYear => 4,
            Self::DayOfYear => 3,
            Self::Month | Self::Day | Self::Hour | Self::Minute | Self::Second | Self::IsoWeek => 2,
            Self::IsoWeekday | Self::Quarter => 1,
        }
    }
}

/// A value on the grid's clock.
struct Moment {
    day: i64,
    time: i64,
}

impl Moment {
    fn new(grid: &Grid, value: KeyValue) -> Self {
        // Beyond the calendar no zone is known; the name only has to be total there, windows never reach it.
        let civil = grid.civil(value).unwrap_or(match value {
            KeyValue::Timestamptz(v) | KeyValue::Timestamp(v) => v,
            KeyValue::Date(day) => i64::from(day).saturating_mul(DAY),
            KeyValue::Int(_) | KeyValue::Uuid(_) => 0,
        });
        let civil = civil.clamp(civil::MIN_CIVIL, civil::MAX_CIVIL);
        Self { day: civil.div_euclid(DAY), time: civil.rem_euclid(DAY) }
    }

    fn write(&self, code: Code, name: &mut String) {
        let date = civil::ymd(self.day);
        let number = match code {
            Code::Year => date.year,
            Code::Month => date.month,
            Code::Day => date.day,
            Code::Hour => self.time / HOUR,
            Code::Minute => self.time / (60 * SECOND) % 60,
            Code::Second => self.time / SECOND % 60,
            // 0001-01-01 is a Monday and 9999-12-31 is in week 52, so the ISO year has four digits too.
            Code::IsoYear => civil::iso_week(self.day).year,
            Code::IsoWeek => civil::iso_week(self.day).week,
            Code::IsoWeekday => civil::iso_week(self.day).weekday,
            Code::DayOfYear => civil::day_of_year(self.day),
            Code::Quarter => (date.month + 2) / 3,
        };
        name.push_str(&format!("{number:0width$}", width = code.width()));
    }
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut parts = Vec::new();
        let mut chars = (1..).zip(text.chars());
        while let Some((at, c)) = chars.next() {
            match c {
                '{' => {
                    let mut inside = Vec::new();
                    loop {
                        match chars.next() {
                            Some((_, '}')) => break,
                            Some((_, '{')) | None => return Err(TemplateError::Unclosed(at)),
                            Some(other) => inside.push(other),
                        }
                    }
                    placeholder(at, &inside, &mut parts)?;
                }
                '}' => return Err(TemplateError::Stray(at)),
                c => literal(at, c, &mut parts)?,
            }
        }
        let template = Self { text: text.to_owned(), parts };
        let dates = template.parts.iter().any(|part| matches!(part, Part::Code(..)));
        match (dates, template.is_of_ids()) {
            (true, true) => return Err(TemplateError::Mixed),
            (false, false) => return Err(TemplateError::Constant),
            (true, false) | (false, true) => {}
        }
        let longest_keys = template.parts.iter().filter(|part| matches!(part, Part::Key(_))).count() * LONGEST_KEY;
        match template.fixed_bytes() + longest_keys {
            // One byte at least is the table's, or the name would not tell tables apart.
            fixed if fixed < MAX_IDENT_BYTES => Ok(template),
            fixed => Err(TemplateError::TooLong(fixed)),
        }
    }
}

fn literal(at: usize, c: char, parts: &mut Vec<Part>) -> Result<(), TemplateError> {
    if c.is_control() {
        return Err(TemplateError::Control(at));
    }
    if c == '.' {
        return Err(TemplateError::Dot(at));
    }
    if let Some(Part::Literal(text)) = parts.last_mut() {
        text.push(c);
    } else {
        parts.push(Part::Literal(c.to_string()));
    }
    Ok(())
}

fn placeholder(at: usize, inside: &[(usize, char)], parts: &mut Vec<Part>) -> Result<(), TemplateError> {
    let found: String = inside.iter().map(|(_, c)| *c).collect();
    if found == "table" {
        if parts.contains(&Part::Table) {
            return Err(TemplateError::SecondTable(at));
        }
        parts.push(Part::Table);
        return Ok(());
    }
    let key = match found.as_str() {
        "start" => Some(End::Start),
        "end" => Some(End::End),
        _ => None,
    };
    if let Some(end) = key {
        parts.push(Part::Key(end));
        return Ok(());
    }
    let (end, skip) = match found.split_once(':') {
        Some(("start", format)) if !format.is_empty() => (End::Start, "start:".len()),
        Some(("end", format)) if !format.is_empty() => (End::End, "end:".len()),
        Some(_) | None => return Err(TemplateError::Placeholder { at, found }),
    };
    let mut format = inside.iter().skip(skip);
    while let Some(&(at, c)) = format.next() {
        if c != '%' {
            literal(at, c, parts)?;
            continue;
        }
        match format.next() {
            Some((_, '%')) => literal(at, '%', parts)?,
            Some((_, c)) => {
                let unknown = || TemplateError::Code { at, found: c.to_string() };
                parts.push(Part::Code(end, Code::from_char(*c).ok_or_else(unknown)?));
            }
            None => return Err(TemplateError::Code { at, found: String::new() }),
        }
    }
    Ok(())
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for NameTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NameTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
