//! What the project's first draft claimed of partitions, indexes, caching and pooling, as it is found; and what counting costs.
//!
//! `make bench`, or `cargo bench --features testing --bench client`; `PGSTRATA_BENCH_ROWS` is how many rows (10 million
//! without it), and `-- --test` or `PGSTRATA_BENCH_SMOKE=1` tries everything on 10,000 in seconds.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs and looks at the clock")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs,
    reason = "a benchmark prints, and ends by panic"
)]

#[path = "../figures/mod.rs"]
mod figures;

mod cached;
mod indexes;
mod partitions;
mod pooled;
mod world;

use std::hint::black_box;
use std::time::Duration;

use pgstrata::client::Counting;

use figures::{Figures, each, heading, is_smoke, time};
use world::World;

fn main() {
    let smoke = is_smoke();
    let rows = std::env::var("PGSTRATA_BENCH_ROWS").ok();
    let rows = rows.map_or(if smoke { 10_000 } else { 10_000_000 }, |rows| rows.parse().expect("a number of rows"));
    let mut world = World::new(rows, smoke);
    partitions::run(&mut world);
    indexes::run(&mut world);
    cached::run(&mut world);
    pooled::run(&mut world);
    partitions::remove(&mut world);
    counting(&mut world);
    println!("\nAgain: PGSTRATA_BENCH_ROWS={rows} cargo bench --features testing --bench client");
}

/// All that a query does to be counted, clocks included, beside the query.
fn counting(world: &mut World) {
    heading("Counters: all that a query does to be counted");
    let client = world.client();
    let query = world.point();
    client.query(&query, world::id).unwrap();
    let counting = Counting::default();
    let (many, few) = if world.smoke { (10_000, 50) } else { (2_000_000, 4_000) };
    let begun = std::time::Instant::now();
    let times = [begun, begun + Duration::from_micros(1), begun + Duration::from_micros(40)];
    let pairs: Vec<(f64, f64)> = (0..world.rounds())
        .map(|_| {
            (
                each(many, || counting.one_query(black_box(times))),
                each(few, || client.query(&query, world::id).unwrap()),
            )
        })
        .collect();
    let figures = Figures::of(&pairs);
    let verdict = if figures.ours <= 100e-9 { "met" } else { "MISSED" };
    figures.print(&format!("a warm query by its key; {} each, goal 100 ns: {verdict}", time(figures.ours)), None);
}
