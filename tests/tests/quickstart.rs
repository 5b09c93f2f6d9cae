//! The first lab keeps its promises.

use anyhow::{Context as _, ensure};
use tests::{brint, quickstart};

#[test]
fn every_check_of_the_quickstart_holds() -> anyhow::Result<()> {
    let lab = labs::quickstart::start("t-checks", &brint()?)?;
    let checks = labs::quickstart::check(&lab)?;
    ensure!(checks.all_hold(), "{checks}");
    Ok(())
}

#[test]
fn without_its_flows_no_check_that_must_pass_holds() -> anyhow::Result<()> {
    let mut lab = quickstart("t-broken")?;
    let names: Vec<_> = lab
        .hosts()
        .iter()
        .map(|host| host.name().to_owned())
        .collect();
    for name in names {
        let host = lab.host_mut(&name)?;
        host.kill_agent()?;
        host.ovs().ofctl("del-flows br-int")?;
    }
    let checks = labs::quickstart::check(&lab)?;
    ensure!(!checks.all_hold(), "the checks notice nothing:\n{checks}");
    Ok(())
}

#[test]
fn a_lab_leaves_nothing_behind() -> anyhow::Result<()> {
    let lab = quickstart("t-removed")?;
    let directory = lab.directory().to_owned();
    let namespace = lab.host("host1")?.namespace().name().to_owned();
    let namespaces = || -> anyhow::Result<bool> {
        Ok(std::fs::read_dir("/run/netns")
            .context("listing namespaces")?
            .any(|entry| {
                entry.is_ok_and(|entry| {
                    entry
                        .file_name()
                        .to_string_lossy()
                        .starts_with("t-removed-")
                })
            }))
    };
    ensure!(
        directory.exists() && namespaces()?,
        "{namespace} is not there while the lab is"
    );
    drop(lab);
    ensure!(
        !directory.exists(),
        "{} is still there",
        directory.display()
    );
    ensure!(!namespaces()?, "namespaces are still there");
    Ok(())
}
