//! An index as a policy would say it.

use super::index::{IndexKey, IndexShape};
use crate::sql::Ident;

/// Operator classes that a b-tree does not take by itself.
const OTHER_CLASSES: [&str; 4] = ["text_pattern_ops", "varchar_pattern_ops", "bpchar_pattern_ops", "record_image_ops"];

impl IndexShape {
    /// Its key columns as a policy has them; `None` where one is an expression, or says more than can be told apart here.
    pub fn written_columns(&self) -> Option<Vec<String>> {
        let is_plain = self.method == "btree" && self.predicate.is_none();
        is_plain.then_some(()).and_then(|()| self.keys.iter().map(written).collect())
    }
}

fn written(key: &IndexKey) -> Option<String> {
    let IndexKey { what, opclass, opclass_options, collation, descending, nulls_first } = key;
    if what.is_empty() || !opclass_options.is_empty() {
        return None;
    }
    let mut column = Ident::new(what.as_str()).to_string();
    match collation.as_deref() {
        None | Some("pg_catalog.default") => {}
        Some(collation) => column.push_str(&format!(" collate {}", qualified(collation)?)),
    }
    let usual = opclass.strip_prefix("pg_catalog.").is_some_and(|class| !OTHER_CLASSES.contains(&class));
    if !usual {
        column.push_str(&format!(" {}", qualified(opclass)?));
    }
    column.push_str(match (descending, nulls_first) {
        (false, false) => "",
        (true, true) => " desc",
        (false, true) => " nulls first",
        (true, false) => " desc nulls last",
    });
    Some(column)
}

/// A schema and a name; a dot in either keeps the two from being told apart.
fn qualified(name: &str) -> Option<String> {
    match name.split('.').collect::<Vec<_>>()[..] {
        [schema, name] => Some(format!("{}.{}", Ident::new(schema), Ident::new(name))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(what: &str, opclass: &str) -> IndexKey {
        IndexKey {
            what: what.to_owned(),
            opclass: opclass.to_owned(),
            opclass_options: Vec::new(),
            collation: None,
            descending: false,
            nulls_first: false,
        }
    }

    #[test]
    fn columns_are_written_with_no_more_than_they_need() {
        assert_eq!(written(&key("id", "pg_catalog.uuid_ops")).as_deref(), Some("id"));
        assert_eq!(written(&key("Id", "pg_catalog.int8_ops")).as_deref(), Some("\"Id\""));
        assert_eq!(written(&key("t", "pg_catalog.text_pattern_ops")).as_deref(), Some("t pg_catalog.text_pattern_ops"));
        let mut other = IndexKey { collation: Some("pg_catalog.C".to_owned()), ..key("t", "ext.my_ops") };
        (other.descending, other.nulls_first) = (true, false);
        assert_eq!(written(&other).as_deref(), Some("t collate pg_catalog.\"C\" ext.my_ops desc nulls last"));
        assert_eq!(written(&key("", "pg_catalog.int4_ops")), None);
        assert_eq!(written(&key("t", "a.b.c_ops")), None);
    }
}
