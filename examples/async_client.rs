//! The same client in a program that runs on tokio: many tasks, few sessions, one cache.
//!
//! ```text
//! psql postgresql:///app -c 'CREATE TABLE public.stock (article bigint PRIMARY KEY, left_over int NOT NULL);'
//! cargo run --no-default-features --features tokio --example async_client -- postgresql:///app
//! ```

#![allow(clippy::print_stdout, reason = "an example is a program: it prints")]

use std::time::Duration;

use pgstrata::client::{AsyncClient, Cached, Client, Error, PoolOptions, Query, Row, TxOptions};

/// What the cached reads name and the writes end.
const STOCK: &str = "public.stock";

/// Opens one session, to fail now if it must.
pub async fn connect(url: &str) -> Result<AsyncClient, Error> {
    let options = PoolOptions { max: 4, acquire_timeout: Duration::from_secs(5), ..PoolOptions::default() };
    let db = AsyncClient::new(Client::builder(url).application_name("shop").pool(options).build()?);
    db.connect_now().await?;
    Ok(db)
}

/// What there is of an article; at most ten seconds old, and never older than this program's own last order.
pub async fn left(db: &AsyncClient, article: i64) -> Result<Cached<i32>, Error> {
    let query = Query::new("SELECT left_over FROM public.stock WHERE article = $1").bind(article);
    db.cached(query.reads(STOCK).ttl(Duration::from_secs(10)), number).await
}

/// Takes some of it, and gives what is left; nothing where there is too little.
pub async fn order(db: &AsyncClient, article: i64, pieces: i32) -> Result<Option<i32>, Error> {
    // The closure runs on a thread that may block, and more than once where transactions collide.
    db.transaction(&TxOptions::serializable().retries(10), move |tx| {
        let take = "UPDATE public.stock SET left_over = left_over - $2 WHERE article = $1 AND left_over >= $2
                    RETURNING left_over";
        tx.writes(STOCK);
        tx.query_opt(&Query::new(take).bind(article).bind(pieces), number)
    })
    .await
}

fn number(row: &Row) -> Result<i32, Error> {
    Ok(row.try_get(0)?)
}

#[allow(dead_code, reason = "a test includes this file and calls what is above")]
#[tokio::main]
async fn main() -> Result<(), Error> {
    let db = connect(&std::env::args().nth(1).unwrap_or_default()).await?;
    // A hundred tasks wait for four sessions; none of them holds up the runtime.
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { order(&db, 1, 1).await })
        })
        .collect();
    for task in tasks {
        if let Ok(ordered) = task.await {
            println!("{:?} left", ordered?);
        }
    }
    println!("{:?}", left(&db, 1).await?);
    db.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
