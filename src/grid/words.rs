//! Number and unit pairs in spelled-out words, and what to answer when they are not.

use super::interval::Unit;

/// Why a text is not an interval or a calendar span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("empty: expected a number and a unit, such as `3 months`")]
    Empty,
    /// Something else where a number should be.
    #[error("`{found}` is not a whole number followed by a unit, such as `3 months`")]
    NumberExpected {
        /// What was found.
        found: String,
    },
    /// A word such as `monthly`.
    #[error("`{found}` needs a number: did you mean `{suggestion}`?")]
    Adverb {
        /// What was found.
        found: String,
        /// What was probably meant.
        suggestion: String,
    },
    /// Below zero.
    #[error("negative: only spans of 1 or more make sense here")]
    Negative,
    /// Nothing at all.
    #[error("zero: only 1 or more makes sense here")]
    Zero,
    /// `1.5 months`.
    #[error("`{found}` is not a whole number: combine smaller units instead")]
    Fraction {
        /// What was found.
        found: String,
    },
    /// A number with no unit.
    #[error("`{number}` has no unit: hours, days, weeks, months, quarters or years?")]
    UnitExpected {
        /// What was found.
        number: u32,
    },
    /// `3m`.
    #[error(
        "`{number}{found}` could be months or minutes: did you mean `{months}` or `{number}min`? (hours are the finest unit here)"
    )]
    Ambiguous {
        /// The number.
        number: u32,
        /// The unit found.
        found: String,
        /// The calendar reading.
        months: String,
    },
    /// `3min`, `90s`.
    #[error("`{found}` is too fine: hours are the finest unit here (a month is spelled `month`)")]
    TooFine {
        /// The unit found.
        found: String,
    },
    /// An abbreviation or a typo.
    #[error("`{found}` is not a unit: did you mean `{suggestion}`?")]
    Misspelt {
        /// The unit found.
        found: String,
        /// What was probably meant.
        suggestion: String,
    },
    /// No unit is anywhere near.
    #[error("`{found}` is not a unit: use hours, days, weeks, months, quarters or years")]
    UnknownUnit {
        /// The unit found.
        found: String,
    },
    /// The same unit twice in a span.
    #[error("`{0}` are given twice")]
    Repeated(&'static str),
    /// Several pairs where an interval has one.
    #[error("an interval is one number and one unit; `{0}` has more")]
    Several(String),
    /// Beyond every calendar.
    #[error("`{0}` is longer than the calendar")]
    TooLong(String),
}

/// `1 year, 2 months` as pairs, in the order given. Zero counts come back as they are: callers know whether they make
/// sense.
pub(super) fn pairs(text: &str) -> Result<Vec<(u32, Unit)>, DurationError> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    loop {
        let (pair, tail) = pair(rest, text)?;
        found.push(pair);
        let tail = tail.trim_start();
        rest = match tail.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if tail.is_empty() => return Ok(found),
            None => tail,
        };
    }
}

fn pair<'t>(text: &'t str, whole: &str) -> Result<((u32, Unit), &'t str), DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    if text.starts_with(['-', '\u{2212}']) {
        return Err(DurationError::Negative);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        let found = text.split_whitespace().next().unwrap_or(text).to_owned();
        return Err(match adverb(&found.to_lowercase()) {
            Some(unit) => DurationError::Adverb { found, suggestion: unit.counted(1) },
            None => DurationError::NumberExpected { found },
        });
    }
    if rest.starts_with('.') {
        let found = text.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or(text).to_owned();
        return Err(DurationError::Fraction { found });
    }
    let number: u32 = number.parse().map_err(|_| DurationError::TooLong(whole.to_owned()))?;
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| c.is_whitespace() || c == ',' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(letters);
    Ok(((number, unit(number, word)?), rest))
}

fn unit(number: u32, word: &str) -> Result<Unit, DurationError> {
    if word.is_empty() {
        return Err(DurationError::UnitExpected { number });
    }
    let lower = word.to_lowercase();
    let found = word.to_owned();
    if let Some(unit) = Unit::ALL.into_iter().find(|unit| lower == unit.singular() || lower == unit.plural()) {
        return Ok(unit);
    }
    let suggestion = match lower.as_str() {
        "m" => {
            return Err(DurationError::Ambiguous { number, found, months: Unit::Months.counted(number) });
        }
        "min" | "mins" | "minute" | "minutes" | "s" | "sec" | "secs" | "second" | "seconds" | "ms" | "us"
        | "millisecond" | "milliseconds" | "microsecond" | "microseconds" => {
            return Err(DurationError::TooFine { found });
        }
        "h" | "hr" | "hrs" => Some(Unit::Hours),
        "d" => Some(Unit::Days),
        "w" | "wk" | "wks" => Some(Unit::Weeks),
        "mo" | "mos" | "mon" | "mons" | "mth" | "mths" => Some(Unit::Months),
        "q" | "qtr" | "qtrs" => Some(Unit::Quarters),
        "y" | "yr" | "yrs" => Some(Unit::Years),
        _ => Unit::ALL
            .into_iter()
            .map(|unit| (distance(&lower, unit.plural()).min(distance(&lower, unit.singular())), unit))
            .filter(|(distance, _)| *distance <= 2)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, unit)| unit),
    };
    Err(match suggestion {
        Some(unit) => DurationError::Misspelt { found, suggestion: unit.counted(number) },
        None => DurationError::UnknownUnit { found },
    })
}

fn adverb(word: &str) -> Option<Unit> {
    match word {
        "hour" | "hourly" => Some(Unit::Hours),
        "day" | "daily" => Some(Unit::Days),
        "week" | "weekly" => Some(Unit::Weeks),
        "month" | "monthly" => Some(Unit::Months),
        "quarter" | "quarterly" => Some(Unit::Quarters),
        "year" | "yearly" | "annually" => Some(Unit::Years),
        _ => None,
    }
}

/// Levenshtein's distance: how many single-character insertions, deletions and replacements lie between two words.
pub(super) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, l) in left.chars().enumerate() {
        let mut next = vec![above + 1];
        for ((r, diagonal_and_up), before) in right.iter().zip(row.windows(2)).zip(0..) {
            let &[diagonal, up] = diagonal_and_up else { continue };
            let replaced = diagonal + usize::from(l != *r);
            let left = next.get(before).copied().unwrap_or(above + 1);
            next.push(replaced.min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
