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
fn a_firewall_that_lets_everything_through_is_noticed() -> anyhow::Result<()> {
    let lab = quickstart("t-open")?;
    for host in lab.hosts() {
        let ports = lab.description().ports.iter();
        for port in ports.filter(|port| port.host.as_deref() == Some(host.name())) {
            let interface = port.interface();
            let ofport = host
                .ovs()
                .vsctl(&format!("get Interface {interface} ofport"))?;
            let ofport = ofport.trim();
            // Around the rules on the way out of a VM, and on the way in.
            for flow in [
                format!("table=71,priority=999,in_port={ofport},actions=resubmit(,73)"),
                format!("table=81,priority=999,reg5={ofport},actions=output:{ofport}"),
            ] {
                host.ovs().ofctl(&format!("add-flow br-int {flow}"))?;
            }
        }
    }
    let checks = labs::quickstart::check(&lab)?;
    // What keeps tenants apart is no firewall, and still there.
    let refusals = checks
        .iter()
        .filter(|check| check.expected == "no answer" || check.expected.ends_with("false one not"));
    let (unnoticed, noticed): (Vec<_>, Vec<_>) = refusals.partition(|check| check.ok);
    ensure!(unnoticed.is_empty(), "not noticed: {unnoticed:#?}");
    ensure!(
        noticed.len() > 10,
        "only {} checks expect a refusal",
        noticed.len()
    );
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
