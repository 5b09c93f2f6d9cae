//! In networks with snooping, multicast reaches the machines that joined its group, and no others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etherparse::checksum::Sum16BitWords;
use labs::probe::{Ear, Frame, Mouth};
use labs::{Host, Lab, MacAddr, Machine, PATIENCE, wait_for};
use tests::brint;

const NETWORK: &str = r#"
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
  - {name: host2, encap_ip: 192.0.2.2}
networks:
  - name: private
    network_type: vxlan
    segmentation_id: 1001
    igmp_snooping: true
    subnets: [{cidr: 10.0.0.0/24}, {cidr: "2001:db8:a::/64"}]
security_groups:
  - name: default
    rules:
      - {direction: egress, ethertype: IPv4}
      - {direction: egress, ethertype: IPv6}
      - {direction: ingress, ethertype: IPv4, protocol: udp}
      - {direction: ingress, ethertype: IPv6, protocol: udp}
ports:
  - {id: 11110000-bcad-4032-8ad1-f0950600b7b1, name: sender, network: private, mac_address: "fa:16:3e:00:00:11", fixed_ips: [10.0.0.11, "2001:db8:a::11"], host: host1}
  - {id: 11120000-bcad-4032-8ad1-f0950600b7b2, name: near, network: private, mac_address: "fa:16:3e:00:00:12", fixed_ips: [10.0.0.12, "2001:db8:a::12"], host: host1}
  - {id: 11130000-bcad-4032-8ad1-f0950600b7b3, name: idle, network: private, mac_address: "fa:16:3e:00:00:13", fixed_ips: [10.0.0.13, "2001:db8:a::13"], host: host1}
  - {id: 11140000-bcad-4032-8ad1-f0950600b7b4, name: far, network: private, mac_address: "fa:16:3e:00:00:14", fixed_ips: [10.0.0.14, "2001:db8:a::14"], host: host2}
  - {id: 11150000-bcad-4032-8ad1-f0950600b7b5, name: idle2, network: private, mac_address: "fa:16:3e:00:00:15", fixed_ips: [10.0.0.15, "2001:db8:a::15"], host: host2}
"#;

/// The network card of a machine.
const CARD: &str = "eth0";
/// How long a frame may take that comes before one that has arrived.
const SOON: Duration = Duration::from_millis(300);
/// How long a frame may take that arrives.
const ARRIVES: Duration = Duration::from_secs(2);

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0x1234);

fn start(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    Ok(lab)
}

/// A socket of a machine that listens to a group.
fn join(machine: &Machine, group: IpAddr) -> anyhow::Result<UdpSocket> {
    let IpAddr::V4(own) = machine.ipv4()? else {
        unreachable!("it is of IPv4");
    };
    machine.namespace().enter(|| {
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
        match group {
            IpAddr::V6(group) => socket.join_multicast_v6(&group, 0)?,
            IpAddr::V4(group) => {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
                socket.join_multicast_v4(&group, &own)?;
                return Ok(socket);
            }
        }
        Ok(socket)
    })
}

/// Has the kernel of a machine speak an older version of a protocol.
fn force(machine: &Machine, setting: &str, version: u8) -> anyhow::Result<()> {
    let setting = format!("net.{setting}={version}");
    let output = (machine.namespace().command("sysctl"))
        .args(["-w", &setting])
        .output()?;
    ensure!(output.status.success(), "{setting}: {output:?}");
    Ok(())
}

/// The sender, and what all machines hear.
struct Stream<'a> {
    lab: &'a Lab,
    mouth: Mouth,
    count: u32,
}

impl<'a> Stream<'a> {
    fn new(lab: &'a Lab) -> anyhow::Result<Self> {
        let sender = lab.machine("sender")?;
        Ok(Self {
            lab,
            mouth: Mouth::open(sender.namespace(), CARD)?,
            count: 0,
        })
    }

    /// A frame to a group, or to everyone.
    fn frame(&mut self, group: Option<IpAddr>) -> anyhow::Result<Frame> {
        self.count += 1;
        let mark = format!("frame {} of the stream", self.count);
        let sender = self.lab.machine("sender")?;
        let (to, from) = match group {
            None => ((MacAddr([0xff; 6]), [10, 0, 0, 255].into()), sender.ipv4()?),
            Some(group) => (
                (ethernet(group), group),
                match group {
                    IpAddr::V4(_) => sender.ipv4()?,
                    IpAddr::V6(_) => sender.ipv6()?,
                },
            ),
        };
        Frame::udp((sender.mac(), from), to, &mark)
    }

    /// Who hears what is sent to a group now, of all machines but the sender; `None` while not all of
    /// them hear broadcasts.
    fn heard_by(&mut self, group: IpAddr) -> anyhow::Result<Option<Vec<&'static str>>> {
        let names = ["near", "idle", "far", "idle2"];
        let mut ears = Vec::new();
        for name in names {
            let machine = self.lab.machine(name)?;
            ears.push((name, Ear::open(machine.namespace(), CARD)?));
        }
        let frame = self.frame(Some(group))?;
        self.mouth.send(&frame)?;
        // What everyone hears is behind it on every way.
        let last = self.frame(None)?;
        self.mouth.send(&last)?;
        let mut heard = Vec::new();
        for (name, ear) in &mut ears {
            if !ear.hears(&last, ARRIVES)? {
                return Ok(None);
            }
            if ear.hears(&frame, SOON)? {
                heard.push(*name);
            }
        }
        Ok(Some(heard))
    }

    /// Waits until these hear what is sent to a group, and no others.
    fn reaches(&mut self, group: IpAddr, expected: &[&str]) -> anyhow::Result<()> {
        let mut heard = None;
        wait_for(&format!("{group} reaches {expected:?}"), PATIENCE, || {
            heard = self.heard_by(group)?;
            Ok((heard.as_deref() == Some(expected)).then_some(()))
        })
        .with_context(|| format!("{heard:?}"))
    }
}

/// Where frames to a group go (RFC 1112, section 6.4; RFC 2464, section 7).
fn ethernet(group: IpAddr) -> MacAddr {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            MacAddr([0x33, 0x33, a, b, c, d])
        }
    }
}

/// What a host has noted of listeners.
fn notes(host: &Host) -> anyhow::Result<Vec<String>> {
    let flows = host.ovs().ofctl("dump-flows br-int table=88")?;
    let notes = flows.lines().filter(|flow| flow.contains("reg5="));
    Ok(notes.map(str::to_owned).collect())
}

#[test]
fn multicast_reaches_machines_that_joined_on_this_host_and_on_others() -> anyhow::Result<()> {
    let lab = start("t-multicast")?;
    let mut stream = Stream::new(&lab)?;
    for (group, versions) in [
        (IpAddr::V4(GROUP), "ipv4.conf.eth0.force_igmp_version"),
        (IpAddr::V6(GROUP_V6), "ipv6.conf.eth0.force_mld_version"),
    ] {
        let (near, far) = (lab.machine("near")?, lab.machine("far")?);
        // IGMPv3 or MLDv2 on one, IGMPv2 or MLDv1 on the other.
        force(far, versions, if group.is_ipv4() { 2 } else { 1 })?;
        stream.reaches(group, &[])?;
        let of_near = join(near, group)?;
        stream.reaches(group, &["near"])?;
        let of_far = join(far, group)?;
        stream.reaches(group, &["near", "far"])?;
        let noted = notes(lab.host("host2")?)?;
        let lasting = noted
            .iter()
            .filter(|note| note.contains("hard_timeout=260"));
        ensure!(lasting.count() >= 1, "{noted:#?}");
        // Who leaves is asked, and hears nothing more; others do.
        drop(of_near);
        stream.reaches(group, &["far"])?;
        drop(of_far);
        stream.reaches(group, &[])?;
    }
    // What a link needs reaches all.
    let all = ["near", "idle", "far", "idle2"];
    stream.reaches([224, 0, 0, 251].into(), &all)?;
    stream.reaches("ff02::fb".parse()?, &all)
}

#[test]
fn another_listener_behind_a_port_keeps_its_group() -> anyhow::Result<()> {
    let lab = start("t-multicast-two")?;
    let mut stream = Stream::new(&lab)?;
    let near = lab.machine("near")?;
    let group = IpAddr::V4(GROUP);
    let first = join(near, group)?;
    stream.reaches(group, &["near"])?;
    // The kernel still listens, and answers the question that the forged leave causes.
    let from = Ipv4Addr::new(10, 0, 0, 12);
    let leave = igmp(near.mac(), from, [224, 0, 0, 2].into(), [0x17, 0], GROUP);
    let mut ear = Ear::open(near.namespace(), CARD)?;
    Mouth::open(near.namespace(), CARD)?.send(&leave)?;
    let asked = Frame::of(Vec::new(), &[0x11, 10]);
    ensure!(ear.hears(&asked, PATIENCE)?, "it is not asked");
    wait_for("it has answered", PATIENCE, || {
        let notes = notes(lab.host("host1")?)?;
        let lasting = notes.iter().any(|note| note.contains("hard_timeout=260"));
        Ok(lasting.then_some(()))
    })?;
    stream.reaches(group, &["near"])?;
    drop(first);
    stream.reaches(group, &[])
}

#[test]
fn listeners_are_known_again_after_restarts() -> anyhow::Result<()> {
    let mut lab = start("t-multicast-again")?;
    let group = IpAddr::V4(GROUP);
    let _near = join(lab.machine("near")?, group)?;
    Stream::new(&lab)?.reaches(group, &["near"])?;
    // Notes are the switch's, and need no agent.
    lab.host_mut("host1")?.kill_agent()?;
    let heard = Stream::new(&lab)?.heard_by(group)?;
    ensure!(
        heard.as_deref() == Some(&["near"][..]),
        "without an agent: {heard:?}"
    );
    lab.start_agent("host1")?;
    lab.wait_for_bridges()?;
    Stream::new(&lab)?.reaches(group, &["near"])?;
    // A switch that starts anew has none; machines are asked.
    lab.host_mut("host1")?.kill_switch()?;
    ensure!(notes(lab.host("host2")?)?.is_empty(), "host2 has listeners");
    lab.host_mut("host1")?.start_switch()?;
    lab.wait_for_bridges()?;
    Stream::new(&lab)?.reaches(group, &["near"])
}

#[test]
fn a_multicast_router_hears_all_groups_and_reports() -> anyhow::Result<()> {
    let lab = start("t-multicast-router")?;
    let mut stream = Stream::new(&lab)?;
    let idle = lab.machine("idle")?;
    let group = IpAddr::V4(GROUP);
    stream.reaches(group, &[])?;
    let from = Ipv4Addr::new(10, 0, 0, 13);
    let all = Ipv4Addr::new(224, 0, 0, 1);
    let query = igmp(idle.mac(), from, all, [0x11, 100], Ipv4Addr::UNSPECIFIED);
    Mouth::open(idle.namespace(), CARD)?.send(&query)?;
    stream.reaches(group, &["idle"])?;
    // A report of another host comes to it, and to no listener.
    let mut ears = ["idle", "near"].map(|name| {
        let machine = lab.machine(name)?;
        Ear::open(machine.namespace(), CARD)
    });
    let [routing, other] = &mut ears;
    let (routing, other) = (
        routing
            .as_mut()
            .map_err(|error| anyhow::anyhow!("{error}"))?,
        other.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?,
    );
    let far = lab.machine("far")?;
    let from = Ipv4Addr::new(10, 0, 0, 14);
    let report = igmp(
        far.mac(),
        from,
        [224, 0, 0, 22].into(),
        [0x22, 0],
        [239, 9, 9, 9].into(),
    );
    Mouth::open(far.namespace(), CARD)?.send(&report)?;
    ensure!(
        routing.hears(&report, PATIENCE)?,
        "the router hears no report"
    );
    ensure!(
        !other.hears(&report, SOON)?,
        "another machine hears a report"
    );
    Ok(())
}

/// An IGMP message of eight bytes in a frame; the mark is the message.
fn igmp(
    mac: MacAddr,
    from: Ipv4Addr,
    to: Ipv4Addr,
    [kind, code]: [u8; 2],
    group: Ipv4Addr,
) -> Frame {
    let [a, b, c, d] = group.octets();
    let mut message = [kind, code, 0, 0, a, b, c, d];
    let sum = Sum16BitWords::new().add_slice(&message).ones_complement();
    message[2..4].copy_from_slice(&sum.to_ne_bytes());
    let mut header = [0x46, 0xc0, 0, 32, 0, 0, 0, 0, 1, 2, 0, 0].to_vec();
    header.extend(from.octets());
    header.extend(to.octets());
    header.extend([0x94, 4, 0, 0]);
    let sum = Sum16BitWords::new().add_slice(&header).ones_complement();
    header.splice(10..12, sum.to_ne_bytes());
    let to = ethernet(to.into()).0;
    let bytes = [&to[..], &mac.0, &[8, 0], &header, &message].concat();
    Frame::of(bytes, &message)
}
