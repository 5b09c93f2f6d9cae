//! The JSON of column types, in its short and its long form, and their text in errors.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::{BaseType, ColumnType, Reference};
use crate::value::{Atom, AtomKind, Count, Datum, Shape};

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Json {
            Short(AtomKind),
            Long(Box<Long>),
        }

        #[derive(Deserialize)]
        struct Long {
            key: BaseType,
            value: Option<BaseType>,
            #[serde(default = "one")]
            min: u64,
            #[serde(default)]
            max: Max,
        }

        Ok(match Json::deserialize(deserializer)? {
            Json::Short(kind) => Self {
                key: BaseType::from(kind),
                value: None,
                min: 1,
                max: Some(1),
            },
            Json::Long(long) => Self {
                key: long.key,
                value: long.value,
                min: long.min,
                max: long.max.0,
            },
        })
    }
}

fn one() -> u64 {
    1
}

/// The most elements: a number, or `"unlimited"`.
struct Max(Option<u64>);

impl Default for Max {
    fn default() -> Self {
        Self(Some(1))
    }
}

impl<'de> Deserialize<'de> for Max {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Json {
            Number(u64),
            Text(String),
        }

        match Json::deserialize(deserializer)? {
            Json::Number(max) => Ok(Self(Some(max))),
            Json::Text(text) if text == "unlimited" => Ok(Self(None)),
            Json::Text(text) => Err(D::Error::custom(format_args!(
                "\"max\" is \"{text}\", expected a number or \"unlimited\""
            ))),
        }
    }
}

impl From<AtomKind> for BaseType {
    fn from(kind: AtomKind) -> Self {
        Self {
            kind,
            only: None,
            integers: None,
            reals: None,
            lengths: None,
            refers: None,
        }
    }
}

impl<'de> Deserialize<'de> for BaseType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Json {
            Short(AtomKind),
            Long(Box<Long>),
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Long {
            r#type: AtomKind,
            r#enum: Option<Datum>,
            min_integer: Option<i64>,
            max_integer: Option<i64>,
            min_real: Option<f64>,
            max_real: Option<f64>,
            min_length: Option<u64>,
            max_length: Option<u64>,
            ref_table: Option<String>,
            ref_type: Option<String>,
        }

        fn range<T>(min: Option<T>, max: Option<T>) -> Option<(Option<T>, Option<T>)> {
            (min.is_some() || max.is_some()).then_some((min, max))
        }

        let long = match Json::deserialize(deserializer)? {
            Json::Short(kind) => return Ok(Self::from(kind)),
            Json::Long(long) => long,
        };
        let strong = long.ref_type.is_none_or(|kind| kind == "strong");
        let only = match long.r#enum {
            Some(Datum::Set(atoms)) => Some(atoms.into_iter().collect()),
            Some(Datum::Map(_)) => return Err(D::Error::custom("\"enum\" is a map")),
            None => None,
        };
        Ok(Self {
            kind: long.r#type,
            only,
            integers: range(long.min_integer, long.max_integer),
            reals: range(long.min_real, long.max_real),
            lengths: range(long.min_length, long.max_length),
            refers: long.ref_table.map(|table| Reference { table, strong }),
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (1, Some(1)) => f.write_str("one ")?,
            (0, Some(1)) => f.write_str("at most one ")?,
            (min, None) => write!(f, "{min} or more ")?,
            (min, Some(max)) => write!(f, "{min} to {max} ")?,
        }
        write!(f, "{}", self.key)?;
        match &self.value {
            Some(value) => write!(f, " to {value}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for BaseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let texts = self.only.iter().flatten().filter_map(|atom| match atom {
            Atom::String(text) => Some(text.as_str()),
            _ => None,
        });
        write_only(f, texts)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.count {
            Count::One => "one ",
            Count::Optional => "at most one ",
            Count::Many => "any number of ",
        })?;
        write!(f, "{}", self.key)?;
        write_only(f, self.key_only.into_iter().flatten().copied())?;
        if let Some(value) = self.value {
            write!(f, " to {value}")?;
            write_only(f, self.value_only.into_iter().flatten().copied())?;
        }
        Ok(())
    }
}

fn write_only<'a>(f: &mut fmt::Formatter<'_>, texts: impl Iterator<Item = &'a str>) -> fmt::Result {
    for (index, text) in texts.enumerate() {
        write!(f, "{}\"{text}\"", if index == 0 { " of " } else { ", " })?;
    }
    Ok(())
}
