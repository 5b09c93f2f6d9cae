//! Reads OVSDB's JSON notation: bare atoms, and arrays that open with a tag.
//!
//! Sets of one arrive as the bare atom, and a UUID is itself a tagged array, so a reader learns
//! what it has only while reading. One visitor covers all of it; what the atoms are collected
//! into decides which forms are legal.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use uuid::Uuid;

use super::{AtomRef, FromAtom};

/// Something that atoms are collected into.
pub(super) trait Collect {
    /// What a set's elements and a map's keys are read as.
    type Key: FromAtom;
    /// What a map's values are read as.
    type Value: FromAtom;

    /// Takes one atom of a set. The error says why it has no place here.
    fn atom(&mut self, atom: Self::Key) -> Result<(), &'static str>;

    /// Learns that a set follows.
    fn set(&mut self) -> Result<(), &'static str> {
        Ok(())
    }

    /// Learns that a map follows.
    fn map(&mut self) -> Result<(), &'static str> {
        Err("a map where a set was expected")
    }

    /// Takes one pair of a map.
    fn pair(&mut self, _key: Self::Key, _value: Self::Value) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Reads one column's value into a collector.
pub(super) fn into<'de, C, D>(collector: &mut C, deserializer: D) -> Result<(), D::Error>
where
    C: Collect,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(DatumVisitor(collector))
}

fn expected<T: FromAtom, E: Error>(atom: AtomRef<'_>) -> Result<T, E> {
    T::from_atom(atom)
        .ok_or_else(|| E::custom(format_args!("{atom:?} where {} was expected", T::EXPECTED)))
}

/// The methods of a visitor that pass one plain JSON value on as an [`AtomRef`].
macro_rules! visit_plain_atoms {
    () => {
        fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
            self.take(AtomRef::Boolean(value))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
            self.take(AtomRef::Integer(value))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
            let value = i64::try_from(value)
                .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))?;
            self.take(AtomRef::Integer(value))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
            self.take(AtomRef::Real(value))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
            self.take(AtomRef::String(value))
        }
    };
}

struct DatumVisitor<'a, C>(&'a mut C);

impl<C: Collect> DatumVisitor<'_, C> {
    fn take<E: Error>(self, atom: AtomRef<'_>) -> Result<(), E> {
        self.0.atom(expected(atom)?).map_err(E::custom)
    }
}

impl<'de, C: Collect> Visitor<'de> for DatumVisitor<'_, C> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an atom, a set or a map")
    }

    visit_plain_atoms!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match required(seq.next_element_seed(TagSeed)?)? {
            Tag::Uuid => {
                let uuid = required(seq.next_element_seed(UuidSeed)?)?;
                DatumVisitor(&mut *self.0).take(AtomRef::Uuid(uuid))?;
            }
            Tag::NamedUuid => {
                let name: String = required(seq.next_element()?)?;
                DatumVisitor(&mut *self.0).take(AtomRef::NamedUuid(&name))?;
            }
            Tag::Set => {
                self.0.set().map_err(A::Error::custom)?;
                required(seq.next_element_seed(SetSeed(self.0))?)?;
            }
            Tag::Map => {
                self.0.map().map_err(A::Error::custom)?;
                required(seq.next_element_seed(MapSeed(self.0))?)?;
            }
        }
        end(seq)
    }
}

fn required<T, E: Error>(element: Option<T>) -> Result<T, E> {
    element.ok_or_else(|| E::custom("an array with too few elements"))
}

fn end<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    match seq.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("an array with more than two elements")),
    }
}

#[derive(Clone, Copy)]
enum Tag {
    Set,
    Map,
    Uuid,
    NamedUuid,
}

struct TagSeed;

impl<'de> DeserializeSeed<'de> for TagSeed {
    type Value = Tag;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tag, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TagSeed {
    type Value = Tag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag \"set\", \"map\", \"uuid\" or \"named-uuid\"")
    }

    fn visit_str<E: Error>(self, tag: &str) -> Result<Tag, E> {
        match tag {
            "set" => Ok(Tag::Set),
            "map" => Ok(Tag::Map),
            "uuid" => Ok(Tag::Uuid),
            "named-uuid" => Ok(Tag::NamedUuid),
            _ => Err(E::invalid_value(Unexpected::Str(tag), &self)),
        }
    }
}

/// Reads the text of a UUID.
pub(crate) struct UuidSeed;

impl<'de> DeserializeSeed<'de> for UuidSeed {
    type Value = Uuid;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Uuid, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for UuidSeed {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Uuid, E> {
        Uuid::try_parse(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Reads one atom inside a set or a pair, where sets have no place.
struct AtomSeed<T>(PhantomData<T>);

impl<T: FromAtom> AtomSeed<T> {
    fn take<E: Error>(self, atom: AtomRef<'_>) -> Result<T, E> {
        expected(atom)
    }
}

impl<'de, T: FromAtom> DeserializeSeed<'de> for AtomSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: FromAtom> Visitor<'de> for AtomSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    visit_plain_atoms!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        match required(seq.next_element_seed(TagSeed)?)? {
            Tag::Uuid => {
                let uuid = required(seq.next_element_seed(UuidSeed)?)?;
                end(seq)?;
                self.take(AtomRef::Uuid(uuid))
            }
            Tag::NamedUuid => {
                let name: String = required(seq.next_element()?)?;
                end(seq)?;
                self.take(AtomRef::NamedUuid(&name))
            }
            Tag::Set | Tag::Map => Err(A::Error::custom("a set or map inside a set or map")),
        }
    }
}

/// Reads the elements of a set.
struct SetSeed<'a, C>(&'a mut C);

impl<'de, C: Collect> DeserializeSeed<'de> for SetSeed<'_, C> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, C: Collect> Visitor<'de> for SetSeed<'_, C> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of atoms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(atom) = seq.next_element_seed(AtomSeed(PhantomData))? {
            self.0.atom(atom).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Reads the pairs of a map.
struct MapSeed<'a, C>(&'a mut C);

impl<'de, C: Collect> DeserializeSeed<'de> for MapSeed<'_, C> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, C: Collect> Visitor<'de> for MapSeed<'_, C> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some((key, value)) = seq.next_element_seed(PairSeed(PhantomData))? {
            self.0.pair(key, value).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Reads one pair of a map.
struct PairSeed<K, V>(PhantomData<(K, V)>);

impl<'de, K: FromAtom, V: FromAtom> DeserializeSeed<'de> for PairSeed<K, V> {
    type Value = (K, V);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(K, V), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, K: FromAtom, V: FromAtom> Visitor<'de> for PairSeed<K, V> {
    type Value = (K, V);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair of atoms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(K, V), A::Error> {
        let key = required(seq.next_element_seed(AtomSeed(PhantomData))?)?;
        let value = required(seq.next_element_seed(AtomSeed(PhantomData))?)?;
        end(seq)?;
        Ok((key, value))
    }
}
