//! From a merged tree to the typed policy: every error knows its path, and unknown keys are gathered, not just the
//! first one met.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess};
use serde::de::{Error as _, IntoDeserializer, Visitor};

use super::tree::Tree;
use super::units::percent;
use super::{PolicyError, PolicyPath, suggest};

/// Reads a tree. Errors: every unknown key, and the first value of a wrong type.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree) -> Result<T, Vec<PolicyError>> {
    let unknown = RefCell::new(Vec::new());
    let result = T::deserialize(At { tree, path: PolicyPath::root(), unknown: &unknown });
    let mut errors = unknown.into_inner();
    match result {
        Ok(value) if errors.is_empty() => Ok(value),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error.into_policy_error());
            Err(errors)
        }
    }
}

/// Why a value could not be read; the path is added on the way up.
#[derive(Debug)]
struct DecodeError {
    path: Option<PolicyPath>,
    message: String,
    help: Option<String>,
}

impl DecodeError {
    fn into_policy_error(self) -> PolicyError {
        PolicyError::at(self.path.unwrap_or_default(), self.message).maybe_help(self.help)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: None, message: message.to_string(), help: None }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = match suggest::nearest(variant, expected.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("possible: {}", expected.join(", ")),
        };
        Self {
            path: None,
            message: format!("`{}` is not possible here", super::tree::shortened(variant)),
            help: Some(help),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("`{field}` is missing"))
    }
}

#[derive(Clone)]
struct At<'a> {
    tree: &'a Tree,
    path: PolicyPath,
    unknown: &'a RefCell<Vec<PolicyError>>,
}

impl<'a> At<'a> {
    fn wrong(&self, expected: &str) -> DecodeError {
        let help = match (self.tree, expected) {
            (Tree::Map(_), "a text" | "one word") => {
                Some("what begins with `{` or has `: ` in it is a map in YAML: quote it if it is meant as text")
            }
            (Tree::Text(_), "a list") => Some("write it as a list: `[…]`"),
            (Tree::Null, "a map") => Some("what belongs to it is indented further than it"),
            (Tree::List(_), "a map") => Some("write `name: value` for each, without `-` and `[…]`"),
            (Tree::Text(word), "`true` or `false`") => match word.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" => Some("did you mean `true`?"),
                "no" | "off" | "n" => Some("did you mean `false`?"),
                _ => None,
            },
            _ => None,
        };
        let help = help.map(str::to_owned).or_else(|| match self.tree {
            Tree::Text(text) if expected == "a number" => {
                percent(text).ok().map(|share| format!("did you mean `{share}`?"))
            }
            Tree::Text(_) | Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => None,
        });
        DecodeError {
            path: Some(self.path.clone()),
            message: format!("expected {expected}, found {}", self.tree.kind()),
            help,
        }
    }

    fn placed<T>(&self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result.map_err(|mut error| {
            error.path.get_or_insert_with(|| self.path.clone());
            error
        })
    }

    fn whole_number<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Tree::Number(number) = self.tree else { return Err(self.wrong("a whole number")) };
        let result = match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => visitor.visit_u64(value),
            (None, Some(value)) => visitor.visit_i64(value),
            (None, None) => return Err(self.wrong("a whole number")),
        };
        // serde's own words for a number that does not fit speak of Rust types.
        result.map_err(|_: DecodeError| DecodeError {
            path: Some(self.path.clone()),
            message: format!("`{number}` is out of range"),
            help: None,
        })
    }

    fn map<V: Visitor<'a>>(self, fields: Option<&'static [&'static str]>, visitor: V) -> Result<V::Value, DecodeError> {
        let Tree::Map(map) = self.tree else { return Err(self.wrong("a map")) };
        let result = visitor.visit_map(Entries { at: self.clone(), entries: map.iter(), fields, value: None });
        self.placed(result)
    }

    fn unknown_key(&self, key: &str, fields: &[&str]) {
        let path = self.path.key(key);
        let help = match home_of(key) {
            Some(home) if !fields.contains(&key) && fields.contains(&home) => format!("it belongs under `{home}`"),
            Some(_) | None => super::trap::key_help(key).unwrap_or_else(|| suggest::hint(key, fields)),
        };
        let message = format!("unknown key `{}`", super::tree::shortened(key));
        self.unknown.borrow_mut().push(PolicyError::at_key(path, message).help(help));
    }
}

/// Where keys belong that are often written one level too high.
fn home_of(key: &str) -> Option<&'static str> {
    match key {
        "key" | "interval" | "timezone" | "anchor" | "encoding" | "premake" | "start" | "default_partition"
        | "default_rows" => Some("partition"),
        "keep" | "then" | "grace" | "straddling" => Some("retention"),
        "url" | "owners" | "expect" => Some("connection"),
        "pool" | "cache" => Some("client"),
        "jobs" | "lock_timeout" | "lock_retries" | "statement_timeout" | "allow" | "max_drop" | "max_create" => {
            Some("apply")
        }
        "roles" | "services" | "pgbouncer" => Some("limits"),
        _ => None,
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.whole_number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = DecodeError;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(_) => self.deserialize_f64(visitor),
            Tree::Text(text) => visitor.visit_borrowed_str(text),
            Tree::List(_) => self.deserialize_seq(visitor),
            Tree::Map(_) => self.map(None, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Null | Tree::Number(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_) => {
                Err(self.wrong("`true` or `false`"))
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Number(number) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            Tree::Null | Tree::Bool(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_) => Err(self.wrong("a number")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let text = self.tree.scalar().ok_or_else(|| self.wrong("a text"))?;
        let result = visitor.visit_string(text);
        self.placed(result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.tree.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Tree::List(list) = self.tree else { return Err(self.wrong("a list")) };
        let result = visitor.visit_seq(Items { at: self.clone(), items: list.iter().enumerate() });
        self.placed(result)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.map(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let word = self.tree.scalar().ok_or_else(|| self.wrong("one word"))?;
        let result = visitor.visit_enum(Word(word));
        self.placed(result)
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit unit_struct tuple tuple_struct ignored_any }
}

struct Items<'a> {
    at: At<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Tree>>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, tree)) = self.items.next() else { return Ok(None) };
        let at = At { tree, path: self.at.path.index(index), unknown: self.at.unknown };
        let result = seed.deserialize(at.clone());
        at.placed(result).map(Some)
    }
}

struct Entries<'a> {
    at: At<'a>,
    entries: std::collections::btree_map::Iter<'a, String, Tree>,
    fields: Option<&'static [&'static str]>,
    value: Option<(&'a str, &'a Tree)>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        for (key, tree) in self.entries.by_ref() {
            if let Some(fields) = self.fields
                && !fields.contains(&key.as_str())
            {
                self.at.unknown_key(key, fields);
                continue;
            }
            self.value = Some((key, tree));
            return seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let (key, tree) = self.value.take().ok_or_else(|| DecodeError::custom("a value was read before its key"))?;
        let at = At { tree, path: self.at.path.key(key), unknown: self.at.unknown };
        let result = seed.deserialize(at.clone());
        at.placed(result)
    }
}

struct Word(String);

impl<'a> EnumAccess<'a> for Word {
    type Error = DecodeError;
    type Variant = UnitOnly;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, UnitOnly), DecodeError> {
        let word: StringDeserializer<DecodeError> = self.0.into_deserializer();
        Ok((seed.deserialize(word)?, UnitOnly))
    }
}

struct UnitOnly;

impl<'a> VariantAccess<'a> for UnitOnly {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, _seed: T) -> Result<T::Value, DecodeError> {
        Err(DecodeError::custom("expected one word"))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _len: usize, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::custom("expected one word"))
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        Err(DecodeError::custom("expected one word"))
    }
}
