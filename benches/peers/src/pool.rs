//! Warm queries, check-outs alone, and 64 callers of 20 sessions; each peer as its documentation has it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{Client, PoolOptions, Query};
use pgstrata::sandbox::Sandbox;
use r2d2_postgres::PostgresConnectionManager;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::NoTls;

use crate::figures::{Figures, each, heading, seconds};

const SQL: &str = "SELECT $1::bigint";
const MAX: u32 = 20;
const CALLERS: usize = 64;

type Bb8 = bb8_postgres::bb8::Pool<bb8_postgres::PostgresConnectionManager<NoTls>>;
type R2d2 = r2d2_postgres::r2d2::Pool<PostgresConnectionManager<NoTls>>;

struct Pools {
    ours: Client,
    deadpool: deadpool_postgres::Pool,
    /// On a runtime of one thread, where a session's task needs no other thread to be woken.
    deadpool_alone: deadpool_postgres::Pool,
    bb8: Bb8,
    sqlx: sqlx::PgPool,
    r2d2: R2d2,
    r2d2_bare: R2d2,
    many: Runtime,
    alone: Runtime,
}

pub fn run(server: &Sandbox, smoke: bool) {
    let pools = Pools::new(server);
    // Many short rounds: what else the machine does then falls on one side of few pairs.
    let (rounds, times) = if smoke { (2, 20) } else { (41, 400) };

    heading("Pool: a warm query for one value, one caller; each pair is of medians");
    let ours = || middle(times, || drop(pools.ours.query(&query(), |row| Ok(row.try_get::<_, i64>(0)?)).unwrap()));
    let peers: [(&str, Option<f64>, &dyn Fn() -> f64); 6] = [
        ("deadpool-postgres, tokio's default runtime", Some(1.0), &|| {
            pools.many.block_on(middle_of(times, || deadpool_one(&pools.deadpool)))
        }),
        ("deadpool-postgres, a runtime of one thread", Some(1.0), &|| {
            pools.alone.block_on(middle_of(times, || deadpool_one(&pools.deadpool_alone)))
        }),
        ("bb8-postgres (it asks for a sign of life each time)", None, &|| {
            pools.many.block_on(middle_of(times, || bb8_one(&pools.bb8)))
        }),
        ("sqlx (it asks for a sign of life each time)", None, &|| {
            pools.many.block_on(middle_of(times, || sqlx_one(&pools.sqlx)))
        }),
        ("r2d2_postgres (it asks, and prepares, each time)", None, &|| middle(times, || r2d2_one(&pools.r2d2))),
        ("r2d2_postgres, one unnamed statement and no more", None, &|| middle(times, || r2d2_bare(&pools.r2d2_bare))),
    ];
    beside(rounds, &ours, &peers);

    heading("Pool: a session taken and given back, one caller");
    let ours = || each(times, || pools.ours.conn().unwrap());
    let checkout = |runtime: &Runtime, pool: &deadpool_postgres::Pool| {
        runtime.block_on(async {
            let begun = Instant::now();
            for _ in 0..times {
                drop(pool.get().await.unwrap());
            }
            seconds(begun.elapsed()) / times as f64
        })
    };
    let peers: [(&str, Option<f64>, &dyn Fn() -> f64); 4] = [
        ("deadpool-postgres", None, &|| checkout(&pools.many, &pools.deadpool)),
        ("bb8-postgres", None, &|| {
            pools.many.block_on(async {
                let begun = Instant::now();
                for _ in 0..times {
                    drop(pools.bb8.get().await.unwrap());
                }
                seconds(begun.elapsed()) / times as f64
            })
        }),
        ("sqlx", None, &|| {
            pools.many.block_on(async {
                let begun = Instant::now();
                for _ in 0..times {
                    drop(pools.sqlx.acquire().await.unwrap());
                }
                seconds(begun.elapsed()) / times as f64
            })
        }),
        ("r2d2_postgres", None, &|| each(times, || pools.r2d2.get().unwrap())),
    ];
    beside(rounds, &ours, &peers);

    heading(&format!("Pool: a query each of {CALLERS} callers at once, {MAX} sessions, time by all queries"));
    let own = if smoke { 2 } else { 200 };
    let threads = |one: &(dyn Fn() + Sync)| {
        let begun = Instant::now();
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| (0..own).for_each(|_| one()));
            }
        });
        seconds(begun.elapsed()) / (own * CALLERS) as f64
    };
    let ours = || threads(&|| drop(pools.ours.query(&query(), |row| Ok(row.try_get::<_, i64>(0)?)).unwrap()));
    let peers: [(&str, Option<f64>, &dyn Fn() -> f64); 4] = [
        ("deadpool-postgres", None, &|| {
            let pool = pools.deadpool.clone();
            tasks(&pools.many, own, move || {
                let pool = pool.clone();
                async move { deadpool_one(&pool).await }
            })
        }),
        ("bb8-postgres", None, &|| {
            let pool = pools.bb8.clone();
            tasks(&pools.many, own, move || {
                let pool = pool.clone();
                async move { bb8_one(&pool).await }
            })
        }),
        ("sqlx", None, &|| {
            let pool = pools.sqlx.clone();
            tasks(&pools.many, own, move || {
                let pool = pool.clone();
                async move { sqlx_one(&pool).await }
            })
        }),
        ("r2d2_postgres", None, &|| threads(&|| r2d2_one(&pools.r2d2))),
    ];
    beside(rounds.min(7), &ours, &peers);
}

/// Seconds that a call takes in the middle of so many, after as many again by which the scheduler has settled: where it puts
/// client and server makes more of a difference than anything else here.
fn middle(times: usize, mut call: impl FnMut()) -> f64 {
    let times = (0..times * 2).map(|_| {
        let begun = Instant::now();
        call();
        seconds(begun.elapsed())
    });
    median(times.collect())
}

async fn middle_of<F: Future<Output = ()>>(times: usize, call: impl Fn() -> F) -> f64 {
    let mut all = Vec::with_capacity(times * 2);
    for _ in 0..times * 2 {
        let begun = Instant::now();
        call().await;
        all.push(seconds(begun.elapsed()));
    }
    median(all)
}

fn median(times: Vec<f64>) -> f64 {
    let mut later = times[times.len() / 2..].to_vec();
    later.sort_by(f64::total_cmp);
    later[later.len() / 2]
}

/// Ours before each of them, round by round.
fn beside(rounds: usize, ours: &dyn Fn() -> f64, peers: &[(&str, Option<f64>, &dyn Fn() -> f64)]) {
    let mut pairs = vec![Vec::new(); peers.len()];
    for round in 0..=rounds {
        for ((_, _, peer), pairs) in peers.iter().zip(&mut pairs) {
            let pair = (ours(), peer());
            // The first time warms.
            if round > 0 {
                pairs.push(pair);
            }
        }
    }
    for ((name, goal, _), pairs) in peers.iter().zip(&pairs) {
        Figures::of(pairs).print(name, *goal);
    }
}

fn query() -> Query<'static> {
    Query::new(SQL).bind(42_i64).read_only()
}

async fn deadpool_one(pool: &deadpool_postgres::Pool) {
    let client = pool.get().await.unwrap();
    let statement = client.prepare_cached(SQL).await.unwrap();
    let rows = client.query(&statement, &[&42_i64]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 42);
}

/// It has no cache of statements: what knows its types takes one round trip as well.
async fn bb8_one(pool: &Bb8) {
    let client = pool.get().await.unwrap();
    let rows = client.query_typed(SQL, &[(&42_i64, tokio_postgres::types::Type::INT8)]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 42);
}

async fn sqlx_one(pool: &sqlx::PgPool) {
    let value: i64 = sqlx::query_scalar(SQL).bind(42_i64).fetch_one(pool).await.unwrap();
    assert_eq!(value, 42);
}

fn r2d2_one(pool: &R2d2) {
    let mut client = pool.get().unwrap();
    let rows = client.query(SQL, &[&42_i64]).unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 42);
}

/// The least that the synchronous driver takes.
fn r2d2_bare(pool: &R2d2) {
    let mut client = pool.get().unwrap();
    let rows = client.query_typed(SQL, &[(&42_i64, tokio_postgres::types::Type::INT8)]).unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 42);
}

fn tasks<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    own: usize,
    one: impl Fn() -> F + Send + Sync + 'static,
) -> f64 {
    let one = Arc::new(one);
    runtime.block_on(async {
        let begun = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let one = Arc::clone(&one);
                tokio::spawn(async move {
                    for _ in 0..own {
                        one().await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        seconds(begun.elapsed()) / (own * CALLERS) as f64
    })
}

impl Pools {
    fn new(server: &Sandbox) -> Self {
        let url = server.tcp_url("postgres").expect("a port");
        let url = format!("{url}{}sslmode=disable", if url.contains('?') { '&' } else { '?' });
        let options = PoolOptions { max: MAX, acquire_timeout: Duration::from_secs(60), ..PoolOptions::default() };
        let ours = Client::builder(&url).application_name("ours").pool(options).build().unwrap();
        let config: tokio_postgres::Config = url.parse().unwrap();
        let deadpool = || {
            let recycling =
                deadpool_postgres::ManagerConfig { recycling_method: deadpool_postgres::RecyclingMethod::Fast };
            let manager = deadpool_postgres::Manager::from_config(config.clone(), NoTls, recycling);
            deadpool_postgres::Pool::builder(manager).max_size(MAX as usize).build().unwrap()
        };
        let many = Builder::new_multi_thread().enable_all().build().unwrap();
        let alone = Builder::new_current_thread().enable_all().build().unwrap();
        let (bb8, sqlx) = many.block_on(async {
            let manager = bb8_postgres::PostgresConnectionManager::new(config.clone(), NoTls);
            let patience = Duration::from_secs(60);
            let bb8 = bb8_postgres::bb8::Pool::builder().max_size(MAX).connection_timeout(patience);
            let sqlx = sqlx::postgres::PgPoolOptions::new().max_connections(MAX).acquire_timeout(patience);
            (bb8.build(manager).await.unwrap(), sqlx.connect(&url).await.unwrap())
        });
        let r2d2 = |asks: bool| {
            let manager = PostgresConnectionManager::new(url.parse().unwrap(), NoTls);
            let pool = r2d2_postgres::r2d2::Pool::builder().max_size(MAX).min_idle(Some(1)).test_on_check_out(asks);
            pool.build(manager).unwrap()
        };
        let (r2d2, r2d2_bare) = (r2d2(true), r2d2(false));
        let (deadpool_alone, deadpool) = (deadpool(), deadpool());
        Self { ours, deadpool, deadpool_alone, bb8, sqlx, r2d2, r2d2_bare, many, alone }
    }
}
