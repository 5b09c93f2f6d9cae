//! What clients ask, and that they find in every answer what they look for: its status, its
//! attributes, their types, and the names of errors.

use std::collections::BTreeMap;

use ovsdb::{Transaction, Uuid};
use serde_json::{Map, Value};

use super::{ask, kind};
use crate::northbound::database::tables::Host;
use crate::northbound::database::tests::Server;

/// The types of attributes, and whether they may be missing, by the names of objects.
type Shapes = BTreeMap<&'static str, BTreeMap<&'static str, (Vec<&'static str>, bool)>>;

/// Lines that say something.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn shapes() -> Shapes {
    let mut shapes = Shapes::new();
    let mut name = "";
    for line in lines(include_str!("clients/shapes.txt")) {
        let Some(attributes) = line.strip_prefix("    ") else {
            name = line;
            continue;
        };
        for attribute in attributes.split(", ") {
            let (attribute, types) = attribute.split_once(' ').unwrap();
            let required = types.trim_end_matches('?');
            let types = (required.split('|').collect(), types != required);
            shapes.entry(name).or_default().insert(attribute, types);
        }
    }
    shapes
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Compares an object with its shape.
fn fits(shapes: &Shapes, name: &str, object: &Map<String, Value>, line: &str) {
    let shape = shapes
        .get(name)
        .unwrap_or_else(|| panic!("no shape of {name}"));
    for (attribute, (types, optional)) in shape {
        match object.get(*attribute) {
            None => assert!(optional, "{line}: there is no {attribute}"),
            Some(value) => assert!(
                types.contains(&type_of(value)),
                "{line}: {attribute} is {value}, not {types:?}"
            ),
        }
    }
    let unknown = object
        .keys()
        .find(|name| !shape.contains_key(name.as_str()));
    assert_eq!(unknown, None, "{line}");
}

/// What one object of a collection is called.
fn single(collection: &str) -> String {
    let collection = collection.replace('-', "_");
    match collection.strip_suffix("ies") {
        Some(start) => format!("{start}y"),
        None => collection.trim_end_matches('s').to_owned(),
    }
}

/// The path and the body of a request.
fn request(method: &str, text: &str) -> (String, String) {
    let (path, body) = text.split_once(' ').unwrap_or((text, ""));
    let parts = path.trim_start_matches("log/").split('/');
    let parts: Vec<&str> = parts.collect();
    let is_object = matches!((method, parts.len()), ("POST", 1) | ("PUT", 2));
    let body = match (is_object, parts.first()) {
        (true, Some(collection)) => format!("{{\"{}\": {body}}}", single(collection)),
        _ => body.to_owned(),
    };
    (format!("/v2.0/{path}"), body)
}

#[tokio::test]
async fn clients_find_in_an_answer_what_they_look_for() {
    let server = Server::start();
    let database = server.open().await;
    let mut transaction = Transaction::new();
    let host = Host::values()
        .set(Host::name, "hv1")
        .set(Host::mtu, 1500)
        .set(
            Host::bridge_mappings,
            [("physnet1".to_owned(), "br-ex".to_owned())],
        );
    transaction.insert_as(Uuid::from_u128(7), host);
    database.transact(transaction).await.unwrap();
    let shapes = shapes();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for line in lines(include_str!("clients/requests.txt")) {
        let (asked, expected) = line.split_once(" -> ").unwrap();
        let (method, asked) = asked.split_once(' ').unwrap();
        let mut asked = asked.to_owned();
        for (name, id) in &ids {
            asked = asked.replace(&format!("<{name}>"), id);
        }
        let (path, body) = request(method, &asked);
        let (status, mut answer) = ask(&database, method, &path, &body).await;
        let expected: Vec<&str> = expected.split(' ').collect();
        assert_eq!(status.to_string(), expected[0], "{line}: {answer}");
        match expected.as_slice() {
            [_, "-"] => assert_eq!(answer, Value::Null, "{line}"),
            [_, "whole", name] => fits(&shapes, name, answer.as_object().unwrap(), line),
            [_, name] if status >= 400 => assert_eq!(kind(&answer), *name, "{line}"),
            [_, name, saved @ ..] => match answer[*name].take() {
                Value::Object(object) => {
                    fits(&shapes, name, &object, line);
                    if let ["as", saved] = saved {
                        ids.insert(saved, object["id"].as_str().unwrap().to_owned());
                    }
                }
                Value::Array(objects) => {
                    // An empty list would say nothing.
                    assert_ne!(objects, Vec::<Value>::new(), "{line}");
                    for object in &objects {
                        fits(&shapes, &single(name), object.as_object().unwrap(), line);
                    }
                }
                _ => panic!("{line}: there is no {name}"),
            },
            _ => panic!("{line} says too little"),
        }
    }
}
