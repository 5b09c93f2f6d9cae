use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::value::{Real, Value};

fn of(json: &str) -> ColumnType {
    serde_json::from_str(json).unwrap()
}

#[test]
fn short_and_long_forms_of_a_type_are_the_same() {
    assert_eq!(of(r#""integer""#), of(r#"{"key":"integer"}"#));
    assert_eq!(
        of(r#""integer""#),
        of(r#"{"key":{"type":"integer"},"min":1,"max":1}"#)
    );
}

#[test]
fn constraints_and_references_are_kept() {
    let port = of(r#"{"key":{"type":"integer","minInteger":1,"maxInteger":65279},"min":0}"#);
    assert_eq!(port.key.integers, Some((Some(1), Some(65279))));
    assert_eq!((port.min, port.max), (0, Some(1)));
    let weak =
        of(r#"{"key":{"type":"uuid","refTable":"T","refType":"weak"},"min":0,"max":"unlimited"}"#);
    assert_eq!(
        weak.key.refers,
        Some(Reference {
            table: "T".to_owned(),
            strong: false
        })
    );
    assert_eq!(weak.max, None);
    let strong = of(r#"{"key":{"type":"uuid","refTable":"T"}}"#);
    assert_eq!(
        strong.key.refers,
        Some(Reference {
            table: "T".to_owned(),
            strong: true
        })
    );
}

crate::enumeration! {
    /// Two texts.
    enum Side {
        /// One.
        Left = "left",
        /// The other.
        Right = "right",
    }
}

#[test]
fn a_rust_type_fits_only_a_column_whose_every_value_it_can_hold() {
    let one = of(r#""integer""#);
    let optional = of(r#"{"key":"integer","min":0}"#);
    let many = of(r#"{"key":"integer","min":0,"max":"unlimited"}"#);
    let some = of(r#"{"key":"integer","min":1,"max":4}"#);
    let map = of(r#"{"key":"integer","value":"real","min":0,"max":"unlimited"}"#);
    for (column, fitting) in [(&one, 0), (&optional, 1), (&many, 2), (&some, 2), (&map, 3)] {
        let shapes = [
            i64::SHAPE,
            Option::<i64>::SHAPE,
            BTreeSet::<i64>::SHAPE,
            BTreeMap::<i64, Real>::SHAPE,
        ];
        for (index, shape) in shapes.into_iter().enumerate() {
            assert_eq!(column.fits(shape), index == fitting, "{column} as {shape}");
        }
        assert!(!column.fits(BTreeSet::<String>::SHAPE));
    }
}

#[test]
fn an_enum_fits_only_a_column_without_other_texts() {
    let column = |texts| of(&format!(r#"{{"key":{{"type":"string","enum":{texts}}}}}"#));
    assert!(column(r#"["set",["left","right"]]"#).fits(Side::SHAPE));
    assert!(column(r#""left""#).fits(Side::SHAPE));
    assert!(!column(r#"["set",["left","right","up"]]"#).fits(Side::SHAPE));
    assert!(!of(r#""string""#).fits(Side::SHAPE));
    assert!(column(r#""left""#).fits(String::SHAPE));
}

#[test]
fn the_schema_of_open_vswitch_is_read_and_checked() {
    let file = std::fs::read_to_string("/usr/share/openvswitch/vswitch.ovsschema")
        .expect("Open vSwitch is installed");
    let schema: DatabaseSchema = serde_json::from_str(&file).unwrap();
    assert_eq!(schema.name, "Open_vSwitch");
    let declared = |name, shape| DeclaredColumn { name, shape };
    schema
        .check(&[(
            "Bridge",
            &[
                declared("name", String::SHAPE),
                declared("fail_mode", Option::<String>::SHAPE),
                declared("flow_tables", BTreeMap::<i64, uuid::Uuid>::SHAPE),
                declared("_version", uuid::Uuid::SHAPE),
            ],
        )])
        .unwrap();
    let mismatch = schema
        .check(&[
            (
                "Bridge",
                &[
                    declared("nom", String::SHAPE),
                    declared("fail_mode", String::SHAPE),
                ],
            ),
            ("Bride", &[]),
        ])
        .unwrap_err();
    assert_eq!(
        mismatch
            .to_string()
            .split_once(" does not fit: ")
            .unwrap()
            .1,
        concat!(
            "no column nom in table Bridge; ",
            "column Bridge.fail_mode holds at most one string of \"secure\", \"standalone\", ",
            "expected one string; no table Bride"
        )
    );
}

#[test]
fn a_schema_without_a_version_is_named_alone() {
    let schema: DatabaseSchema = serde_json::from_str(r#"{"name":"Db","tables":{}}"#).unwrap();
    assert_eq!(schema.version, None);
    let error = schema.check(&[("T", &[])]).unwrap_err();
    assert_eq!(error.to_string(), "schema Db does not fit: no table T");
}

#[test]
fn whole_numbers_become_reals_where_reals_belong() {
    let reals = of(r#"{"key":"real","min":0,"max":"unlimited"}"#);
    let datum: Datum = serde_json::from_str(r#"["set",[1,0.5]]"#).unwrap();
    let expected = [0.5, 1.0].map(|real| Atom::Real(Real(real)));
    assert_eq!(reals.normalize(datum), Some(expected.into_iter().collect()));
    assert_eq!(reals.normalize(Datum::from(Atom::from("x"))), None);
}
