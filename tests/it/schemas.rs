//! What the binary writes for programs is what its schemas, and those of the formats, say.

use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::machine::asked;
use crate::support::pgstrata;
use crate::support::place::{Place, ran};

/// Something of every kind: late and scheduled creations, a removal, a hold, rows in the way in a default partition, a
/// table that is not there, and names that every format has to escape.
const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE app.events_default PARTITION OF app.events DEFAULT;
INSERT INTO app.events VALUES (now());
CREATE TABLE app.\"Odd \"\"name\"\" <é>&\" (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.old PARTITION OF app.\"Odd \"\"name\"\" <é>&\" FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
CREATE TABLE app.held PARTITION OF app.\"Odd \"\"name\"\" <é>&\" FOR VALUES FROM ('2020-01-02') TO ('2020-01-03');
CREATE TABLE app.off_grid PARTITION OF app.\"Odd \"\"name\"\" <é>&\"
    FOR VALUES FROM ('2020-01-03 12:00+00') TO ('2020-01-05 09:00+00');";

const POLICY: &str = "version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 day, timezone: UTC, premake: 3, default_partition: allow}
  'app.\"Odd \"\"name\"\" <é>&\"':
    partition: {key: at, interval: 1 day, timezone: UTC, premake: 3}
    retention: {keep: 30 days}
  app.gone:
    partition: {key: at, interval: 1 month}
    indexes: {gone_idx: {columns: [at]}}
holds:
  matter: {tables: ['app.\"Odd \"\"name\"\" <é>&\"'], from: 2020-01-02, to: 2020-01-03, reason: discovery}
";

fn checker(schema: &Value) -> impl Fn(&Value) -> Result<(), String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("file:///schema.json", schema.clone()).unwrap();
    let index = compiler.compile("file:///schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    // The alternate form lists each problem with its place.
    move |document| schemas.validate(document, index).map_err(|error| format!("{error:#}"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn own(name: &str) -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name))
}

#[test]
fn documents_are_what_the_printed_schemas_say() {
    let place = Place::new("schemas_json", TABLES, POLICY);
    let check = |of: &str, document: &str| {
        let schema: Value = serde_json::from_str(&ran(pgstrata().args(["schema", of]), 0).stdout).unwrap();
        let checks = checker(&schema);
        let document: Value = serde_json::from_str(document).unwrap();
        checks(&document).unwrap_or_else(|error| panic!("{of}: {error}\n{document:#}"));
        // It is a schema of this document, and not of whatever comes.
        for key in schema["required"].as_array().unwrap() {
            let mut document = document.clone();
            document.as_object_mut().unwrap().remove(key.as_str().unwrap());
            checks(&document).expect_err(&format!("{of} without {key}"));
        }
        assert!(checks(&Value::Array(vec![document])).is_err());
    };
    check("plan", &place.run(&["plan", "--format", "json", "--out", "plan.json"], 1).stdout);
    check("plan", &place.read("plan.json"));
    check("plan", &place.run(&["show", "plan.json", "--format", "json"], 0).stdout);
    check("drift", &place.run(&["drift", "--format", "json"], 1).stdout);
    // One table is not there, one is blocked, one is done.
    check("outcome", &place.run(&["apply", "--auto-approve", "--format", "json"], 1).stdout);
    check("outcome", &place.run(&["apply", "--table", "app.events", "--auto-approve", "--format", "json"], 3).stdout);
}

#[test]
fn drift_is_sarif() {
    let place = Place::new("schemas_sarif", TABLES, POLICY);
    let mut schemas = vec![own("sarif.schema.json")];
    // The standard's own is not shipped here.
    schemas.extend(std::env::var_os("PGSTRATA_SARIF_SCHEMA").map(|path| read(Path::new(&path))));
    for schema in &schemas {
        let checks = checker(schema);
        for args in [&["drift", "--format", "sarif"][..], &["drift", "--format", "sarif", "--table", "app.gone"]] {
            let log: Value = serde_json::from_str(&place.run(args, 1).stdout).unwrap();
            checks(&log).unwrap_or_else(|error| panic!("{error}\n{log:#}"));
            assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
            for (pointer, wrong) in [
                ("/version", "2.0.0"),
                ("/runs/0/results/0/level", "fatal"),
                ("/runs/0/invocations/0/endTimeUtc", "yesterday"),
                ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", "a b"),
            ] {
                let mut log = log.clone();
                *log.pointer_mut(pointer).unwrap() = wrong.into();
                assert!(checks(&log).is_err(), "{pointer}: {wrong}");
            }
        }
    }
}

#[test]
fn drift_is_junit() {
    let place = Place::new("schemas_junit", TABLES, POLICY);
    let xsd = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/junit.xsd");
    for args in [&["drift", "--format", "junit"][..], &["drift", "--format", "junit", "--exclude", "app.gone"]] {
        let report = place.run(args, if args.len() > 3 { 2 } else { 1 }).stdout;
        asked("xmllint", &["--noout", "--nonet", "--schema", xsd, "-"], &report);
    }
}
