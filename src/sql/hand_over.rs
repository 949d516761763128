//! The statement that takes a table out of pg_partman's hands: for people to run, never sent from here.

use super::{Ident, Literal, TableName};

/// Switches pg_partman's automatic maintenance of a table off.
///
/// ```
/// use pgstrata::sql::{Ident, hand_over};
/// let table = r#"public."Log""#.parse()?;
/// assert_eq!(
///     hand_over(&Ident::new("partman"), &table),
///     "UPDATE partman.part_config SET automatic_maintenance = 'off' WHERE parent_table = 'public.Log';"
/// );
/// # Ok::<(), pgstrata::sql::IdentError>(())
/// ```
pub fn hand_over(schema: &Ident, table: &TableName) -> String {
    // parent_table holds both names as the catalog has them, joined by a dot and never quoted.
    let parent = format!("{}.{}", table.schema.as_str(), table.name.as_str());
    let parent = Literal(&parent);
    format!("UPDATE {schema}.part_config SET automatic_maintenance = 'off' WHERE parent_table = {parent};")
}
