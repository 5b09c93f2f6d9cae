//! What may be written into a column of a given type.
//!
//! A column of strings takes `&str`, a column of references takes the handle of a row that the
//! same transaction inserts. The compiler picks the conversion by the column's type.

use std::collections::{BTreeMap, BTreeSet};

use super::{Atom, Atomic, Datum};

/// Something that can be written where an `A` belongs.
pub trait IntoAtom<A: Atomic> {
    /// The atom to write.
    fn into_atom(self) -> Atom;
}

impl<A: Atomic> IntoAtom<A> for A {
    fn into_atom(self) -> Atom {
        self.to_atom()
    }
}

impl<A: Atomic> IntoAtom<A> for &A {
    fn into_atom(self) -> Atom {
        self.to_atom()
    }
}

impl IntoAtom<String> for &str {
    fn into_atom(self) -> Atom {
        Atom::from(self)
    }
}

/// Something that can be written into a column of type `V`.
pub trait IntoDatum<V> {
    /// The datum to write.
    fn into_datum(self) -> Datum;
}

impl<A: Atomic, T: IntoAtom<A>> IntoDatum<A> for T {
    fn into_datum(self) -> Datum {
        Datum::from(self.into_atom())
    }
}

impl<A: Atomic, T: IntoAtom<A>> IntoDatum<Option<A>> for Option<T> {
    fn into_datum(self) -> Datum {
        self.into_iter().map(IntoAtom::into_atom).collect()
    }
}

macro_rules! sets {
    ($($({$($generics:tt)*})? $from:ty;)*) => {$(
        impl<A: Atomic, T: IntoAtom<A> $(, $($generics)*)?> IntoDatum<BTreeSet<A>> for $from {
            fn into_datum(self) -> Datum {
                self.into_iter().map(IntoAtom::into_atom).collect()
            }
        }
    )*};
}

sets! {
    BTreeSet<T>;
    Vec<T>;
    Option<T>;
    {const N: usize} [T; N];
}

impl<A: Atomic> IntoDatum<BTreeSet<A>> for &BTreeSet<A> {
    fn into_datum(self) -> Datum {
        self.iter().map(A::to_atom).collect()
    }
}

macro_rules! maps {
    ($($({$($generics:tt)*})? $from:ty;)*) => {$(
        impl<K, V, T, U $(, $($generics)*)?> IntoDatum<BTreeMap<K, V>> for $from
        where
            K: Atomic,
            V: Atomic,
            T: IntoAtom<K>,
            U: IntoAtom<V>,
        {
            fn into_datum(self) -> Datum {
                let pairs = self.into_iter();
                Datum::Map(pairs.map(|(key, value)| (key.into_atom(), value.into_atom())).collect())
            }
        }
    )*};
}

maps! {
    BTreeMap<T, U>;
    Vec<(T, U)>;
    {const N: usize} [(T, U); N];
}

impl<K: Atomic, V: Atomic> IntoDatum<BTreeMap<K, V>> for &BTreeMap<K, V> {
    fn into_datum(self) -> Datum {
        Datum::Map(
            self.iter()
                .map(|(key, value)| (key.to_atom(), value.to_atom()))
                .collect(),
        )
    }
}
