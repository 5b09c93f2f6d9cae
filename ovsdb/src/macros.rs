//! What the expansion of [`tables!`](crate::tables!) calls. Not for use by hand.

pub use serde::de::{Deserializer, MapAccess};

use serde::de::Error;

use crate::table::Form;
use crate::value::Value;

/// Reads a column's new value, or its difference, into its place.
///
/// # Errors
///
/// The JSON is no value of the type.
pub fn read<'de, V: Value, D: Deserializer<'de>>(
    place: &mut V,
    form: Form,
    value: D,
) -> Result<(), D::Error> {
    let value = V::read(value)?;
    match form {
        Form::Whole => *place = value,
        Form::Difference => place.apply(value),
    }
    Ok(())
}

/// Refuses a column that was not asked for.
///
/// # Errors
///
/// Always.
pub fn unknown_column<T, E: Error>(column: &str) -> Result<T, E> {
    Err(E::custom(format_args!("column {column} is not monitored")))
}
