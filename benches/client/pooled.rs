//! "Pooling saves 30–50 %": a ratio of 0.50 to 0.70. It saves what connecting costs, so it depends on the query.

use pgstrata::client::Query;
use pgstrata::db::{Connector, DEFAULT_DEADLINE, Env, resolve};

use super::figures::{compare, each, heading};
use super::world::World;

pub fn run(world: &mut World) {
    heading("Claim: pooling saves 30 to 50 % (0.50 to 0.70), by a session of its own for each query");
    let socket = world.server.url("postgres");
    let tcp = world.server.tcp_url("postgres").expect("a port");
    let joined = if tcp.contains('?') { '&' } else { '?' };
    let mut lines = vec![("a unix socket", socket), ("TCP", format!("{tcp}{joined}sslmode=disable"))];
    match world.tls {
        true => lines.push(("TLS", format!("{tcp}{joined}sslmode=require"))),
        false => println!("  no openssl, so no server with TLS"),
    }
    for (line, url) in &lines {
        let client = world.client_at(url);
        let info = resolve(Some(url), &Env::default()).expect("a url of ours");
        let connector = Connector::new(info, "bench").unwrap().with_setup("");
        let waits: &[u32] = if world.smoke { &[0, 1] } else { &[0, 1, 10, 100] };
        for wait in waits {
            let sql = match wait {
                0 => "SELECT 1".to_owned(),
                wait => format!("SELECT 1 FROM pg_sleep({})", f64::from(*wait) / 1e3),
            };
            let query = Query::new(sql.clone()).read_only();
            let times = if world.smoke { 2 } else { 20 / (*wait as usize / 10 + 1) + 2 };
            let ours = || each(times, || client.query(&query, |row| Ok(row.try_get::<_, i32>(0)?)).unwrap());
            let baseline = || {
                each(times, || {
                    let mut session = connector.connect(DEFAULT_DEADLINE).unwrap();
                    session.client().query(sql.as_str(), &[]).unwrap()
                })
            };
            let figures = compare(world.rounds(), ours, baseline);
            let what = if *wait == 0 { "SELECT 1".to_owned() } else { format!("a query of {wait} ms") };
            figures.print(&format!("{what}, over {line}"), None);
        }
    }
}
