//! One table as `ovsdb-client` prints it.

use std::collections::BTreeMap;

use ovsdb::Uuid;
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
    let mut rows: Vec<&Row> = table.iter().map(AsRef::as_ref).collect();
    rows.sort_by_cached_key(|row| order(row, columns));

    let caption = json!(format!("{name} table"));
    let mut line = format!(r#"{{"caption":{caption},"data":["#);
    list(&mut line, &rows, |line, row| {
        line.push('[');
        list(line, &headings, |line, heading| {
            match row.columns.get(*heading) {
                Some(datum) => print(line, datum),
                None => print_atom(line, &Atom::Uuid(row.uuid)),
            }
        });
        line.push(']');
    });
    line.push_str(r#"],"headings":"#);
    line.push_str(&json!(headings).to_string());
    line.push('}');
    line
}

/// The column that every table has and no schema mentions.
const IDENTITY: &str = "_uuid";

/// What one column is sorted by: the number of elements, then keys, then values.
type Order<'a> = (usize, Vec<&'a Atom>, Vec<&'a Atom>);

/// What the rows are sorted by. UUIDs, which are arbitrary, only decide what nothing else does;
/// the row's own comes where its name does.
fn order<'a>(
    row: &'a Row,
    columns: &BTreeMap<String, ColumnType>,
) -> (Vec<Order<'a>>, Vec<Order<'a>>, Uuid, Vec<Order<'a>>) {
    let (mut meaningful, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for (name, of) in columns {
        let order = row.columns.get(name).map(column_order).unwrap_or_default();
        match of.key.kind {
            AtomKind::Uuid if name.as_str() < IDENTITY => before.push(order),
            AtomKind::Uuid => after.push(order),
            _ => meaningful.push(order),
        }
    }
    (meaningful, before, row.uuid, after)
}

fn column_order(datum: &Datum) -> Order<'_> {
    match datum {
        Datum::Set(atoms) => (atoms.len(), atoms.iter().collect(), Vec::new()),
        Datum::Map(pairs) => (
            pairs.len(),
            pairs.keys().collect(),
            pairs.values().collect(),
        ),
    }
}

/// Prints things with commas between them.
fn list<T>(line: &mut String, things: impl IntoIterator<Item = T>, print: impl Fn(&mut String, T)) {
    for (index, thing) in things.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        print(line, thing);
    }
}

fn print(line: &mut String, datum: &Datum) {
    match datum {
        Datum::Set(atoms) => match atoms.first() {
            Some(only) if atoms.len() == 1 => print_atom(line, only),
            _ => {
                line.push_str(r#"["set",["#);
                list(line, atoms, print_atom);
                line.push_str("]]");
            }
        },
        Datum::Map(pairs) => {
            line.push_str(r#"["map",["#);
            list(line, pairs, |line, (key, value)| {
                line.push('[');
                list(line, [key, value], print_atom);
                line.push(']');
            });
            line.push_str("]]");
        }
    }
}

fn print_atom(line: &mut String, atom: &Atom) {
    line.push_str(&match atom {
        Atom::Real(value) => real(value.0),
        atom => json!(atom).to_string(),
    });
}

/// What `printf("%.15g")` prints: `ovsdb-client` shows no more digits of a real.
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
