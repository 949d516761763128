//! Is a schema there, and may a role make tables in it?

use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::question::{Answer, Question};
use super::super::reader::{Reader, field};
use super::unknown;

const STEP: &str = "looking up schemas";

/// Answers for the questions about schemas among these.
pub(super) fn answers(
    reader: &mut Reader<'_>,
    questions: &[&Question],
) -> Result<Vec<(Question, Answer)>, InspectError> {
    let mut asked = Vec::new();
    let (mut schemas, mut roles) = (Vec::new(), Vec::new());
    for question in questions {
        let (schema, role) = match question {
            Question::SchemaExists { schema } => (schema, None),
            Question::CreatesIn { role, schema } => (schema, Some(role)),
            Question::NewestNonEmpty { .. }
            | Question::HighestKeys { .. }
            | Question::DefaultRows { .. }
            | Question::Bytes { .. }
            | Question::WantedIndex { .. }
            | Question::IndexSpelling { .. }
            | Question::Bloat { .. }
            | Question::DefaultKeys { .. }
            | Question::NameTaken { .. }
            | Question::Exists { .. }
            | Question::References { .. }
            | Question::Dependants { .. }
            | Question::Fits { .. } => continue,
        };
        asked.push((*question).clone());
        schemas.push(schema.as_str());
        roles.push(role.map(|role| role.as_str()));
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let found = reader.aside(STEP, |reader| {
        let params: [(&(dyn ToSql + Sync), Type); 2] = [(&schemas, Type::TEXT_ARRAY), (&roles, Type::TEXT_ARRAY)];
        let rows = reader.query(STEP, include_str!("schemas.sql"), &params)?;
        rows.iter().map(|row| field(STEP, row, 0)).collect::<Result<Vec<bool>, _>>()
    })?;
    Ok(match found {
        Ok(found) => asked.into_iter().zip(found.into_iter().map(Answer::Taken)).collect(),
        Err(error) => unknown(&asked, error),
    })
}
