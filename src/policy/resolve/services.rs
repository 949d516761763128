//! Whether a role may open what the pools of its services may: what the policy itself says of both.

use std::collections::BTreeMap;

use super::super::{Label, LimitsDesired, PolicyError, PolicyPath, ServiceDesired};
use super::Checks;
use crate::sql::Ident;

/// `places` is where each role's limit stands. What goes through PgBouncer does not open what its pools may; the database's
/// and the server's own limits are judged where they are known.
pub(super) fn fit(checks: &mut Checks, limits: &LimitsDesired, places: &BTreeMap<Ident, PolicyPath>) {
    for (role, place) in places {
        let limit = limits.roles.get(role).and_then(|of_role| of_role.connection_limit);
        let Some(most) = limit.and_then(|limit| u64::try_from(limit).ok()) else { continue };
        let direct = limits.services.iter().filter(|(_, service)| !service.through_pgbouncer);
        let own: Vec<(&String, &ServiceDesired)> =
            direct.filter(|(_, service)| service.role.as_ref() == Some(role)).collect();
        let (mut total, mut fits) = (0_u64, true);
        for (name, service) in &own {
            let opens = service.connections();
            total = opens.saturating_add(total);
            if opens > most {
                fits = false;
                let message = format!(
                    "service {name} opens up to {} connections, its role {role} may open {most}",
                    words(service)
                );
                let error = PolicyError::at(place_of(name, service), message).says(says(service));
                checks.push(
                    error
                        .and(Label::value(place.clone(), format!("{role} may open {most}")))
                        .help("lower `max_connections` or `instances`, or raise the role's `connection_limit`"),
                );
            }
        }
        if fits && total > most {
            let sum = own.iter().map(|(name, service)| format!("{name} {}", product(service))).collect::<Vec<_>>();
            let message =
                format!("services of {role} open up to {} = {total} connections, it may open {most}", sum.join(" + "));
            let mut error = PolicyError::at(place.clone(), message).says(format!("{role} may open {most}"));
            for (name, service) in &own {
                error = error.and(Label::value(place_of(name, service), format!("{name}: {}", words(service))));
            }
            checks.push(error.help("lower `max_connections` or `instances`, or raise the role's `connection_limit`"));
        }
    }
}

/// Where its number stands.
fn place_of(name: &str, service: &ServiceDesired) -> PolicyPath {
    match service.as_client {
        true => PolicyPath::of(["client", "pool", "max_connections"]),
        false => PolicyPath::of(["limits", "services"]).key(name).key("max_connections"),
    }
}

fn says(service: &ServiceDesired) -> String {
    format!("in each of {}", service.instances)
}

fn product(service: &ServiceDesired) -> String {
    format!("{} × {}", service.instances, service.max_connections)
}

fn words(service: &ServiceDesired) -> String {
    format!("{} = {}", product(service), service.connections())
}
