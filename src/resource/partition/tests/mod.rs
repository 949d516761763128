//! Plans of single tables over databases in memory, in a one-line-a-step form.

mod citus;
mod classes;
mod create;
mod decade;
mod default;
mod encodings;
mod ends;
mod gates;
mod grids;
mod ids;
mod in_the_way;
mod properties;
mod retention;
mod retired;
mod scope;

use crate::testing::World;

/// One daily table that keeps ten days, on 2026-03-14 with its partitions from `from` to before `to`.
fn daily(from: &str, to: &str, rest: &str) -> World {
    let policy = format!(
        "tables: {{public.events: {{partition: {{key: at, interval: 1 day, premake: 1}}, retention: {{keep: 10 days, then: drop}}}}}}\n{rest}"
    );
    let mut world = World::new("2026-03-14", &policy);
    world.windows("public.events", from, to);
    world
}

/// The same with this as its policy.
fn with(policy: &str, leaves: &[(&str, &str)]) -> World {
    let mut world = World::new("2026-03-14", &format!("tables: {{public.events: {policy}}}"));
    for (from, to) in leaves {
        world.leaf("public.events", from, to);
    }
    world
}
