//! Reads the updates of one table straight into its rows.
//!
//! The forms of all three monitor versions differ only in the names of their members, so one
//! reader serves them: `new`, `initial` and `insert` carry a whole row, `modify` a difference;
//! `delete`, or `old` without `new`, says that the row is gone.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Form, Row, Table, TableChanges};
use crate::value::read::UuidSeed;
use crate::value::{Atom, Datum};

/// Reads the row of a selection, which has its identity among its columns.
pub(crate) fn read_row<R: Row>(layout: &R::Layout, row: &RawValue) -> serde_json::Result<R> {
    #[derive(serde::Deserialize)]
    struct Identity {
        _uuid: Datum,
    }

    let identity: Identity = serde_json::from_str(row.get())?;
    let uuid = match &identity._uuid {
        Datum::Set(atoms) => atoms.first(),
        Datum::Map(_) => None,
    };
    let Some(Atom::Uuid(uuid)) = uuid else {
        return Err(Error::custom("_uuid is no UUID"));
    };
    let mut read = R::blank(layout, *uuid);
    let mut json = serde_json::Deserializer::from_str(row.get());
    ColumnsSeed {
        layout,
        row: &mut read,
        form: Form::Whole,
    }
    .deserialize(&mut json)?;
    Ok(read)
}

/// Reads `<table-update>` or `<table-update2>` into a table.
#[derive(Debug)]
pub struct RowsSeed<'a, R: Row> {
    /// The rows to change.
    pub table: &'a mut Table<R>,
    /// Where the changes are noted.
    pub changes: &'a mut TableChanges<R>,
}

impl<'de, R: Row> DeserializeSeed<'de> for RowsSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Row> Visitor<'de> for RowsSeed<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of row updates")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(uuid) = map.next_key_seed(UuidSeed)? {
            let row = map.next_value_seed(RowUpdateSeed {
                table: self.table,
                uuid,
            })?;
            match row {
                Some(row) => self.table.put(row, self.changes),
                None => self.table.remove(&uuid, self.changes),
            }
        }
        Ok(())
    }
}

/// Reads `<row-update>` or `<row-update2>`: what the row becomes, or `None` if it is gone.
struct RowUpdateSeed<'a, R: Row> {
    table: &'a Table<R>,
    uuid: Uuid,
}

impl<'de, R: Row> DeserializeSeed<'de> for RowUpdateSeed<'_, R> {
    type Value = Option<R>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<R>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Row> Visitor<'de> for RowUpdateSeed<'_, R> {
    type Value = Option<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an update of one row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<R>, A::Error> {
        let (layout, uuid) = (&self.table.layout, self.uuid);
        let mut row = None;
        let mut known = false;
        while let Some(member) = map.next_key_seed(MemberSeed)? {
            known = true;
            match member {
                Member::Whole => {
                    let mut whole = R::blank(layout, uuid);
                    map.next_value_seed(ColumnsSeed {
                        layout,
                        row: &mut whole,
                        form: Form::Whole,
                    })?;
                    row = Some(whole);
                }
                Member::Difference => {
                    let before = self.table.get(&uuid);
                    let before = before
                        .ok_or_else(|| A::Error::custom(format_args!("row {uuid} is unknown")))?;
                    let mut changed = R::clone(before);
                    let form = Form::Difference;
                    map.next_value_seed(ColumnsSeed {
                        layout,
                        row: &mut changed,
                        form,
                    })?;
                    row = Some(changed);
                }
                Member::Gone => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match known {
            true => Ok(row),
            false => Err(A::Error::custom(format_args!(
                "the update of row {uuid} is empty"
            ))),
        }
    }
}

enum Member {
    Whole,
    Difference,
    Gone,
}

struct MemberSeed;

impl<'de> DeserializeSeed<'de> for MemberSeed {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberSeed {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("old, new, initial, insert, modify or delete")
    }

    fn visit_str<E: Error>(self, member: &str) -> Result<Member, E> {
        match member {
            "new" | "initial" | "insert" => Ok(Member::Whole),
            "modify" => Ok(Member::Difference),
            "old" | "delete" => Ok(Member::Gone),
            _ => Err(E::unknown_variant(
                member,
                &["old", "new", "initial", "insert", "modify", "delete"],
            )),
        }
    }
}

/// Reads `<row>` into a row that is already there.
struct ColumnsSeed<'a, R: Row> {
    layout: &'a R::Layout,
    row: &'a mut R,
    form: Form,
}

impl<'de, R: Row> DeserializeSeed<'de> for ColumnsSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Row> Visitor<'de> for ColumnsSeed<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(column) = map.next_key_seed(NameSeed)? {
            if column == "_uuid" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let (layout, form) = (self.layout, self.form);
            map.next_value_seed(ColumnSeed {
                layout,
                row: &mut *self.row,
                form,
                name: &column,
            })?;
        }
        Ok(())
    }
}

/// Reads a name, borrowed where the JSON has no escapes in it.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = std::borrow::Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = std::borrow::Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(name.into())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(name.to_owned().into())
    }
}

struct ColumnSeed<'a, R: Row> {
    layout: &'a R::Layout,
    row: &'a mut R,
    form: Form,
    name: &'a str,
}

impl<'de, R: Row> DeserializeSeed<'de> for ColumnSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        let name = self.name;
        self.row
            .read_column(self.layout, name, self.form, value)
            .map_err(|error| D::Error::custom(format_args!("column {name}: {error}")))
    }
}
