//! The values of a YAML document, each with its place.
//!
//! serde can turn YAML into the final types at once, but stops at the first mistake. A tree that
//! remembers where everything stood can be judged completely.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DefaultMessageFormatter, Error, MessageFormatter as _, Spanned,
    options::{DuplicateKeyPolicy, NonFiniteFloatPolicy},
};

use super::error::{Mistake, Place, Problem};

/// A value and its place. What an alias brings in stands where its anchor does.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it is written.
    pub(super) place: Place,
    /// Its bytes in the text.
    span: (usize, usize),
}

/// What YAML can say.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing: no value, `null` or `~`.
    Null,
    /// Text, a number, or true or false.
    Scalar {
        /// As it is written, without quotes.
        text: String,
        /// As YAML understands it.
        scalar: Scalar,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys with their values, in the order of the text; a key may occur twice.
    Mapping(Vec<(Node, Node)>),
}

/// How YAML understands a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// As text.
    Text,
    /// As true or false.
    Boolean(bool),
    /// As a whole number.
    Integer(i128),
    /// As a number that is not whole.
    Float,
}

/// Reads one document.
pub(super) fn parse(content: &[u8]) -> Result<Node, Mistake> {
    let text = str::from_utf8(content).map_err(|error| not_utf8(content, error.valid_up_to()))?;
    // The parser skips the mark without counting it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut root: Node =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| mistake(&error))?;
    root.restore_spelling(text);
    Ok(root)
}

/// How deeply lists and mappings may be nested; the format needs six levels.
const DEPTH: usize = 16;

/// Limits keep a hostile file from costing more than a large one.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            // Thousands of ports may share one anchor; replays are limited below.
            enforce_alias_anchor_ratio: false,
            max_aliases: 1_000_000,
            max_merge_keys: 1_000_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2_000_000,
            max_replay_stack_depth: DEPTH,
        },
        // A run of comment lines would count against a small buffer.
        emit_comments: false,
        // The caller reports every duplicate, not only the first.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // A network may be called `no` or `on`.
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

fn not_utf8(content: &[u8], valid: usize) -> Mistake {
    let line_ends = content.iter().take(valid).filter(|octet| **octet == b'\n');
    let line = u64::try_from(line_ends.count())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let problem = Problem::Yaml("not UTF-8".to_owned());
    Mistake {
        place: Place { line, column: 1 },
        field: String::new(),
        problem,
    }
}

fn mistake(error: &Error) -> Mistake {
    let place = error
        .location()
        .map_or(Place { line: 1, column: 1 }, |location| Place {
            line: location.line(),
            column: location.column(),
        });
    let problem = Problem::Yaml(message(error.without_snippet()));
    Mistake {
        place,
        field: String::new(),
        problem,
    }
}

/// The parser's words, apart from those that speak to its caller.
fn message(error: &Error) -> String {
    match error {
        Error::MultipleDocuments { .. } => "a second document begins, expected one".to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "the anchor contains its own alias".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "larger, or nested more deeply, than a network description may be".to_owned()
        }
        Error::AliasError { error, .. } => message(error),
        error => {
            let message = DefaultMessageFormatter.format_message(error);
            message
                .chars()
                .filter(|letter| !letter.is_control())
                .collect()
        }
    }
}

impl Node {
    /// Puts back what the parser interpreted: a name may look like a number, as `007`.
    fn restore_spelling(&mut self, source: &str) {
        let (start, length) = self.span;
        match &mut self.value {
            Value::Null
            | Value::Scalar {
                scalar: Scalar::Text,
                ..
            } => {}
            Value::Scalar { text, .. } => {
                let spelling = source.get(start..start.saturating_add(length));
                if let Some(spelling) = spelling.filter(|spelling| !spelling.is_empty()) {
                    spelling.clone_into(text);
                }
            }
            Value::List(elements) => {
                elements
                    .iter_mut()
                    .for_each(|element| element.restore_spelling(source));
            }
            Value::Mapping(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.restore_spelling(source);
                value.restore_spelling(source);
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::deserialize(deserializer)?;
        let bytes = |count: Option<u64>| count.and_then(|count| usize::try_from(count).ok());
        let span = defined.span();
        Ok(Self {
            value,
            place: Place {
                line: defined.line(),
                column: defined.column(),
            },
            span: (
                bytes(span.byte_offset()).unwrap_or(0),
                bytes(span.byte_len()).unwrap_or(0),
            ),
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar {
            text: value.to_string(),
            scalar: Scalar::Boolean(value),
        })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar {
            text: value.to_string(),
            scalar: Scalar::Integer(value.into()),
        })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar {
            text: value.to_string(),
            scalar: Scalar::Integer(value.into()),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar {
            text: value.to_string(),
            scalar: Scalar::Float,
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Scalar {
            text: text.to_owned(),
            scalar: Scalar::Text,
        })
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Scalar {
            text,
            scalar: Scalar::Text,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Mapping(entries))
    }
}
