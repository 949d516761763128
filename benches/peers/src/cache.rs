//! What a hit takes, and how many there are, beside moka and quick_cache of the same capacity.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{CacheOptions, Client, Error, Query, Row};
use pgstrata::sandbox::Sandbox;

use crate::figures::{Figures, heading, number, seconds, time};

const CAPACITY: usize = 1_000;
const SQL: &str = "SELECT $1::bigint";

type Moka = moka::sync::Cache<(&'static str, i64), Arc<[i64]>>;
type Quick = quick_cache::sync::Cache<(&'static str, i64), Arc<[i64]>>;

fn read(row: &Row) -> Result<i64, Error> {
    Ok(row.try_get(0)?)
}

fn query(key: i64) -> Query<'static> {
    Query::new(SQL).bind(key).reads("a").ttl(Duration::from_secs(3600))
}

fn client(server: &Sandbox) -> Client {
    let options = CacheOptions { max_entries: CAPACITY, ..CacheOptions::default() };
    Client::builder(server.url("postgres")).application_name("cache").cache(options).build().unwrap()
}

fn moka() -> Moka {
    moka::sync::Cache::builder().max_capacity(CAPACITY as u64).time_to_live(Duration::from_secs(3600)).build()
}

pub fn run(server: &Sandbox, smoke: bool) {
    let (ours, moka, quick) = (client(server), moka(), Quick::new(CAPACITY));
    let keys = 64_i64;
    let queries: Vec<Query<'static>> = (0..keys).map(query).collect();
    for key in 0..keys {
        ours.cached(&queries[key as usize], read).unwrap();
        moka.insert((SQL, key), Arc::new([key]));
        quick.insert((SQL, key), Arc::new([key]));
    }
    let (rounds, hits) = if smoke { (2, 2_000) } else { (25, 100_000) };
    for callers in [1, 8] {
        heading(&format!("Cache: a hit, {callers} at once (processor time of each)"));
        let kept = |key: i64| ours.cached(&queries[key as usize], read).unwrap()[0];
        let built = |key: i64| ours.cached(&query(key), read).unwrap()[0];
        let of_moka = |key: i64| moka.get(&(SQL, key)).unwrap()[0];
        let of_quick = |key: i64| quick.get(&(SQL, key)).unwrap()[0];
        let run = |hit: &(dyn Fn(i64) -> i64 + Sync)| at_once(callers, hits, keys, hit);
        let mut pairs = [const { Vec::new() }; 3];
        for round in 0..=rounds {
            let all = [(run(&kept), run(&of_moka)), (run(&kept), run(&of_quick)), (run(&built), run(&of_moka))];
            if round > 0 {
                pairs.iter_mut().zip(all).for_each(|(pairs, pair)| pairs.push(pair));
            }
        }
        let [moka, quick, built] = pairs.map(|pairs| Figures::of(&pairs));
        let verdict = if moka.ours <= 1e-6 { "met" } else { "MISSED" };
        moka.print("moka (sync)", (callers == 8).then_some(2.0));
        quick.print("quick_cache", None);
        built.print("moka, our query built anew each time", None);
        println!("       ours {} a hit; goal 1 µs: {verdict}", time(moka.ours));
    }
    hit_ratios(server, smoke);
}

/// Seconds of a processor that one hit takes.
fn at_once(callers: usize, hits: usize, keys: i64, hit: &(dyn Fn(i64) -> i64 + Sync)) -> f64 {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(callers);
    let own = hits / callers;
    let begun = Instant::now();
    thread::scope(|scope| {
        for caller in 0..callers {
            scope.spawn(move || {
                for n in 0..own {
                    let key = ((n * 7 + caller * 13) as i64) % keys;
                    assert_eq!(hit(key), key);
                }
            });
        }
    });
    seconds(begun.elapsed()) * cores as f64 / (own * callers) as f64
}

/// Ours asks a server for what it has not; the others are told.
fn hit_ratios(server: &Sandbox, smoke: bool) {
    let requests = if smoke { 2_000 } else { 100_000 };
    println!("\nCache: hits of {requests} requests, {CAPACITY} entries of 20,000 keys\n  ours   moka  quick_cache");
    for (name, trace) in [("Zipf, exponent 1", zipf(requests)), ("the same with scans of 2,000 keys", scans(requests))]
    {
        let (ours, moka, quick) = (client(server), moka(), Quick::new(CAPACITY));
        let (of_moka, of_quick) = (AtomicU64::new(0), AtomicU64::new(0));
        for key in &trace {
            ours.cached(&query(*key), read).unwrap();
            match moka.get(&(SQL, *key)) {
                Some(_) => drop(of_moka.fetch_add(1, Ordering::Relaxed)),
                None => moka.insert((SQL, *key), Arc::new([*key])),
            }
            match quick.get(&(SQL, *key)) {
                Some(_) => drop(of_quick.fetch_add(1, Ordering::Relaxed)),
                None => quick.insert((SQL, *key), Arc::new([*key])),
            }
        }
        let share = |hits: u64| number(100.0 * hits as f64 / trace.len() as f64);
        let (moka, quick) = (of_moka.load(Ordering::Relaxed), of_quick.load(Ordering::Relaxed));
        println!("{:>5} %{:>6} %{:>6} %       {name}", share(ours.stats().hits), share(moka), share(quick));
    }
}

/// Numbers that come again with each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn zipf(requests: usize) -> Vec<i64> {
    let mut sums: Vec<f64> = Vec::with_capacity(20_000);
    for rank in 1..=20_000 {
        sums.push(sums.last().copied().unwrap_or_default() + 1.0 / f64::from(rank));
    }
    let all = sums[sums.len() - 1];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    (0..requests).map(|_| dice.next() * all).map(|at| sums.partition_point(|sum| *sum < at) as i64).collect()
}

/// Half of all requests are scans: keys that are asked for in order, and seldom again.
fn scans(requests: usize) -> Vec<i64> {
    let mut trace = zipf(requests);
    let scan = (requests / 10).min(2_000);
    for (n, chunk) in trace.chunks_mut(scan * 2).enumerate() {
        for (at, key) in chunk.iter_mut().take(scan).enumerate() {
            *key = 20_000 + ((n * scan + at) % 20_000) as i64;
        }
    }
    trace
}
