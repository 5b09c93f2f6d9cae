//! One table as `ovsdb-client` prints it.

use ovsdb::dynamic::Row;
use ovsdb::table::Table;
use ovsdb::value::{Atom, Datum};
use serde_json::{Value, json};

/// The rows of a table, as one line of JSON.
pub(crate) fn json(name: &str, table: &Table<Row>) -> Value {
    let mut headings = vec!["_uuid"];
    headings.extend(table.layout().columns().keys().map(String::as_str));
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_cached_key(|row| row.columns.values().map(order).collect::<Vec<_>>());
    let cells = |row: &Row| {
        let mut cells = vec![json!(["uuid", row.uuid])];
        cells.extend(row.columns.values().map(|datum| json!(datum)));
        Value::from(cells)
    };
    let data: Vec<Value> = rows.into_iter().map(|row| cells(row)).collect();
    json!({"caption": format!("{name} table"), "data": data, "headings": headings})
}

/// What the rows are sorted by: the number of elements, then keys, then values.
fn order(datum: &Datum) -> (usize, Vec<Atom>, Vec<Atom>) {
    match datum {
        Datum::Set(atoms) => (atoms.len(), atoms.iter().cloned().collect(), Vec::new()),
        Datum::Map(pairs) => (
            pairs.len(),
            pairs.keys().cloned().collect(),
            pairs.values().cloned().collect(),
        ),
    }
}
