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
