//! Partition names from a template: `{table}` and the window's ends in a fixed-width format.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::{self, DAY, HOUR, SECOND};
use super::interval::{Interval, Unit};
use super::value::{KeyKind, KeyValue};
use super::window::{Grid, Window};
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
}

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
    #[error("at {at}: `{{{found}}}` is not a placeholder: use {{table}}, {{start:%Y%m%d}} or {{end:%Y%m%d}}")]
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
    /// No code at all: every window would get the same name.
    #[error("no {{start:…}} or {{end:…}}: every partition would have the same name")]
    Constant,
    /// No room for the table's name.
    #[error("{0} bytes besides the table's name; PostgreSQL keeps 63 in all")]
    TooLong(usize),
}

impl NameTemplate {
    /// `{table}_p` and the start's date, with the time of day for hours: pg_partman's names.
    pub fn default_for(interval: Interval) -> Self {
        let start = |code| Part::Code(End::Start, code);
        let mut parts = vec![Part::Table, Part::Literal("_p".to_owned())];
        parts.extend([Code::Year, Code::Month, Code::Day].map(start));
        let text = if interval.is_sub_day() {
            parts.push(Part::Literal("_".to_owned()));
            parts.extend([Code::Hour, Code::Minute, Code::Second].map(start));
            "{table}_p{start:%Y%m%d_%H%M%S}"
        } else {
            "{table}_p{start:%Y%m%d}"
        };
        Self { text: text.to_owned(), parts }
    }

    /// The name of a partition of `table` (without its schema) with these bounds, on the grid's clock. At most 63 bytes:
    /// only the table's part is cut, at a character's edge.
    pub fn render(&self, table: &str, from: KeyValue, to: KeyValue, grid: &Grid) -> String {
        let start = Moment::new(grid, from);
        let end = Moment::new(grid, to);
        let room = MAX_IDENT_BYTES.saturating_sub(self.fixed_bytes());
        let cut = (0..=room.min(table.len())).rev().find_map(|at| table.get(..at)).unwrap_or_default();
        let mut name = String::with_capacity(MAX_IDENT_BYTES);
        for part in &self.parts {
            match part {
                Part::Literal(text) => name.push_str(text),
                Part::Table => name.push_str(cut),
                Part::Code(End::Start, code) => start.write(*code, &mut name),
                Part::Code(End::End, code) => end.write(*code, &mut name),
            }
        }
        name
    }

    /// Whether no two windows of the grid share a name; if they do, two that would.
    ///
    /// Proven from the codes where they tell all starts (or all ends) apart. Otherwise windows are compared from 2000 on
    /// until two clash: with a year in the name until 2100, which holds every combination of leap years and weekdays
    /// three times, without one until the calendar ends.
    ///
    /// # Errors
    /// The two windows, earlier first.
    pub fn is_injective(&self, grid: &Grid) -> Result<(), (Window, Window)> {
        if [End::Start, End::End].into_iter().any(|end| self.tells_apart(end, grid)) {
            return Ok(());
        }
        let has_year = self.parts.iter().any(|part| matches!(part, Part::Code(_, Code::Year | Code::IsoYear)));
        let year = |year| grid.index_of(january(grid.kind(), year));
        let first = year(2000).unwrap_or(i64::MIN);
        let last = if has_year { year(2100).unwrap_or(i64::MAX) } else { i64::MAX };
        let mut seen = BTreeMap::new();
        for window in grid.windows_between(first, last) {
            if let Some(earlier) = seen.insert(self.render("", window.from, window.to, grid), window) {
                return Err((earlier, window));
            }
        }
        Ok(())
    }

    /// Whether the codes of one end alone give every window of the grid another name. Starts lie at least one interval
    /// apart, so a code that changes at least once an interval is as good as the full time; unless the zone's clock may
    /// skip a boundary into the next day, as `America/Nuuk` does with one at 23:30.
    fn tells_apart(&self, end: End, grid: &Grid) -> bool {
        let interval = grid.interval();
        let local = grid.kind().is_instant() && !interval.is_sub_day();
        if local && grid.anchor().time() != jiff::civil::Time::midnight() {
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
                Part::Table => 0,
                Part::Code(_, code) => code.width(),
            })
            .sum()
    }
}

/// 1 January of a year, 00:00, near enough in every zone.
fn january(kind: KeyKind, year: i64) -> KeyValue {
    let day = civil::day_number(civil::Ymd { year, month: 1, day: 1 });
    match kind {
        KeyKind::Timestamptz => KeyValue::Timestamptz(day * DAY),
        KeyKind::Timestamp => KeyValue::Timestamp(day * DAY),
        KeyKind::Date => KeyValue::Date(i32::try_from(day).unwrap_or_default()),
    }
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
        if !template.parts.iter().any(|part| matches!(part, Part::Code(..))) {
            return Err(TemplateError::Constant);
        }
        match template.fixed_bytes() {
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
mod tests {
    use super::super::Zone;
    use super::*;

    fn grid(kind: KeyKind, interval: &str, zone: &str) -> Grid {
        Grid::new(kind, interval.parse().unwrap(), zone.parse::<Zone>().unwrap(), None).unwrap()
    }

    fn name(template: &str, grid: &Grid, now: &str) -> String {
        let window = grid.window(grid.index_at(now.parse().unwrap()).unwrap()).unwrap();
        template.parse::<NameTemplate>().unwrap().render("events", window.from, window.to, grid)
    }

    #[test]
    fn shows_the_ends_on_the_clock_of_the_grid() {
        use KeyKind::{Date, Timestamptz};
        for (kind, interval, zone, template, expected) in [
            (Timestamptz, "1 day", "Europe/Berlin", "{table}_p{start:%Y%m%d}", "events_p20260314"),
            (Timestamptz, "6 hours", "Europe/Berlin", "{table}_p{start:%Y%m%d_%H%M%S}", "events_p20260314_060000"),
            (Timestamptz, "1 day", "Europe/Berlin", "{table}_{start:%d}_{end:%d%H}", "events_14_1500"),
            (Date, "1 week", "UTC", "{table}_{start:%Gw%V-%u}", "events_2026w11-1"),
            (Date, "1 day", "UTC", "{table}_{start:%Y%j}", "events_2026073"),
            (Date, "1 quarter", "UTC", "p{start:%Yq%q}{table}%{end:%%%m}", "p2026q1events%%04"),
        ] {
            assert_eq!(name(template, &grid(kind, interval, zone), "2026-03-14T08:00:00Z"), expected);
        }
        // Santiago's day began at 01:00.
        let santiago = grid(Timestamptz, "1 day", "America/Santiago");
        assert_eq!(name("{table}_{start:%Y%m%d%H}", &santiago, "2024-09-08T12:00:00Z"), "events_2024090801");
    }

    #[test]
    fn only_the_table_is_cut_and_only_between_characters() {
        let grid = grid(KeyKind::Date, "1 day", "UTC");
        let template: NameTemplate = "{table}_p{start:%Y%m%d}".parse().unwrap();
        let render = |table: &str| template.render(table, KeyValue::Date(0), KeyValue::Date(1), &grid);
        assert_eq!(render(&"a".repeat(53)), format!("{}_p19700101", "a".repeat(53)));
        assert_eq!(render(&"a".repeat(54)), format!("{}_p19700101", "a".repeat(53)));
        assert_eq!(render(&"ä".repeat(30)), format!("{}_p19700101", "ä".repeat(26)));
        assert_eq!(render(&"😀".repeat(15)), format!("{}_p19700101", "😀".repeat(13)));
    }

    #[test]
    fn defaults_are_what_their_text_says() {
        for interval in ["1 hour", "1 day", "1 month"] {
            let template = NameTemplate::default_for(interval.parse().unwrap());
            assert_eq!(template.to_string().parse(), Ok(template));
        }
    }

    #[test]
    fn errors_name_the_position() {
        for (text, message) in [
            ("", "a name template is empty"),
            ("{table}_p{start:%Y", "at 10: `{` is never closed"),
            ("ä{table}}", "at 9: `}` closes nothing"),
            ("{table}_{begin:%Y}", "at 9: `{begin:%Y}` is not a placeholder"),
            ("{table}_{start}", "at 9: `{start}` is not a placeholder"),
            ("{table}_{start:}", "at 9: `{start:}` is not a placeholder"),
            ("{table}_{start:%Y%y}", "at 18: `%y` is not one of"),
            ("{table}_{start:%}", "at 16: `%` is not one of"),
            ("{table}{table}{start:%Y}", "at 8: `{table}` is given twice"),
            ("{table}\n{start:%Y}", "at 8: a control character"),
            ("{table}_p", "no {start:…} or {end:…}"),
            ("{table}_{start:x}", "no {start:…} or {end:…}"),
        ] {
            let found = text.parse::<NameTemplate>().unwrap_err().to_string();
            assert!(found.starts_with(message), "{text}: {found}");
        }
        let long = format!("{{table}}{}{{start:%Y}}", "x".repeat(59));
        assert_eq!(long.parse::<NameTemplate>(), Err(TemplateError::TooLong(63)));
    }

    #[test]
    fn names_that_clash_are_found() {
        use KeyKind::{Date, Timestamp, Timestamptz};
        let cases = [
            (Date, "1 month", "%Y%m", None),
            (Date, "1 month", "%Y", Some(("2000-01-01", "2000-02-01"))),
            (Date, "1 month", "%m", Some(("2000-01-01", "2001-01-01"))),
            (Date, "1 day", "%Y%j", None),
            (Date, "1 day", "%Y%m", Some(("2000-01-01", "2000-01-02"))),
            (Date, "1 day", "%G%m%d", Some(("2003-12-29", "2004-12-29"))),
            (Date, "1 week", "%Gw%V", None),
            // ISO week 1 of 2003 began in 2002.
            (Date, "1 week", "%Yw%V", Some(("2001-01-01", "2001-12-31"))),
            (Date, "1 quarter", "%Yq%q", None),
            (Date, "2 years", "%m", Some(("2000-01-01", "2002-01-01"))),
            (Date, "1 year", "%Y", None),
            (Timestamp, "1 hour", "%Y%m%d%H", None),
            (Timestamp, "1 hour", "%Y%m%d", Some(("2000-01-01 00:00:00", "2000-01-01 01:00:00"))),
            (Timestamp, "24 hours", "%Y%m%d", None),
            (Timestamp, "6 hours", "%H", Some(("2000-01-01 00:00:00", "2000-01-02 00:00:00"))),
            (Timestamp, "6 hours", "%j%H", Some(("2000-01-01 00:00:00", "2001-01-01 00:00:00"))),
            (Timestamptz, "1 day", "%Y%m%d", None),
        ];
        for (kind, interval, format, clash) in cases {
            let grid = grid(kind, interval, "UTC");
            for end in ["start", "end"] {
                let template: NameTemplate = format!("{{table}}_{{{end}:{format}}}").parse().unwrap();
                let found = template.is_injective(&grid);
                assert_eq!(found.is_err(), clash.is_some(), "{interval} {end} {format}");
                if let (Err((a, b)), "start") = (found, end) {
                    let found = (a.from.to_string(), b.from.to_string());
                    assert_eq!(clash.map(|(a, b)| (a.to_owned(), b.to_owned())), Some(found), "{interval} {format}");
                }
            }
        }
        // Both ends together may tell apart what neither does alone.
        let both: NameTemplate = "{table}_{start:%Y}_{end:%m}".parse().unwrap();
        assert_eq!(both.is_injective(&grid(Date, "1 month", "UTC")), Ok(()));
    }

    #[test]
    fn a_boundary_skipped_into_the_next_day_is_not_taken_for_proof() {
        let anchor = Some(jiff::civil::date(2000, 1, 1).at(23, 30, 0, 0));
        let zone = "America/Nuuk".parse().unwrap();
        let grid = Grid::new(KeyKind::Timestamptz, "1 day".parse().unwrap(), zone, anchor).unwrap();
        let (a, b) = NameTemplate::default_for(grid.interval()).is_injective(&grid).unwrap_err();
        assert_eq!(b.index, a.index + 1);
    }
}
