//! Databases of earlier versions are brought up to date with what they hold.

use std::fs;
use std::process::Command;

use anyhow::ensure;
use labs::Northbound;
use tests::brint;

/// Each version that was released, with rows as they were then.
const RELEASED: [(&str, &str, &str); 6] = [
    (
        "1.0.0",
        include_str!("../schemas/1.0.0.ovsschema"),
        include_str!("../schemas/1.0.0.rows"),
    ),
    (
        "1.3.0",
        include_str!("../schemas/1.3.0.ovsschema"),
        include_str!("../schemas/1.3.0.rows"),
    ),
    (
        "1.4.0",
        include_str!("../schemas/1.4.0.ovsschema"),
        include_str!("../schemas/1.4.0.rows"),
    ),
    (
        "1.5.0",
        include_str!("../schemas/1.5.0.ovsschema"),
        include_str!("../schemas/1.5.0.rows"),
    ),
    (
        "1.6.0",
        include_str!("../schemas/1.6.0.ovsschema"),
        include_str!("../schemas/1.6.0.rows"),
    ),
    (
        "1.7.0",
        include_str!("../schemas/1.7.0.ovsschema"),
        include_str!("../schemas/1.7.0.rows"),
    ),
];

/// What the rows of every version say.
const SAID: [&str; 7] = [
    "old-network",
    "77",
    "old-subnet",
    "10.7.0.0/24",
    "old-group",
    "4711",
    "10.7.0.9",
];

#[test]
fn every_version_since_the_first_is_converted_with_its_rows() -> anyhow::Result<()> {
    let brint = brint()?;
    for (version, schema, rows) in RELEASED {
        let directory = tempfile::tempdir()?;
        let northbound = Northbound::of_schema(directory.path(), &brint, schema)?;
        let client = |arguments: &[&str]| -> anyhow::Result<String> {
            let output = Command::new("ovsdb-client").args(arguments).output()?;
            ensure!(output.status.success(), "{version}: {output:?}");
            Ok(String::from_utf8(output.stdout)?)
        };
        let remote = northbound.remote();
        let result = client(&["transact", &remote, rows])?;
        ensure!(!result.contains("error"), "{version}: {result}");

        let newest = directory.path().join("newest").display().to_string();
        fs::write(&newest, northbound.brint("schema")?)?;
        client(&["convert", &remote, &newest])?;
        let exported = northbound.brint("export")?;
        for said in SAID {
            ensure!(
                exported.contains(said),
                "{version}: no {said} in\n{exported}"
            );
        }
        // It can be written to as well.
        let again = northbound.apply(&exported, "--dry-run")?;
        ensure!(again.is_empty(), "{version}: {again}");
        northbound.brint("port delete old-port")?;
        // What was for all projects is so by policies now.
        let policies = northbound.brint("network-rbac list -f value -c action -c target_tenant")?;
        let mut policies: Vec<_> = policies.lines().collect();
        policies.sort_unstable();
        let expected: &[_] = match rows.contains("shared") {
            true => &["access_as_external *", "access_as_shared *"],
            false => &[],
        };
        ensure!(policies == expected, "{version}: {policies:?}");
    }
    Ok(())
}

#[test]
fn no_version_is_two_schemas() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let northbound = Northbound::start(directory.path(), &brint()?)?;
    let newest = northbound.brint("schema")?;
    for (version, schema, _) in RELEASED {
        let same = newest.contains(&format!("\"version\": \"{version}\""));
        ensure!(
            !same || newest == schema,
            "{version} is released: a schema that changed has another version"
        );
    }
    Ok(())
}
