//! Why a network file was refused, for the person who wrote it.
//!
//! A file is refused as a whole, so everything that is wrong with it is told at once. A line reads
//! `FILE:LINE:COLUMN: FIELD: PROBLEM`, which editors and terminals turn into a link.

use std::{fmt, io, path::PathBuf};

use pipelines::network;

/// A file that was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FileError {
    /// The operating system does not give the file's content.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        problem: io::Error,
    },
    /// The kernel does not tell when the file changes.
    #[error("{}: cannot be watched: {problem}", path.display())]
    Unwatched {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        problem: notify::Error,
    },
    /// The path leads to something that has no end, or no content.
    #[error("{}: not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// The file is longer than any network description should be.
    #[error("{}: {size} bytes long, expected at most {most}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The greatest length in bytes.
        most: u64,
    },
    /// The content describes no valid network.
    #[error("{}", listing(path, mistakes))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, by line; never empty.
        mistakes: Vec<Mistake>,
    },
}

/// How many mistakes are printed: enough to see what they have in common.
pub(super) const PRINTED: usize = 50;

fn listing(path: &std::path::Path, mistakes: &[Mistake]) -> String {
    let path = path.display();
    let mut lines: Vec<_> = mistakes
        .iter()
        .take(PRINTED)
        .map(|mistake| format!("{path}:{mistake}"))
        .collect();
    let more = mistakes.len().saturating_sub(PRINTED);
    if more > 0 {
        lines.push(format!("{path}: and {more} more"));
    }
    lines.join("\n")
}

/// One thing wrong with one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where.
    pub(crate) place: Place,
    /// The path of keys and indices that leads there, as `ports[2].fixed_ips[0]`; empty for the
    /// document as a whole.
    pub(crate) field: String,
    /// What.
    pub(crate) problem: Problem,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            field,
            problem,
        } = self;
        match field.as_str() {
            "" => write!(f, "{place}: {problem}"),
            field => write!(f, "{place}: {field}: {problem}"),
        }
    }
}

/// A place in a text; lines and columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: u64,
    /// The column, in characters.
    pub(crate) column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a place, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// The text is not YAML, or more of it than is reasonable.
    #[error("{0}")]
    Yaml(String),
    /// A key has no meaning in its mapping.
    #[error("unknown key{}, known are {}", hint(nearest), known.join(", "))]
    UnknownKey {
        /// The known key that it resembles.
        nearest: Option<String>,
        /// Every known key.
        known: &'static [&'static str],
    },
    /// A key occurs twice in its mapping.
    #[error("given before, at {first}")]
    DuplicateKey {
        /// Where it occurs first.
        first: Place,
    },
    /// A value is needed.
    #[error("missing, expected {expected}")]
    Missing {
        /// What the value should be.
        expected: &'static str,
    },
    /// A value is not of the kind that belongs there.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// The value as written, or what kind it is.
        found: String,
        /// What the value should be.
        expected: &'static str,
    },
    /// Nothing has the name or identifier.
    #[error("there is no {kind} {name:?}{}", hint(nearest))]
    Unknown {
        /// What is named.
        kind: &'static str,
        /// The name or identifier.
        name: String,
        /// The existing name that it resembles.
        nearest: Option<String>,
    },
    /// Several objects have the name, and none is closer than the others.
    #[error("{name:?} could be any of {}, expected an id", candidates.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The fields of those that have it.
        candidates: Vec<String>,
    },
    /// Two objects without identifiers have one name in one project.
    #[error("{name:?} is already the name of {owner}, expected another name or an id")]
    NameTaken {
        /// The name.
        name: String,
        /// The field of the earlier object.
        owner: String,
    },
    /// Two objects have one identifier.
    #[error("{id} is already the id of {owner}")]
    IdTaken {
        /// The identifier.
        id: uuid::Uuid,
        /// The field of the earlier object.
        owner: String,
    },
    /// The value is of the right kind, but makes no valid network.
    #[error(transparent)]
    Network(#[from] network::Problem),
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!(" (did you mean {nearest}?)"),
        None => String::new(),
    }
}
