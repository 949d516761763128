//! Prepared statements of one session, the ones used last.

use std::num::NonZeroUsize;

use lru::LruCache;
use postgres::types::Type;
use postgres::{Client, Statement};

/// By text and types: the same text with another type is another statement.
pub(super) struct Statements(Option<LruCache<Key, Statement>>);

type Key = (Box<str>, Box<[u32]>);

impl Statements {
    pub(super) fn new(most: usize) -> Self {
        Self(NonZeroUsize::new(most).map(LruCache::new))
    }

    /// Whether statements are prepared at all.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The statement, prepared now if it was not before. One that gives way is closed on the server with the next message.
    pub(super) fn get(&mut self, client: &mut Client, sql: &str, types: &[Type]) -> Result<Statement, postgres::Error> {
        let Some(cache) = &mut self.0 else { return client.prepare_typed(sql, types) };
        let key = key(sql, types);
        if let Some(statement) = cache.get(&key) {
            return Ok(statement.clone());
        }
        let statement = client.prepare_typed(sql, types)?;
        cache.push(key, statement.clone());
        Ok(statement)
    }

    pub(super) fn forget(&mut self, sql: &str, types: &[Type]) {
        if let Some(cache) = &mut self.0 {
            cache.pop(&key(sql, types));
        }
    }
}

fn key(sql: &str, types: &[Type]) -> Key {
    (sql.into(), types.iter().map(Type::oid).collect())
}
