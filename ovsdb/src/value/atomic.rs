//! Rust types that stand for one atom.

use std::fmt::Debug;

use uuid::Uuid;

use super::{Atom, AtomKind, Real};

/// One atom as it was read, before anybody decided which Rust type it becomes.
#[derive(Clone, Copy, Debug)]
pub enum AtomRef<'a> {
    /// A number without fraction. It may belong to a column of reals.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Real(f64),
    /// True or false.
    Boolean(bool),
    /// Text.
    String(&'a str),
    /// The identity of a row.
    Uuid(Uuid),
    /// A row that the same transaction inserts, by its `uuid-name`.
    NamedUuid(&'a str),
}

/// A type that can be read from an atom.
pub trait FromAtom: Sized {
    /// What was expected, for errors: `an integer`.
    const EXPECTED: &'static str;

    /// The value, or `None` when the atom is of another kind or out of range.
    fn from_atom(atom: AtomRef<'_>) -> Option<Self>;
}

/// A type that stands for exactly one kind of atom.
///
/// It is implemented for `i64`, [`Real`], `bool`, `String` and `Uuid`;
/// [`enumeration!`](crate::enumeration!) implements it for an enum over strings.
pub trait Atomic: FromAtom + Clone + Ord + Debug + Send + Sync + 'static {
    /// The kind of the atom.
    const KIND: AtomKind;

    /// The only texts that the type can hold, for an enum.
    const ONLY: Option<&'static [&'static str]> = None;

    /// What a new row holds in a column that nobody set: zero, false, empty, the nil UUID.
    fn blank() -> Self;

    /// The atom that stands for the value.
    fn to_atom(&self) -> Atom;
}

macro_rules! atomic {
    ($(#[$meta:meta])* $type:ty, $kind:ident, $expected:literal, $($atom:pat => $read:expr),+) => {
        impl FromAtom for $type {
            const EXPECTED: &'static str = $expected;

            fn from_atom(atom: AtomRef<'_>) -> Option<Self> {
                match atom {
                    $($atom => $read,)+
                    _ => None,
                }
            }
        }

        impl Atomic for $type {
            const KIND: AtomKind = AtomKind::$kind;

            fn blank() -> Self {
                Self::default()
            }

            fn to_atom(&self) -> Atom {
                Atom::$kind(self.clone())
            }
        }
    };
}

atomic!(i64, Integer, "an integer", AtomRef::Integer(value) => Some(value));
atomic!(bool, Boolean, "a boolean", AtomRef::Boolean(value) => Some(value));
atomic!(String, String, "a string", AtomRef::String(value) => Some(value.to_owned()));
atomic!(Uuid, Uuid, "a UUID", AtomRef::Uuid(value) => Some(value));
atomic!(
    Real, Real, "a number",
    AtomRef::Real(value) => Some(Self(value)),
    AtomRef::Integer(value) => Some(Self(real(value)))
);

#[expect(
    clippy::as_conversions,
    reason = "the nearest real is what a column of reals holds"
)]
fn real(value: i64) -> f64 {
    value as f64
}

/// The integer that equals a real, if there is one that no rounding has touched.
#[expect(
    clippy::as_conversions,
    reason = "the number is whole and far from the limits"
)]
pub(super) fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}

impl FromAtom for Atom {
    const EXPECTED: &'static str = "an atom";

    fn from_atom(atom: AtomRef<'_>) -> Option<Self> {
        Some(match atom {
            AtomRef::Integer(value) => Self::Integer(value),
            AtomRef::Real(value) => Self::Real(Real(value)),
            AtomRef::Boolean(value) => Self::Boolean(value),
            AtomRef::String(value) => Self::String(value.to_owned()),
            AtomRef::Uuid(value) => Self::Uuid(value),
            AtomRef::NamedUuid(name) => Self::NamedUuid(name.to_owned()),
        })
    }
}

impl Atom {
    /// The same atom as a column of `kind` holds it: whole numbers become reals where reals
    /// belong. `None` if the atom is of another kind.
    #[must_use]
    pub fn of_kind(self, kind: AtomKind) -> Option<Self> {
        match (self, kind) {
            (Self::Integer(value), AtomKind::Real) => Some(Self::Real(Real(real(value)))),
            (atom @ Self::Integer(_), AtomKind::Integer)
            | (atom @ Self::Real(_), AtomKind::Real)
            | (atom @ Self::Boolean(_), AtomKind::Boolean)
            | (atom @ Self::String(_), AtomKind::String)
            | (atom @ (Self::Uuid(_) | Self::NamedUuid(_)), AtomKind::Uuid) => Some(atom),
            _ => None,
        }
    }

    /// What a column of `kind` holds before anybody sets it.
    #[must_use]
    pub fn blank(kind: AtomKind) -> Self {
        match kind {
            AtomKind::Integer => Self::Integer(0),
            AtomKind::Real => Self::Real(Real(0.0)),
            AtomKind::Boolean => Self::Boolean(false),
            AtomKind::String => Self::String(String::new()),
            AtomKind::Uuid => Self::Uuid(Uuid::nil()),
        }
    }
}

/// Declares an enum that a column of strings holds.
///
/// ```
/// ovsdb::enumeration! {
///     /// What a bridge does without its controller.
///     pub enum FailMode {
///         /// It learns, as an ordinary switch does.
///         Standalone = "standalone",
///         /// It forwards only by the flows it has.
///         Secure = "secure",
///     }
/// }
/// assert_eq!(FailMode::Secure.as_str(), "secure");
/// ```
///
/// becomes the enum, `as_str`, and [`Atomic`]. The check against the schema refuses a server that
/// allows a text without a variant, so no row can hold one.
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $(#[$first_meta:meta])* $first:ident = $first_text:literal
        $(, $(#[$row:meta])* $variant:ident = $text:literal)* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $vis enum $name {
            $(#[$first_meta])* $first,
            $($(#[$row])* $variant,)*
        }

        impl $name {
            /// The text that stands for the variant in the database.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl $crate::value::FromAtom for $name {
            const EXPECTED: &'static str = concat!("one of \"", $first_text, "\"" $(, ", \"", $text, "\"")*);

            fn from_atom(atom: $crate::value::AtomRef<'_>) -> ::std::option::Option<Self> {
                match atom {
                    $crate::value::AtomRef::String($first_text) => ::std::option::Option::Some(Self::$first),
                    $($crate::value::AtomRef::String($text) => ::std::option::Option::Some(Self::$variant),)*
                    _ => ::std::option::Option::None,
                }
            }
        }

        impl $crate::value::Atomic for $name {
            const KIND: $crate::value::AtomKind = $crate::value::AtomKind::String;
            const ONLY: ::std::option::Option<&'static [&'static str]> =
                ::std::option::Option::Some(&[$first_text $(, $text)*]);

            fn blank() -> Self {
                Self::$first
            }

            fn to_atom(&self) -> $crate::value::Atom {
                $crate::value::Atom::from(self.as_str())
            }
        }
    };
}
