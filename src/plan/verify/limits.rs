//! Rules of steps on limits.

use super::super::action::{Action, LimitAction};
use super::super::fact::Fact;
use super::super::object::Object;
use super::super::step::Step;
use super::rules::rule;
use crate::catalog::Snapshot;
use crate::policy::Desired;
use crate::sql::{SettingUnit, setting_amount};

pub(super) fn judge(desired: &Desired, snapshot: &Snapshot, step: &Step) -> Result<(), String> {
    let Action::Limit(action) = &step.action else { return Err("it names no table".to_owned()) };
    let facts = snapshot.catalog.limits.as_ref().ok_or("connection limits were not read")?;
    let limits = |of: Object, from: i32, to: i32| {
        let says = |facts: &[Fact], limit| {
            facts.iter().any(
                |fact| matches!(fact, Fact::ConnectionLimit { of: found, limit: l } if *found == of && *l == limit),
            )
        };
        let reachable = u32::try_from(to).map_or(to == -1, |to| to <= facts.capacity.max_connections);
        rule(reachable, "no server of this size reaches its limit")?;
        rule(says(&step.before, from) && says(&step.after, to), "its facts are not its limits")
    };
    match action {
        LimitAction::Database(limit) => {
            rule(desired.limits.database == Some(limit.to), "the policy wants another limit of the database")?;
            rule(limit.database == facts.database.name, "it is another database")?;
            let owner = limit.role.as_ref().is_none_or(|role| *role == facts.database.owner);
            rule(owner, "it works as somebody who does not own the database")?;
            limits(Object::Database(limit.database.clone()), limit.from, limit.to)
        }
        LimitAction::Role(limit) => {
            let wanted = desired.limits.roles.get(&limit.role).and_then(|role| role.connection_limit);
            rule(wanted == Some(limit.to), "the policy wants another limit of the role")?;
            limits(Object::Role(limit.role.clone()), limit.from, limit.to)
        }
        LimitAction::Set(set) => {
            let role = desired.limits.roles.get(&set.role).ok_or("the policy does not name the role")?;
            rule(set.database == facts.database.name, "it is another database")?;
            let of_policy = set.settings.iter().all(|setting| {
                let wanted = role.timeouts.get(&setting.name).map(|timeout| timeout.0.as_millis().to_string());
                let millis = |text: &str| setting_amount(text, SettingUnit::Milliseconds);
                wanted.is_some_and(|wanted| millis(&wanted) == millis(&setting.to))
            });
            rule(of_policy && !set.settings.is_empty(), "the policy wants other settings of the role")?;
            let promised = step.after.iter().any(|fact| {
                matches!(fact, Fact::RoleSettings { role, values, .. } if *role == set.role
                    && set.settings.iter().all(|setting| values.get(&setting.name) == Some(&Some(setting.to.clone()))))
            });
            rule(promised, "it does not promise what it sets")
        }
    }
}
