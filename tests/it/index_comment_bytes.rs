//! A comment in bytes that are no UTF-8 is nothing that we could write back: its index is not replaced.

use crate::exits::{managed, policy, table};
use crate::support::place::Place;
use crate::support::server;

#[test]
fn an_index_whose_comment_cannot_be_read_keeps_it() {
    let name = "index_comment_ascii";
    let mut admin = server().connect("postgres").unwrap();
    admin
        .batch_execute(&format!(
            "CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ))
        .unwrap();
    let mut client = server().connect(name).unwrap();
    client
        .batch_execute(&format!(
            "{}
             CREATE INDEX events_what_idx ON app.events (what); CREATE INDEX events_plain_idx ON app.events (what);
             COMMENT ON INDEX app.events_plain_idx IS 'plain words';
             DO $$ BEGIN EXECUTE format('COMMENT ON INDEX app.events_what_idx IS %L', convert_from('caf\\351'::bytea, 'SQL_ASCII')); END $$",
            table("events", 1)
        ))
        .unwrap();
    let indexes = "    indexes: {events_what_idx: {columns: [what, at]}, events_plain_idx: {columns: [at, what]}}\n";
    let place = Place::new("index_comment_bytes", "", &policy("", &[managed("events", indexes)]));
    let url = server().url(name);
    let apply = ["apply", "--auto-approve", "--allow", "drops-index", "--url", &url];
    let said = place.run(&apply, 3);
    let text = format!("{}{}", said.stdout, said.stderr);
    assert!(text.contains("the comment of it is no UTF-8 and would be lost"), "{text}");
    let comment = |index: &str| -> Option<Vec<u8>> {
        let sql = format!("SELECT convert_to(obj_description('app.{index}'::regclass, 'pg_class'), 'SQL_ASCII')");
        server().connect(name).unwrap().query_one(&sql, &[]).unwrap().get(0)
    };
    assert_eq!(comment("events_what_idx").unwrap(), b"caf\xe9");
    assert_eq!(comment("events_plain_idx").unwrap(), b"plain words");
    let columns = "SELECT pg_get_indexdef('app.events_plain_idx'::regclass) LIKE '%(at, what)'";
    assert!(server().connect(name).unwrap().query_one(columns, &[]).unwrap().get::<_, bool>(0));
    // With comments that can be read it is replaced; new partitions have copied it.
    client
        .batch_execute(
            "DO $$ DECLARE index regclass; BEGIN
               FOR index IN SELECT objoid::regclass FROM pg_description WHERE classoid = 'pg_class'::regclass
                             AND position('\\xe9'::bytea IN convert_to(description, 'SQL_ASCII')) > 0 LOOP
                 EXECUTE format('COMMENT ON INDEX %s IS %L', index, 'coffee');
               END LOOP; END $$",
        )
        .unwrap();
    place.run(&apply, 0);
    assert_eq!(comment("events_what_idx").unwrap(), b"coffee");
    drop(client);
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}
