use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::*;

fn read<V: Value>(json: &str) -> Result<V, String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    V::read(&mut deserializer).map_err(|error| error.to_string())
}

fn reads<V: Value>(json: &str, value: V) {
    assert_eq!(read::<V>(json), Ok(value.clone()), "{json}");
    let written = serde_json::to_string(&value.to_datum()).unwrap();
    assert_eq!(read::<V>(&written), Ok(value), "{json} as {written}");
}

const TEXT: &str = "2f77b348-9768-4866-b761-89d5177ecda0";

#[test]
fn every_form_of_a_value_is_read() {
    let uuid = Uuid::try_parse(TEXT).unwrap();
    reads("-7", -7_i64);
    reads(r#"["set",[7]]"#, 7_i64);
    reads("true", true);
    reads("1.5", Real(1.5));
    reads("2", Real(2.0));
    reads(r#""a\u00e9""#, "aé".to_owned());
    reads(&format!(r#"["uuid","{TEXT}"]"#), uuid);
    reads(r#"["set",[]]"#, None::<i64>);
    reads("7", Some(7_i64));
    reads("7", BTreeSet::from([7_i64]));
    reads(r#"["set",[2,1]]"#, BTreeSet::from([1_i64, 2]));
    reads(&format!(r#"["uuid","{TEXT}"]"#), BTreeSet::from([uuid]));
    reads(
        &format!(r#"["set",[["uuid","{TEXT}"]]]"#),
        BTreeSet::from([uuid]),
    );
    reads(r#"["map",[]]"#, BTreeMap::<String, String>::new());
    reads(
        &format!(r#"["map",[[1,["uuid","{TEXT}"]]]]"#),
        BTreeMap::from([(1_i64, uuid)]),
    );
}

#[test]
fn names_of_rows_to_be_are_values_of_what_holds_anything() {
    let named = || Atom::NamedUuid("x".to_owned());
    let uuid = Uuid::try_parse(TEXT).unwrap();
    for (json, datum) in [
        (r#"["named-uuid","x"]"#.to_owned(), Datum::from(named())),
        (
            format!(r#"["set",[["uuid","{TEXT}"],["named-uuid","x"]]]"#),
            Datum::from_iter([named(), Atom::Uuid(uuid)]),
        ),
        (
            r#"["map",[["a",["named-uuid","x"]]]]"#.to_owned(),
            Datum::Map(BTreeMap::from([(Atom::from("a"), named())])),
        ),
    ] {
        let read: Datum = serde_json::from_str(&json).unwrap();
        assert_eq!(read, datum);
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
    let short = serde_json::from_str::<Datum>(r#"["named-uuid"]"#).unwrap_err();
    assert!(short.to_string().contains("too few elements"), "{short}");
}

fn refuses<V: Value + Debug>(json: &str, reason: &str) {
    let error = read::<V>(json).unwrap_err();
    assert!(error.contains(reason), "{json}: {error}");
}

#[test]
fn values_of_another_type_are_refused_with_the_reason() {
    refuses::<i64>(r#""7""#, "an integer was expected");
    refuses::<i64>("7.5", "an integer was expected");
    refuses::<i64>("9223372036854775808", "invalid value");
    refuses::<i64>("null", "expected an atom, a set or a map");
    refuses::<i64>(r#"["set",[]]"#, "an empty set where one value was expected");
    refuses::<i64>(r#"["set",[1,2]]"#, "more than one value");
    refuses::<Option<i64>>(r#"["set",[1,2]]"#, "more than one value");
    refuses::<BTreeSet<i64>>(r#"["map",[]]"#, "a map where a set was expected");
    refuses::<BTreeMap<i64, i64>>(r#"["set",[]]"#, "a set where a map was expected");
    refuses::<BTreeMap<i64, i64>>("1", "a plain value where a map was expected");
    refuses::<BTreeMap<i64, i64>>(r#"["map",[[1]]]"#, "too few elements");
    refuses::<BTreeMap<i64, i64>>(r#"["map",[[1,2,3]]]"#, "more than two elements");
    refuses::<Uuid>(r#"["uuid","x"]"#, "expected a UUID");
    refuses::<Uuid>(r#"["named-uuid","x"]"#, "a UUID was expected");
    refuses::<BTreeSet<Uuid>>(r#"["set",[["named-uuid","x"]]]"#, "a UUID was expected");
    refuses::<i64>(r#"["name","x"]"#, "expected the tag");
    refuses::<BTreeSet<i64>>(
        r#"["set",[["set",[1]]]]"#,
        "a set or map inside a set or map",
    );
    refuses::<BTreeSet<i64>>("[]", "too few elements");
    refuses::<BTreeSet<i64>>(r#"["set",[1],2]"#, "more than two elements");
}

#[test]
fn differences_replace_toggle_and_set() {
    fn applied<V: Value>(mut value: V, difference: V) -> V {
        value.apply(difference);
        value
    }

    assert_eq!(applied(1_i64, 2), 2);
    assert_eq!(applied(Some(1_i64), None), None);
    assert_eq!(
        applied(BTreeSet::from([1_i64, 2, 3]), BTreeSet::from([2, 4])),
        BTreeSet::from([1, 3, 4])
    );
    assert_eq!(
        applied(
            BTreeMap::from([(1_i64, 1_i64), (2, 2), (3, 3)]),
            BTreeMap::from([(1, 1), (2, 5), (4, 4)])
        ),
        BTreeMap::from([(2, 5), (3, 3), (4, 4)])
    );
}

#[test]
fn what_is_written_is_what_the_column_takes() {
    fn written<V: Value>(value: impl IntoDatum<V>) -> String {
        serde_json::to_string(&value.into_datum()).unwrap()
    }

    assert_eq!(written::<String>("a"), r#""a""#);
    assert_eq!(written::<Option<String>>(Some("a")), r#""a""#);
    assert_eq!(written::<Option<i64>>(None::<i64>), r#"["set",[]]"#);
    assert_eq!(written::<BTreeSet<i64>>([2, 1]), r#"["set",[1,2]]"#);
    assert_eq!(written::<BTreeSet<i64>>(vec![1]), "1");
    assert_eq!(
        written::<BTreeMap<String, String>>([("a", "b")]),
        r#"["map",[["a","b"]]]"#
    );
    assert_eq!(written::<Real>(Real(2.0)), "2");
    assert_eq!(written::<Real>(Real(0.5)), "0.5");
}

crate::enumeration! {
    /// Two of three.
    enum Colour {
        /// Red.
        Red = "red",
        /// Green.
        Green = "green",
    }
}

#[test]
fn an_enum_reads_its_texts_and_no_other() {
    reads(r#""green""#, Colour::Green);
    refuses::<Colour>(r#""blue""#, r#"one of "red", "green" was expected"#);
}
