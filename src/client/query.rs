//! A statement and its parameters.

use std::any::Any;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use postgres::types::{ToSql, Type};

use super::error::Error;

/// What one value takes, in bytes.
pub(super) type Weigh<T> = fn(&T) -> u64;

/// A value whose type on the server is known from its own. [`Query::bind_as`] takes any other, with its type.
#[diagnostic::on_unimplemented(
    message = "the server's type for a `{Self}` is not known",
    note = "give it with `Query::bind_as(value, Type::…)`; a `NULL` is `None::<T>`"
)]
pub trait Bind: ToSql + Send + Sync {
    /// The server's type.
    const TYPE: Type;
}

/// A value's type, and that of arrays of it.
macro_rules! bind {
    ($($rust:ty => $one:ident, $many:ident;)*) => {$(
        impl Bind for $rust {
            const TYPE: Type = Type::$one;
        }
        impl Bind for Vec<$rust> {
            const TYPE: Type = Type::$many;
        }
        impl Bind for &[$rust] {
            const TYPE: Type = Type::$many;
        }
    )*};
}

bind! {
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    u32 => OID, OID_ARRAY;
    f32 => FLOAT4, FLOAT4_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    SystemTime => TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
}

impl<T: Bind> Bind for Option<T> {
    const TYPE: Type = T::TYPE;
}

/// A statement with its parameters, `$1` onwards in the order in which they are bound.
///
/// ```
/// use pgstrata::client::{Query, Type};
/// let query = Query::new("SELECT 1 FROM audit.audit_log WHERE actor_id = $1 AND action = $2 AND details @> $3::text::jsonb")
///     .bind(42_i64)
///     .bind("login")
///     .bind_as("{}", Type::TEXT)
///     .read_only();
/// assert_eq!(query.types(), [Type::INT8, Type::TEXT, Type::TEXT]);
/// ```
///
/// What has no obvious type does not compile without one:
///
/// ```compile_fail
/// pgstrata::client::Query::new("SELECT $1").bind(std::net::IpAddr::from([127, 0, 0, 1]));
/// ```
#[must_use = "a query does nothing until a client runs it"]
pub struct Query<'a> {
    sql: Cow<'a, str>,
    values: Vec<Box<dyn ToSql + Send + Sync + 'a>>,
    types: Vec<Type>,
    read_only: bool,
    tags: Vec<String>,
    scope: Option<String>,
    settings: Vec<(String, String)>,
    ttl: Option<Duration>,
    stale_if_error: Option<Duration>,
    refresh_ahead: Option<f64>,
    weigh: Option<Box<dyn Any + Send + Sync>>,
}

impl<'a> Query<'a> {
    /// A statement, with parameters still to be bound.
    pub fn new(sql: impl Into<Cow<'a, str>>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
            types: Vec::new(),
            read_only: false,
            tags: Vec::new(),
            scope: None,
            settings: Vec::new(),
            ttl: None,
            stale_if_error: None,
            refresh_ahead: None,
            weigh: None,
        }
    }

    /// The next parameter.
    pub fn bind<T: Bind + 'a>(self, value: T) -> Self {
        self.bind_as(value, T::TYPE)
    }

    /// The next parameter, as a type of the server.
    pub fn bind_as(mut self, value: impl ToSql + Send + Sync + 'a, as_type: Type) -> Self {
        self.values.push(Box::new(value));
        self.types.push(as_type);
        self
    }

    /// It writes nothing: outside a transaction it is run once more, on another session, where its own is lost.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// It reads from that, and writes nothing: [`Client::invalidate`](super::Client::invalidate) and
    /// [`Tx::writes`](super::Tx::writes) of the same tag end what is kept of it.
    pub fn reads(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self.tags.sort();
        self.tags.dedup();
        self.read_only()
    }

    /// Whom a cached result is for, such as a tenant: nobody else gets it.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// A setting for this query alone, such as the one that a policy of row security reads; part of what tells cached
    /// results apart. Only [`Client::cached`](super::Client::cached) sets it.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// How old a cached result may be: [`CacheOptions::ttl`](super::CacheOptions::ttl) by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// For how long beyond that a cached result is given while no session can be had, marked as
    /// [stale](super::Cached::is_stale): [`CacheOptions::stale_if_error`](super::CacheOptions::stale_if_error) by default. An
    /// error of the server's is never hidden so.
    pub fn stale_if_error(mut self, longer: Duration) -> Self {
        self.stale_if_error = Some(longer);
        self
    }

    /// From that share of its time to live on, one call loads a cached result anew, while others get what there is.
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.refresh_ahead = Some(share.clamp(0.0, 1.0));
        self
    }

    /// What one value takes, in bytes, in place of its row as the server sent it and of its own size: for values that keep
    /// more, or less, than they were sent as. A query that is read as another type refuses it.
    ///
    /// ```
    /// let words = pgstrata::client::Query::new("SELECT array_agg(word) FROM words")
    ///     .weigh(|words: &Vec<String>| words.iter().map(|word| 24 + word.capacity() as u64).sum());
    /// # drop(words);
    /// ```
    pub fn weigh<T: 'static>(mut self, weigh: fn(&T) -> u64) -> Self {
        let weigh: Weigh<T> = weigh;
        self.weigh = Some(Box::new(weigh));
        self
    }

    /// Its text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The types of its parameters.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    pub(super) fn scope_of(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    pub(super) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Time to live, what is beyond it, and when to be ahead of it.
    pub(super) fn times(&self) -> (Option<Duration>, Option<Duration>, Option<f64>) {
        (self.ttl, self.stale_if_error, self.refresh_ahead)
    }

    /// What values of that type take, where it says so.
    pub(super) fn weighs<T: 'static>(&self) -> Result<Option<Weigh<T>>, Error> {
        let Some(weigh) = &self.weigh else { return Ok(None) };
        match weigh.downcast_ref::<Weigh<T>>() {
            Some(weigh) => Ok(Some(*weigh)),
            None => Err(Error::Invalid {
                field: "weigh",
                because: "the query is read as values of another type".to_owned(),
            }),
        }
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    pub(super) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }

    pub(super) fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.params().into_iter().zip(self.types.iter().cloned()).collect()
    }
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        f.debug_struct("Query").field("sql", &self.sql).field("types", &self.types).finish_non_exhaustive()
    }
}
