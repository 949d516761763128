//! Wanted settings × the server's → findings, and where the policy says so, steps.

use std::collections::BTreeSet;

use super::super::of_no_table::{Setup, finding};
use super::super::partition::Diff;
use super::value::{automatic, canonical, words};
use crate::catalog::{Absent, FileError, SettingContext, SettingFacts, SettingKind, SettingsFacts, Snapshot};
use crate::plan::{
    Action, Block, Code, Fact, Finding, Gate, Hazard, HazardKind, Object, Seen, SetSetting, SettingAction,
};
use crate::policy::{SettingsDesired, SettingsMode};
use crate::sql::{left_to_a_person, loses_safety, setting_text, statements_of};

/// Settings that no configuration file may hold, beside those of the context `internal` (guc_tables.c,
/// `GUC_DISALLOW_IN_FILE`).
const NOT_IN_FILES: [&str; 7] = [
    "config_file",
    "role",
    "seed",
    "session_authorization",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
];

const MAX_CONNECTIONS: &str = "max_connections";
const RESERVED_CONNECTIONS: [&str; 2] = ["reserved_connections", "superuser_reserved_connections"];

/// A standby that has less of these pauses replay (section 26.4.3, "Administrator's Overview").
const STANDBYS_NEED: [&str; 5] = [
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
];

/// The settings that have to be read: those of the policy, and those that they have to suit.
pub(crate) fn names(settings: &SettingsDesired) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = settings.values.keys().cloned().collect();
    let of_connections = || RESERVED_CONNECTIONS.into_iter().chain([MAX_CONNECTIONS]);
    if of_connections().any(|name| names.contains(name)) {
        names.extend(of_connections().map(str::to_owned));
    }
    names
}

/// What differs, what cannot be, and what is not known.
pub(crate) fn diff(setup: &Setup<'_>, snapshot: &Snapshot) -> Diff {
    let wanted = &setup.desired.settings;
    let mut result = Diff::default();
    if wanted.is_empty() {
        return result;
    }
    let Some(facts) = &snapshot.catalog.settings else {
        let message = "settings of the server were not read: nothing is known of them".to_owned();
        result.findings.push(Finding { table: None, code: Code::NotInSnapshot, object: None, message, hint: None });
        return result;
    };
    let mut run = Run { setup, facts, has_standbys: snapshot.catalog.has_standbys, result };
    for (name, text) in &wanted.values {
        run.setting(name, text);
    }
    for error in &facts.errors {
        run.broken_line(error);
    }
    run.result
}

struct Run<'a> {
    setup: &'a Setup<'a>,
    facts: &'a SettingsFacts,
    has_standbys: bool,
    result: Diff,
}

/// One setting whose value on the server is known.
struct Known<'a> {
    name: &'a str,
    facts: &'a SettingFacts,
    /// The policy's text.
    text: &'a str,
    /// What it means.
    wanted: String,
    /// What the server has.
    found: String,
    /// What the configuration files say.
    configured: Option<String>,
    /// Both in words: what is found, and what is wanted.
    shown: [String; 2],
}

impl Run<'_> {
    fn setting(&mut self, name: &str, text: &str) {
        let Some(facts) = self.facts.settings.get(name) else { return self.absent(name) };
        if facts.context == SettingContext::Internal || NOT_IN_FILES.contains(&name) {
            return self.refuse(name, "no configuration sets it".to_owned());
        }
        let wanted = match canonical(name, facts, text) {
            Ok(wanted) => wanted,
            Err(because) => return self.refuse(name, because),
        };
        if let Some(because) = self.reserves_all(name) {
            return self.refuse(name, because);
        }
        let means = |text: &str| canonical(name, facts, text).unwrap_or_else(|_| text.to_owned());
        let chosen = automatic(name, facts).filter(|chosen| means(chosen) == wanted);
        let found = chosen.or_else(|| facts.of_server()).or_else(|| self.of_nothing(facts));
        let Some(found) = found else { return self.shadowed(name, facts, &wanted) };
        let shown = match facts.kind {
            SettingKind::String => [found.to_owned(), setting_text(name, text)],
            SettingKind::Bool | SettingKind::Enum | SettingKind::Integer | SettingKind::Real => {
                [means(found), wanted.clone()]
            }
        };
        let shown = shown.map(|value| words(facts, &value));
        // What was taken out of the files is its default after a restart.
        let gone = facts.default.as_deref().filter(|_| self.facts.reads_files && facts.pending_restart);
        let (found, configured) = (means(found), facts.configured.as_deref().or(gone).map(means));
        let known = Known { name, facts, text, wanted, found, configured, shown };
        let by_command_line = facts.source == "command line";
        let waits_for_restart = facts.context == SettingContext::Postmaster && !by_command_line;
        match (known.found == known.wanted, &known.configured) {
            (true, _) if !facts.pending_restart || by_command_line => {}
            (true, Some(configured)) => {
                let mut message =
                    format!("it is as the policy says until a restart, which brings {}", words(facts, configured));
                let changes =
                    self.setup.desired.settings.mode == SettingsMode::AlterSystem && *configured != known.wanted;
                let because = obstacle(&known, self.facts).filter(|_| changes);
                if let Some(because) = because {
                    message = format!("{message}. It is not changed: {because}");
                }
                self.pending(name, message);
                // Back to what the policy says, before somebody restarts the server.
                if changes && because.is_none() {
                    self.change(&known);
                }
            }
            (true, None) => {
                self.pending(name, "it is as the policy says until a restart, which brings another value".to_owned());
            }
            // What the server made of what the policy says: it was told the same, and has another value.
            (false, Some(configured)) if facts.taken && !facts.pending_restart && *configured == known.wanted => {}
            // A restart reads the files, whether a reload has told of it yet or not.
            (false, Some(configured)) if waits_for_restart && *configured == known.wanted => {
                let [found, wanted] = &known.shown;
                self.pending(name, format!("it is {found} until a restart, which brings {wanted} as the policy says"));
            }
            (false, None) if waits_for_restart && facts.pending_restart => {
                let [found, wanted] = &known.shown;
                let message = format!(
                    "it is {found} until a restart brings another value; whether that is {wanted}, which the policy wants, is \
                     in files that this session may not read"
                );
                self.pending(name, message);
            }
            (false, _) => match self.setup.desired.settings.mode {
                SettingsMode::Report => self.differs(&known, None),
                SettingsMode::AlterSystem => match obstacle(&known, self.facts) {
                    Some(because) => self.differs(&known, Some(because)),
                    None => self.change(&known),
                },
            },
        }
    }

    /// The default, where what this session has hides it, and the files say nothing.
    fn of_nothing<'f>(&self, facts: &'f SettingFacts) -> Option<&'f str> {
        facts.default.as_deref().filter(|_| self.facts.reads_files && facts.configured.is_none())
    }

    /// Whether no connection would be left: the server does not start then (postmaster.c).
    fn reserves_all(&self, name: &str) -> Option<String> {
        if name != MAX_CONNECTIONS && !RESERVED_CONNECTIONS.contains(&name) {
            return None;
        }
        let number = |name: &str| {
            let facts = self.facts.settings.get(name)?;
            let said = self.setup.desired.settings.values.get(name).or(facts.configured.as_ref());
            canonical(name, facts, said.unwrap_or(&facts.value)).ok()?.parse::<u64>().ok()
        };
        let all = number(MAX_CONNECTIONS)?;
        // One of the two is of 16 and later.
        let reserved: u64 = RESERVED_CONNECTIONS.into_iter().filter_map(number).sum();
        let why = format!(
            "of {all} max_connections {reserved} are reserved ({}): the server would not start",
            RESERVED_CONNECTIONS.join(" + ")
        );
        (all <= reserved).then_some(why)
    }

    /// The server takes nothing of a reload while a line of its files is wrong, and does not start with it.
    fn broken_line(&mut self, line: &FileError) {
        let FileError { place, name, error } = line;
        let message = format!("{place}: {error}; no reload takes effect as a whole while that stands there");
        let hint = Some("correct the line, and SELECT pg_reload_conf()".to_owned());
        match name {
            Some(name) => self.say(Code::SettingFileError, name, message, hint),
            None => {
                let found = Finding { table: None, code: Code::SettingFileError, object: None, message, hint };
                self.result.findings.push(found);
            }
        }
    }

    fn absent(&mut self, name: &str) {
        let message = match self.facts.absent.get(name) {
            Some(Absent::NoSuch(nearest)) => {
                let meant = nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
                return self.refuse(name, format!("this server has no such setting{meant}"));
            }
            Some(Absent::Hidden) => {
                "only roles with pg_read_all_settings may see it: whether it is as the policy says is unknown"
            }
            Some(Absent::NotLoaded) => {
                "it belongs to a library that this session has not loaded: whether it is as the policy says is unknown"
            }
            None => "it was not read: whether it is as the policy says is unknown",
        };
        self.say(Code::SettingUnknown, name, message.to_owned(), None);
    }

    fn shadowed(&mut self, name: &str, facts: &SettingFacts, wanted: &str) {
        let by = match facts.source.as_str() {
            "global" => "ALTER ROLE ALL SET",
            "database" => "ALTER DATABASE … SET",
            "user" | "database user" => "ALTER ROLE … SET",
            _ => "the connection's own options",
        };
        let message = format!(
            "this session has {} by {by}, which hides what the server has: whether that is {}, which the policy wants, is unknown",
            words(facts, &facts.value),
            words(facts, wanted)
        );
        let hint = format!("a role that may read pg_file_settings sees it, or a session without {by}");
        self.say(Code::SettingUnknown, name, message, Some(hint));
    }

    fn differs(&mut self, known: &Known<'_>, because: Option<&str>) {
        let Known { name, facts, text: _, wanted: _, found: _, configured: _, shown: [found, wanted] } = known;
        let when = match facts.context {
            SettingContext::Postmaster => "a restart",
            SettingContext::Backend => "a reload, for sessions that begin after it",
            SettingContext::Internal | SettingContext::Sighup | SettingContext::Session => "a reload",
        };
        let place = facts.place.as_ref().filter(|_| !facts.is_read_from_files() && !facts.is_shadowed());
        let from = match (place, facts.is_read_from_files()) {
            (Some(place), _) => format!("{}, {place}", facts.source),
            (None, true) => "configuration files".to_owned(),
            (None, false) if facts.is_shadowed() => "default".to_owned(),
            (None, false) => facts.source.clone(),
        };
        let mut message = format!("it is {} ({from}), the policy wants {}; that takes {when}", found, wanted);
        if let Some(because) = because {
            message = format!("{message}. It is not changed: {because}");
        }
        self.say(Code::SettingDiffers, name, message, None);
    }

    /// A step, blocked where the session has not the rights.
    fn change(&mut self, known: &Known<'_>) {
        let mut step = self.step(known);
        let SettingsFacts { settings: _, absent: _, reads_files: _, may_reload, errors: _, alter_system_allowed } =
            self.facts;
        let because = match (*alter_system_allowed, known.facts.may_alter, *may_reload) {
            (true, true, true) => None,
            (false, _, _) => Some("the server refuses ALTER SYSTEM: allow_alter_system is off"),
            (true, false, _) => {
                Some("only superusers and roles with GRANT ALTER SYSTEM ON PARAMETER (15 and later) may")
            }
            (true, true, false) => Some("it has no EXECUTE on pg_reload_conf()"),
        };
        if let Some(because) = because {
            let message = format!("this session may not change it: {because}");
            let hint = match alter_system_allowed {
                true => format!("have an administrator run: {}", statements_of(&step.action).join("; ")),
                false => {
                    let value = setting_text(known.name, known.text).replace('\\', "\\\\").replace('\'', "''");
                    format!("set it where the server's configuration is kept: {} = '{value}'", known.name)
                }
            };
            self.say(Code::SettingNotPermitted, known.name, message.clone(), Some(hint));
            step.gate = Gate::Blocked(vec![Block::MissingRight { because: message }]);
        }
        self.result.steps.push(step);
    }

    fn step(&self, known: &Known<'_>) -> crate::plan::Step {
        let Known { name, facts, text, wanted, found, configured: _, shown } = known;
        let restart = facts.context == SettingContext::Postmaster && found != wanted;
        let action = SetSetting { name: (*name).to_owned(), to: setting_text(name, text), restart };
        let in_files = action.to.clone();
        // Texts stay as they are written; numbers and words are shown as what they mean.
        let is_text = facts.kind == SettingKind::String && *name != "datestyle";
        let in_force = if is_text { &in_files } else { wanted };
        let of = |value: &str, seen, or_in_files: Option<&str>| Fact::Setting {
            name: (*name).to_owned(),
            value: value.to_owned(),
            seen,
            or_in_files: or_in_files.map(str::to_owned),
        };
        let fact = |value: &str, seen| of(value, seen, None);
        let before = match (&facts.configured, facts.is_read_from_files()) {
            (Some(configured), true) => fact(configured, Seen::InFiles),
            (None, _) if facts.is_shadowed() => fact("", Seen::NotInFiles),
            (None, _) | (_, false) => fact(&facts.value, Seen::InForce),
        };
        let after = match facts.context {
            SettingContext::Postmaster if self.facts.reads_files => fact(&in_files, Seen::InFiles),
            SettingContext::Postmaster => fact(in_force, Seen::AtRestart),
            SettingContext::Backend => fact(&in_files, Seen::InFiles),
            SettingContext::Internal | SettingContext::Sighup | SettingContext::Session => match facts.is_shadowed() {
                true => fact(&in_files, Seen::InFiles),
                false => of(in_force, Seen::InForce, Some(in_files.as_str()).filter(|_| self.facts.reads_files)),
            },
        };
        let mut step = self.setup.step(Action::Setting(SettingAction::Set(action)), "setting differs");
        step.note = Some(shown.join(" to "));
        step.before.push(before);
        step.after.push(after);
        if let Some(because) = loses_safety(name, wanted).or_else(|| loses_safety(name, &in_files)) {
            let detail = because.to_owned();
            step.hazards.push(Hazard { kind: HazardKind::LosesSafety, object: step.action.object(), detail });
        }
        if restart {
            let mut detail =
                "in force after a restart only, which this does not do; a server that cannot have what it says \
                              (memory, a port) does not start"
                    .to_owned();
            if self.has_standbys && STANDBYS_NEED.contains(name) {
                detail.push_str("; a standby with a lower value pauses replay: raise it there first");
            }
            step.hazards.push(Hazard { kind: HazardKind::RestartRequired, object: step.action.object(), detail });
        }
        step
    }

    fn pending(&mut self, name: &str, message: String) {
        self.say(Code::SettingPendingRestart, name, message, None);
    }

    fn refuse(&mut self, name: &str, message: String) {
        self.say(Code::SettingRefused, name, message, Some(format!("correct `settings.{name}` in the policy")));
    }

    fn say(&mut self, code: Code, name: &str, message: String, hint: Option<String>) {
        let mut found = finding(code, Object::Setting(name.to_owned()), message);
        found.hint = hint;
        self.result.findings.push(found);
    }
}

/// Why `ALTER SYSTEM` would not help, or must not be.
fn obstacle(known: &Known<'_>, facts: &SettingsFacts) -> Option<&'static str> {
    if known.facts.source == "command line" {
        return Some("it is on the server's command line, which goes before every file");
    }
    if let Some(because) = left_to_a_person(known.name, known.text) {
        return Some(because);
    }
    if known.facts.placeholder {
        return Some("no library defines it, and `pg_settings` does not show it: it could not be checked");
    }
    if known.facts.context == SettingContext::Backend && !facts.reads_files {
        return Some(
            "only sessions that begin later have it, and this one may not read the files: it could not be checked",
        );
    }
    None
}
