//! One table as `ovsdb-client` prints it.

use std::fmt;

use ovsdb::dynamic::Row;
use ovsdb::schema::ColumnType;
use ovsdb::table::Table;
use ovsdb::value::{Atom, AtomKind, Datum};
use serde_json::json;

/// The rows of a table, as one line of JSON.
pub(crate) fn json(name: &str, table: &Table<Row>) -> String {
    let columns = table.layout().columns();
    let mut headings: Vec<&str> = columns.keys().map(String::as_str).collect();
    headings.push(IDENTITY);
    headings.sort_unstable();
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_cached_key(|row| order(row, columns.iter()));
    let cell = |row: &Row, heading: &str| match row.columns.get(heading) {
        Some(datum) => Printed(datum).to_string(),
        None => json!(["uuid", row.uuid]).to_string(),
    };
    let line = |row: &Row| {
        let cells: Vec<String> = headings.iter().map(|heading| cell(row, heading)).collect();
        format!("[{}]", cells.join(","))
    };
    let data: Vec<String> = rows.into_iter().map(|row| line(row)).collect();
    format!(
        r#"{{"caption":{},"data":[{}],"headings":{}}}"#,
        json!(format!("{name} table")),
        data.join(","),
        json!(headings)
    )
}

/// The column that every table has and no schema mentions.
const IDENTITY: &str = "_uuid";

/// What one column is sorted by: the number of elements, then keys, then values.
type Order = (usize, Vec<Atom>, Vec<Atom>);

/// What the rows are sorted by. UUIDs, which are arbitrary, only decide what nothing else does.
fn order<'a>(
    row: &Row,
    columns: impl Iterator<Item = (&'a String, &'a ColumnType)>,
) -> (Vec<Order>, Vec<Order>) {
    let (mut arbitrary, mut meaningful) = (Vec::new(), Vec::new());
    for (name, of) in columns {
        let order = row.columns.get(name).map(column_order).unwrap_or_default();
        match of.key.kind {
            AtomKind::Uuid => arbitrary.push((name.as_str(), order)),
            _ => meaningful.push(order),
        }
    }
    arbitrary.push((IDENTITY, (1, vec![Atom::Uuid(row.uuid)], Vec::new())));
    arbitrary.sort_by_key(|(name, _)| *name);
    let arbitrary = arbitrary.into_iter().map(|(_, order)| order).collect();
    (meaningful, arbitrary)
}

fn column_order(datum: &Datum) -> Order {
    match datum {
        Datum::Set(atoms) => (atoms.len(), atoms.iter().cloned().collect(), Vec::new()),
        Datum::Map(pairs) => (
            pairs.len(),
            pairs.keys().cloned().collect(),
            pairs.values().cloned().collect(),
        ),
    }
}

/// A datum in the notation of `ovsdb-client`, which shows no more than 15 digits of a real.
struct Printed<'a>(&'a Datum);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Datum::Set(atoms) => match atoms.first() {
                Some(only) if atoms.len() == 1 => f.write_str(&atom(only)),
                _ => {
                    let atoms: Vec<String> = atoms.iter().map(atom).collect();
                    write!(f, r#"["set",[{}]]"#, atoms.join(","))
                }
            },
            Datum::Map(pairs) => {
                let pair = |(key, value)| format!("[{},{}]", atom(key), atom(value));
                let pairs: Vec<String> = pairs.iter().map(pair).collect();
                write!(f, r#"["map",[{}]]"#, pairs.join(","))
            }
        }
    }
}

fn atom(atom: &Atom) -> String {
    match atom {
        Atom::Real(value) => real(value.0),
        atom => json!(atom).to_string(),
    }
}

/// What `printf("%.15g")` prints.
fn real(value: f64) -> String {
    let scientific = format!("{value:.14e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let trim = |digits: &str| match digits.contains('.') {
        true => digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => digits.to_owned(),
    };
    match exponent.parse() {
        Ok(exponent @ -4_i32..15) => {
            let decimals = usize::try_from(14 - exponent).unwrap_or_default();
            trim(&format!("{value:.decimals$}"))
        }
        Ok(exponent) => format!(
            "{}e{}{:02}",
            trim(digits),
            if exponent < 0 { '-' } else { '+' },
            exponent.unsigned_abs()
        ),
        Err(_) => scientific,
    }
}
