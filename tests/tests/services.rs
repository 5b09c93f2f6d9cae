//! What brint answers machines itself, asked by the clients that machines have.

use std::ffi::OsStr;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, PATIENCE, wait_for};
use serde_json::Value;
use tests::brint;

/// How many requests a machine sends that floods the agent.
const FLOOD: u64 = 20_000;

/// One host with two machines of one network.
const NETWORK: &str = r#"
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
networks:
  - name: private
    network_type: vxlan
    segmentation_id: 1001
    mtu: 1400
    dns_domain: example.org
    subnets:
      - cidr: 10.0.0.0/24
        gateway_ip: 10.0.0.1
        dns_nameservers: [192.0.2.53]
        host_routes: [{destination: 198.51.100.0/24, nexthop: 10.0.0.7}]
      - {cidr: "2001:db8:a::/64", gateway_ip: "2001:db8:a::1", ipv6_ra_mode: slaac}
      - cidr: "2001:db8:b::/64"
        ipv6_ra_mode: dhcpv6-stateful
        ipv6_address_mode: dhcpv6-stateful
security_groups:
  - {name: default}
ports:
  - id: 7571157f-bcad-4032-8ad1-f0950600b737
    name: firewalled
    network: private
    mac_address: fa:16:3e:00:00:11
    fixed_ips: [10.0.0.11, "2001:db8:a:0:f816:3eff:fe00:11", "2001:db8:b::11"]
    host: host1
    extra_dhcp_opts: [{opt_name: bootfile-name, opt_value: pxelinux.0}]
  - id: 9a3c8a52-6f7c-44e4-a6b7-2d1d3b8c0c12
    name: open
    network: private
    mac_address: fa:16:3e:00:00:12
    fixed_ips: [10.0.0.12, "2001:db8:a:0:f816:3eff:fe00:12", "2001:db8:b::12"]
    host: host1
    port_security_enabled: false
  - id: 3f1d7f0e-51a6-4f4b-9d43-5a3f0a2d9c01
    name: gateway
    network: private
    mac_address: fa:16:3e:00:00:01
    fixed_ips: ["2001:db8:a::1"]
routers:
  - {name: router, interfaces: [gateway]}
"#;

/// What udhcpc calls for each event: it uses the address, and notes what it was told.
const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
bound | renew)
    ip addr replace "$ip/$mask" dev "$interface"
    ip route replace 169.254.169.254 dev "$interface"
    ;;
esac
env >"$0.$1.new"
mv "$0.$1.new" "$0.$1"
"#;

#[test]
fn machines_get_their_addresses_from_the_model() -> anyhow::Result<()> {
    let lab = lab("t-services")?;
    for (name, ipv4, ipv6) in [
        ("firewalled", "10.0.0.11", "2001:db8:b::11"),
        ("open", "10.0.0.12", "2001:db8:b::12"),
    ] {
        let machine = lab.machine(name)?;
        without_address(machine)?;
        udhcpc_is_told_everything_and_renews(&lab, machine, ipv4)?;
        without_address(machine)?;
        let lease = format!("  fixed-address {ipv4};\n");
        let server = "  option dhcp-server-identifier 169.254.169.254;\n";
        dhclient_gets(&lab, machine, "-4", &[&lease, server])?;
        the_kernel_makes_up_its_address(machine)?;
        // The server's identifier is made of the MAC that it has on every host.
        let lease = format!("    iaaddr {ipv6} {{\n");
        let server = "  option dhcp6.server-id 0:3:0:1:2:0:a9:fe:a9:fe;\n";
        dhclient_gets(&lab, machine, "-6", &[&lease, server])?;
    }
    Ok(())
}

/// One that asks without end keeps nobody from being answered, not the agent nor its neighbour.
#[test]
fn who_floods_the_agent_is_held_back_alone() -> anyhow::Result<()> {
    let lab = lab("t-flood")?;
    let (flooding, other) = (lab.machine("firewalled")?, lab.machine("open")?);
    flooding.namespace().enter(|| {
        let socket = UdpSocket::bind(("10.0.0.11", 68)).context("a client's port")?;
        socket.set_broadcast(true)?;
        for _ in 0..FLOOD {
            socket.send_to(b"no message of DHCP", ("10.0.0.255", 67))?;
        }
        Ok(())
    })?;
    without_address(other)?;
    let lease = "  fixed-address 10.0.0.12;\n";
    dhclient_gets(&lab, other, "-4", &[lease])?;

    let status = lab.host("host1")?.ask_agent(&brint()?, "status -f json")?;
    let status: Value = serde_json::from_str(&status).context("brint status")?;
    let count = |what: &str| {
        let count = status.pointer(&format!("/bridges/br-int/served/dhcpv4/{what}"));
        let count = count.and_then(Value::as_u64);
        count.with_context(|| format!("{what}: {status:#}"))
    };
    // The meter lets a hundred pass in a second: half of them would take longer than the whole test.
    let refused = count("refused")?;
    ensure!((1..FLOOD / 2).contains(&refused), "{refused} of {FLOOD}");
    ensure!(count("lost")? == 0, "{status:#}");
    Ok(())
}

/// The lab, with both machines plugged in.
fn lab(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    Ok(lab)
}

/// The client of busybox; asked to renew, it does so by unicast, for which it needs the server's MAC.
fn udhcpc_is_told_everything_and_renews(
    lab: &Lab,
    machine: &Machine,
    address: &str,
) -> anyhow::Result<()> {
    let script = lab.directory().join(format!("{}.udhcpc", machine.name()));
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let options = ["-f", "-i", "eth0", "-T", "1", "-t", "20"];
    let wanted = ["-O", "staticroutes", "-O", "mtu", "-O", "bootfile", "-s"];
    let mut command: Vec<_> = ["udhcpc"].iter().chain(&options).chain(&wanted).collect();
    let script_name = script.to_str().context("a path that is no text")?;
    command.push(&script_name);
    let command: Vec<_> = command.into_iter().map(OsStr::new).collect();
    let client = lab.start_in(machine, &command)?;

    let told = event(&script, "bound")?;
    let mut expected = vec![
        format!("ip={address}"),
        "subnet=255.255.255.0".to_owned(),
        "router=10.0.0.1".to_owned(),
        "dns=192.0.2.53".to_owned(),
        "domain=example.org".to_owned(),
        "mtu=1400".to_owned(),
        "lease=86400".to_owned(),
        "serverid=169.254.169.254".to_owned(),
        format!("hostname=host-{}", address.replace('.', "-")),
        "staticroutes=198.51.100.0/24 10.0.0.7 169.254.169.254/32 0.0.0.0 0.0.0.0/0 10.0.0.1"
            .to_owned(),
    ];
    if machine.name() == "firewalled" {
        expected.push("boot_file=pxelinux.0".to_owned());
    }
    for line in expected {
        ensure!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    let id = client.id().to_string();
    let kill = Command::new("kill").args(["-USR1", &id]).status()?;
    ensure!(kill.success(), "kill -USR1 {id}");
    event(&script, "renew")?;
    client.kill()
}

/// Waits until udhcpc has reported an event; what it said.
fn event(script: &Path, event: &str) -> anyhow::Result<String> {
    let mut file = script.as_os_str().to_owned();
    file.push(format!(".{event}"));
    wait_for(&format!("udhcpc: {event}"), PATIENCE, || {
        Ok(fs::read_to_string(&file).ok())
    })
}

/// The client of ISC, which most distributions had; its file of leases says some things.
fn dhclient_gets(
    lab: &Lab,
    machine: &Machine,
    version: &str,
    wanted: &[&str],
) -> anyhow::Result<()> {
    let file = lab
        .directory()
        .join(format!("{}{version}.leases", machine.name()));
    let options = ["-d", "-1", "-sf", "/bin/true", "-cf", "/dev/null"];
    let mut command: Vec<_> = ["dhclient", version].map(OsStr::new).into();
    command.extend(options.map(OsStr::new));
    command.extend(["-pf", "/dev/null", "-lf"].map(OsStr::new));
    command.extend([file.as_os_str(), OsStr::new("eth0")]);
    let client = lab.start_in(machine, &command)?;
    let mut leases = String::new();
    wait_for("dhclient has a lease", PATIENCE, || {
        leases = fs::read_to_string(&file).unwrap_or_default();
        let mut wanted = wanted.iter();
        Ok(wanted.all(|line| leases.contains(line)).then_some(()))
    })
    .with_context(|| format!("{wanted:?}: {leases}"))?;
    client.kill()
}

/// What starts anew asks for routers, and takes its address and its way out from the answer.
fn the_kernel_makes_up_its_address(machine: &Machine) -> anyhow::Result<()> {
    without_address(machine)?;
    for state in ["down", "up"] {
        ip(machine, &["link", "set", "eth0", state])?;
    }
    let own = machine.ipv6()?;
    wait_for("an address by SLAAC", PATIENCE, || {
        let addresses = ip(machine, &["-6", "addr", "show", "dev", "eth0", "dynamic"])?;
        Ok(addresses.contains(&format!(" {own}/64 ")).then_some(()))
    })?;
    let routes = ip(machine, &["-6", "route", "show", "default"])?;
    let route = "default via fe80::f816:3eff:fe00:1 dev eth0 proto ra";
    ensure!(routes.contains(route), "{routes}");
    Ok(())
}

#[test]
fn machines_hear_of_routers_that_come_and_go() -> anyhow::Result<()> {
    let lab = lab("t-advertised")?;
    let machine = lab.machine("firewalled")?;
    the_kernel_makes_up_its_address(machine)?;
    let alone = NETWORK.replace("  - {name: router, interfaces: [gateway]}\n", "  []\n");
    let has_route = || {
        let routes = ip(machine, &["-6", "route", "show", "default"])?;
        anyhow::Ok(routes.contains("via fe80::f816:3eff:fe00:1 "))
    };
    lab.describe(&alone)?;
    wait_for("the machine knows no router", PATIENCE, || {
        Ok((!has_route()?).then_some(()))
    })?;
    // It does not ask again, and is told all the same.
    lab.describe(NETWORK)?;
    wait_for("the machine knows the router", PATIENCE, || {
        Ok(has_route()?.then_some(()))
    })
}

/// Takes the addresses of a machine, as before it has started for the first time.
fn without_address(machine: &Machine) -> anyhow::Result<()> {
    ip(machine, &["addr", "flush", "dev", "eth0"]).map(drop)
}

/// Runs `ip` in a machine, and gives back what it printed.
fn ip(machine: &Machine, arguments: &[&str]) -> anyhow::Result<String> {
    let output = machine.namespace().command("ip").args(arguments).output()?;
    ensure!(output.status.success(), "ip {arguments:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}
