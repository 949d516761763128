//! Goldens, and a database's tables as text.

use std::path::Path;

use crate::support::TestDb;

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
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_same(&expected, found);
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
