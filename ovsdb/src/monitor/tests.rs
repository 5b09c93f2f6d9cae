use super::*;
use crate::operation::Function;
use crate::value::{Atom, Datum};

fn named(name: &str) -> Clause {
    Clause::Compare {
        column: "name".into(),
        function: Function::Equal,
        value: Datum::from(Atom::from(name)),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn table(name: &str) -> MonitoredTable {
    MonitoredTable {
        name: name.to_owned(),
        columns: vec!["name".to_owned()],
    }
}

#[test]
fn only_tables_with_conditions_have_a_where() {
    let conditions = Conditions::new()
        .only_clauses("A", vec![named("x")])
        .only_clauses("C", vec![]);
    let tables = || vec![table("A"), table("B"), table("C")];
    assert_eq!(
        json(&requests(tables(), &conditions, MonitorVersion::Since)),
        concat!(
            r#"{"A":[{"columns":["name"],"where":[["name","==","x"]]}],"#,
            r#""B":[{"columns":["name"]}],"#,
            r#""C":[{"columns":["name"],"where":[false]}]}"#
        )
    );
}

#[test]
fn the_oldest_version_knows_no_conditions() {
    let conditions = Conditions::new().only_clauses("A", vec![named("x")]);
    assert_eq!(
        json(&requests(
            vec![table("A")],
            &conditions,
            MonitorVersion::Plain
        )),
        r#"{"A":[{"columns":["name"]}]}"#
    );
}

#[test]
fn only_tables_whose_conditions_differ_are_asked_for_again() {
    let before = Conditions::new()
        .only_clauses("A", vec![named("x")])
        .only_clauses("B", vec![named("x")])
        .only_clauses("C", vec![named("x")]);
    let after = Conditions::new()
        .only_clauses("A", vec![named("x")])
        .only_clauses("B", vec![named("y")])
        .only_clauses("D", vec![]);
    assert_eq!(
        json(&before.changes(&after)),
        concat!(
            r#"{"B":[{"where":[["name","==","y"]]}],"#,
            r#""C":[{"where":[true]}],"D":[{"where":[false]}]}"#
        )
    );
    assert!(before.changes(&before).is_empty());
}
