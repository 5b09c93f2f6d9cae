//! Hosts that claim what others have: a name, an address, a port.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::Pinging;
use labs::quickstart::{NETWORK, OFPORTS};
use labs::{Host, Lab, Northbound, PATIENCE, wait_for};
use tests::{Flows, brint, reaches};

/// The quickstart on a northbound database, and a third host without an agent.
fn three_hosts(name: &str) -> anyhow::Result<(Lab, Northbound)> {
    let brint = brint()?;
    let hosts = "\nhosts:\n";
    ensure!(NETWORK.contains(hosts), "the quickstart looks otherwise");
    let third = "\nhosts:\n  - {name: host3, encap_ip: 192.0.2.3}\n";
    let mut lab = Lab::build(name, &NETWORK.replacen(hosts, third, 1), &brint)?;
    let northbound = Northbound::start(lab.directory(), &brint)?;
    northbound.apply(NETWORK, "")?;
    let remote = northbound.remote();
    for name in ["host1", "host2"] {
        let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
        let host = lab.host_mut(name)?;
        host.start_agent_of(&brint, &source)?;
        host.wait_for_bridges()?;
    }
    lab.plug_machines(&OFPORTS)?;
    lab.wait_until_bound()?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    Flows::settled(lab.host("host1")?.ovs(), "br-tun")?;
    Ok((lab, northbound))
}

/// An agent under whatever name, which ends with the test.
struct Agent(Child);

impl Agent {
    fn start(host: &Host, lab: &Lab, arguments: &[&str]) -> anyhow::Result<Self> {
        let log = File::create(host.agent_log())?;
        let mut command = host.ovs().command(lab.brint());
        command.arg("agent").args(arguments);
        Ok(Self(command.stdin(Stdio::null()).stderr(log).spawn()?))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits until the status of a host says something.
fn says(lab: &Lab, host: &str, words: &str) -> anyhow::Result<()> {
    let host = lab.host(host)?;
    let mut status = String::new();
    wait_for(&format!("{} says {words:?}", host.name()), PATIENCE, || {
        // One that was just started does not listen yet.
        status = host.ask_agent(lab.brint(), "status").unwrap_or_default();
        Ok(status.contains(words).then_some(()))
    })
    .with_context(|| status.clone())
}

fn transact(northbound: &Northbound, operation: &str) -> anyhow::Result<()> {
    let transaction = format!("[\"Brint_Northbound\",{operation}]");
    let mut client = Command::new("ovsdb-client");
    let output = client
        .args(["transact", &northbound.remote(), &transaction])
        .output()?;
    let answer = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success() && !answer.contains("error"),
        "{operation}: {answer}"
    );
    Ok(())
}

#[test]
fn of_two_agents_with_one_name_the_first_holds_it_and_the_other_writes_nothing()
-> anyhow::Result<()> {
    let (mut lab, northbound) = three_hosts("t-clone")?;
    let rows = || northbound.rows("Host", "name encap_ip revision_number");
    let before = rows()?;
    let flows = Flows::of(lab.host("host1")?.ovs(), "br-tun")?;
    let (a1, a2) = (lab.machine("a1")?.clone(), lab.machine("a2")?.clone());
    let pings = Pinging::start(a2.namespace(), a1.ipv4()?, Duration::from_millis(20))?;

    let remote = northbound.remote();
    let arguments = [
        "--remote",
        &remote,
        "--host",
        "host2",
        "--encap-ip",
        "192.0.2.3",
    ];
    let clone = Agent::start(lab.host("host3")?, &lab, &arguments)?;
    says(
        &lab,
        "host3",
        "host host2 is another agent's name, which runs",
    )?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    let pings = pings.stop()?;
    ensure!(pings.sent >= 5 && pings.lost.is_empty(), "{pings:?}");
    ensure!(rows()? == before, "{:?}", rows()?);
    let difference = flows.difference(&Flows::of(lab.host("host1")?.ovs(), "br-tun")?);
    ensure!(difference.is_empty(), "{difference}");

    // A holder that is killed is back in a moment, clone or not.
    let program = lab.brint().to_owned();
    let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
    let host = lab.host_mut("host2")?;
    host.kill_agent()?;
    host.start_agent_of(&program, &source)?;
    let with_rule = labs::cluster::with_rule(4245)?;
    northbound.apply(&with_rule, "--wait=hosts")?;
    ensure!(rows()? == before, "{:?}", rows()?);
    drop(clone);
    reaches(&a2, &a1)
}

#[test]
fn rows_that_others_write_cost_a_running_host_nothing() -> anyhow::Result<()> {
    let (lab, northbound) = three_hosts("t-rows")?;
    let mut endpoints = Vec::new();
    wait_for("both hosts have claimed their addresses", PATIENCE, || {
        let rows = northbound.rows("Endpoint", "host ip_address")?;
        endpoints = rows.iter().map(|row| row.replace('"', "")).collect();
        Ok((endpoints == ["host1,192.0.2.1", "host2,192.0.2.2"]).then_some(()))
    })
    .with_context(|| format!("{endpoints:?}"))?;
    let flows = Flows::settled(lab.host("host1")?.ovs(), "br-tun")?;
    let pings = Pinging::start(
        lab.machine("a2")?.namespace(),
        lab.machine("a1")?.ipv4()?,
        Duration::from_millis(20),
    )?;
    for name in ["aaa", "zzz", "host10"] {
        transact(
            &northbound,
            &format!(
                r#"{{"op":"insert","table":"Host","row":{{"name":"{name}","encap_ip":"192.0.2.2","mtu":1500,"encap_types":["set",["vxlan","gre","geneve"]]}}}}"#
            ),
        )?;
        for host in ["host1", "host2"] {
            says(&lab, host, &format!("encap_ip of host {name} ("))?;
            says(&lab, host, "): 192.0.2.2 is that of host host2")?;
        }
    }
    transact(
        &northbound,
        r#"{"op":"insert","table":"Host","row":{"name":"far","encap_ip":"2001:db8::9","mtu":1500,"encap_types":["set",["vxlan","gre","geneve"]]}}"#,
    )?;
    says(
        &lab,
        "host1",
        "to host far is refused: encap_ip 2001:db8::9 is of another family",
    )?;
    transact(
        &northbound,
        r#"{"op":"update","table":"Host","where":[["name","==","host1"]],"row":{"encap_ip":"192.0.2.2"}}"#,
    )?;
    wait_for("the host says again what it may say", PATIENCE, || {
        let hosts = northbound.rows("Host", "encap_ip name")?;
        let mut hosts = hosts.iter().map(|row| row.replace('"', ""));
        Ok(hosts.any(|row| row == "192.0.2.1,host1").then_some(()))
    })?;
    let difference = flows.difference(&Flows::of(lab.host("host1")?.ovs(), "br-tun")?);
    ensure!(difference.is_empty(), "{difference}");
    let pings = pings.stop()?;
    ensure!(pings.sent >= 5 && pings.lost.is_empty(), "{pings:?}");

    // One that could be a peer, but for its MTU, makes no network smaller.
    transact(
        &northbound,
        r#"{"op":"insert","table":"Host","row":{"name":"small","encap_ip":"192.0.2.9","mtu":600,"encap_types":"vxlan"}}"#,
    )?;
    says(&lab, "host1", "mtu of host small (")?;
    says(&lab, "host1", "): 600, expected at least 1350")?;
    let status = lab
        .host("host1")?
        .ask_agent(lab.brint(), "status -f json")?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    let networks = status.get("networks").and_then(serde_json::Value::as_array);
    let mtu = |network: &serde_json::Value| network.get("mtu")?.as_u64();
    let mtus: Vec<_> = networks
        .context("networks")?
        .iter()
        .filter_map(mtu)
        .collect();
    ensure!(mtus.iter().all(|mtu| *mtu >= 1450), "{mtus:?}");
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

/// A port of no host.
const FREE: &str = "78000001-bcad-4032-8ad1-f0950600b737";

#[test]
fn a_port_of_no_host_follows_the_one_that_plugs_it_in_last() -> anyhow::Result<()> {
    let (lab, northbound) = three_hosts("t-follows")?;
    let free = format!(
        "\nports:\n  - {{id: {FREE}, name: free, network: flat, mac_address: \"fa:16:3e:00:0f:99\"}}\n"
    );
    northbound.apply(&NETWORK.replacen("\nports:\n", &free, 1), "--wait=hosts")?;
    let hosts = |expected: &str| -> anyhow::Result<()> {
        let mut ports = Vec::new();
        wait_for(&format!("the port is {expected}"), PATIENCE, || {
            ports = northbound.rows("Port", "host name status")?;
            Ok(ports.contains(&expected.to_owned()).then_some(()))
        })
        .with_context(|| format!("{ports:?}"))
    };
    let plug = |host: &str, interface: &str, kind: &str| {
        lab.host(host)?.ovs().vsctl(&format!(
            "--no-wait add-port br-int {interface} -- set Interface {interface} {kind} \
             external_ids:iface-id={FREE}"
        ))
    };
    plug("host1", "free1", "type=internal")?;
    hosts("host1,free,ACTIVE")?;
    // What does not work takes nothing, here or there.
    plug("host1", "ghost1", "type=system")?;
    says(&lab, "host1", "interface ghost1 is not bound")?;
    plug("host2", "ghost2", "type=system")?;
    says(&lab, "host2", "interface ghost2 is not bound")?;
    hosts("host1,free,ACTIVE")?;

    plug("host2", "free2", "type=internal")?;
    hosts("host2,free,ACTIVE")?;
    says(&lab, "host1", "interface free1 is not bound: port 78000001")?;
    let log = lab.host("host2")?.read_agent_log()?;
    ensure!(log.contains("is taken over from host host1"), "{log}");

    // When it is unplugged there, the other has it again; and nobody when it is nowhere.
    lab.host("host2")?.ovs().vsctl("--no-wait del-port free2")?;
    hosts("host1,free,ACTIVE")?;
    lab.host("host1")?.ovs().vsctl("--no-wait del-port free1")?;
    hosts("[],free,DOWN")
}

#[test]
fn an_agent_under_another_name_cuts_no_running_vm() -> anyhow::Result<()> {
    let (mut lab, northbound) = three_hosts("t-renamed")?;
    let host = lab.host("host2")?;
    let flows = Flows::of(host.ovs(), "br-int")?;
    let (a1, a2) = (lab.machine("a1")?.clone(), lab.machine("a2")?.clone());
    let pings = Pinging::start(a1.namespace(), a2.ipv4()?, Duration::from_millis(20))?;
    let remote = northbound.remote();
    lab.host_mut("host2")?.kill_agent()?;
    // A name that no host has, and one that another has.
    for name in ["hots2", "host1"] {
        let arguments = ["--remote", &remote, "--host", name];
        let agent = Agent::start(lab.host("host2")?, &lab, &arguments)?;
        let told = format!("host {name} is not the name that this host had, and VMs of host host2");
        says(&lab, "host2", &told)?;
        drop(agent);
    }
    flows.are_on(lab.host("host2")?.ovs(), "br-int", PATIENCE)?;
    let hosts = northbound.rows("Host", "name")?;
    ensure!(!hosts.iter().any(|row| row.contains("hots2")), "{hosts:?}");
    let brint = lab.brint().to_owned();
    let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
    lab.host_mut("host2")?.start_agent_of(&brint, &source)?;
    says(&lab, "host2", "no problems")?;
    let pings = pings.stop()?;
    ensure!(pings.lost.is_empty(), "{pings:?}");
    Ok(())
}

#[test]
fn a_host_whose_tunnel_types_are_taken_away_keeps_its_tunnels() -> anyhow::Result<()> {
    let (lab, northbound) = three_hosts("t-types")?;
    let rows = || northbound.rows("Host", "name encap_types");
    let before = rows()?;
    let (a1, a2) = (lab.machine("a1")?.clone(), lab.machine("a2")?.clone());
    let pings = Pinging::start(a2.namespace(), a1.ipv4()?, Duration::from_millis(20))?;
    let none = r#"{"op":"update","table":"Host","where":[["name","==","host2"]],"row":{"encap_types":["set",[]]}}"#;
    transact(&northbound, none)?;
    wait_for("the host says again what it offers", PATIENCE, || {
        Ok((rows()? == before).then_some(()))
    })?;
    let pings = pings.stop()?;
    ensure!(pings.lost.is_empty(), "{pings:?}");
    Ok(())
}
