//! Which partitions are made, and why.

use crate::testing::{World, lines};

#[test]
fn an_empty_table_gets_the_current_window_and_what_premake_says() {
    let mut world =
        World::new("2026-03-14", "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 2}}}");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the next window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    + public.events_p20260501 [2026-05-01, 2026-06-01) scheduled: premake
    = public.events runway 0s -> 79d
    ");
}
