//! A batch job: rows in chunks, each one transaction that is tried again where that is safe; then it ends in good order.
//!
//! ```text
//! psql postgresql:///app -c 'CREATE TABLE public.readings (sensor text, value double precision, UNIQUE (sensor, value));'
//! cargo run --no-default-features --features client --example batch -- postgresql:///app <readings.csv
//! ```

#![allow(clippy::print_stdout, reason = "an example is a program: it prints")]

use std::io::BufRead;
use std::time::Duration;

use pgstrata::client::{Client, Error, PoolOptions, Query, TxOptions};

/// What services of the same program that read through the cache name.
const READINGS: &str = "public.readings";

/// Rows of one transaction: few enough to be tried again soon, enough to be worth one.
const CHUNK: usize = 1000;

/// Nobody but this job uses it: one session, which need not outlive it.
pub fn connect(url: &str) -> Result<Client, Error> {
    let options = PoolOptions { max: 1, acquire_timeout: Duration::from_secs(60), ..PoolOptions::default() };
    Client::builder(url).application_name("readings-import").pool(options).build()
}

/// Imports lines of `sensor,value`; gives how many readings were new. Run twice over the same lines it writes them once: so
/// it can go on after whatever stopped it, a COMMIT of unknown outcome included.
pub fn import(db: &Client, lines: impl BufRead) -> Result<u64, Error> {
    let (mut new, mut chunk) = (0, Vec::new());
    for (number, line) in lines.lines().enumerate() {
        let line = line.map_err(Error::other)?;
        let reading =
            line.split_once(',').and_then(|(sensor, value)| Some((sensor.to_owned(), value.trim().parse().ok()?)));
        chunk.push(reading.ok_or_else(|| Error::other(format!("line {}: {line}", number + 1)))?);
        if chunk.len() == CHUNK {
            new += write(db, &std::mem::take(&mut chunk))?;
        }
    }
    if !chunk.is_empty() {
        new += write(db, &chunk)?;
    }
    Ok(new)
}

fn write(db: &Client, chunk: &[(String, f64)]) -> Result<u64, Error> {
    let (sensors, values): (Vec<&str>, Vec<f64>) =
        chunk.iter().map(|(sensor, value)| (sensor.as_str(), *value)).unzip();
    // All rows in one statement. Its order keeps two jobs from deadlocks; what is left of them is tried again.
    let insert = Query::new(
        "INSERT INTO public.readings (sensor, value) SELECT DISTINCT * FROM unnest($1, $2) ORDER BY 1, 2
         ON CONFLICT DO NOTHING",
    );
    let insert = insert.bind(sensors).bind(values);
    db.transaction(&TxOptions::default().retries(5).resolve_commit(true), |tx| {
        tx.writes(READINGS);
        tx.execute(&insert)
    })
}

#[allow(dead_code, reason = "a test includes this file and calls what is above")]
fn main() -> Result<(), Error> {
    let db = connect(&std::env::args().nth(1).unwrap_or_default())?;
    let new = import(&db, std::io::stdin().lock())?;
    println!("{new} new readings");
    // Waits until the session has come back, and says goodbye to the server.
    db.shutdown(Duration::from_secs(10));
    Ok(())
}
