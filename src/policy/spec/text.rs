//! Values with units, as written.

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $schema:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        #[cfg(feature = "cli")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                super::schema::$schema()
            }
        }
    )*};
}

texts! {
    /// A timeout with PostgreSQL's units: `200ms`, `5s`, `10min`.
    Timeout: timeout,
    /// A timeout, or `0`: none.
    TimeoutOrNone: timeout_or_none,
    /// A size with PostgreSQL's units: `100MB`.
    Size: size,
    /// `80%`.
    Percent: percent,
    /// A calendar duration in words: `7 days`.
    Span: span,
    /// A calendar duration, or a key distance.
    Age: age,
    /// A width: `1 month`, or a number of keys.
    Interval: interval,
    /// A number of partitions, or a calendar duration.
    CountOrSpan: count_or_span,
    /// A whole number, as text because it may be larger than 2^53.
    Count: count,
    /// A date, or a date and time, without a zone.
    Moment: moment,
    /// A template of partition names.
    Template: template,
    /// A reference to an URL: `${DATABASE_URL}`.
    Url: url,
    /// A hazard that is accepted, and where.
    GrantText: grant,
    /// `schema.table`.
    TableText: table,
    /// A text, number or truth value.
    Scalar: scalar,
}
