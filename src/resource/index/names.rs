//! Names of indexes that we make: at most 63 bytes, and never one for two.

use crate::resource::partition::{Context, suffixed};
use crate::sql::{Ident, MAX_IDENT_BYTES, TableName};

/// `_` and eight hexadecimal digits.
const DIGEST_BYTES: usize = 9;

/// A partition's index is called after both: `audit_log_p20260301_actor_idx` for `audit_log_actor_idx`. Where that is too
/// long, both are cut, and a digest of the whole tells it from all others that are cut alike.
pub(super) fn leaf_index_name(context: &Context<'_>, partition: &TableName, index: &Ident) -> TableName {
    let table = format!("{}_", context.name.name.as_str());
    let own = index.as_str().strip_prefix(table.as_str()).unwrap_or(index.as_str());
    TableName { schema: partition.schema.clone(), name: joined(partition.name.as_str(), own) }
}

fn joined(partition: &str, own: &str) -> Ident {
    let whole = format!("{partition}_{own}");
    if whole.len() <= MAX_IDENT_BYTES {
        return Ident::new(whole);
    }
    let room = MAX_IDENT_BYTES - DIGEST_BYTES - 1;
    // Each may have half, and what the other leaves.
    let of_own = own.len().min((room / 2).max(room.saturating_sub(partition.len())));
    let of_partition = room - of_own;
    Ident::new(format!("{}_{}_{:08x}", cut(partition, of_partition), cut(own, of_own), digest(&whole)))
}

fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// FNV-1a, folded: the same on every machine.
fn digest(text: &str) -> u32 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let [a, b, c, d, e, f, g, h] = hash.to_be_bytes();
    u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h])
}

/// A name, then others, cut so that the suffix survives.
pub(super) fn names_of(first: &TableName) -> Vec<TableName> {
    let others = (2..=4)
        .map(|n| TableName { schema: first.schema.clone(), name: suffixed(first.name.as_str(), &format!("_{n}")) });
    std::iter::once(first.clone()).chain(others).collect()
}

/// Names for an index that is to take another one's place.
pub(crate) fn successor_names(index: &TableName) -> Vec<TableName> {
    names_of(&TableName { schema: index.schema.clone(), name: suffixed(index.name.as_str(), "_new") })
}

/// What `REINDEX … CONCURRENTLY` calls the index that it builds and the one that it replaces, as the server cuts and
/// numbers it (`makeObjectName`, `ChooseRelationName`): `_ccnew`, `_ccnew1`, `_ccold` …
pub(crate) fn is_left_by_reindex(name: &str, of: &str) -> bool {
    ["ccnew", "ccold"].iter().any(|label| {
        let Some((stem, number)) = name.rsplit_once(&format!("_{label}")) else { return false };
        let numbered = number.is_empty()
            || !number.starts_with('0') && number.len() < 10 && number.bytes().all(|digit| digit.is_ascii_digit());
        // Cut only where the whole would be too long.
        let room = MAX_IDENT_BYTES - label.len() - number.len() - 1;
        numbered && !stem.is_empty() && stem == cut(of, room)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(joined("events_p20260301", "actor_idx").as_str(), "events_p20260301_actor_idx");
        let long = "index_t_on_customer_id_and_created_at_where_status_is_active_xx";
        let (xx, yy) = (joined("t_p20261101", long), joined("t_p20261101", &long.replace("xx", "yy")));
        assert_ne!(xx, yy);
        let mut all = BTreeSet::new();
        for partition in ["t_p20261101".to_owned(), "t".repeat(63), "ä".repeat(31)] {
            for day in 1..40 {
                for own in [long.to_owned(), long.replace("xx", "yy"), "ü".repeat(31), "x_idx".to_owned()] {
                    let partition = cut(&partition, 60).to_owned() + &day.to_string();
                    let name = joined(&partition, &own);
                    assert!(name.as_str().len() <= MAX_IDENT_BYTES, "{name}");
                    assert!(all.insert(name.clone()), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_names_of_a_reindex_are_known_and_no_others() {
        for name in ["t_v_idx_ccnew", "t_v_idx_ccnew1", "t_v_idx_ccold", "t_v_idx_ccold12"] {
            assert!(is_left_by_reindex(name, "t_v_idx"), "{name}");
        }
        for name in
            ["t_v_idx", "t_v_idx_ccnew_old", "t_v_idx_ccnew01", "t_v_idx_cc", "_ccnew", "t_w_idx_ccnew", "t_v_ccnew"]
        {
            assert!(!is_left_by_reindex(name, "t_v_idx"), "{name}");
        }
        let long = "x".repeat(63);
        assert!(is_left_by_reindex(&format!("{}_ccnew", "x".repeat(57)), &long));
        assert!(is_left_by_reindex(&format!("{}_ccnew1", "x".repeat(56)), &long));
        assert!(!is_left_by_reindex(&format!("{}_ccnew", "x".repeat(56)), &long));
    }
}
