//! The statements that set and lift hold lines of a table's comment; the rest of the comment is kept, a marker too.

use super::literal::dollar_quoted;
use super::shown::shown;
use super::{Ident, Literal, TableName};
use crate::catalog::{HOLD_REGEX, Oid};

/// What becomes of the comment's hold lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// This line is there, beside others.
    Set {
        /// Without a line break.
        line: String,
    },
    /// None is there.
    Lift {
        /// As somebody has seen them: where there is another by now, all stay.
        seen: Vec<String>,
    },
}

/// Raised where the comment has a hold line that nobody was shown.
pub(crate) const ANOTHER_HOLD: &str = "PS003";

/// One transaction. Nobody can comment between the look and the change, because COMMENT takes the same lock, and a run that
/// removes the table looks at its comment behind a lock of its own. COMMENT runs none of the owner's code.
pub(crate) fn hold_statements(table: &TableName, oid: Oid, role: Option<&Ident>, change: &HoldChange) -> Vec<String> {
    let mut statements = vec![
        "BEGIN".to_owned(),
        // Whoever waits for it does not keep readers or writers waiting.
        "SET LOCAL lock_timeout = '5s'".to_owned(),
        "SET LOCAL statement_timeout = '10s'".to_owned(),
    ];
    statements.extend(role.map(|role| format!("SET LOCAL ROLE {role}")));
    statements.push(block(table, oid, change));
    statements.push("COMMIT".to_owned());
    statements.into_iter().map(shown).collect()
}

fn block(table: &TableName, oid: Oid, change: &HoldChange) -> String {
    let name = Literal(&table.in_text()).to_string();
    let regex = Literal(HOLD_REGEX).to_string();
    let (look, kept, added) = match change {
        HoldChange::Set { line } => {
            let line = Literal(line).to_string();
            let there = format!("  IF {line} = ANY (string_to_array(present, E'\\n')) THEN\n    RETURN;\n  END IF;");
            (there, "present".to_owned(), line)
        }
        HoldChange::Lift { seen } => {
            let seen: Vec<String> = seen.iter().map(|line| Literal(line).to_string()).collect();
            let another = Literal(&format!("{table} has got another hold line meanwhile")).to_string();
            let look = format!(
                "  IF EXISTS (SELECT FROM unnest(string_to_array(present, E'\\n')) AS l WHERE l ~ {regex} AND l <> ALL (ARRAY[{}]::text[])) THEN
    RAISE EXCEPTION USING MESSAGE = {another}, ERRCODE = '{ANOTHER_HOLD}';
  END IF;",
                seen.join(", ")
            );
            let kept = format!(
                "array_to_string(ARRAY(SELECT l FROM unnest(string_to_array(present, E'\\n')) WITH ORDINALITY AS lines(l, n) WHERE l !~ {regex} ORDER BY n), E'\\n')"
            );
            (look, kept, "NULL".to_owned())
        }
    };
    let another = Literal(&format!("{table} is another table now")).to_string();
    let body = format!(
        "
DECLARE
  present text;
BEGIN
  LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE;
  IF {name}::regclass::oid <> {oid} THEN
    RAISE EXCEPTION USING MESSAGE = {another}, ERRCODE = 'PS002';
  END IF;
  present := obj_description({oid}, 'pg_class');
{look}
  EXECUTE format('COMMENT ON TABLE %s IS %L', {name}, nullif(concat_ws(E'\\n', nullif({kept}, ''), {added}), ''));
END
"
    );
    format!("DO {}", dollar_quoted(&body))
}
