//! The policies that are shipped load, resolve, give nothing to warn of and are what the schema beside them says; that is
//! current.
#![cfg(feature = "cli")]
#![allow(clippy::disallowed_methods, reason = "tests read the files that are shipped")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

use std::path::{Path, PathBuf};

use pgstrata::policy::{self, Source};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// Whether a policy's text is what the schema says; what is wrong otherwise.
fn checked(schemas: &boon::Schemas, schema: boon::SchemaIndex, text: &str) -> Result<(), String> {
    let document: serde_json::Value = serde_yaml::from_str(text).unwrap();
    schemas.validate(&document, schema).map_err(|error| format!("{error:#}"))
}

fn compiled() -> (boon::Schemas, boon::SchemaIndex) {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("file:///policy.json", policy::schema()).unwrap();
    let schema = compiler.compile("file:///policy.json", &mut schemas).unwrap();
    (schemas, schema)
}

#[test]
fn shipped_policies_are_what_the_schema_says() {
    let (schemas, schema) = compiled();
    let mut seen = 0;
    for folder in [folder(), folder().join("../examples/holds"), folder().join("../tests/scenarios")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let mut path = entry.unwrap().path();
            if path.is_dir() {
                path.push("policy.yaml");
            }
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            checked(&schemas, schema, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

/// What an editor can underline, it does.
#[test]
fn the_schema_refuses_what_is_wrong_wherever_it_stands() {
    let (schemas, schema) = compiled();
    let text = std::fs::read_to_string(folder().join("audit-log.yaml")).unwrap();
    for (right, wrong) in [
        ("version: 1", "version: 2"),
        ("interval: 1 month", "interval: monthly"),
        ("keep: 7 years", "keep: 7y"),
        ("keep: 7 years", "kept: 7 years"),
        ("then: drop", "then: delete"),
        ("timezone: UTC", "time_zone: UTC"),
        ("premake: 6", "premake: many"),
        ("lock_timeout: 200ms", "lock_timeout: 200"),
        ("max_size: 100MB", "max_size: 100mb"),
        ("max_connections: 20", "max_connections: lots"),
        ("max_pool_usage: 80%", "max_pool_usage: 0.8"),
        ("client: {pool: {max_connections: 10}}", "client: {pool: {max: 10}}"),
        ("partition: {premake: 2}", "partition: {premake: 2m}"),
    ] {
        assert!(text.contains(right), "{right}");
        let broken = text.replacen(right, wrong, 1);
        assert!(checked(&schemas, schema, &broken).is_err(), "{wrong}");
    }
}

fn schema_text() -> String {
    format!("{:#}\n", policy::schema())
}

#[test]
fn shipped_policies_resolve() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.display().to_string();
        let sources = [Source::new(&name, std::fs::read(&path).unwrap())];
        let environments = policy::environments(&sources).unwrap();
        let environments: Vec<Option<&str>> = match environments.as_slice() {
            [] => vec![None],
            some => some.iter().map(|name| Some(name.as_str())).collect(),
        };
        for environment in environments {
            let (policy, places) = policy::load(&sources, environment, &|_| None).unwrap_or_else(|e| panic!("{e:?}"));
            let desired = policy.resolve().unwrap_or_else(|errors| panic!("{:?}", places.locate(errors)));
            assert_eq!(policy::warnings(&desired), [], "{name}");
        }
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn the_schema_is_current() {
    let written = std::fs::read_to_string(folder().join("policy.schema.json")).unwrap();
    assert!(written == schema_text(), "write it again: cargo test --test policies -- --ignored write_the_schema");
}

#[test]
#[ignore = "writes the file that the_schema_is_current compares with"]
fn write_the_schema() {
    std::fs::write(folder().join("policy.schema.json"), schema_text()).unwrap();
}
