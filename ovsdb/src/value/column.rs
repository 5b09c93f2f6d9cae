//! Rust types that a whole column can have.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::de::{Deserializer, Error};

use super::read::{self, Collect};
use super::{Atom, AtomKind, Atomic, Datum};

/// The shape of a column's values, to be compared with the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The kind of the atoms, or of a map's keys.
    pub key: AtomKind,
    /// The only texts that the Rust type of the atoms can hold.
    pub key_only: Option<&'static [&'static str]>,
    /// The kind of a map's values.
    pub value: Option<AtomKind>,
    /// The only texts that the Rust type of a map's values can hold.
    pub value_only: Option<&'static [&'static str]>,
    /// How many atoms or pairs there can be.
    pub count: Count,
}

/// How many atoms or pairs a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly one.
    One,
    /// None or one.
    Optional,
    /// Any number.
    Many,
}

impl Shape {
    const fn of<A: Atomic>(count: Count) -> Self {
        Self {
            key: A::KIND,
            key_only: A::ONLY,
            value: None,
            value_only: None,
            count,
        }
    }
}

/// A type that a column of a declared table can have.
///
/// Every [`Atomic`] type `A` is one, and so are `Option<A>` (a set of at most one), `BTreeSet<A>`
/// and `BTreeMap<A, B>`.
pub trait Value: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// What the schema has to say of the column.
    const SHAPE: Shape;

    /// What a new row holds in a column that nobody set.
    fn blank() -> Self;

    /// Reads the value from OVSDB's notation.
    ///
    /// # Errors
    ///
    /// The JSON is no value of this type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Applies the difference that a `modify` of `update2` carries (ovsdb-server(7), section
    /// 4.1.14): a plain or optional value is replaced; elements of a set change sides; pairs of a
    /// map are removed if they are there, else set.
    fn apply(&mut self, difference: Self);

    /// The value as transactions carry it.
    fn to_datum(&self) -> Datum;
}

impl<A: Atomic> Value for A {
    const SHAPE: Shape = Shape::of::<A>(Count::One);

    fn blank() -> Self {
        <Self as Atomic>::blank()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut atom = None;
        read::into(&mut atom, deserializer)?;
        atom.ok_or_else(|| D::Error::custom("an empty set where one value was expected"))
    }

    fn apply(&mut self, difference: Self) {
        *self = difference;
    }

    fn to_datum(&self) -> Datum {
        Datum::from(self.to_atom())
    }
}

impl<A: Atomic> Collect for Option<A> {
    type Key = A;
    type Value = A;

    fn atom(&mut self, atom: A) -> Result<(), &'static str> {
        match self.replace(atom) {
            None => Ok(()),
            Some(_) => Err("more than one value where at most one was expected"),
        }
    }
}

impl<A: Atomic> Value for Option<A> {
    const SHAPE: Shape = Shape::of::<A>(Count::Optional);

    fn blank() -> Self {
        None
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut atom = None;
        read::into(&mut atom, deserializer)?;
        Ok(atom)
    }

    fn apply(&mut self, difference: Self) {
        *self = difference;
    }

    fn to_datum(&self) -> Datum {
        self.iter().map(A::to_atom).collect()
    }
}

impl<A: Atomic> Collect for BTreeSet<A> {
    type Key = A;
    type Value = A;

    fn atom(&mut self, atom: A) -> Result<(), &'static str> {
        self.insert(atom);
        Ok(())
    }
}

impl<A: Atomic> Value for BTreeSet<A> {
    const SHAPE: Shape = Shape::of::<A>(Count::Many);

    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut atoms = Self::new();
        read::into(&mut atoms, deserializer)?;
        Ok(atoms)
    }

    fn apply(&mut self, difference: Self) {
        apply_atoms(self, difference);
    }

    fn to_datum(&self) -> Datum {
        self.iter().map(A::to_atom).collect()
    }
}

impl<K: Atomic, V: Atomic> Collect for BTreeMap<K, V> {
    type Key = K;
    type Value = V;

    fn atom(&mut self, _atom: K) -> Result<(), &'static str> {
        Err("a plain value where a map was expected")
    }

    fn set(&mut self) -> Result<(), &'static str> {
        Err("a set where a map was expected")
    }

    fn map(&mut self) -> Result<(), &'static str> {
        Ok(())
    }

    fn pair(&mut self, key: K, value: V) -> Result<(), &'static str> {
        self.insert(key, value);
        Ok(())
    }
}

impl<K: Atomic, V: Atomic> Value for BTreeMap<K, V> {
    const SHAPE: Shape = Shape {
        value: Some(V::KIND),
        value_only: V::ONLY,
        ..Shape::of::<K>(Count::Many)
    };

    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut pairs = Self::new();
        read::into(&mut pairs, deserializer)?;
        Ok(pairs)
    }

    fn apply(&mut self, difference: Self) {
        apply_pairs(self, difference);
    }

    fn to_datum(&self) -> Datum {
        Datum::Map(
            self.iter()
                .map(|(key, value)| (key.to_atom(), value.to_atom()))
                .collect(),
        )
    }
}

/// Removes each pair that is there, sets each that is not.
fn apply_pairs<K: Ord, V: PartialEq>(pairs: &mut BTreeMap<K, V>, difference: BTreeMap<K, V>) {
    for (key, value) in difference {
        match pairs.entry(key) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(place) if *place.get() == value => {
                place.remove();
            }
            Entry::Occupied(mut place) => {
                place.insert(value);
            }
        }
    }
}

impl Collect for Datum {
    type Key = Atom;
    type Value = Atom;

    fn atom(&mut self, atom: Atom) -> Result<(), &'static str> {
        if let Self::Set(atoms) = self {
            atoms.insert(atom);
        }
        Ok(())
    }

    fn map(&mut self) -> Result<(), &'static str> {
        *self = Self::Map(BTreeMap::new());
        Ok(())
    }

    fn pair(&mut self, key: Atom, value: Atom) -> Result<(), &'static str> {
        if let Self::Map(pairs) = self {
            pairs.insert(key, value);
        }
        Ok(())
    }
}

impl<'de> serde::Deserialize<'de> for Datum {
    /// Reads whatever is there: without the column's type, `1` is an integer, though it may stand
    /// in a column of reals. [`ColumnType::normalize`](crate::schema::ColumnType::normalize)
    /// settles that.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut datum = Self::default();
        read::into(&mut datum, deserializer)?;
        Ok(datum)
    }
}

impl Datum {
    /// Applies the difference that a `modify` of `update2` carries. `many` says whether the
    /// column can hold more than one atom or pair; otherwise the difference is the new value.
    pub fn apply(&mut self, difference: Self, many: bool) {
        match (self, difference) {
            (Self::Set(atoms), Self::Set(difference)) if many => apply_atoms(atoms, difference),
            (Self::Map(pairs), Self::Map(difference)) if many => apply_pairs(pairs, difference),
            (datum, difference) => *datum = difference,
        }
    }
}

/// Elements of a set change sides.
fn apply_atoms<A: Ord>(atoms: &mut BTreeSet<A>, difference: BTreeSet<A>) {
    for atom in difference {
        if !atoms.remove(&atom) {
            atoms.insert(atom);
        }
    }
}
