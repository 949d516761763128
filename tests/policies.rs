//! The policies that are shipped load, resolve and give nothing to warn of; the schema beside them is current.
#![cfg(feature = "cli")]
#![allow(clippy::disallowed_methods, reason = "tests read the files that are shipped")]

use std::path::{Path, PathBuf};

use pgstrata::policy::{self, Source};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
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
