//! Snapshot → document and back: the facts of a plan as a file, for plans that are made where no server is.

use serde::Deserialize;
use serde_json::error::Category;

use super::read::{Minor, minor_of};
use super::write::pretty;
use crate::catalog::{SNAPSHOT_FORMAT, Snapshot};

/// Files larger than this are no snapshot that this program wrote.
pub const MAX_SNAPSHOT_BYTES: usize = 256 * 1024 * 1024;

/// Why a file is not a snapshot that may be planned from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFileError {
    /// More than [`MAX_SNAPSHOT_BYTES`].
    #[error("the file has {0} bytes, more than any snapshot")]
    TooLarge(usize),
    /// It ends early.
    #[error("the file ends in the middle, at line {line}: was it copied whole?")]
    Truncated {
        /// Where it ends.
        line: usize,
    },
    /// Not JSON.
    #[error("the file is not JSON: {0}")]
    NotJson(String),
    /// A plan.
    #[error("the file is a plan, not a snapshot")]
    APlan,
    /// JSON, and neither.
    #[error("the file is not a snapshot: {0}")]
    NotASnapshot(String),
    /// Written by a version whose snapshots this one cannot read.
    #[error("the snapshot has format {found}, this pgstrata reads {SNAPSHOT_FORMAT}: {because}")]
    Newer {
        /// The file's format.
        found: String,
        /// What cannot be read.
        because: String,
    },
}

/// What tells a snapshot from other documents.
#[derive(Deserialize)]
struct Head {
    format_version: String,
    #[serde(default)]
    steps: Option<serde::de::IgnoredAny>,
}

/// A snapshot as a document: pretty, ending in a newline, the same snapshot always the same bytes. It names the database
/// and the role that read it, and holds neither a URL nor a password.
///
/// ```
/// use pgstrata::{catalog::Snapshot, render::json};
///
/// fn survives(snapshot: &Snapshot) -> bool {
///     json::snapshot_from_json(&json::snapshot(snapshot)).is_ok_and(|read| read == *snapshot)
/// }
/// ```
pub fn snapshot(snapshot: &Snapshot) -> String {
    pretty(snapshot)
}

/// Reads a snapshot document. Keys that are not known are tolerated, as a newer minor format may add some. What is read
/// is taken for what a server said: a plan made from it is for reading.
///
/// # Errors
/// [`SnapshotFileError`] says what is wrong with the file.
pub fn snapshot_from_json(text: &str) -> Result<Snapshot, SnapshotFileError> {
    if text.len() > MAX_SNAPSHOT_BYTES {
        return Err(SnapshotFileError::TooLarge(text.len()));
    }
    let Head { format_version, steps } = serde_json::from_str(text).map_err(|error| classify(&error))?;
    if steps.is_some() {
        return Err(SnapshotFileError::APlan);
    }
    let newer = |because: String| SnapshotFileError::Newer { found: format_version.clone(), because };
    let minor = match minor_of(&format_version, SNAPSHOT_FORMAT) {
        None => return Err(SnapshotFileError::NotASnapshot("its format_version is no version".to_owned())),
        Some(Minor::OtherMajor) => return Err(newer("take it again with this version".to_owned())),
        Some(minor @ (Minor::Known | Minor::Newer)) => minor,
    };
    serde_json::from_str(text).map_err(|error| match (error.classify(), minor) {
        (Category::Data, Minor::Newer) => newer(error.to_string()),
        (
            Category::Data | Category::Io | Category::Syntax | Category::Eof,
            Minor::Known | Minor::Newer | Minor::OtherMajor,
        ) => classify(&error),
    })
}

fn classify(error: &serde_json::Error) -> SnapshotFileError {
    match error.classify() {
        Category::Eof => SnapshotFileError::Truncated { line: error.line() },
        Category::Syntax | Category::Io => SnapshotFileError::NotJson(error.to_string()),
        Category::Data => SnapshotFileError::NotASnapshot(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::catalog::{Absent, SettingContext, SettingFacts, SettingKind, SettingsFacts};
    use crate::plan::{Plan, PlanOptions, Scope, plan, questions, snapshot_questions, verify};
    use crate::render::json::to_json;
    use crate::render::testing::busy;
    use crate::render::{Style, human};
    use crate::report::analyze::{Limit, analyses};
    use crate::report::explain::{Origins, explain};
    use crate::report::timeline::{Phase, timelines};
    use crate::testing::{World, lines};

    const POLICY: &str = "tables:
  public.events: {partition: {key: at, interval: 1 day, premake: 3}, retention: {keep: 10 days, then: drop, grace: 2 days}}
  public.logs: {partition: {key: at, interval: 1 month, premake: 2, default_partition: allow}}
holds: {m: {tables: [public.events], from: 2026-03-01, to: 2026-03-02, reason: x}}
apply: {settings: alter_system}
settings: {work_mem: 8MB, work_men: 8MB}
";

    fn work_mem() -> SettingFacts {
        SettingFacts {
            value: "4096".to_owned(),
            source: "configuration file".to_owned(),
            place: Some("postgresql.conf:1".to_owned()),
            configured: Some("4MB".to_owned()),
            taken: true,
            default: Some("4096".to_owned()),
            unit: Some("kB".to_owned()),
            kind: SettingKind::Integer,
            context: SettingContext::Session,
            min: Some("64".to_owned()),
            max: Some("2147483647".to_owned()),
            words: Vec::new(),
            pending_restart: false,
            placeholder: false,
            may_alter: true,
        }
    }

    fn settings() -> SettingsFacts {
        SettingsFacts {
            settings: [("work_mem".to_owned(), work_mem())].into(),
            absent: [("work_men".to_owned(), Absent::NoSuch(Some("work_mem".to_owned())))].into(),
            reads_files: true,
            may_reload: true,
            errors: Vec::new(),
            alter_system_allowed: true,
        }
    }

    fn world() -> World {
        let mut world = World::new("2026-03-14 07:00", POLICY);
        world.windows("public.events", "2026-02-27", "2026-03-14");
        world.retired("public.events", "2026-02-20", "2026-02-21", Some("2026-03-02 03:04"));
        world.leaf("public.events", "MINVALUE", "2026-01-01");
        world.leaf("public.logs", "2026-03-01", "2026-04-01");
        world.default_partition("public.logs");
        world.row_in_default("public.logs", "2026-04-02 00:00");
        world.snapshot.clock_skew_ms = -17;
        world.snapshot.catalog.settings = Some(settings());
        let options = world.options();
        world.ask(&options);
        world.ask_also(&snapshot_questions(&world.desired, &world.snapshot, &options));
        world
    }

    #[test]
    fn a_snapshot_survives_its_file_and_plans_the_same() {
        let world = world();
        let text = snapshot(&world.snapshot);
        let read = snapshot_from_json(&text).unwrap();
        assert_eq!(read, world.snapshot);
        assert_eq!(snapshot(&read), text);
        assert!(text.ends_with("}\n"));
        let options = PlanOptions::at(read.taken_at);
        let (live, offline) = (plan(&world.desired, &world.snapshot, &options), plan(&world.desired, &read, &options));
        assert_eq!(to_json(&live), to_json(&offline));
        assert!(live.steps.len() > 5 && live.findings.iter().all(|finding| finding.message != "x"), "{}", lines(&live));
        // It has an answer to whatever that plan asks.
        let asked = questions(&world.desired, &read, &options);
        assert!(!asked.is_empty() && asked.iter().all(|question| read.answers.has(question)));
    }

    #[test]
    fn answers_in_any_order_are_the_same_answers() {
        let world = world();
        let mut document: Value = serde_json::from_str(&snapshot(&world.snapshot)).unwrap();
        document["answers"].as_array_mut().unwrap().reverse();
        document["mood"] = json!("good");
        document["format_version"] = json!("1.9");
        let read = snapshot_from_json(&document.to_string()).unwrap();
        assert_eq!(read.answers, world.snapshot.answers);
    }

    #[test]
    fn files_that_are_no_snapshots_are_told_apart() {
        let text = snapshot(&world().snapshot);
        let cut = &text[..text.len() / 2];
        assert_eq!(snapshot_from_json(cut), Err(SnapshotFileError::Truncated { line: cut.lines().count() }));
        assert_eq!(snapshot_from_json(""), Err(SnapshotFileError::Truncated { line: 1 }));
        assert!(matches!(snapshot_from_json("version: 1\n"), Err(SnapshotFileError::NotJson(_))));
        assert!(snapshot_from_json(&"[".repeat(100_000)).is_err());
        assert_eq!(snapshot_from_json(&to_json(&busy())), Err(SnapshotFileError::APlan));
        for other in ["[]", "{}", "3", r#"{"format_version": "1.0"}"#, r#"{"format_version": "one"}"#] {
            assert!(matches!(snapshot_from_json(other), Err(SnapshotFileError::NotASnapshot(_))), "{other}");
        }
        for (format, fits) in [("2.0", false), ("0.9", false), ("1.0", true), ("1.3", true)] {
            let text = text.replacen("\"1.0\"", &format!("\"{format}\""), 1);
            assert_eq!(snapshot_from_json(&text).is_ok(), fits, "{format}");
        }
    }

    /// Every value of the document, in turn, taken out or exchanged for another.
    #[test]
    fn what_was_changed_in_a_file_never_panics_and_removes_nothing_new() {
        let mut world = World::new("2026-03-14 07:00", POLICY);
        world.windows("public.events", "2026-03-02", "2026-03-04");
        world.windows("public.events", "2026-03-13", "2026-03-15");
        world.retired("public.events", "2026-02-20", "2026-02-21", Some("2026-03-02 03:04"));
        world.default_partition("public.logs");
        world.snapshot.catalog.settings = Some(settings());
        let options = world.options();
        world.ask(&options);
        let document: Value = serde_json::from_str(&snapshot(&world.snapshot)).unwrap();
        let mut pointers = Vec::new();
        walk(&document, &mut String::new(), &mut pointers);
        let mut read = 0;
        for pointer in &pointers {
            for other in [json!(null), json!(0), json!(u64::MAX), json!("MAXVALUE"), json!([]), json!({}), json!(true)]
            {
                let mut changed = document.clone();
                if let Some(value) = changed.pointer_mut(pointer) {
                    *value = other;
                }
                let Ok(snapshot) = snapshot_from_json(&changed.to_string()) else { continue };
                read += 1;
                for scope in [Scope::All, Scope::Removals] {
                    let options = PlanOptions { scope, ..PlanOptions::at(world.snapshot.taken_at) };
                    let plan = plan(&world.desired, &snapshot, &options);
                    assert_eq!(verify(&plan, &world.desired, &snapshot), Ok(()), "{pointer}");
                    tell_everything(&world, &snapshot, &options, &plan);
                }
            }
        }
        assert!(read > 100, "{read}");
    }

    /// Every report on it, for people and for programs.
    fn tell_everything(world: &World, snapshot: &Snapshot, options: &PlanOptions, plan: &Plan) {
        let mut text = String::new();
        let all = timelines(&world.desired, snapshot, options);
        human::timelines(plan, &all, false, Style { width: Some(80), ..Style::PLAIN }, &mut text).unwrap();
        let found = analyses(&world.desired, snapshot, options, Limit::of(None));
        human::analyses(plan, &found, Style::PLAIN, &mut text).unwrap();
        let mut names: Vec<String> = all.iter().map(|timeline| timeline.table.to_string()).collect();
        names.extend(
            all.iter().flat_map(|one| &one.partitions).filter_map(|one| one.name.as_ref()).map(ToString::to_string),
        );
        for name in names {
            if let Ok(story) = explain(&name, &world.desired, snapshot, options, plan, &|_| Origins::new()) {
                human::story(plan, &story, &[], Style::PLAIN, &mut text).unwrap();
                text.push_str(&crate::render::json::story(plan, &story, &[]));
            }
        }
        assert!(!text.is_empty());
        // A report never contradicts the plan.
        for entry in all.iter().flat_map(|timeline| timeline.attached()).filter(|entry| !entry.pending) {
            let Some(name) = &entry.name else { continue };
            let leaves = plan.steps.iter().any(|step| step.id.0 == format!("detach {name}"));
            let due = entry.phase == Phase::Over && entry.fate.stays_because.is_none();
            assert_eq!(due, leaves, "{entry:?}");
        }
    }

    fn walk(value: &Value, at: &mut String, all: &mut Vec<String>) {
        let before = at.len();
        let mut inside = |key: String, value: &Value| {
            at.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
            all.push(at.clone());
            walk(value, at, all);
            at.truncate(before);
        };
        match value {
            Value::Array(items) => items.iter().enumerate().for_each(|(key, item)| inside(key.to_string(), item)),
            Value::Object(map) => map.iter().for_each(|(key, item)| inside(key.clone(), item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
