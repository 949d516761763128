//! Values of flags, read from text.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use pgstrata::plan::Class;
use pgstrata::policy::units;

/// `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Report<F> {
    pub(in crate::cli) format: F,
    pub(in crate::cli) path: PathBuf,
}

pub(super) fn report<F: ValueEnum>(text: &str) -> Result<Report<F>, String> {
    let formats = || {
        let names = F::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let Some((format, path)) = text.split_once('=') else {
        return Err(format!("expected FORMAT=PATH, with one of {}", formats()));
    };
    let format = F::from_str(format, true).map_err(|_| format!("`{format}` is not one of {}", formats()))?;
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(Report { format, path: PathBuf::from(path) })
}

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    units::timeout(text).map_err(|error| error.to_string())
}

pub(super) fn class(text: &str) -> Result<Class, String> {
    const ALL: [Class; 3] = [Class::Scheduled, Class::Drift, Class::Overdue];
    ALL.into_iter()
        .find(|class| class.word() == text.trim())
        .ok_or_else(|| format!("there are {}", ALL.map(Class::word).join(", ")))
}

/// An instant with its offset, or a day: its midnight in UTC, like every time that is shown.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || jiff::civil::Date::from_str(text).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    // A date alone would be read as a date and time without the offset that makes it an instant.
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(at),
        Err(_) if text.len() == 10 => {
            day().map(|day| day.timestamp()).ok_or_else(|| format!("`{text}` is no day, such as 2026-03-14"))
        }
        Err(_) => Err("expected an instant with its offset, such as 2026-03-14T00:00:00Z, or a day in UTC".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::PlanFormat;

    #[test]
    fn instants_have_an_offset_or_are_days_in_utc() {
        let midnight: Timestamp = "2026-03-14T00:00:00Z".parse().unwrap();
        assert_eq!(instant("2026-03-14"), Ok(midnight));
        assert_eq!(instant("2026-03-14T02:00:00+02:00"), Ok(midnight));
        assert!(instant("2026-03-14T00:00:00").is_err());
        assert!(instant("2026-02-30").is_err());
        assert!(instant("tomorrow").is_err());
    }

    #[test]
    fn reports_name_format_and_path() {
        let parsed = report::<PlanFormat>("markdown=a=b.md").unwrap();
        assert_eq!(parsed, Report { format: PlanFormat::Markdown, path: PathBuf::from("a=b.md") });
        for (text, error) in [
            ("plan.md", "expected FORMAT=PATH, with one of human, json, markdown, sql, gitlab"),
            ("md=plan.md", "`md` is not one of human, json, markdown, sql, gitlab"),
            ("sql=", "the path is empty"),
        ] {
            assert_eq!(report::<PlanFormat>(text).unwrap_err(), error);
        }
    }
}
