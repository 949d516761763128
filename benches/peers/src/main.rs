//! The client's pool and cache beside those that programs use today.
//!
//! `make bench`, or `cargo run --release --manifest-path benches/peers/Cargo.toml`; `-- --test` or
//! `PGSTRATA_BENCH_SMOKE=1` tries everything in seconds.

#[path = "../../figures/mod.rs"]
#[allow(dead_code)]
mod figures;

mod cache;
mod pool;

use pgstrata::sandbox::{Locator, Options, Sandbox};

fn main() {
    let locator = Locator {
        pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
        path: std::env::var_os("PATH"),
        ..Locator::default()
    };
    let settings = vec![("max_connections".to_owned(), "200".to_owned())];
    let options = Options { tcp: Some(0), settings, ..Options::default() };
    let server = Sandbox::start(&locator.find().expect("a PostgreSQL server"), options).expect("a server");
    let smoke = figures::is_smoke();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("PostgreSQL {} over TCP; {cores} cores, which the server shares", server.version().version);
    pool::run(&server, smoke);
    cache::run(&server, smoke);
    println!("\nAgain: cargo run --release --manifest-path benches/peers/Cargo.toml");
}
