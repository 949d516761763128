//! How partitions are stored, and where they are not like their parent. Most are, and have no row.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::super::attributes::ReplicaIdentity;
use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Root, Snapshot};
use super::super::storage::{
    ColumnStorage, Compression, LeafAttributes, LeafStorage, PolicyMatch, Storage, StorageMode,
};
use super::{BEGIN, attributes, pairs, roots_of};
use crate::sql::{Ident, TableName, requalified};

const STEP: &str = "reading how partitions are stored";

/// To print a policy opens its table, and a transaction may not lock thousands: partitions made in one way share their
/// spelling, so a few stand for all.
const SPELLED: usize = 50;

/// Reads into their roots how the partitions of these tables are stored, in a transaction that waits for nobody.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_storage(
    client: &mut Client,
    snapshot: &mut Snapshot,
    tables: &BTreeSet<TableName>,
) -> Result<(), InspectError> {
    let mut roots = roots_of(snapshot, tables);
    if roots.is_empty() {
        return Ok(());
    }
    Reader::transaction(client, BEGIN, |reader| {
        for (oid, storage) in read(reader, &roots)? {
            if let Some((_, root)) = roots.get_mut(&oid) {
                root.storage = Some(Box::new(storage));
            }
        }
        Ok(())
    })
}

fn read(
    reader: &mut Reader<'_>,
    roots: &BTreeMap<Oid, (&TableName, &mut Root)>,
) -> Result<BTreeMap<Oid, Storage>, InspectError> {
    let oids: Vec<u32> = roots.keys().map(|oid| oid.0).collect();
    let mut found: BTreeMap<Oid, Storage> = roots.keys().map(|oid| (*oid, Storage::default())).collect();
    let mut unlike: Vec<u32> = Vec::new();
    for row in &reader.query(STEP, include_str!("storage.sql"), &[(&oids, Type::OID_ARRAY)])? {
        let oid: u32 = field(STEP, row, "oid")?;
        let mut parameters = pairs(field::<_, Option<Vec<String>>>(STEP, row, "reloptions")?);
        let of_toast = pairs(field::<_, Option<Vec<String>>>(STEP, row, "toast_options")?);
        parameters.extend(of_toast.into_iter().map(|(name, value)| (format!("toast.{name}"), value)));
        let leaf = LeafStorage { toasted: field(STEP, row, "toasted")?, parameters, own: None };
        if let Some(storage) = found.get_mut(&Oid(field(STEP, row, "root")?)) {
            storage.leaves.insert(Oid(oid), leaf);
        }
        if field::<_, Option<bool>>(STEP, row, "differs")? == Some(true) {
            unlike.push(oid);
        }
    }
    let mut own = of_leaves(reader, &unlike)?;
    columns(reader, &oids, &unlike, &mut found, &mut own)?;
    policies(reader, roots, &unlike, &mut own)?;
    for storage in found.values_mut() {
        for (oid, leaf) in &mut storage.leaves {
            leaf.own = own.remove(oid).map(Box::new);
        }
    }
    Ok(found)
}

/// What candidates have by themselves, columns and policies left out.
fn of_leaves(reader: &mut Reader<'_>, oids: &[u32]) -> Result<BTreeMap<Oid, LeafAttributes>, InspectError> {
    let mut own = BTreeMap::new();
    if oids.is_empty() {
        return Ok(own);
    }
    let parameter: (&(dyn ToSql + Sync), Type) = (&oids, Type::OID_ARRAY);
    let mut grants = attributes::grants(reader, &parameter)?;
    let mut targets = attributes::statistics_targets(reader, &parameter)?;
    for row in &reader.query(STEP, include_str!("storage_own.sql"), &[parameter])? {
        let oid = Oid(field(STEP, row, "oid")?);
        let ident = |column: &str| -> Result<Option<Ident>, InspectError> {
            Ok(field::<_, Option<&str>>(STEP, row, column)?.map(Ident::new))
        };
        let publications: Vec<String> = field(STEP, row, "publications")?;
        let schemas: Option<Vec<&str>> = field(STEP, row, "lacks_schemas")?;
        let names: Option<Vec<&str>> = field(STEP, row, "lacks_names")?;
        let lacks = schemas.unwrap_or_default().into_iter().zip(names.unwrap_or_default());
        let letter: i8 = field(STEP, row, "replica_identity")?;
        own.insert(
            oid,
            LeafAttributes {
                tablespace: ident("tablespace")?,
                grants: grants.remove(&oid).unwrap_or_default(),
                row_security: field(STEP, row, "row_security")?,
                force_row_security: field(STEP, row, "force_row_security")?,
                policies: BTreeMap::new(),
                replica_identity: ReplicaIdentity::of(letter.cast_unsigned(), ident("replica_identity_index")?),
                identity_index: ident("identity_index")?,
                primary_key: field(STEP, row, "primary_key")?,
                statistics_targets: targets.remove(&oid).unwrap_or_default(),
                columns: BTreeMap::new(),
                publications: publications.into_iter().collect(),
                lacks_statistics: lacks.map(|(schema, name)| TableName::new(schema, name)).collect(),
                owner_creates_in_schema: field::<_, Option<bool>>(STEP, row, "creates_in_schema")? == Some(true),
            },
        );
    }
    Ok(own)
}

fn columns(
    reader: &mut Reader<'_>,
    roots: &[u32],
    leaves: &[u32],
    found: &mut BTreeMap<Oid, Storage>,
    own: &mut BTreeMap<Oid, LeafAttributes>,
) -> Result<(), InspectError> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&roots, Type::OID_ARRAY), (&leaves, Type::OID_ARRAY)];
    for row in &reader.query(STEP, include_str!("storage_columns.sql"), &params)? {
        let letter = |column: &str| -> Result<Option<u8>, InspectError> {
            Ok(field::<_, Option<i8>>(STEP, row, column)?.map(i8::cast_unsigned))
        };
        let name = Ident::new(field::<_, &str>(STEP, row, "attname")?);
        let column = ColumnStorage {
            storage: letter("storage")?.and_then(StorageMode::from_catalog),
            compression: letter("compression")?.and_then(Compression::from_catalog),
        };
        match field::<_, Option<u32>>(STEP, row, "leaf")? {
            Some(leaf) => {
                if let Some(own) = own.get_mut(&Oid(leaf)) {
                    own.columns.insert(name, column);
                }
            }
            None => {
                if let Some(storage) = found.get_mut(&Oid(field(STEP, row, "root")?)) {
                    storage.columns.insert(name, column);
                }
            }
        }
    }
    Ok(())
}

/// A policy whose stored expressions are not the parent's, to the letter.
struct Unequal {
    root: Oid,
    leaf: Oid,
    name: Ident,
    /// Equal texts on equal columns mean the same.
    meaning: String,
}

fn policies(
    reader: &mut Reader<'_>,
    roots: &BTreeMap<Oid, (&TableName, &mut Root)>,
    leaves: &[u32],
    own: &mut BTreeMap<Oid, LeafAttributes>,
) -> Result<(), InspectError> {
    if leaves.is_empty() {
        return Ok(());
    }
    let mut unequal: Vec<Unequal> = Vec::new();
    for row in &reader.query(STEP, include_str!("storage_policies.sql"), &[(&leaves, Type::OID_ARRAY)])? {
        let (root, leaf) = (Oid(field(STEP, row, "root")?), Oid(field(STEP, row, "oid")?));
        let name = Ident::new(field::<_, &str>(STEP, row, "name")?);
        let is = |column: &str| -> Result<bool, InspectError> {
            Ok(field::<_, Option<bool>>(STEP, row, column)? == Some(true))
        };
        let matched = match (is("own")?, is("alike")?, is("same")?) {
            (true, _, _) => PolicyMatch::Own,
            (false, false, _) => PolicyMatch::Differs,
            (false, true, true) => PolicyMatch::Alike,
            (false, true, false) => {
                let meaning = field(STEP, row, "meaning")?;
                unequal.push(Unequal { root, leaf, name: name.clone(), meaning });
                PolicyMatch::Unknown("too many such policies are spelled in ways of their own".to_owned())
            }
        };
        if let Some(own) = own.get_mut(&leaf) {
            own.policies.insert(name, matched);
        }
    }
    let mut spelled: BTreeMap<(Oid, &Ident, &str), &Unequal> = BTreeMap::new();
    for one in &unequal {
        if spelled.len() < SPELLED {
            spelled.entry((one.root, &one.name, one.meaning.as_str())).or_insert(one);
        }
    }
    let matches = compare(reader, roots, &spelled)?;
    for one in &unequal {
        if let Some(found) = matches.get(&(one.root, &one.name, one.meaning.as_str()))
            && let Some(own) = own.get_mut(&one.leaf)
        {
            own.policies.insert(one.name.clone(), found.clone());
        }
    }
    Ok(())
}

/// Compares policies as the server spells them; like those of the roots, in a savepoint that gives the locks back.
fn compare<'a>(
    reader: &mut Reader<'_>,
    roots: &BTreeMap<Oid, (&TableName, &mut Root)>,
    spelled: &BTreeMap<(Oid, &'a Ident, &'a str), &'a Unequal>,
) -> Result<BTreeMap<(Oid, &'a Ident, &'a str), PolicyMatch>, InspectError> {
    if spelled.is_empty() {
        return Ok(BTreeMap::new());
    }
    let oids: Vec<u32> = spelled.values().map(|one| one.leaf.0).collect();
    let names: Vec<&str> = spelled.values().map(|one| one.name.as_str()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&oids, Type::OID_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = match reader.aside(STEP, |reader| reader.query(STEP, include_str!("storage_spelling.sql"), &params))? {
        Ok(rows) => rows,
        Err(error) => {
            let unknown = PolicyMatch::Unknown(error.because());
            return Ok(spelled.keys().map(|key| (*key, unknown.clone())).collect());
        }
    };
    let mut texts: BTreeMap<(Oid, String), (Option<String>, Option<String>)> = BTreeMap::new();
    for row in &rows {
        let key = (Oid(field(STEP, row, "oid")?), field(STEP, row, "name")?);
        texts.insert(key, (field(STEP, row, "using_clause")?, field(STEP, row, "check_clause")?));
    }
    let mut matches = BTreeMap::new();
    for (key, one) in spelled {
        let found = roots.get(&one.root).and_then(|(table, root)| {
            let theirs = root.attributes.row_security.policies.iter().find(|policy| policy.name == one.name)?;
            let partition = &root.leaves.get(&one.leaf)?.name;
            let (using, check) = texts.get(&(one.leaf, one.name.as_str().to_owned()))?;
            let same =
                is_same(&theirs.using, using, table, partition) && is_same(&theirs.check, check, table, partition);
            Some(if same { PolicyMatch::Alike } else { PolicyMatch::Differs })
        });
        let changed = || PolicyMatch::Unknown("it was changed while it was read".to_owned());
        matches.insert(*key, found.unwrap_or_else(changed));
    }
    Ok(matches)
}

fn is_same(theirs: &Option<String>, own: &Option<String>, table: &TableName, partition: &TableName) -> bool {
    // Where the parent's row type is wanted, a partition's row is turned into it, and printed so; where that is no argument
    // by itself, in parentheses.
    let row = format!("{}.*", partition.name);
    let bare = |text: &str| text.replace(&format!("({row})"), &row);
    let theirs = theirs.as_ref().map(|text| bare(&requalified(text, &table.name, &partition.name)));
    let own = own.as_ref().map(|text| bare(&text.replace(&format!("({row})::{table}"), &row)));
    theirs == own
}
