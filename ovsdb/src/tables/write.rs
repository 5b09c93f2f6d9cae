//! What is written to declared tables, and which rows: checked by the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use uuid::Uuid;

use super::Column;
use crate::operation::{Clause, Function, MutationClause, Mutator, Name};
use crate::value::{Atomic, Datum, IntoAtom, IntoDatum, Real, Value};

/// Columns of a row `R` and what is to be written into them.
pub struct Values<R> {
    columns: BTreeMap<Name, Datum>,
    of: PhantomData<fn() -> R>,
}

impl<R> Values<R> {
    /// No column yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            columns: BTreeMap::new(),
            of: PhantomData,
        }
    }

    /// Adds a column.
    #[must_use]
    pub fn set<V: Value>(mut self, column: Column<R, V>, value: impl IntoDatum<V>) -> Self {
        self.columns
            .insert(Name::Borrowed(column.name()), value.into_datum());
        self
    }

    /// Whether there is no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(crate) fn into_columns(self) -> BTreeMap<Name, Datum> {
        self.columns
    }
}

impl<R> Default for Values<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for Values<R> {
    fn clone(&self) -> Self {
        Self {
            columns: self.columns.clone(),
            of: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Values<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.columns).finish()
    }
}

/// A condition on rows `R`.
pub struct Condition<R> {
    pub(crate) clause: Clause,
    of: PhantomData<fn() -> R>,
}

impl<R> Condition<R> {
    pub(crate) fn new(clause: Clause) -> Self {
        Self {
            clause,
            of: PhantomData,
        }
    }
}

impl<R> Clone for Condition<R> {
    fn clone(&self) -> Self {
        Self::new(self.clause.clone())
    }
}

impl<R> fmt::Debug for Condition<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clause.fmt(f)
    }
}

/// A change to a column of rows `R`.
pub struct Mutation<R> {
    pub(crate) clause: MutationClause,
    of: PhantomData<fn() -> R>,
}

impl<R> Clone for Mutation<R> {
    fn clone(&self) -> Self {
        Self {
            clause: self.clause.clone(),
            of: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Mutation<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clause.fmt(f)
    }
}

impl<R, V: Value> Column<R, V> {
    fn compare(self, function: Function, value: Datum) -> Condition<R> {
        Condition::new(Clause::Compare {
            column: Name::Borrowed(self.name()),
            function,
            value,
        })
    }

    fn mutate(self, mutator: Mutator, value: Datum) -> Mutation<R> {
        let column = Name::Borrowed(self.name());
        Mutation {
            clause: MutationClause {
                column,
                mutator,
                value,
            },
            of: PhantomData,
        }
    }

    /// The column holds exactly this.
    pub fn equals(self, value: impl IntoDatum<V>) -> Condition<R> {
        self.compare(Function::Equal, value.into_datum())
    }

    /// The column holds anything but this.
    pub fn differs(self, value: impl IntoDatum<V>) -> Condition<R> {
        self.compare(Function::NotEqual, value.into_datum())
    }

    /// The column holds at least these elements or pairs.
    pub fn includes(self, value: impl IntoDatum<V>) -> Condition<R> {
        self.compare(Function::Includes, value.into_datum())
    }

    /// The column holds none of these elements or pairs.
    pub fn excludes(self, value: impl IntoDatum<V>) -> Condition<R> {
        self.compare(Function::Excludes, value.into_datum())
    }
}

/// A column type whose values are numbers: of these there is an order, and arithmetic.
pub trait Number: Value {}

impl Number for i64 {}
impl Number for Real {}
impl Number for Option<i64> {}
impl Number for Option<Real> {}

macro_rules! number_functions {
    ($($(#[$meta:meta])* $name:ident $function:ident;)*) => {$(
        $(#[$meta])*
        pub fn $name(self, value: impl IntoDatum<V>) -> Condition<R> {
            self.compare(Function::$function, value.into_datum())
        }
    )*};
}

macro_rules! number_mutators {
    ($($(#[$meta:meta])* $name:ident $mutator:ident;)*) => {$(
        $(#[$meta])*
        pub fn $name(self, value: impl IntoDatum<V>) -> Mutation<R> {
            self.mutate(Mutator::$mutator, value.into_datum())
        }
    )*};
}

impl<R, V: Number> Column<R, V> {
    number_functions! {
        /// The number is less than this.
        less Less;
        /// The number is at most this.
        at_most LessOrEqual;
        /// The number is greater than this.
        greater Greater;
        /// The number is at least this.
        at_least GreaterOrEqual;
    }

    number_mutators! {
        /// Adds this to the number.
        plus Add;
        /// Subtracts this from the number.
        minus Subtract;
        /// Multiplies the number by this.
        times Multiply;
        /// Divides the number by this.
        divided_by Divide;
        /// Takes the remainder of a division by this; of integers only.
        remainder Remainder;
    }
}

impl<R, A: Atomic> Column<R, BTreeSet<A>> {
    /// Adds elements to the set.
    pub fn insert(self, elements: impl IntoDatum<BTreeSet<A>>) -> Mutation<R> {
        self.mutate(Mutator::Insert, elements.into_datum())
    }

    /// Removes elements from the set.
    pub fn delete(self, elements: impl IntoDatum<BTreeSet<A>>) -> Mutation<R> {
        self.mutate(Mutator::Delete, elements.into_datum())
    }
}

impl<R, K: Atomic, V: Atomic> Column<R, BTreeMap<K, V>> {
    /// Adds pairs whose keys the map lacks. Pairs whose keys it has stay as they are: to replace
    /// one, delete its key first, in the same list of mutations.
    pub fn insert(self, pairs: impl IntoDatum<BTreeMap<K, V>>) -> Mutation<R> {
        self.mutate(Mutator::Insert, pairs.into_datum())
    }

    /// Removes the pairs with these keys.
    pub fn delete_keys(self, keys: impl IntoDatum<BTreeSet<K>>) -> Mutation<R> {
        self.mutate(Mutator::Delete, keys.into_datum())
    }

    /// Removes pairs, each only if both its key and its value are these.
    pub fn delete_pairs(self, pairs: impl IntoDatum<BTreeMap<K, V>>) -> Mutation<R> {
        self.mutate(Mutator::Delete, pairs.into_datum())
    }

    /// Sets pairs, whatever the map has under their keys.
    pub fn replace(self, pairs: impl IntoDatum<BTreeMap<K, V>>) -> [Mutation<R>; 2] {
        let pairs = pairs.into_datum();
        let keys = match &pairs {
            Datum::Map(pairs) => pairs.keys().cloned().collect(),
            Datum::Set(_) => Datum::default(),
        };
        [
            self.mutate(Mutator::Delete, keys),
            self.mutate(Mutator::Insert, pairs),
        ]
    }
}

/// Something that says which rows an operation is about.
pub trait Rows<R> {
    /// Conditions that all have to hold.
    fn into_clauses(self) -> Vec<Clause>;
}

fn identity<R>(uuid: impl IntoAtom<Uuid>) -> Vec<Clause> {
    vec![Column::<R, Uuid>::new("_uuid").equals(uuid).clause]
}

/// The row with this identity.
impl<R> Rows<R> for Uuid {
    fn into_clauses(self) -> Vec<Clause> {
        identity::<R>(self)
    }
}

/// The row that the same transaction inserts.
impl<R> Rows<R> for crate::Inserted<R> {
    fn into_clauses(self) -> Vec<Clause> {
        identity::<R>(self)
    }
}

/// The rows for which the condition holds.
impl<R> Rows<R> for Condition<R> {
    fn into_clauses(self) -> Vec<Clause> {
        vec![self.clause]
    }
}

/// The rows for which every condition holds; all rows if there is none.
impl<R, const N: usize> Rows<R> for [Condition<R>; N] {
    fn into_clauses(self) -> Vec<Clause> {
        self.into_iter().map(|condition| condition.clause).collect()
    }
}

/// The rows for which every condition holds; all rows if there is none.
impl<R> Rows<R> for Vec<Condition<R>> {
    fn into_clauses(self) -> Vec<Clause> {
        self.into_iter().map(|condition| condition.clause).collect()
    }
}
