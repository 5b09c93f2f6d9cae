//! What the firewall remembers of connections, and what people are told of its verdicts.

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::{Answer, Ear, Frame, Pinging, connect, listen, ping, send};
use labs::quickstart::NETWORK;
use labs::{Host, Lab, Machine, PATIENCE, wait_for};
use serde_json::Value;
use tests::{Flows, brint, quickstart};

/// The interface of a1, the only port of its network on host1.
const A1: &str = "tap7571157f-bc";
/// The port of the visitor on host2, beside a2, and its interface.
const VISITOR: (&str, &str) = ("3c0b7d1e-52a4-4a8e-9a0e-0f1f6c4c8a03", "tap3c0b7d1e-52");
/// The interface of the only port of tenant B on host1.
const B1: &str = "tapb1f0a7c2-6b";
/// The network card of a machine.
const CARD: &str = "eth0";
/// How long what must not pass is waited for; a packet that passes takes a hundredth of it.
const REFUSED: Duration = Duration::from_millis(700);
/// Between two pings that must not be lost.
const INTERVAL: Duration = Duration::from_millis(10);

/// Questions to the agent of a host, and what it has to say.
type Answers<'a> = &'a [(&'a str, &'a str, &'a str)];

const DROPPED: Answers<'_> = &[
    (
        "host1",
        "a1 tcp/80 from visitor",
        "no ingress rule of default, allow-ssh on a1 allows tcp/80 from 10.0.0.20",
    ),
    (
        "host1",
        "f1 udp/53 from 203.0.113.1",
        "no ingress rule of public on f1 allows udp/53 from 203.0.113.1",
    ),
    (
        "host1",
        "a1 icmp6,icmpv6_type=134",
        "a1 may not answer as a DHCP server or a router does",
    ),
    (
        "host1",
        "a1 tcp/80 from 10.0.0.99 to a2",
        "10.0.0.99 is not an address of a1",
    ),
    (
        "host1",
        "a1 arp,arp_spa=10.0.0.19,arp_tpa=10.0.0.20",
        "10.0.0.19 is not an address of a1",
    ),
    (
        "host1",
        "a1 arp,arp_spa=10.0.0.18,arp_tpa=10.0.0.20,arp_sha=fa:16:3e:00:0a:02",
        "it names another MAC inside than",
    ),
    (
        "host1",
        "a1 tcp,dl_src=fa:16:3e:00:0a:02,nw_src=10.0.0.18",
        "fa:16:3e:00:0a:02 is not a MAC address of a1",
    ),
    (
        "host1",
        "a1 tcp/22 from visitor -s invalid",
        "the connection tracker takes it for invalid",
    ),
    (
        "host1",
        "a1 dl_vlan=7,tcp",
        "may not send frames with such a VLAN tag",
    ),
    // Both ends are here, and the sender's rules allow it.
    (
        "host2",
        "visitor tcp/80 from a2",
        "no ingress rule of visitors on visitor allows tcp/80 from 10.0.0.19",
    ),
    (
        "host2",
        "a2 udp/53 to visitor",
        "no ingress rule of visitors on visitor allows udp/53 from 10.0.0.19",
    ),
];

const ALLOWED: Answers<'_> = &[
    (
        "host1",
        "a1 arp,arp_op=1,arp_spa=10.0.0.18,arp_tpa=10.0.0.99",
        "ARP, neighbour discovery and DHCP need no rule",
    ),
    (
        "host1",
        "a1 tcp/22 from visitor",
        "of allow-ssh (IPv4 tcp/22 from any)",
    ),
    (
        "host1",
        "a1 tcp/80 from a2",
        "of default (IPv4 any from group default)",
    ),
    (
        "host1",
        "a1 tcp/80 from visitor -s reply",
        "open connection of a1",
    ),
    (
        "host1",
        "a1 icmp to 2001:db8:a::19",
        "it leaves this host by vxlan-c0000202",
    ),
    (
        "host1",
        "f1 icmpv6 to 2001:db8:f::1",
        "it leaves this host by br-ex",
    ),
    (
        "host2",
        "a2 tcp/80 from visitor -s reply",
        "it is delivered to a2",
    ),
];

const ERRORS: Answers<'_> = &[
    (
        "host1",
        "a2 tcp/80 from a1",
        "belongs to host host2: ask there",
    ),
    ("host1", "a1 tcp from a2", "tcp needs a port"),
    ("host1", "a1 tcp/80 to b1", "another network"),
    ("host1", "nobody tcp/80 to a1", "nobody"),
];

#[test]
fn a_verdict_names_the_rule_or_its_absence() -> anyhow::Result<()> {
    let lab = quickstart("t-why")?;
    for (answers, expected, start) in [
        (DROPPED, 2, "dropped: "),
        (ALLOWED, 0, "allowed: "),
        (ERRORS, 1, "brint: "),
    ] {
        for (host, question, reason) in answers {
            let (code, sentence) = why(lab.host(host)?, question)?;
            ensure!(code == Some(expected), "{question}: {sentence}");
            ensure!(sentence.starts_with(start), "{question}: {sentence}");
            ensure!(sentence.contains(reason), "{question}: {sentence}");
        }
    }
    verdicts_follow_the_state(&lab)
}

/// A port that is down or not there, and a flow that somebody added.
fn verdicts_follow_the_state(lab: &Lab) -> anyhow::Result<()> {
    let host = lab.host("host1")?;
    let says = |packet: &str, words: &str| {
        wait_for(&format!("{packet}: {words}"), PATIENCE, || {
            let (_, sentence) = why(host, packet)?;
            Ok(sentence.contains(words).then_some(()))
        })
    };
    let down = NETWORK.replace(
        "    name: b1\n",
        "    name: b1\n    admin_state_up: false\n",
    );
    fs::write(lab.network(), down).context("writing another description")?;
    says("b1 icmp from b2", "b1 is down")?;
    host.ovs().vsctl(&format!("del-port {B1}"))?;
    says("b1 icmp from b2", "b1 is not bound on this host")?;
    // What the flows do counts, not what they should do.
    host.ovs()
        .ofctl("add-flow br-int table=81,priority=999,ip,reg5=0x2b,actions=output:43")?;
    says("a1 tcp/80 from visitor", "it is delivered to a1")
}

#[test]
fn rules_are_counted_by_what_they_let_pass() -> anyhow::Result<()> {
    let lab = quickstart("t-counts")?;
    let (host, a1) = (lab.host("host1")?, lab.machine("a1")?);
    let packets = |ethertype: &str| {
        let group = json(host, "sg show allow-ssh -f json")?;
        let mut rules = group["rules"].as_array().into_iter().flatten();
        let rule = rules.find(|rule| rule["ethertype"] == ethertype);
        let count = rule.and_then(|rule| rule["packets"].as_u64());
        count.with_context(|| format!("{group:#}"))
    };
    let before = (packets("IPv4")?, packets("IPv6")?);
    let server = listen(a1.namespace(), 22)?;
    let visitor = lab.machine("visitor")?;
    connect(visitor.namespace(), a1.ipv4()?, 22, PATIENCE)?;
    wait_for("the rule has counted", PATIENCE, || {
        Ok((packets("IPv4")? > before.0).then_some(()))
    })?;
    ensure!(packets("IPv6")? == before.1, "a rule for IPv6 counts IPv4");
    drop(server);

    let groups = json(host, "sg list -f json")?;
    let here = |name: &str, project: &str| {
        let mut groups = groups.as_array().into_iter().flatten();
        let group = groups.find(|group| group["name"] == name && group["project"] == project);
        group.map(|group| group["ports_here"].clone())
    };
    ensure!(here("default", "tenant-a") == Some(1.into()), "{groups:#}");
    ensure!(here("visitors", "tenant-a") == Some(0.into()), "{groups:#}");
    let ambiguous = run(host, "sg show default")?;
    ensure!(ambiguous.0 == Some(1), "{ambiguous:?}");
    ensure!(ambiguous.1.contains("is not one alone"), "{ambiguous:?}");
    Ok(())
}

#[test]
fn the_connections_of_a_port_that_is_gone_are_forgotten() -> anyhow::Result<()> {
    let lab = quickstart("t-forget")?;
    let host = lab.host("host2")?;
    let (a1, a2, visitor) = (
        lab.machine("a1")?,
        lab.machine("a2")?,
        lab.machine("visitor")?,
    );
    let zone = zone(host, VISITOR.1)?;
    let _kept = hold(a2, a1)?;
    let (address, neighbour) = (visitor.ipv4()?.to_string(), a2.ipv4()?.to_string());

    // No rule lets a1 send this to the visitor, who has asked for it.
    let ask = || {
        send(visitor.namespace(), CARD, &frame(visitor, a1, "question")?)?;
        remembers(host, &zone, &address, true)
    };
    let replies = |mark, limit| hears(a1, visitor, &frame(a1, visitor, mark)?, limit);
    ask()?;
    ensure!(replies("first reply", PATIENCE)?, "a reply does not pass");
    // The switch cannot forget single connections of ICMPv6, and must not be asked to.
    ping(visitor.namespace(), a1.ipv6()?, REFUSED)?;
    remembers(host, &zone, "icmpv6,orig=(src=2001:db8:a::20", true)?;

    host.ovs().vsctl(&format!("del-port {}", VISITOR.1))?;
    remembers(host, &zone, &address, false)?;
    remembers(host, &zone, &neighbour, true)?;
    let (id, interface) = VISITOR;
    host.ovs().vsctl(&format!(
        "add-port br-int {interface} -- set Interface {interface} external_ids:iface-id={id}"
    ))?;
    let server = listen(a1.namespace(), 22)?;
    wait_for("the visitor is back", PATIENCE, || {
        let answer = connect(visitor.namespace(), a1.ipv4()?, 22, REFUSED)?;
        Ok((answer == Answer::Connected).then_some(()))
    })?;
    drop(server);
    let late = replies("late reply", REFUSED)?;
    ensure!(!late, "a connection of before passes");
    // Had it been asked again, it would have passed.
    ask()?;
    ensure!(replies("second reply", PATIENCE)?, "a reply does not pass");
    Ok(())
}

#[test]
fn a_port_that_is_down_or_without_security_for_a_while_keeps_its_connections() -> anyhow::Result<()>
{
    let lab = quickstart("t-kept")?;
    let host = lab.host("host2")?;
    let (a1, visitor) = (lab.machine("a1")?, lab.machine("visitor")?);
    let zone = zone(host, VISITOR.1)?;
    let address = visitor.ipv4()?.to_string();
    send(visitor.namespace(), CARD, &frame(visitor, a1, "question")?)?;
    remembers(host, &zone, &address, true)?;
    let held = |there: bool| {
        wait_for(&format!("the address is held: {there}"), PATIENCE, || {
            let flows = host.ovs().flows("br-int")?;
            let held = format!("nw_src={address}");
            let mut notes = flows.iter().filter(|flow| flow.contains("table=99,"));
            Ok((notes.any(|flow| flow.contains(&held)) == there).then_some(()))
        })
    };
    let groups = "security_groups: [visitors]\n";
    for change in [
        format!("{groups}    admin_state_up: false\n"),
        "port_security_enabled: false\n".to_owned(),
    ] {
        let changed = NETWORK.replace(groups, &change);
        fs::write(lab.network(), changed).context("writing another description")?;
        held(true)?;
        fs::write(lab.network(), NETWORK).context("writing the first description again")?;
        held(false)?;
        // No rule lets a1 send this to the visitor, who asked before.
        let reply = frame(a1, visitor, &change)?;
        ensure!(
            hears(a1, visitor, &reply, PATIENCE)?,
            "no reply after {change}"
        );
    }
    Ok(())
}

/// The interface of a2, beside the visitor.
const A2: &str = "tap0e3d1a54-8f";

#[test]
fn ports_that_swap_their_numbers_keep_their_rules_and_connections() -> anyhow::Result<()> {
    let lab = quickstart("t-swap")?;
    let host = lab.host("host2")?;
    let (a1, a2, visitor) = (
        lab.machine("a1")?,
        lab.machine("a2")?,
        lab.machine("visitor")?,
    );
    let number = |interface: &str| -> anyhow::Result<String> {
        let number = host
            .ovs()
            .vsctl(&format!("get Interface {interface} ofport"))?;
        Ok(number.trim().to_owned())
    };
    let zone = zone(host, VISITOR.1)?;
    send(visitor.namespace(), CARD, &frame(visitor, a1, "question")?)?;
    remembers(host, &zone, &visitor.ipv4()?.to_string(), true)?;
    let mut numbers = [number(A2)?, number(VISITOR.1)?];
    for swap in 0..3 {
        numbers.reverse();
        let [one, other] = &numbers;
        host.ovs().vsctl(&format!(
            "set Interface {A2} ofport_request={one} -- \
             set Interface {} ofport_request={other}",
            VISITOR.1
        ))?;
        ensure!([number(A2)?, number(VISITOR.1)?] == numbers, "{numbers:?}");
        // a2 is let in, and the visitor by what it asked for.
        for (to, what) in [(a2, "request"), (visitor, "reply")] {
            wait_for(what, PATIENCE, || {
                let mark = frame(a1, to, &format!("{what} after swap {swap}"))?;
                Ok(hears(a1, to, &mark, REFUSED)?.then_some(()))
            })?;
        }
        let mark = frame(
            a2,
            visitor,
            &format!("request to the visitor after swap {swap}"),
        )?;
        ensure!(!hears(a2, visitor, &mark, REFUSED)?, "the visitor is open");
    }
    Ok(())
}

#[test]
fn the_zone_of_a_network_that_is_gone_is_empty() -> anyhow::Result<()> {
    let lab = quickstart("t-zone")?;
    let host = lab.host("host1")?;
    let (others, own) = (zone(host, A1)?, zone(host, B1)?);
    let _kept = hold(lab.machine("a2")?, lab.machine("a1")?)?;
    let (b1, b2) = (lab.machine("b1")?, lab.machine("b2")?);
    let target = (b1.addresses().find(IpAddr::is_ipv6)).context("b1 has no IPv6 address")?;
    // The tracker forgets a ping within half a minute, which may be over since the quickstart.
    wait_for("b2 pings b1", PATIENCE, || {
        Ok(ping(b2.namespace(), target, REFUSED)?.then_some(()))
    })?;
    remembers(host, &own, "icmpv6,", true)?;
    host.ovs().vsctl(&format!("del-port {B1}"))?;
    remembers(host, &own, "src=", false)?;
    remembers(host, &others, "src=", true)
}

#[test]
fn what_left_while_the_agent_was_away_is_forgotten_when_it_is_back() -> anyhow::Result<()> {
    let mut lab = quickstart("t-forget-away")?;
    let host = lab.host("host1")?;
    let zone = zone(host, A1)?;
    let _kept = hold(lab.machine("a2")?, lab.machine("a1")?)?;
    let address = lab.machine("a1")?.ipv4()?.to_string();
    remembers(host, &zone, &address, true)?;
    lab.host_mut("host1")?.kill_agent()?;
    let host = lab.host("host1")?;
    host.ovs().vsctl(&format!("del-port {}", A1))?;
    remembers(host, &zone, &address, true)?;
    lab.start_agent("host1")?;
    remembers(lab.host("host1")?, &zone, &address, false)
}

#[test]
fn what_was_to_be_forgotten_when_the_agent_was_killed_is_forgotten_when_it_is_back()
-> anyhow::Result<()> {
    let mut lab = quickstart("t-forget-late")?;
    let host = lab.host("host1")?;
    let zone = zone(host, A1)?;
    let _kept = hold(lab.machine("a2")?, lab.machine("a1")?)?;
    let address = lab.machine("a1")?.ipv4()?.to_string();
    remembers(host, &zone, &address, true)?;
    // Without its control socket, the daemon forgets nothing.
    let socket = control_socket(host.ovs().directory())?;
    let away = socket.with_extension("away");
    fs::rename(&socket, &away)?;
    host.ovs().vsctl(&format!("del-port {A1}"))?;
    let notes = |host: &Host, there: bool| {
        wait_for(&format!("notes: {there}"), PATIENCE, || {
            let flows = host.ovs().flows("br-int")?;
            let found = flows.iter().any(|flow| flow.contains("table=99,"));
            Ok((found == there).then_some(()))
        })
    };
    notes(host, true)?;
    lab.host_mut("host1")?.kill_agent()?;
    fs::rename(&away, &socket)?;
    let host = lab.host("host1")?;
    remembers(host, &zone, &address, true)?;
    lab.start_agent("host1")?;
    let host = lab.host("host1")?;
    remembers(host, &zone, &address, false)?;
    notes(host, false)
}

#[test]
fn a_connection_whose_rule_stays_loses_nothing() -> anyhow::Result<()> {
    let mut lab = quickstart("t-survives")?;
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    let mut pings = Vec::new();
    for address in [a1.ipv4()?, a1.ipv6()?] {
        pings.push(Pinging::start(a2.namespace(), address, INTERVAL)?);
    }
    let flows = |host: &Host, text: &str, there: bool| {
        wait_for(&format!("{text}: {there}"), PATIENCE, || {
            let found = Flows::of(host.ovs(), "br-int")?.find(text).is_ok();
            Ok((found == there).then_some(()))
        })
    };
    // A rule of the same group comes and goes, then the port itself gets another address.
    let default = "  - name: default\n    project: tenant-a\n    rules:\n";
    let rule = "      - {direction: ingress, ethertype: IPv4, protocol: udp, port_range_min: 1053, \
                port_range_max: 1053}\n";
    let more = NETWORK.replace(default, &format!("{default}{rule}"));
    let pair = "    name: a1\n    allowed_address_pairs: [{ip_address: 10.0.0.200}]\n";
    let updated = NETWORK.replace("    name: a1\n", pair);
    let host = lab.host("host1")?;
    for (description, text, there) in [
        (more.as_str(), "tp_dst=1053", true),
        (NETWORK, "tp_dst=1053", false),
        (updated.as_str(), "nw_src=10.0.0.200", true),
        (NETWORK, "nw_src=10.0.0.200", false),
    ] {
        fs::write(lab.network(), description).context("writing another description")?;
        flows(host, text, there)?;
    }
    lab.host_mut("host1")?.stop_agent()?;
    lab.start_agent("host1")?;
    let host = lab.host("host1")?;
    wait_for("the agent is back", PATIENCE, || {
        Ok(json(host, "status -f json").ok())
    })?;
    for pings in pings {
        let pings = pings.stop()?;
        ensure!(pings.lost.is_empty(), "{pings:?}");
        ensure!(pings.sent > 10, "{pings:?}");
    }
    Ok(())
}

#[test]
fn a_connection_whose_rule_goes_is_cut_at_once() -> anyhow::Result<()> {
    let lab = quickstart("t-cut")?;
    let (a1, visitor) = (lab.machine("a1")?, lab.machine("visitor")?);
    let udp = NETWORK.replace(
        "  - name: allow-ssh\n    project: tenant-a\n    rules:\n",
        "  - name: allow-ssh\n    project: tenant-a\n    rules:\n      - {direction: ingress, \
         ethertype: IPv4, protocol: udp, port_range_min: 4444, port_range_max: 4444}\n",
    );
    let host = lab.host("host1")?;
    let is_there = |there: bool| {
        wait_for(&format!("the rule is there: {there}"), PATIENCE, || {
            let found = Flows::of(host.ovs(), "br-int")?.find("tp_dst=4444").is_ok();
            Ok((found == there).then_some(()))
        })
    };
    fs::write(lab.network(), udp).context("writing another description")?;
    is_there(true)?;
    ensure!(hears(
        visitor,
        a1,
        &frame(visitor, a1, "question")?,
        PATIENCE
    )?);
    ensure!(hears(
        a1,
        visitor,
        &frame(a1, visitor, "answer")?,
        PATIENCE
    )?);
    fs::write(lab.network(), NETWORK).context("writing the first description again")?;
    is_there(false)?;
    let cut = frame(visitor, a1, "question without a rule")?;
    ensure!(
        !hears(visitor, a1, &cut, REFUSED)?,
        "a packet without a rule"
    );
    let mark = zone(host, A1)?;
    let dump = host
        .ovs()
        .appctl(&format!("dpctl/dump-conntrack zone={mark}"))?;
    ensure!(dump.contains("mark=1"), "no connection is cut:\n{dump}");
    Ok(())
}

#[test]
fn fragments_keep_their_ports_after_the_switch_restarts() -> anyhow::Result<()> {
    let mut lab = quickstart("t-fragments")?;
    let keeps = |lab: &Lab| {
        wait_for("first fragments keep their ports", PATIENCE, || {
            let ovs = lab.host("host1")?.ovs();
            // A switch that is just starting does not answer.
            let mode = ovs.ofctl("get-frags br-int").unwrap_or_default();
            Ok((mode.trim() == "nx-match").then_some(()))
        })
    };
    keeps(&lab)?;
    // Others' bridges are left as they are.
    let physical = lab.host("host1")?.ovs().ofctl("get-frags br-ex")?;
    ensure!(physical.trim() == "normal", "{physical}");
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    host.start_switch()?;
    keeps(&lab)
}

#[test]
fn a_datagram_of_several_frames_passes_by_its_port() -> anyhow::Result<()> {
    let lab = quickstart("t-datagrams")?;
    let (a1, visitor) = (lab.machine("a1")?, lab.machine("visitor")?);
    let rule = "protocol: udp, port_range_min: 4444, port_range_max: 4444}";
    let rules = format!(
        "      - {{direction: ingress, ethertype: IPv4, {rule}\n      \
         - {{direction: ingress, ethertype: IPv6, {rule}\n"
    );
    let ssh = "  - name: allow-ssh\n    project: tenant-a\n    rules:\n";
    let udp = NETWORK.replace(ssh, &format!("{ssh}{rules}"));
    fs::write(lab.network(), udp).context("writing another description")?;
    let bind = |at: &Machine, port: u16| {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        at.namespace()
            .enter(|| UdpSocket::bind(any).context("binding a socket"))
    };
    let sender = bind(visitor, 0)?;
    let (allowed, refused) = (bind(a1, 4444)?, bind(a1, 4445)?);
    for socket in [&allowed, &refused] {
        socket.set_read_timeout(Some(REFUSED))?;
    }
    for address in [a1.ipv4()?, a1.ipv6()?] {
        // A socket of IPv6 writes to both.
        let to = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        // The first fills a frame, the second three.
        for length in [1_000, 4_000] {
            let datagram = vec![0; length];
            let mut received = vec![0; 2 * length];
            let hears = |socket: &UdpSocket, port, received: &mut [u8]| {
                sender.send_to(&datagram, (to, port))?;
                anyhow::Ok(socket.recv(received).is_ok_and(|heard| heard == length))
            };
            wait_for("the datagram is heard", PATIENCE, || {
                let heard = hears(&allowed, 4444, &mut received)?;
                Ok(heard.then_some(()))
            })
            .with_context(|| format!("{length} bytes to {address}"))?;
            let leaks = hears(&refused, 4445, &mut received)?;
            ensure!(!leaks, "{length} bytes to {address} need no rule");
        }
    }
    Ok(())
}

/// A UDP packet between two machines; ports are the same both ways, so it may be an answer.
fn frame(from: &Machine, to: &Machine, mark: &str) -> anyhow::Result<Frame> {
    Frame::udp((from.mac(), from.ipv4()?), (to.mac(), to.ipv4()?), mark)
}

/// Whether a machine hears what another sends.
fn hears(from: &Machine, to: &Machine, frame: &Frame, limit: Duration) -> anyhow::Result<bool> {
    let mut ear = Ear::open(to.namespace(), CARD)?;
    send(from.namespace(), CARD, frame)?;
    ear.hears(frame, limit)
}

/// A connection that stays open, so that no timeout has it forgotten.
fn hold(from: &Machine, to: &Machine) -> anyhow::Result<(TcpStream, TcpStream)> {
    let server = (to.namespace()).enter(|| Ok(TcpListener::bind((Ipv6Addr::UNSPECIFIED, 22))?))?;
    let address = SocketAddr::new(to.ipv4()?, 22);
    let client = wait_for("ssh passes", PATIENCE, || {
        let connect = || Ok(TcpStream::connect_timeout(&address, REFUSED).ok());
        from.namespace().enter(connect)
    })?;
    let (served, _) = server.accept()?;
    Ok((served, client))
}

/// The zone of a port's connections.
fn zone(host: &Host, interface: &str) -> anyhow::Result<String> {
    let tag = host.ovs().vsctl(&format!("get Port {interface} tag"))?;
    Ok(tag.trim().to_owned())
}

/// Where `ovs-vswitchd` takes commands.
fn control_socket(directory: &Path) -> anyhow::Result<PathBuf> {
    let pid = fs::read_to_string(directory.join("ovs-vswitchd.pid"))?;
    Ok(directory.join(format!("ovs-vswitchd.{}.ctl", pid.trim())))
}

/// Waits until the connection tracker knows an address in a zone, or does not.
fn remembers(host: &Host, zone: &str, address: &str, known: bool) -> anyhow::Result<()> {
    let mut dump = String::new();
    let what = format!("{address} is known in zone {zone}: {known}");
    wait_for(&what, PATIENCE, || {
        dump = host
            .ovs()
            .appctl(&format!("dpctl/dump-conntrack zone={zone}"))?;
        Ok((dump.contains(address) == known).then_some(()))
    })
    .with_context(|| dump)
}

/// The exit code and the words of `brint why`.
fn why(host: &Host, question: &str) -> anyhow::Result<(Option<i32>, String)> {
    run(host, &format!("why {question}"))
}

fn json(host: &Host, arguments: &str) -> anyhow::Result<Value> {
    let (_, text) = run(host, arguments)?;
    serde_json::from_str(&text).with_context(|| format!("{arguments}: {text}"))
}

/// Runs brint on a host, with arguments separated by spaces; its exit code and what it says.
fn run(host: &Host, arguments: &str) -> anyhow::Result<(Option<i32>, String)> {
    let output = Command::new(brint()?)
        .envs(host.ovs().environment())
        .args(arguments.split_whitespace())
        .output()
        .with_context(|| format!("brint {arguments}"))?;
    let said = match output.status.code() {
        Some(1) => output.stderr,
        _ => output.stdout,
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((output.status.code(), said))
}
