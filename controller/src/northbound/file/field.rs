//! Reads fields of the document, and notes every mistake on the way.
//!
//! A reader that returned at the first mistake would make people fix a file one line at a time. So
//! each question answers `None` for what is wrong and leaves a [`Mistake`] in the [`Report`]; who
//! builds an object asks at the end whether there was one.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use pipelines::network;

use super::{
    error::{Mistake, PRINTED, Problem},
    nearest::nearest,
    tree::{Node, Scalar, Value},
};

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    mistakes: Vec<Mistake>,
}

impl Report {
    /// Notes a mistake.
    pub(super) fn add(&mut self, field: &Field<'_>, problem: impl Into<Problem>) {
        let problem = problem.into();
        self.mistakes.push(Mistake {
            place: field.node.place,
            field: field.path.clone(),
            problem,
        });
    }

    /// The known word that a wrong one resembles, while the mistakes are few enough to be printed:
    /// of thousands of wrong words, each compared with thousands, nobody wants to wait for hints.
    pub(super) fn hint<'k>(
        &self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<String> {
        if self.mistakes.len() < PRINTED {
            nearest(word, known)
        } else {
            None
        }
    }

    /// The state of the report, to be compared later.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.mistakes.len())
    }

    /// Whether nothing was noted since.
    pub(super) fn clean_since(&self, Mark(mark): Mark) -> bool {
        self.mistakes.len() == mark
    }

    /// Every mistake, in the order of the text.
    pub(super) fn into_mistakes(mut self) -> Vec<Mistake> {
        // Of one place, the order of discovery stays.
        self.mistakes.sort_by_key(|mistake| mistake.place);
        self.mistakes
    }
}

/// All values or none, so that their places stay those of the list that they were read from.
pub(super) fn complete<T>(values: impl Iterator<Item = Option<T>>) -> Vec<T> {
    // Each is read before one that is missing ends the matter: each may have its mistake.
    let values: Vec<_> = values.collect();
    values
        .into_iter()
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// A state of a [`Report`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

/// A value and the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    /// As `ports[2].fixed_ips[0]`.
    pub(super) path: String,
    node: &'a Node,
}

impl<'a> Field<'a> {
    /// The whole document.
    pub(super) fn root(node: &'a Node) -> Self {
        Self {
            path: String::new(),
            node,
        }
    }

    /// Text on one line, as written: a name may look like a number.
    pub(super) fn text(&self, expected: &'static str, report: &mut Report) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, .. } if is_word(text) => Some(text),
            _ => self.refuse(expected, report),
        }
    }

    /// Text of any kind, as people and programs write it: of many lines, or empty.
    pub(super) fn free_text(
        &self,
        expected: &'static str,
        longest: usize,
        report: &mut Report,
    ) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, .. } if text.chars().take(longest + 1).count() <= longest => {
                Some(text)
            }
            _ => self.refuse(expected, report),
        }
    }

    /// What an object, its owner or a thing outside is called, as the database can hold it.
    pub(super) fn name(&self, expected: &'static str, report: &mut Report) -> Option<&'a str> {
        let name = self.free_text(expected, LONGEST, report)?;
        match name.contains('\0') {
            true => self.refuse(expected, report),
            false => Some(name),
        }
    }

    /// Text that a type knows how to read.
    pub(super) fn parse<T: FromStr>(
        &self,
        expected: &'static str,
        report: &mut Report,
    ) -> Option<T> {
        match self.text(expected, report)?.parse() {
            Ok(value) => Some(value),
            Err(_) => self.refuse(expected, report),
        }
    }

    /// Text that a type of the model knows how to read, with the model's explanation.
    pub(super) fn word<T: FromStr<Err = network::Problem>>(
        &self,
        expected: &'static str,
        report: &mut Report,
    ) -> Option<T> {
        match self.text(expected, report)?.parse() {
            Ok(value) => Some(value),
            Err(problem) => {
                report.add(self, problem);
                None
            }
        }
    }

    /// A word of which only one is known.
    pub(super) fn choice(&self, only: &'static str, report: &mut Report) {
        if self.text(only, report).is_some_and(|word| word != only) {
            self.refuse::<()>(only, report);
        }
    }

    /// A block of addresses; an address alone is a block of one.
    pub(super) fn block(&self, report: &mut Report) -> Option<IpNet> {
        let expected = "a block such as 10.0.0.0/24, or an address";
        let text = self.text(expected, report)?;
        let block = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        block.ok().or_else(|| self.refuse(expected, report))
    }

    /// A whole number.
    pub(super) fn number(&self, report: &mut Report) -> Option<u32> {
        let number = match self.node.value {
            Value::Scalar {
                scalar: Scalar::Integer(number),
                ..
            } => u32::try_from(number).ok(),
            _ => None,
        };
        number.or_else(|| self.refuse("a number from 0 to 4294967295", report))
    }

    /// A whole number of 16 bits.
    pub(super) fn word_of_16_bits(&self, report: &mut Report) -> Option<u16> {
        let value = self.number(report)?;
        let read = u16::try_from(value);
        if read.is_err() {
            let (least, most) = (0, u16::MAX.into());
            report.add(self, network::Problem::OutOfRange { value, least, most });
        }
        read.ok()
    }

    /// The size of a packet in bytes.
    pub(super) fn mtu(&self, report: &mut Report) -> Option<u16> {
        let value = self.number(report)?;
        let mtu = u16::try_from(value).ok().filter(|mtu| *mtu >= SMALLEST_MTU);
        if mtu.is_none() {
            let (least, most) = (SMALLEST_MTU.into(), u16::MAX.into());
            report.add(self, network::Problem::OutOfRange { value, least, most });
        }
        mtu
    }

    /// True or false.
    pub(super) fn boolean(&self, report: &mut Report) -> Option<bool> {
        match self.node.value {
            Value::Scalar {
                scalar: Scalar::Boolean(value),
                ..
            } => Some(value),
            _ => self.refuse("true or false", report),
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self, expected: &'static str, report: &mut Report) -> Vec<Self> {
        let Value::List(elements) = &self.node.value else {
            self.refuse::<()>(expected, report);
            return Vec::new();
        };
        let element = |(index, node)| Self {
            path: format!("{}[{index}]", self.path),
            node,
        };
        elements.iter().enumerate().map(element).collect()
    }

    /// One element of a list, if it is one.
    pub(super) fn element(&self, index: usize) -> Option<Self> {
        match &self.node.value {
            Value::List(elements) => Some(Self {
                path: format!("{}[{index}]", self.path),
                node: elements.get(index)?,
            }),
            _ => None,
        }
    }

    /// The entries of a mapping whose keys are free.
    pub(super) fn entries(
        &self,
        expected: &'static str,
        report: &mut Report,
    ) -> Vec<(&'a str, Self)> {
        let entries = self.unique_entries(expected, |_| true, report);
        let entries = entries.unwrap_or_default();
        entries
            .into_iter()
            .map(|Entry { key, value, .. }| (key, value))
            .collect()
    }

    /// The entries of a mapping; of two with one key, the first.
    fn unique_entries(
        &self,
        expected: &'static str,
        is_key: impl Fn(&str) -> bool,
        report: &mut Report,
    ) -> Option<Vec<Entry<'a>>> {
        let Value::Mapping(entries) = &self.node.value else {
            return self.refuse(expected, report);
        };
        let mut seen = BTreeMap::new();
        let mut unique = Vec::new();
        for (key_node, node) in entries {
            let key = match &key_node.value {
                Value::Scalar { text, .. } if is_key(text) => text,
                _ => {
                    let path = self.path.clone();
                    Self {
                        path,
                        node: key_node,
                    }
                    .refuse::<()>("a key", report);
                    continue;
                }
            };
            let path = self.below(key);
            match seen.get(key) {
                None => {
                    seen.insert(key, key_node.place);
                    unique.push(Entry {
                        key,
                        key_node,
                        value: Self { path, node },
                    });
                }
                Some(first) => {
                    let duplicate = Self {
                        path,
                        node: key_node,
                    };
                    report.add(&duplicate, Problem::DuplicateKey { first: *first });
                }
            }
        }
        Some(unique)
    }

    /// A mapping whose keys are known.
    pub(super) fn mapping(
        &self,
        expected: &'static str,
        known: &'static [&'static str],
        report: &mut Report,
    ) -> Option<Mapping<'a>> {
        let mut fields = Vec::new();
        for Entry {
            key,
            key_node,
            value,
        } in self.unique_entries(expected, is_word, report)?
        {
            if !known.contains(&key) {
                let nearest = report.hint(key, known.iter().copied());
                // The key is wrong, not its value.
                let field = Self {
                    path: value.path,
                    node: key_node,
                };
                report.add(&field, Problem::UnknownKey { nearest, known });
            } else if !matches!(value.node.value, Value::Null) {
                fields.push((key, value));
            }
        }
        Some(Mapping {
            field: self.clone(),
            fields,
        })
    }

    /// The path of a key of this mapping.
    fn below(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Notes that something else was expected.
    pub(super) fn refuse<T>(&self, expected: &'static str, report: &mut Report) -> Option<T> {
        let found = match &self.node.value {
            Value::Null => None,
            Value::Scalar {
                text,
                scalar: Scalar::Text,
            } => Some(format!("{:?}", excerpt(text))),
            Value::Scalar { text, .. } => Some(excerpt(text)),
            Value::List(_) => Some("a list".to_owned()),
            Value::Mapping(_) => Some("a mapping".to_owned()),
        };
        let problem = match found {
            Some(found) => Problem::Unexpected { found, expected },
            None => Problem::Missing { expected },
        };
        report.add(self, problem);
        None
    }
}

/// What every host of the Internet must take in one piece (RFC 791).
const SMALLEST_MTU: u16 = 68;

/// The longest text, in characters; Neutron's for names.
const LONGEST: usize = 255;

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST && !text.contains(char::is_control)
}

/// As much of a text as fits a message.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A key and its value.
struct Entry<'a> {
    key: &'a str,
    key_node: &'a Node,
    value: Field<'a>,
}

/// A mapping whose keys are known; a key without value is as good as absent.
#[derive(Clone, Debug)]
pub(super) struct Mapping<'a> {
    /// The mapping itself.
    pub(super) field: Field<'a>,
    fields: Vec<(&'a str, Field<'a>)>,
}

impl<'a> Mapping<'a> {
    /// The value of a key, if there is one.
    pub(super) fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.fields
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, field)| field)
    }

    /// The value of a key that must be there.
    pub(super) fn require(
        &self,
        key: &str,
        expected: &'static str,
        report: &mut Report,
    ) -> Option<&Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            report.add(&self.at(key), Problem::Missing { expected });
        }
        field
    }

    /// The value of a key, or the place where it is missing.
    pub(super) fn at(&self, key: &str) -> Field<'a> {
        let missing = || Field {
            path: self.field.below(key),
            node: self.field.node,
        };
        self.get(key).cloned().unwrap_or_else(missing)
    }

    /// The elements of a list, none if the key is absent.
    pub(super) fn list(
        &self,
        key: &str,
        expected: &'static str,
        report: &mut Report,
    ) -> Vec<Field<'a>> {
        self.get(key)
            .map(|field| field.list(expected, report))
            .unwrap_or_default()
    }
}
