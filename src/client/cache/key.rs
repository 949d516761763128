//! What tells one cached result from another.

use std::any::TypeId;

use bytes::BytesMut;
use postgres::types::IsNull;

use super::super::error::Error;
use super::super::query::Query;

/// What a result was read from and a write invalidates: a table's name, or whatever both sides agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag<'a>(
    /// Its text.
    pub &'a str,
);

/// Type and wire bytes; `None` is NULL.
type Wire = (u32, Option<Box<[u8]>>);

/// A statement with its parameters as the server gets them, the function that reads its rows, and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::client) struct Key {
    read: TypeId,
    sql: Box<str>,
    scope: Option<Box<str>>,
    settings: Box<[(String, String)]>,
    params: Box<[Wire]>,
    /// Under which its generations are compared.
    pub(super) tags: Box<[String]>,
}

impl Key {
    /// `F` reads the rows. It captures nothing, so that equal keys are equal results.
    pub(in crate::client) fn new<F: 'static>(query: &Query<'_>) -> Result<Self, Error> {
        let mut bytes = BytesMut::new();
        let mut params = Vec::with_capacity(query.types().len());
        for (value, as_type) in query.typed() {
            bytes.clear();
            let written = value
                .to_sql_checked(&as_type, &mut bytes)
                .map_err(|error| Error::Decode(format!("parameter {}: {error}", params.len() + 1)))?;
            let wire = match written {
                IsNull::Yes => None,
                IsNull::No => Some(bytes.as_ref().into()),
            };
            params.push((as_type.oid(), wire));
        }
        Ok(Self {
            read: TypeId::of::<F>(),
            sql: query.sql().into(),
            scope: query.scope_of().map(Into::into),
            settings: query.settings().into(),
            params: params.into(),
            tags: query.tags().into(),
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        let Self { read: _, sql, scope, settings, params, tags } = self;
        let settings = settings.iter().map(|(name, value)| name.len() + value.len() + 48).sum::<usize>();
        let params = params.iter().map(|(_, wire)| wire.as_ref().map_or(0, |wire| wire.len()) + 24).sum::<usize>();
        let tags = tags.iter().map(|tag| tag.len() + 24).sum::<usize>();
        u64::try_from(tags + sql.len() + scope.as_ref().map_or(0, |scope| scope.len()) + settings + params)
            .unwrap_or(u64::MAX)
    }
}
