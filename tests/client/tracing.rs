//! What a collector of `tracing` sees.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::tracing::field::{Field, Visit};
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::{Event, Metadata, Subscriber};
use pgstrata::client::{Client, Query, TxOptions};

use crate::support::{int, server};

#[derive(Default)]
struct Collector {
    lines: Arc<Mutex<Vec<String>>>,
    next: AtomicU64,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "pgstrata::client"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
        Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line("event".to_owned());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn calls_are_spans_and_no_value_of_a_parameter_is_in_them() {
    let lines = Arc::default();
    let collector = Collector { lines: Arc::clone(&lines), next: AtomicU64::new(0) };
    let db = Client::builder(server().url("postgres")).slow_query(Duration::ZERO).build().unwrap();
    ::tracing::subscriber::with_default(collector, || {
        let secret = Query::new("SELECT length($1)").bind("a secret");
        db.transaction(&TxOptions::default(), |tx| tx.query_one(&secret, int)).unwrap();
        db.query(&Query::new("SELECT 1 FROM pg_sleep($1)").bind(0.0_f64), int).unwrap();
    });
    let lines = lines.lock().unwrap();
    for wanted in
        ["span transaction", "span acquire", "span query sql=\"SELECT length($1)\"", "event message=slow query"]
    {
        assert!(lines.iter().any(|line| line.starts_with(wanted)), "{wanted} is missing in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:#?}");
}
