//! What tells one cached result from another.

use std::any::TypeId;
use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use bytes::{BufMut, BytesMut};
use postgres::types::IsNull;

use super::super::error::Error;
use super::super::query::Query;

/// What a result was read from and a write invalidates: a table's name, or whatever both sides agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag<'a>(
    /// Its text.
    pub &'a str,
);

/// A statement with its parameters as the server gets them, the function that reads its rows, and whom it is for.
///
/// All in one piece of memory, whose hash is taken once, before the lock under which it is compared: a hit is little more
/// than that.
#[derive(Debug, Clone)]
pub(in crate::client) struct Key {
    read: TypeId,
    hash: u64,
    /// Each part after its length, so that no two keys are written alike; the tags are last.
    parts: Arc<[u8]>,
    tags_at: usize,
}

/// Unlike from process to process, as a map's own is: whoever chooses parameters does not choose what collides.
static HASHED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What is kept of a thread's memory for the next key.
const KEPT: usize = 16 << 10;

thread_local! {
    static MEMORY: Cell<BytesMut> = Cell::default();
}

impl Key {
    /// `F` reads the rows. It captures nothing, so that equal keys are equal results.
    pub(in crate::client) fn new<F: 'static>(query: &Query<'_>) -> Result<Self, Error> {
        // A parameter's own code runs meanwhile, and may make another key.
        let mut bytes = MEMORY.take();
        bytes.clear();
        put(&mut bytes, query.sql().as_bytes());
        bytes.put_u8(u8::from(query.scope_of().is_some()));
        put(&mut bytes, query.scope_of().unwrap_or_default().as_bytes());
        put_count(&mut bytes, query.settings().len());
        for (name, value) in query.settings() {
            put(&mut bytes, name.as_bytes());
            put(&mut bytes, value.as_bytes());
        }
        put_count(&mut bytes, query.types().len());
        for (at, (value, as_type)) in query.typed().into_iter().enumerate() {
            bytes.put_u32(as_type.oid());
            let before = bytes.len();
            put_count(&mut bytes, 0);
            bytes.put_u8(0);
            let begins = bytes.len();
            let written = value
                .to_sql_checked(&as_type, &mut bytes)
                .map_err(|error| Error::Decode(format!("parameter {}: {error}", at + 1)))?;
            let length = bytes.len() - begins;
            if let Some(head) = bytes.get_mut(before..begins)
                && let Some((is_null, of_length)) = head.split_last_mut()
            {
                of_length.copy_from_slice(&count(length).to_be_bytes());
                *is_null = match written {
                    IsNull::Yes => 1,
                    IsNull::No => 0,
                };
            }
        }
        let tags_at = bytes.len();
        for tag in query.tags() {
            put(&mut bytes, tag.as_bytes());
        }
        let read = TypeId::of::<F>();
        let key = Self { read, hash: HASHED.hash_one((read, &bytes[..])), parts: Arc::from(&bytes[..]), tags_at };
        if bytes.capacity() <= KEPT {
            MEMORY.set(bytes);
        }
        Ok(key)
    }

    /// Under which its generations are compared.
    pub(super) fn tags(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.parts.get(self.tags_at..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (tag, after) = after.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
            rest = after;
            Some(tag)
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        count(self.parts.len())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let Self { read, hash, parts, tags_at } = self;
        *hash == other.hash && *read == other.read && *tags_at == other.tags_at && *parts == other.parts
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A map's hasher for what has its hash with it.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn put_count(bytes: &mut BytesMut, length: usize) {
    bytes.put_u64(count(length));
}

fn put(bytes: &mut BytesMut, part: &[u8]) {
    put_count(bytes, part.len());
    bytes.put_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres::types::Type;

    fn key(query: &Query<'_>) -> Key {
        fn read() {}
        fn of<F: 'static>(_: F, query: &Query<'_>) -> Key {
            Key::new::<F>(query).unwrap()
        }
        of(read, query)
    }

    #[test]
    fn what_is_written_alike_is_no_key_of_another() {
        let new = |sql: &'static str| Query::new(sql);
        let queries = [
            new("a"),
            new("ab"),
            new("a").scope(""),
            new("a").scope("b"),
            new("a").reads("b"),
            new("a").reads("b").reads("c"),
            new("a").reads("bc"),
            new("a").setting("b", "c"),
            new("a").setting("bc", ""),
            new("a").bind("b"),
            new("a").bind_as("b", Type::VARCHAR),
            new("a").bind("").bind("b"),
            new("a").bind("b").bind(""),
            new("a").bind(""),
            new("a").bind(None::<&str>),
            new("a").bind(98_i64),
            new("a").bind(98_i32),
        ];
        for (n, one) in queries.iter().enumerate() {
            for (m, other) in queries.iter().enumerate() {
                assert_eq!(key(one) == key(other), n == m, "{one:?} {other:?}");
            }
            assert_eq!(key(one).hash, key(one).hash);
        }
        let query = new("a").reads("t").reads("").reads("täg").bind("x");
        let tags: Vec<Vec<u8>> = key(&query).tags().map(<[u8]>::to_vec).collect();
        assert_eq!(tags, [&b""[..], b"t", "täg".as_bytes()]);
        assert!(Key::new::<()>(&new("a").bind_as("b", Type::INT4)).is_err());
    }
}
