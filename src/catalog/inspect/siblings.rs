//! What the newest partitions have for their own, in one query for all tables; definitions only of the newest, and only
//! where the policy wants them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::siblings::{Own, OwnDefinition, OwnKind, Sibling, Siblings, comparable};
use super::super::snapshot::{Oid, Snapshot};
use super::{BEGIN, roots_of};
use crate::sql::{Ident, TableName};

const STEP: &str = "comparing the newest partitions";

/// Reads into their roots what the newest partitions of these tables have for their own, in a transaction that waits for
/// nobody. Of `defined` tables the definitions of checks and triggers are read as well.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_siblings(
    client: &mut Client,
    snapshot: &mut Snapshot,
    tables: &BTreeSet<TableName>,
    defined: &BTreeSet<TableName>,
) -> Result<(), InspectError> {
    let mut roots = roots_of(snapshot, tables);
    let newest: BTreeMap<Oid, Vec<(Oid, TableName)>> =
        roots.iter().map(|(oid, (_, root))| (*oid, comparable(root))).collect();
    let oids: Vec<u32> = newest.values().flatten().map(|(oid, _)| oid.0).collect();
    if oids.is_empty() {
        return Ok(());
    }
    Reader::transaction(client, BEGIN, |reader| {
        let mut has: BTreeMap<Oid, BTreeSet<Own>> = BTreeMap::new();
        for row in &reader.query(STEP, include_str!("siblings.sql"), &[(&oids, Type::OID_ARRAY)])? {
            let kind: &str = field(STEP, row, "kind")?;
            let kind = OwnKind::from_query(kind)
                .ok_or_else(|| InspectError::unreadable(STEP, format!("`{kind}` is not known here")))?;
            let own = Own {
                kind,
                name: field::<_, &str>(STEP, row, "name")?.to_owned(),
                meaning: field::<_, &str>(STEP, row, "meaning")?.to_owned(),
                shown: field::<_, Option<&str>>(STEP, row, "shown")?.map(str::to_owned),
                of_key: field::<_, Option<bool>>(STEP, row, "of_key")? == Some(true),
                definition: None,
            };
            has.entry(Oid(field(STEP, row, "oid")?)).or_default().insert(own);
        }
        for (oid, leaves) in newest {
            let Some((name, root)) = roots.get_mut(&oid) else { continue };
            let mut siblings = Siblings::default();
            for (leaf, _) in &leaves {
                let has = has.remove(leaf).unwrap_or_default().into_iter().collect();
                siblings.newest.push(Sibling { leaf: *leaf, has });
            }
            if let (true, Some((leaf, leaf_name)), Some(first)) =
                (defined.contains(*name), leaves.first(), siblings.newest.first_mut())
            {
                siblings.unread = define(reader, *leaf, leaf_name, first)?;
            }
            root.siblings = Some(Box::new(siblings));
        }
        Ok(())
    })
}

/// Fills in definitions, or says why they could not be read.
fn define(
    reader: &mut Reader<'_>,
    leaf: Oid,
    name: &TableName,
    sibling: &mut Sibling,
) -> Result<Option<String>, InspectError> {
    let read = reader.aside(STEP, |reader| {
        let mut found = BTreeMap::new();
        for row in &reader.query(STEP, include_str!("sibling_checks.sql"), &[(&leaf.0, Type::OID)])? {
            let (check, text): (&str, &str) = (field(STEP, row, 0)?, field(STEP, row, 1)?);
            found.insert((OwnKind::Check, check.to_owned()), OwnDefinition::Check(text.to_owned()));
        }
        for row in &reader.query(STEP, include_str!("sibling_triggers.sql"), &[(&leaf.0, Type::OID)])? {
            let (trigger, text): (&str, &str) = (field(STEP, row, 0)?, field(STEP, row, 1)?);
            let enabled: i8 = field(STEP, row, 2)?;
            let enabled = char::from(enabled.cast_unsigned());
            found.insert((OwnKind::Trigger, trigger.to_owned()), trigger_on(&Ident::new(trigger), name, text, enabled));
        }
        Ok(found)
    })?;
    match read {
        Ok(mut found) => {
            for own in &mut sibling.has {
                own.definition = found.remove(&(own.kind, own.name.clone()));
            }
            Ok(None)
        }
        Err(error) => Ok(Some(error.because())),
    }
}

/// The definition around the table's name, which stands there once, unless a name or a constant looks the same.
fn trigger_on(trigger: &Ident, name: &TableName, text: &str, enabled: char) -> OwnDefinition {
    let plain = text.strip_prefix("CREATE TRIGGER ").map(|rest| (false, rest));
    let found = plain.or_else(|| text.strip_prefix("CREATE CONSTRAINT TRIGGER ").map(|rest| (true, rest)));
    let found = found.and_then(|(constraint, rest)| Some((constraint, rest.strip_prefix(&format!("{trigger} "))?)));
    let Some((constraint, rest)) = found else { return OwnDefinition::Unclear };
    let on = format!(" ON {name} ");
    match (rest.matches(&on).count(), rest.split_once(&on)) {
        // One that names another table locks it.
        (1, Some((events, tail))) if !tail.starts_with("FROM ") => {
            OwnDefinition::Trigger { constraint, events: events.to_owned(), tail: tail.to_owned(), enabled }
        }
        _ => OwnDefinition::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_taken_apart_where_its_table_stands_once() {
        let (name, t) = (TableName::new("public", "l"), Ident::new("t"));
        let text = "CREATE TRIGGER t BEFORE INSERT ON public.l FOR EACH ROW EXECUTE FUNCTION public.note()";
        let (events, tail) = ("BEFORE INSERT".to_owned(), "FOR EACH ROW EXECUTE FUNCTION public.note()".to_owned());
        let taken = OwnDefinition::Trigger { constraint: false, events, tail, enabled: 'O' };
        assert_eq!(trigger_on(&t, &name, text, 'O'), taken);
        for unclear in [
            "CREATE TRIGGER t BEFORE UPDATE OF \"x ON public.l \" ON public.l FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON public.l FROM public.o NOT DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE TRIGGER other BEFORE INSERT ON public.l FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE TRIGGER t",
        ] {
            assert_eq!(trigger_on(&t, &name, unclear, 'O'), OwnDefinition::Unclear, "{unclear}");
        }
    }
}
