//! "Partitioned queries 60–80 % faster": a ratio of 0.20 to 0.40.

use super::figures::{compare, heading};
use super::world::{MONTHS, World, first_of};

fn one_month(table: &str) -> String {
    let (from, to) = (first_of(17), first_of(18));
    format!("SELECT count(*), sum(actor_id) FROM {table} WHERE occurred_at >= '{from}' AND occurred_at < '{to}'")
}

pub fn run(world: &mut World) {
    heading("Claim: partitioned queries are 60 to 80 % faster (0.20 to 0.40)");
    beside(world, "one month, by a table without an index on time");
    world.does("a BRIN index on time", "CREATE INDEX plain_brin ON plain USING brin (occurred_at)");
    beside(world, "one month, by the same table with BRIN on time");
    world.does("a b-tree index on time", "DROP INDEX plain_brin; CREATE INDEX plain_time ON plain (occurred_at)");
    beside(world, "one month, by the same table with a b-tree on time");
    // The other side: what does not name the key goes through all months.
    let actors = if world.smoke { 3 } else { 50 };
    let (rounds, step) = (world.rounds(), world.rows / 100 / 64 + 1);
    let by_actor = |table: &str| -> String {
        let one = |n: u64| format!("SELECT count(*), max(occurred_at) FROM {table} WHERE actor_id = {};", n * step);
        (0..actors).map(one).collect()
    };
    let (ours, baseline) = (by_actor("parted"), by_actor("plain"));
    let pairs: Vec<(f64, f64)> = (0..=rounds).map(|_| (world.takes(&ours), world.takes(&baseline))).collect();
    let pairs: Vec<(f64, f64)> =
        pairs[1..].iter().map(|(ours, baseline)| (ours / actors as f64, baseline / actors as f64)).collect();
    super::figures::Figures::of(&pairs).print("an actor's rows of all time by an index, in one table", None);
}

fn beside(world: &mut World, what: &str) {
    let rounds = world.rounds();
    let world = std::cell::RefCell::new(world);
    let ours = || world.borrow_mut().takes(&one_month("parted"));
    let baseline = || world.borrow_mut().takes(&one_month("plain"));
    compare(rounds, ours, baseline).print(what, None);
}

/// Last, for afterwards the rows are gone.
pub fn remove(world: &mut World) {
    heading("Claim, other side: a month leaves");
    let months = if world.smoke { 2 } else { 3 };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for month in 1..=months.min(MONTHS) {
        let ours = world.takes(&format!("ALTER TABLE parted DETACH PARTITION parted_{month}"))
            + world.takes(&format!("DROP TABLE parted_{month}"));
        let (from, to) = (first_of(month), first_of(month + 1));
        let delete = world.takes(&format!("DELETE FROM plain WHERE occurred_at >= '{from}' AND occurred_at < '{to}'"));
        let vacuum = world.takes("VACUUM plain");
        without.push((ours, delete));
        with.push((ours, delete + vacuum));
    }
    super::figures::Figures::of(&without).print("DETACH and DROP, by DELETE with a b-tree on time", None);
    super::figures::Figures::of(&with).print("DETACH and DROP, by the same and the VACUUM it leaves to do", None);
}
