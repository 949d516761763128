//! "Indexes 50–90 % faster on filtered queries": a ratio of 0.10 to 0.50. It depends on how much is asked for.

use super::figures::{Figures, heading};
use super::world::World;

const SHARES: [(&str, f64); 4] = [("0.001 %", 1e-5), ("1 %", 1e-2), ("10 %", 0.1), ("50 %", 0.5)];

/// Without indexes, as far as the planner can be told.
const NO_INDEX: &str = "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off";
const ANY_INDEX: &str = "RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan";

pub fn run(world: &mut World) {
    heading("Claim: an index makes filtered queries 50 to 90 % faster (0.10 to 0.50); rows lie in no order of it");
    let rounds = if world.smoke { 2 } else { 3 };
    let sql = |share: f64, rows: u64| {
        format!("SELECT count(*), sum(length(details)) FROM plain WHERE place < {}", (rows as f64 * share).ceil())
    };
    // The third baseline is an index of its own, which the planner would not take beside the other.
    world.does("a BRIN index on the column", "CREATE INDEX plain_place_brin ON plain USING brin (place)");
    let brin: Vec<Vec<f64>> =
        SHARES.iter().map(|(_, share)| (0..=rounds).map(|_| world.takes(&sql(*share, world.rows))).collect()).collect();
    world
        .does("a b-tree index on the column", "DROP INDEX plain_place_brin; CREATE INDEX plain_place ON plain (place)");
    for ((name, share), brin) in SHARES.into_iter().zip(brin) {
        let sql = sql(share, world.rows);
        let mut pairs = [Vec::new(), Vec::new(), Vec::new()];
        for (round, brin) in brin.iter().enumerate() {
            let ours = world.takes(&sql);
            world.session.batch_execute(NO_INDEX).unwrap();
            let alone = world.takes(&sql);
            world.session.batch_execute("SET max_parallel_workers_per_gather = 2").unwrap();
            let parallel = world.takes(&sql);
            world.session.batch_execute("RESET max_parallel_workers_per_gather").unwrap();
            world.session.batch_execute(ANY_INDEX).unwrap();
            // The first time warms.
            if round > 0 {
                for (pairs, baseline) in pairs.iter_mut().zip([alone, parallel, *brin]) {
                    pairs.push((ours, baseline));
                }
            }
        }
        let plan = world.session.query(&format!("EXPLAIN {sql}"), &[]).unwrap();
        let plan = plan.iter().map(|row| row.get::<_, String>(0));
        let plan = plan.skip(1).find_map(|line| line.split_once("->").map(|(_, node)| node.trim().to_owned()));
        let plan = plan.and_then(|node| node.split("  ").next().map(str::to_owned)).unwrap_or_default();
        for (pairs, baseline) in pairs.iter().zip(["a sequential scan", "one with 2 parallel workers", "a BRIN index"])
        {
            Figures::of(pairs).print(&format!("{name} of the rows ({plan}), by {baseline}"), None);
        }
    }
}
