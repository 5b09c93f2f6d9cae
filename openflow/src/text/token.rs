//! Cuts text into the pairs and items that everything else is made of.
//!
//! Each piece is a slice of the text that was given, so that where it stood can be found when
//! something is wrong with it.

use std::borrow::Cow;

use nom::Offset;

use super::ParseError;

/// What is wrong with a piece of text.
#[derive(Clone, Debug)]
pub(super) struct Fault<'a> {
    token: &'a str,
    message: String,
    expected: &'static str,
}

/// What reading a piece of text gives.
pub(super) type Parsed<'a, T> = Result<T, Box<Fault<'a>>>;

impl<'a> Fault<'a> {
    /// Says in the words of `ovs-ofctl` what is wrong with `token`, and what should stand there.
    pub(super) fn new(
        token: &'a str,
        expected: &'static str,
        message: impl Into<String>,
    ) -> Box<Self> {
        Box::new(Self {
            token,
            message: message.into(),
            expected,
        })
    }

    /// What is wrong.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The same fault of another token.
    pub(super) fn at(self, token: &'a str) -> Box<Self> {
        Box::new(Self { token, ..self })
    }

    /// The error, in a `text` that starts at `line` of its file and that the token is a piece of.
    pub(super) fn locate(self, text: &str, line: usize) -> ParseError {
        let before = text.get(..text.offset(self.token)).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        ParseError {
            line: line + before.matches('\n').count(),
            column,
            token: self.token.to_owned(),
            message: self.message,
            expected: self.expected,
        }
    }
}

/// A key and, if one follows, a value: `key`, `key=value`, `key:value` or `key(value)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a str,
    /// Empty if there is none.
    pub(super) value: &'a str,
}

/// Pairs, with commas and blanks between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs<'a> {
    rest: &'a str,
}

/// What stands between pairs.
const SEPARATORS: &[u8] = b", \t\r\n";

impl<'a> Pairs<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The rest, as far as it has not been read, without leading separators.
    pub(super) fn rest(&self) -> &'a str {
        self.rest.trim_start_matches([',', ' ', '\t', '\r', '\n'])
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        let text = self.rest();
        let is_end = |byte: &u8| SEPARATORS.contains(byte) || b":=(".contains(byte);
        let end = text.bytes().position(|byte| is_end(&byte));
        let (key, after) = text.split_at(end.unwrap_or(text.len()));
        if text.is_empty() {
            return None;
        }
        let delimiter = after.bytes().next();
        let body = after.get(1..).unwrap_or(after);
        let length = match delimiter {
            Some(b'(') => parenthesized(body),
            Some(b':' | b'=') => value_length(body, SEPARATORS),
            _ => {
                self.rest = body;
                let value = after.get(..0).unwrap_or_default();
                return Some(Pair { key, value });
            }
        };
        let (value, after) = body.split_at(length);
        self.rest = after.get(1..).unwrap_or_default();
        Some(Pair { key, value })
    }
}

/// The length of a value that starts after a parenthesis: to its counterpart or, if an arrow
/// follows that, to the end of the arrow's target.
fn parenthesized(body: &str) -> usize {
    let end = value_length(body, b")");
    let after = body.get(end..).unwrap_or_default();
    if after.starts_with(")->") {
        end + value_length(after, SEPARATORS)
    } else {
        end
    }
}

/// How much of `text` stands before the first of `delimiters` that is in no parentheses.
fn value_length(text: &str, delimiters: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth == 0 && delimiters.contains(&byte) => return place,
            _ => {}
        }
    }
    text.len()
}

/// The items of a list with commas and blanks between them.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).filter(|item| !item.is_empty())
}

/// Cuts at an arrow: `source->target`.
pub(super) fn arrow(text: &str) -> Option<(&str, &str)> {
    text.split_once("->")
}

/// The end of a text, where something is missing.
pub(super) fn end(text: &str) -> &str {
    text.get(text.len()..).unwrap_or_default()
}

/// A name without the quotes that may stand around it.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(inner) if inner.contains('\\') => Cow::Owned(inner.replace("\\\"", "\"")),
        Some(inner) => Cow::Borrowed(inner),
        None => Cow::Borrowed(text),
    }
}
