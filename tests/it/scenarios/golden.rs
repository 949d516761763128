//! Goldens, and a database's tables as text.

use std::path::Path;

use crate::support::{TestDb, server};

/// Compares with a golden file; an absent one is empty.
pub(super) fn golden(path: &Path, file: &str, found: &str) {
    let path = path.join(file);
    if std::env::var_os("PGSTRATA_UPDATE").is_some() {
        if found.is_empty() {
            let _ = std::fs::remove_file(&path);
        } else {
            std::fs::write(&path, found).unwrap();
        }
        return;
    }
    let mut expected = std::fs::read_to_string(&path).unwrap_or_default();
    if server().version().major < 16 {
        expected = before_16(&expected);
    }
    assert_same(&expected, found);
}

/// Goldens are written on 16 or later, where memberships have options.
fn before_16(text: &str) -> String {
    let text = text.replace(" WITH SET TRUE", "");
    let mut lines = Vec::new();
    for line in text.lines() {
        let cut = line.split_once(": GRANT ").and_then(|(said, rest)| {
            let (grant, rest) = rest.split_once(" WITH INHERIT TRUE")?;
            Some(format!("{said}: ALTER ROLE {} INHERIT{rest}", grant.split_once(" TO ")?.1))
        });
        lines.push(format!("{}\n", cut.unwrap_or_else(|| line.to_owned())));
    }
    lines.concat()
}

pub(super) fn assert_same(expected: &str, found: &str) {
    if expected != found {
        let diff = similar::TextDiff::from_lines(expected, found);
        panic!("{}", diff.unified_diff().context_radius(2).header("expected", "found"));
    }
}

/// The database's tables as text: OIDs and the times of markers masked.
pub(super) fn describe(db: &TestDb) -> String {
    let mut client = db.client();
    client.batch_execute("SET timezone = 'UTC'").unwrap();
    let rows = client.query(include_str!("../support/describe.sql"), &[]).unwrap();
    let text: String = rows.iter().map(|row| format!("{}\n", row.get::<_, String>(0))).collect();
    let mut masked = String::new();
    for line in text.lines() {
        let line = match line.split_once("pgstrata: retired ") {
            Some((before, marker)) => {
                let mut marker: serde_json::Value = serde_json::from_str(marker).expect("a marker");
                for key in ["oid", "root_oid", "detached_at"] {
                    if let Some(value) = marker.get_mut(key) {
                        *value = "masked".into();
                    }
                }
                format!("{before}pgstrata: retired {marker}")
            }
            None => line.to_owned(),
        };
        masked.push_str(&line);
        masked.push('\n');
    }
    masked
}
