//! The examples, as a reader would run them.

#[path = "../../examples/audit_client.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod audit_client;

use std::time::{Duration, SystemTime};

use pgstrata::client::Source;

use self::audit_client::{AuditLog, Event};
use crate::support::{observer, server};

#[test]
fn the_audit_client_reads_what_it_wrote() {
    observer()
        .batch_execute(
            "CREATE SCHEMA audit; CREATE TABLE audit.audit_log (actor_id bigint, action text, occurred_at timestamptz)
               PARTITION BY RANGE (occurred_at); CREATE TABLE audit.audit_log_all PARTITION OF audit.audit_log DEFAULT",
        )
        .unwrap();
    let log = AuditLog::connect(&server().url("postgres")).unwrap();
    let now = SystemTime::UNIX_EPOCH
        + Duration::from_secs(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let event = |actor: i64, action: &str| Event { actor, action: action.to_owned(), at: now };
    log.record(&[event(1, "login"), event(2, "login"), event(1, "read")]).unwrap();
    let recent = log.recent(1).unwrap();
    assert_eq!((recent.to_vec(), recent.source()), (vec![event(1, "login"), event(1, "read")], Source::Server));
    assert_eq!(log.recent(1).unwrap().source(), Source::Cache);
    log.record(&[event(1, "write")]).unwrap();
    assert_eq!(log.recent(1).unwrap().len(), 3);
    assert!(log.metrics().contains("pgstrata_client_cache_requests_total{result=\"hit\"} 1"));
    observer().batch_execute("DROP SCHEMA audit CASCADE").unwrap();
}
