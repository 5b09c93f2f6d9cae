//! Reads `<table-updates>` of any monitor version, table by table.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Database, UpdateError};

/// Reads the updates into the tables. After an error the tables are of no use.
pub(super) fn updates<D: Database>(
    tables: &mut D,
    updates: &RawValue,
) -> Result<D::Changes, UpdateError> {
    let mut json = serde_json::Deserializer::from_str(updates.get());
    let changes = UpdatesSeed { tables }.deserialize(&mut json)?;
    json.end()?;
    Ok(changes)
}

struct UpdatesSeed<'a, D> {
    tables: &'a mut D,
}

impl<'de, D: Database> DeserializeSeed<'de> for UpdatesSeed<'_, D> {
    type Value = D::Changes;

    fn deserialize<T: Deserializer<'de>>(self, deserializer: T) -> Result<D::Changes, T::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, D: Database> Visitor<'de> for UpdatesSeed<'_, D> {
    type Value = D::Changes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of table updates")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<D::Changes, A::Error> {
        let mut changes = D::Changes::default();
        while let Some(table) = map.next_key::<String>()? {
            match self.tables.read_table(&table, &mut map, &mut changes) {
                Ok(true) => {}
                Ok(false) => {
                    return Err(A::Error::custom(format_args!(
                        "table {table} is not monitored"
                    )));
                }
                Err(error) => {
                    return Err(A::Error::custom(format_args!("table {table}: {error}")));
                }
            }
        }
        Ok(changes)
    }
}
