use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::*;

crate::tables! {
    /// Two tables.
    database Db = "Db", changes DbChanges;

    /// That refer to each other.
    table items: Item = "Item" {
        /// A name.
        name: String;
        /// A number.
        number: i64;
        /// References.
        parts: BTreeSet<Uuid>;
        /// A map.
        labels: BTreeMap<String, String>;
    }

    /// Parts.
    table parts: Part = "Part" {
        /// A name.
        name: String;
    }
}

fn json(transaction: &Transaction<Db>) -> String {
    serde_json::to_string(transaction.operations()).unwrap()
}

#[test]
fn operations_are_written_as_the_rfc_has_them() {
    let mut transaction = Transaction::<Db>::new();
    let part = transaction.insert(Part::values().set(Part::name, "p"));
    transaction.mutate(
        Item::name.equals("i"),
        [
            Item::parts.insert([part]),
            Item::labels.delete_keys(["a", "b"]),
            Item::number.plus(1),
        ],
    );
    transaction.update(part, Part::values().set(Part::name, "q"));
    transaction.delete([Item::number.less(3), Item::name.differs("x")]);
    transaction.verify(Uuid::nil(), Item::name, &"i".to_owned());
    transaction.commit_durably();
    transaction.assert_lock("l");
    transaction.comment("c");
    transaction.abort();
    assert_eq!(
        json(&transaction),
        concat!(
            r#"[{"op":"insert","table":"Part","row":{"name":"p"},"uuid-name":"row0"},"#,
            r#"{"op":"mutate","table":"Item","where":[["name","==","i"]],"mutations":["#,
            r#"["parts","insert",["named-uuid","row0"]],"#,
            r#"["labels","delete",["set",["a","b"]]],["number","+=",1]]},"#,
            r#"{"op":"update","table":"Part","where":[["_uuid","==",["named-uuid","row0"]]],"#,
            r#""row":{"name":"q"}},"#,
            r#"{"op":"delete","table":"Item","where":[["number","<",3],["name","!=","x"]]},"#,
            r#"{"op":"wait","timeout":0,"table":"Item","#,
            r#""where":[["_uuid","==",["uuid","00000000-0000-0000-0000-000000000000"]]],"#,
            r#""columns":["name"],"until":"==","rows":[{"name":"i"}]},"#,
            r#"{"op":"commit","durable":true},{"op":"assert","lock":"l"},"#,
            r#"{"op":"comment","comment":"c"},{"op":"abort"}]"#,
        )
    );
}

fn outcome(result: &str, operations: usize) -> Result<Outcome, TransactError> {
    Outcome::read(
        &RawValue::from_string(result.to_owned()).unwrap(),
        operations,
    )
}

#[test]
fn every_error_form_is_told_apart() {
    let failed = |error: &'static str| OperationError {
        error: ErrorName(error.into()),
        details: None,
        syntax: None,
    };
    assert_eq!(
        outcome(r#"[{},{"error":"domain error"},null]"#, 3).unwrap_err(),
        TransactError::Operation {
            index: 1,
            error: failed("domain error")
        }
    );
    assert_eq!(
        outcome(r#"[{},{},{"error":"constraint violation"}]"#, 2).unwrap_err(),
        TransactError::Commit(failed("constraint violation"))
    );
    for malformed in ["{}", "[{}]", "[{},{},{}]", "[{},null]"] {
        let error = outcome(malformed, 2).unwrap_err();
        assert!(
            matches!(error, TransactError::Malformed(_)),
            "{malformed}: {error}"
        );
        assert!(error.is_uncertain());
    }
}

#[test]
fn handles_name_their_results() {
    let mut transaction = Transaction::<Db>::new();
    let inserted = transaction.insert(Part::values());
    let counted = transaction.delete::<Part>([]);
    let selected = transaction.select::<Part>([]);
    let uuid = Uuid::from_u128(7);
    let result = format!(
        r#"[{{"uuid":["uuid","{uuid}"]}},{{"count":3}},
        {{"rows":[{{"_uuid":["uuid","{uuid}"],"name":"p"}}]}}]"#
    );
    let outcome = outcome(&result, 3).unwrap();
    assert_eq!(outcome.uuid(inserted), Some(uuid));
    assert_eq!(outcome.count(counted), Some(3));
    assert_eq!(
        outcome.rows(selected).unwrap(),
        [Part {
            uuid,
            name: "p".to_owned()
        }]
    );
}
