//! What pg_partman was told of a table, versions 4 and 5: carried over where a policy can say it, else a comment.

use super::draft::Line;
use super::span::Length;
use crate::catalog::PartConfig;
use crate::grid::{Encoding, NameTemplate, Width};
use crate::policy::is_shorter;
use crate::sql::{TableName, hand_over};

/// A row of `part_config`, read.
pub(super) struct Told<'a> {
    config: &'a PartConfig,
}

/// Patterns of `to_char` that a template has, the longest of those that begin alike first.
const TO_CHAR: [(&str, &str); 11] = [
    ("IYYY", "%G"),
    ("IW", "%V"),
    ("ID", "%u"),
    ("YYYY", "%Y"),
    ("MM", "%m"),
    ("DDD", "%j"),
    ("DD", "%d"),
    ("HH24", "%H"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("Q", "%q"),
];

/// What pg_partman takes an integer key for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// A time.
    Of(Encoding),
    /// Ids; a text or uuid by functions of its own.
    None,
    /// It was not told.
    Untold,
}

/// Columns that say nothing a policy would have to say: they are carried over, follow from the bounds and names that
/// were read, or are about pg_partman's own way of working.
const SAID_OTHERWISE: [&str; 23] = [
    "parent_table",
    "control",
    "partition_type",
    "partition_interval",
    "premake",
    "epoch",
    "time_encoder",
    "time_decoder",
    "datetime_string",
    "date_trunc_interval",
    "child_table_prefix",
    "retention",
    "retention_keep_table",
    "retention_schema",
    "automatic_maintenance",
    "default_table",
    "jobmon",
    "maintenance_last_run",
    "inherit_privileges",
    "ignore_default_data",
    "detach_before_drop",
    // Every row has the role that made it; triggers of version 4 are of inheritance.
    "maintenance_role",
    "trigger_return_null",
];

/// Columns without an equivalent: what they are when nobody set them, and what is to be said when somebody did.
const NO_EQUIVALENT: [(&str, &[&str], &str); 18] = [
    ("template_table", &[], "new partitions follow the table itself; move over what only the template has"),
    ("constraint_cols", &[], "no constraints on other columns are made"),
    ("infinite_time_partitions", &["false"], "partitions are made by the clock in any case"),
    ("retention_keep_index", &["true"], "a detached table keeps its indexes"),
    ("retention_keep_publication", &["false"], "a detached table is in no publication through its parent"),
    ("publications", &[], "add new partitions to publications by the parent"),
    ("subscription_refresh", &[], "`plan` prints what a subscriber needs"),
    ("drop_cascade_fk", &["false"], "nothing is dropped by CASCADE"),
    ("maintenance_order", &[], "tables are worked on side by side (apply.jobs)"),
    ("undo_in_progress", &["false"], "an undo is under way: let pg_partman finish it first"),
    ("sub_partition_set_full", &["false"], "pg_partman takes the set for full"),
    ("async_partitioning_in_progress", &[], "rows are being moved: let pg_partman finish it first"),
    ("optimize_constraint", &["30"], ""),
    ("constraint_valid", &["true"], ""),
    ("optimize_trigger", &["4"], ""),
    ("inherit_fk", &["true"], ""),
    ("trigger_exception_handling", &["false"], ""),
    ("upsert", &[""], ""),
];

impl<'a> Told<'a> {
    pub(super) fn new(config: &'a PartConfig) -> Self {
        Self { config }
    }

    fn get(&self, column: &str) -> Option<&'a str> {
        self.config.columns.get(column).map(String::as_str)
    }

    /// The interval, where it is one that a policy can have.
    pub(super) fn width(&self) -> Option<Width> {
        let text = self.get("partition_interval")?;
        match text.parse() {
            Ok(keys) => Some(Width::Keys(keys)).filter(|_| keys > 0),
            Err(_) => Length::parse(text).and_then(Length::interval).map(Width::Calendar),
        }
    }

    /// How it reads the key.
    pub(super) fn epoch(&self) -> Epoch {
        match self.get("epoch") {
            Some("seconds") => Epoch::Of(Encoding::EpochS),
            Some("milliseconds") => Epoch::Of(Encoding::EpochMs),
            Some("microseconds") => Epoch::Of(Encoding::EpochUs),
            Some("nanoseconds") => Epoch::Of(Encoding::EpochNs),
            Some("none") => Epoch::None,
            Some(_) | None => Epoch::Untold,
        }
    }

    pub(super) fn inherits_privileges(&self) -> bool {
        matches!(self.get("inherit_privileges"), Some("true" | "t"))
    }

    pub(super) fn premake(&self) -> Option<u64> {
        self.get("premake")?.parse().ok()
    }

    /// The names of its partitions, where it spells them by a format.
    pub(super) fn name(&self) -> Option<NameTemplate> {
        let prefix = self.get("child_table_prefix").unwrap_or("_p");
        let mut rest = self.get("datetime_string")?;
        let mut format = String::new();
        'next: while let Some(first) = rest.chars().next() {
            for (pattern, code) in TO_CHAR {
                if let Some(after) = rest.strip_prefix(pattern) {
                    format.push_str(code);
                    rest = after;
                    continue 'next;
                }
            }
            // Quotes only keep their content from being read as a pattern.
            let (literal, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None if first.is_ascii_alphanumeric() => return None,
                None => rest.split_at(first.len_utf8()),
            };
            format.push_str(&literal.replace('%', "%%"));
            rest = after;
        }
        format!("{{table}}{prefix}{{start:{format}}}").parse().ok()
    }

    /// The retention, and what has to be said where it cannot be carried over.
    pub(super) fn retention(&self, width: Width) -> (Vec<Line>, Option<String>) {
        let Some(kept) = self.get("retention") else { return (Vec::new(), None) };
        let keep = match width {
            Width::Calendar(interval) => Length::parse(kept)
                .and_then(Length::keep)
                .map(|span| (span.to_string(), is_shorter(span, interval), interval.to_string())),
            Width::Keys(step) => {
                let keys = kept.trim().parse::<i64>().ok().filter(|keys| *keys > 0);
                keys.map(|keys| (keys.to_string(), keys < step, step.to_string()))
            }
        };
        match keep {
            None => (Vec::new(), Some(format!("pg_partman's retention, `{kept}`, is none that a policy can say."))),
            Some((_, true, least)) => {
                let said = format!(
                    "pg_partman's retention, `{kept}`, is shorter than one partition: only whole partitions leave, so \
                     say `keep: {least}` or more."
                );
                (Vec::new(), Some(said))
            }
            Some((keep, false, _)) => {
                (vec![Line::new("keep", keep).says("pg_partman's retention".to_owned()), self.then()], None)
            }
        }
    }

    /// Never a drop: that is for a person to write.
    fn then(&self) -> Line {
        let detach = Line::new("then", "detach");
        match (self.get("retention_schema"), self.get("retention_keep_table")) {
            (Some(schema), _) => detach.says(format!("pg_partman moved them to the schema {schema}; here they stay")),
            (None, Some("false")) => {
                detach.says("pg_partman dropped them: `drop` does that, a week (`grace`) after the detach".to_owned())
            }
            (None, _) => detach,
        }
    }

    /// Whatever else was set, one remark each.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (column, value) in &self.config.columns {
            if SAID_OTHERWISE.contains(&column.as_str()) {
                continue;
            }
            let known = NO_EQUIVALENT.iter().find(|(name, _, _)| name == column);
            let said = known.map_or("", |(_, _, said)| *said);
            let unset = match known {
                Some((_, unset, _)) => unset.contains(&value.as_str()),
                None => matches!(value.as_str(), "" | "false"),
            };
            // A constraint's settings without constraints say nothing.
            let idle = column == "optimize_constraint" || column == "constraint_valid";
            if unset || (idle && self.get("constraint_cols").is_none()) {
                continue;
            }
            match said {
                "" => remarks.push(format!("pg_partman's {column} ({value}) has no equivalent.")),
                said => remarks.push(format!("pg_partman's {column} ({value}): {said}.")),
            }
        }
        remarks
    }

    /// The statement that ends pg_partman's own maintenance, while that is on.
    pub(super) fn hand_over(&self, table: &TableName) -> Option<String> {
        (self.get("automatic_maintenance") == Some("on")).then(|| hand_over(&self.config.schema, table))
    }
}
