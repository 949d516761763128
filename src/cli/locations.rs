//! Where the policy speaks of its tables, by line, for reports that point at files.

use std::ops::Range;
use std::str::FromStr as _;

use pgstrata::policy::{Place, PolicyPath, Source};
use pgstrata::render::sarif::{Location, Locations};
use pgstrata::sql::TableName;

use super::policy::Loaded;

pub(super) fn locations(loaded: &Loaded) -> Locations {
    let mut locations = Locations {
        policy: loaded.sources.first().map(|source| Location { path: source.name.clone(), line: 1, column: 1 }),
        ..Locations::default()
    };
    for key in loaded.policy.spec().tables.iter().flat_map(|tables| tables.keys()) {
        let path = PolicyPath::of(["tables"]).key(key);
        let place = loaded.places.key(&path);
        if let (Ok(table), Some(at)) =
            (TableName::from_str(key), place.and_then(|place| locate(&place, &loaded.sources)))
        {
            locations.tables.insert(table, at);
        }
    }
    locations
}

pub(super) fn locate(place: &Place, sources: &[Source]) -> Option<Location> {
    let Place { source, span: Range { start, .. } } = place;
    let bytes = &sources.iter().find(|known| known.name == *source)?.bytes;
    let before = std::str::from_utf8(bytes.get(..*start)?).ok()?;
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    Some(Location { path: source.clone(), line: before.matches('\n').count() + 1, column: line.chars().count() + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgstrata::policy;

    #[test]
    fn a_table_is_where_its_key_stands() {
        let first = "version: 1\ntables:\n  app.events:\n    partition: {key: at, interval: 1 day}\n";
        let second = "version: 1\ntables:\n  # ü\n  'App.\"Logs\"':\n    partition: {key: at, interval: 1 day}\n";
        let sources = vec![policy::Source::new("a.yaml", first), policy::Source::new("b.yaml", second)];
        let (policy, places) = policy::load(&sources, None, &|_| None).unwrap();
        let desired = policy.resolve().unwrap();
        let found = locations(&Loaded { sources, places, policy, desired });
        assert_eq!(found.policy.unwrap(), Location { path: "a.yaml".to_owned(), line: 1, column: 1 });
        let at = |path: &str, line| Location { path: path.to_owned(), line, column: 3 };
        let tables: Vec<Location> = found.tables.values().cloned().collect();
        assert_eq!(found.tables.len(), 2);
        assert!(tables.contains(&at("a.yaml", 3)) && tables.contains(&at("b.yaml", 4)), "{tables:?}");
    }
}
