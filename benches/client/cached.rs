//! "Cached queries 95 % faster": a ratio of 0.05. True of a hit; a program has misses as well.

use std::time::Duration;

use pgstrata::client::{CacheOptions, Client, Query};

use super::figures::{compare, each, heading};
use super::world::{World, first_of, id};

pub fn run(world: &mut World) {
    heading("Claim: caching makes repeated queries 95 % faster (0.05)");
    let client = Client::builder(world.server.url("postgres"))
        .application_name("bench")
        .cache(CacheOptions { ttl: Duration::from_secs(3600), ..CacheOptions::default() })
        .build()
        .unwrap();
    let actor = (world.rows / 200).cast_signed();
    let (from, to) = (first_of(17), first_of(18));
    let month = format!("SELECT count(*) FROM parted WHERE occurred_at >= '{from}' AND occurred_at < '{to}'");
    let by_actor = || Query::new("SELECT id FROM plain WHERE actor_id = $1").bind(actor).reads("public.plain");
    let (hits, few) = if world.smoke { (1_000, 20) } else { (200_000, 500) };
    for (what, query, times) in [
        ("a hit, by a warm query for one row by its key", world.point(), few * 10),
        ("a hit, by one for some 100 rows by an index", by_actor(), few),
        ("a hit, by one that counts a month", Query::new(month).reads("public.parted"), few / 100 + 1),
    ] {
        let query = query.scope("bench");
        client.cached(&query, id).unwrap();
        let ours = || each(hits, || client.cached(&query, id).unwrap());
        compare(world.rounds(), ours, || each(times, || client.query(&query, id).unwrap())).print(what, None);
    }
    // What a program sees: every so many calls one must ask, and a cached read that asks costs more than a query.
    let query = by_actor();
    for (share, of) in [("50 %", 2), ("90 %", 10), ("99 %", 100)] {
        let mut call = 0;
        let mut one = || {
            call += 1;
            if call % of == 0 {
                client.invalidate_key(&query, id).unwrap();
            }
            client.cached(&query, id).unwrap().len()
        };
        let times = few.max(of) * 2;
        let figures =
            compare(world.rounds(), || each(times, &mut one), || each(few, || client.query(&query, id).unwrap()));
        figures.print(&format!("the mean with {share} hits, by a query for some 100 rows"), None);
    }
}
