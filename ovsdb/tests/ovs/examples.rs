//! The example programs, against what Open vSwitch's own tools print.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::server::{SCHEMA, Server, run};

const ROWS: &str = r#"["Test",
    {"op":"insert","table":"Part","row":{"name":"wheel","weight":2},"uuid-name":"wheel"},
    {"op":"insert","table":"Item","row":{"name":"cart","colour":"red","ratio":0.1,
     "parts":["named-uuid","wheel"],"labels":["map",[["k","v"],["a","b\u00e9"]]]}},
    {"op":"insert","table":"Item","row":{"name":"box","colour":"blue","numbers":["set",[2,1]]}}]"#;

/// Where cargo puts the examples that belong to this test.
pub(crate) fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let target = test.ancestors().nth(2).expect("the test lies in deps");
    target.join("examples").join(name)
}

fn transact(server: &Server, transaction: &str) {
    run(
        "ovsdb-client",
        &["transact", &server.remote().to_string(), transaction],
    );
}

#[test]
fn dump_prints_what_ovsdb_client_prints() {
    let server = Server::start(SCHEMA);
    transact(&server, ROWS);
    let output = Command::new(path("dump"))
        .args([&server.remote().to_string(), "Test"])
        .output()
        .expect("the example is built");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), server.dump());
}

/// What other schemas have and the one of these tests has not.
const ODD: &str = r#"{"name": "Odd", "version": "0.0.1", "tables": {
    "Empty": {"isRoot": true, "columns": {"name": {"type": "string"}}},
    "OneRow": {"isRoot": true, "maxRows": 1, "columns": {
        "Above": {"type": "string", "mutable": false},
        "only": {"type": "boolean", "ephemeral": true}}},
    "Twins": {"isRoot": true, "columns": {
        "at": {"type": {"key": {"type": "uuid", "refTable": "Twins", "refType": "weak"},
               "min": 0, "max": 3}},
        "same": {"type": "integer"}}},
    "Values": {"isRoot": true, "columns": {
        "ages": {"type": {"key": "real", "value": "integer", "min": 0, "max": 9}},
        "bits": {"type": {"key": "boolean", "value": "string", "min": 0, "max": 2}},
        "choice": {"type": {"key": {"type": "integer", "enum": ["set", [-5, 7]]}}},
        "maybe": {"type": {"key": "uuid", "min": 0}},
        "pairs": {"type": {"key": "uuid", "value": "uuid", "min": 0, "max": "unlimited"}},
        "reals": {"type": {"key": "real", "min": 0, "max": "unlimited"}},
        "some": {"type": {"key": {"type": "integer"}, "min": 1, "max": 3}},
        "texts": {"type": {"key": {"type": "string", "maxLength": 40}, "min": 0, "max": 20}}}}}}"#;

const ODD_ROWS: &str = r#"["Odd",
    {"op":"insert","table":"OneRow","row":{"Above":"x","only":true}},
    {"op":"insert","table":"Twins","uuid-name":"a","row":{"at":["named-uuid","b"]}},
    {"op":"insert","table":"Twins","uuid-name":"b","row":{"at":["set",[["named-uuid","a"],
        ["named-uuid","b"],["named-uuid","c"]]]}},
    {"op":"insert","table":"Twins","uuid-name":"c","row":{}},
    {"op":"insert","table":"Twins","row":{"same":-1}},
    {"op":"insert","table":"Twins","row":{}},
    {"op":"insert","table":"Values","row":{"choice":7,"some":["set",[3,-1,2]],
        "ages":["map",[[0.5,1],[1e100,2],[-2,3]]],
        "bits":["map",[[true,"yes"],[false,""]]],
        "maybe":["uuid","00000000-0000-4000-8000-000000000001"],
        "pairs":["map",[[["uuid","00000000-0000-4000-8000-000000000002"],
            ["uuid","ffffffff-0000-4000-8000-000000000003"]]]],
        "reals":["set",[0,-0.0,1,-1,0.1,0.30000000000000004,1e15,123456789012345,1234567890123456,
            1e-4,1e-5,1.5e-7,9.99999999999999999e22,-1.5e308,2.5e-308,1e300,100]],
        "texts":["set",["","a\"b","\\","\u0001\b\f\n\r\t","/","\u007f","\u2028é\ud83e\udd80","Z","_"]]}},
    {"op":"insert","table":"Values","row":{"choice":-5,"reals":2.5}}]"#;

#[test]
fn a_socket_without_a_directory_is_looked_for_where_ovs_keeps_them() {
    let server = Server::start(SCHEMA);
    transact(&server, ROWS);
    let socket = server.path("sock");
    let (directory, name) = (socket.parent().unwrap(), socket.file_name().unwrap());
    let output = Command::new(path("dump"))
        .env("OVS_RUNDIR", directory)
        .args([&format!("unix:{}", name.display()), "Test"])
        .output()
        .expect("the example is built");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), server.dump());
}

#[test]
fn dump_prints_odd_schemas_the_same() {
    let server = Server::start(ODD);
    for round in 0..2 {
        let output = Command::new(path("dump"))
            .args([&server.remote().to_string(), "Odd"])
            .output()
            .expect("the example is built");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, server.dump(), "{round}");
        if round == 0 {
            transact(&server, ODD_ROWS);
        }
    }
}

#[test]
fn dump_prints_only_the_tables_that_are_named() {
    let server = Server::start(ODD);
    transact(&server, ODD_ROWS);
    let remote = server.remote().to_string();
    let output = Command::new(path("dump"))
        .args([&remote, "Odd", "Twins"])
        .output()
        .expect("the example is built");
    let expected = run(
        "ovsdb-client",
        &["-f", "json", "dump", &remote, "Odd", "Twins"],
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

/// A process that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn watch_prints_one_line_for_each_transaction() {
    let server = Server::start(SCHEMA);
    transact(&server, ROWS);
    let mut watch = Ending(
        Command::new(path("watch"))
            .args([&server.remote().to_string(), "Test"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example is built"),
    );
    let mut lines = BufReader::new(watch.0.stdout.take().expect("a pipe")).lines();
    let mut next = || -> serde_json::Value {
        serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON")
    };
    let first = next();
    assert_eq!(first["Item"].as_object().unwrap().len(), 2);
    assert_eq!(first["Part"].as_object().unwrap().len(), 1);
    transact(
        &server,
        r#"["Test",{"op":"update","table":"Item","where":[["name","==","box"]],"row":{"number":7}},
           {"op":"delete","table":"Item","where":[["name","==","cart"]]}]"#,
    );
    let second = next();
    let items: Vec<_> = second["Item"].as_object().unwrap().values().collect();
    assert_eq!(items.len(), 2);
    let modified = items.iter().find(|item| item["new"].is_object()).unwrap();
    assert_eq!(modified["old"], serde_json::json!({"number": 0}));
    assert_eq!(modified["new"]["number"], 7);
    assert_eq!(second["Part"].as_object().unwrap().len(), 1);
}
