//! Wanted limits × the catalog's → steps, and what may not or cannot be.

use std::collections::BTreeMap;

use super::super::of_no_table::{Setup, finding};
use super::super::partition::Diff;
use super::budget;
use crate::catalog::{DatabaseFacts, LimitFacts, MayAlter, RoleFacts, Snapshot};
use crate::plan::{
    Action, Block, Code, Fact, Finding, Gate, Hazard, HazardKind, LimitAction, LimitDatabase, LimitRole, Object,
    RoleSetting, SetRole, Step,
};
use crate::policy::{LimitsDesired, RoleDesired, RoleTimeout};
use crate::sql::{Ident, SettingUnit, server_time, setting_amount, statements_of};

/// The settings of roles that came after 14, with the major that has them.
const SINCE: [(&str, u32); 1] = [("transaction_timeout", 17)];

/// Steps that set the limits, and what is broken, refused or beyond the session's rights.
pub(crate) fn diff(setup: &Setup<'_>, snapshot: &Snapshot) -> Diff {
    let wanted = &setup.desired.limits;
    let mut result = Diff::default();
    if wanted.is_empty() {
        return result;
    }
    let Some(facts) = &snapshot.catalog.limits else {
        let message = "connection limits were not read: nothing is known of them".to_owned();
        result.findings.push(Finding { table: None, code: Code::NotInSnapshot, object: None, message, hint: None });
        return result;
    };
    let mut run = Run { setup, facts, major: snapshot.target.major(), result };
    if let Some(limit) = wanted.database {
        run.database(limit);
    }
    for (name, role) in &wanted.roles {
        run.role(name, role);
    }
    run.services(wanted);
    run.result.findings.extend(budget::findings(wanted, facts, snapshot.catalog.pooler.as_ref()));
    run.result
}

struct Run<'a> {
    setup: &'a Setup<'a>,
    facts: &'a LimitFacts,
    major: u32,
    result: Diff,
}

impl Run<'_> {
    fn database(&mut self, wanted: i32) {
        let DatabaseFacts { name, owner, connection_limit, sessions, may_alter, settings: _ } = &self.facts.database;
        let object = Object::Database(name.clone());
        if self.is_above(wanted, &object, "limits.database.connection_limit") || *connection_limit == wanted {
            return;
        }
        let role = match may_alter {
            MayAlter::AsOwner => Some(owner.clone()),
            MayAlter::AsItself | MayAlter::No => None,
        };
        let limit = LimitDatabase { database: name.clone(), role, from: *connection_limit, to: wanted };
        let step = self.limit(LimitAction::Database(limit), (*connection_limit, wanted), *sessions, &object);
        let may = *may_alter != MayAlter::No;
        self.add(step, may, &format!("only {owner}, who owns it, and superusers may"));
    }

    fn role(&mut self, name: &Ident, wanted: &RoleDesired) {
        let object = Object::Role(name.clone());
        let path = format!("limits.roles.{name}");
        let Some(role) = self.facts.roles.get(name) else { return self.no_such_role(name, &path) };
        if name.as_str().starts_with("pg_") {
            // user.c, IsReservedName: also for superusers.
            self.refuse(object, "it is a predefined role, which nobody may alter".to_owned(), &path);
            return;
        }
        let RoleFacts { connection_limit, superuser, sessions, may_limit, may_set, settings_here, settings } = role;
        let not_ours = match superuser {
            true => "only superusers may change a superuser",
            false => "only a role with CREATEROLE and the admin option on it, and superusers may",
        };
        if let Some(limit) = wanted.connection_limit
            && !self.is_above(limit, &object, &format!("{path}.connection_limit"))
        {
            if *superuser && limit >= 0 {
                let message = "it is a superuser, for whom no connection limit holds".to_owned();
                self.result.findings.push(finding(Code::LimitExempt, object.clone(), message));
            }
            if *connection_limit != limit {
                let action = LimitRole { role: name.clone(), from: *connection_limit, to: limit };
                let step = self.limit(LimitAction::Role(action), (*connection_limit, limit), *sessions, &object);
                self.add(step, *may_limit, not_ours);
            }
        }
        let mut changes = Vec::new();
        for (setting, timeout) in &wanted.timeouts {
            if let Some((_, since)) = SINCE.iter().find(|(name, since)| name == setting && self.major < *since) {
                let message = format!("{setting} needs PostgreSQL {since} or later");
                self.refuse(object.clone(), message, &format!("{path}.{setting}"));
                continue;
            }
            // What is set for this database goes before what is set for all of them (section 20.1.3).
            let now = settings_here.get(setting).or_else(|| settings.get(setting));
            if now.and_then(|now| setting_amount(now, SettingUnit::Milliseconds)) != Some(milliseconds(*timeout)) {
                let from = settings_here.get(setting).cloned();
                changes.push(RoleSetting { name: setting.clone(), from, to: server_time(timeout.0) });
            }
        }
        if !changes.is_empty() {
            let step = self.set(name, changes);
            self.add(step, *may_set, not_ours);
        }
    }

    /// Roles of services that have no limits of their own.
    fn services(&mut self, wanted: &LimitsDesired) {
        for (service, of) in &wanted.services {
            let Some(role) = of.role.as_ref().filter(|role| !self.facts.roles.contains_key(*role)) else { continue };
            if !wanted.roles.contains_key(role) {
                self.no_such_role(role, &format!("limits.services.{service}.role"));
            }
        }
    }

    fn limit(&self, action: LimitAction, (from, to): (i32, i32), sessions: u32, object: &Object) -> Step {
        let lowers = action.lowers();
        let mut step = self.setup.step(Action::Limit(action), "limit differs");
        step.note = Some(format!("{} to {}", limit_words(from), limit_words(to)));
        step.before.push(Fact::ConnectionLimit { of: object.clone(), limit: from });
        step.after.push(Fact::ConnectionLimit { of: object.clone(), limit: to });
        if lowers {
            let open = match (sessions, u32::try_from(to).is_ok_and(|to| sessions > to)) {
                (0, _) => "no session of it is open now".to_owned(),
                (1, false) => "1 session is open now".to_owned(),
                (open, false) => format!("{open} sessions are open now"),
                (open, true) => {
                    format!("{open} sessions are open now, which is more: they stay, and none can join them")
                }
            };
            let detail = format!("beyond {to} sessions new ones are refused; {open}");
            step.hazards.push(Hazard { kind: HazardKind::LimitsSessions, object: object.clone(), detail });
        }
        step
    }

    fn set(&self, role: &Ident, settings: Vec<RoleSetting>) -> Step {
        let database = &self.facts.database.name;
        let values = |which: &dyn Fn(&RoleSetting) -> Option<String>| {
            let values: BTreeMap<String, Option<String>> =
                settings.iter().map(|setting| (setting.name.clone(), which(setting))).collect();
            Fact::RoleSettings { role: role.clone(), database: database.clone(), values }
        };
        let (before, after) = (values(&|setting| setting.from.clone()), values(&|setting| Some(setting.to.clone())));
        let words = settings.iter().map(|setting| format!("{} {}", setting.name, setting.to));
        let note = words.collect::<Vec<_>>().join(", ");
        let action = SetRole { role: role.clone(), database: database.clone(), settings };
        let mut step = self.setup.step(Action::Limit(LimitAction::Set(action)), "timeouts differ");
        step.note = Some(note);
        step.before.push(before);
        step.after.push(after);
        step
    }

    /// Adds a step; one that is beyond the session's rights is blocked, and its SQL a finding for who may.
    fn add(&mut self, mut step: Step, may: bool, who: &str) {
        if !may {
            let message = format!("this session may not change it: {who}");
            let mut found = finding(Code::LimitNotPermitted, step.action.object(), message.clone());
            found.hint = Some(format!("have an administrator run: {}", statements_of(&step.action).join("; ")));
            self.result.findings.push(found);
            step.gate = Gate::Blocked(vec![Block::MissingRight { because: message }]);
        }
        self.result.steps.push(step);
    }

    /// A limit that the server can never reach is a slip.
    fn is_above(&mut self, limit: i32, object: &Object, path: &str) -> bool {
        let most = self.facts.capacity.max_connections;
        let above = u32::try_from(limit).is_ok_and(|limit| limit > most);
        if above {
            let message =
                format!("a connection limit of {limit} is above the server's max_connections, which is {most}");
            self.refuse(object.clone(), message, path);
        }
        above
    }

    fn no_such_role(&mut self, name: &Ident, path: &str) {
        self.refuse(Object::Role(name.clone()), "there is no such role".to_owned(), path);
    }

    fn refuse(&mut self, object: Object, message: String, path: &str) {
        let mut found = finding(Code::LimitRefused, object, message);
        found.hint = Some(format!("correct `{path}` in the policy"));
        self.result.findings.push(found);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the server keeps timeouts in 31 bits")]
fn milliseconds(timeout: RoleTimeout) -> f64 {
    timeout.0.as_millis() as f64
}

fn limit_words(limit: i32) -> String {
    if limit < 0 { "none".to_owned() } else { limit.to_string() }
}
