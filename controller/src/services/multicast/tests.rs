use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::field::PortNo;
use pipelines::cookie::Cookie;
use pipelines::network::{HostName, VlanId};
use pipelines::site::Site;

use super::*;
use crate::northbound::file;

const DESCRIPTION: &str = "
hosts: [{name: host1, encap_ip: 192.0.2.1}]
networks: [{name: net, network_type: vxlan, segmentation_id: 1, igmp_snooping: true}]
ports:
  - {name: vm, network: net, mac_address: fa:16:3e:00:00:12, host: host1}
  - {name: other, network: net, mac_address: fa:16:3e:00:00:13, host: host1}
";

fn site(description: &str) -> Site {
    let described = file::parse("network.yaml".as_ref(), description.as_bytes());
    let model = described.unwrap_or_else(|error| panic!("{error}")).model;
    let ports: Vec<_> = model.ports().map(|port| (port.id, port.network)).collect();
    let mut site = Site::new(Arc::new(model), HostName::from("host1"));
    for ((port, network), number) in ports.into_iter().zip(43..) {
        site.local_vlans.insert(network, VlanId::MIN);
        site.bindings.insert(port, PortNo(number));
    }
    site
}

fn client<'a>(site: &'a Site, name: &str) -> Client<'a> {
    let port = site.model().ports().find(|port| port.name == name);
    Client::of(site, Cookie::of(port.unwrap().id.0).get()).unwrap()
}

/// An IGMP message in a frame.
fn igmp(source: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&message);
    message[2..4].copy_from_slice(&sum.ones_complement().to_ne_bytes());
    let builder = etherparse::PacketBuilder::ethernet2([2; 6], [1, 0, 0x5e, 0, 0, 22]).ipv4(
        source.octets(),
        [224, 0, 0, 22],
        1,
    );
    let mut frame = Vec::new();
    let protocol = etherparse::IpNumber::IGMP;
    builder.write(&mut frame, protocol, &message).unwrap();
    frame
}

const VM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);

/// An IGMPv3 report with some records.
fn report(records: &[(u8, u16, [u8; 4])]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap().to_be_bytes();
    let mut message = [&[0x22, 0, 0, 0, 0, 0][..], &count].concat();
    for (kind, sources, group) in records {
        message.extend([*kind, 0]);
        message.extend(sources.to_be_bytes());
        message.extend(group);
        message.extend(vec![9; usize::from(*sources) * 4]);
    }
    igmp(VM, &message)
}

/// What a frame says: each group, and whether it is joined.
fn heard(frame: &[u8]) -> Vec<(String, bool)> {
    match Heard::read(frame).unwrap() {
        Heard::Reports(reports) => reports
            .into_iter()
            .map(|report| (report.group.to_string(), report.listens))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_versions_of_igmp_are_understood() {
    let group = [239, 1, 2, 3];
    let joined = vec![("239.1.2.3".to_owned(), true)];
    let left = vec![("239.1.2.3".to_owned(), false)];
    let plain = |kind: u8| igmp(VM, &[&[kind, 0, 0, 0][..], &group].concat());
    assert_eq!(heard(&plain(0x12)), joined);
    assert_eq!(heard(&plain(0x16)), joined);
    assert_eq!(heard(&plain(0x17)), left);
    // Of any sources, of some, of none; some more, and some less.
    for (kind, sources, expected) in [
        (2, 0, Some(true)),
        (4, 1, Some(true)),
        (1, 2, Some(true)),
        (3, 2, Some(true)),
        (1, 0, Some(false)),
        (3, 0, Some(false)),
        (5, 1, Some(true)),
        (5, 0, None),
        (6, 1, None),
    ] {
        let found = heard(&report(&[(kind, sources, group)]));
        let expected: Vec<_> = expected.into_iter().collect();
        let found: Vec<_> = found.into_iter().map(|(_, listens)| listens).collect();
        assert_eq!(found, expected, "{kind} with {sources} sources");
    }
    let several = report(&[
        (4, 0, group),
        (3, 1, [224, 0, 0, 251]),
        (3, 0, [239, 9, 9, 9]),
    ]);
    let expected = [
        ("239.1.2.3".to_owned(), true),
        ("239.9.9.9".to_owned(), false),
    ];
    assert_eq!(heard(&several), expected);
}

#[test]
fn routers_are_told_from_switches() {
    let query = |source| Heard::read(&igmp(source, &[0x11, 100, 0, 0, 0, 0, 0, 0])).unwrap();
    assert_eq!(query(VM), Heard::Router);
    assert_eq!(query(Ipv4Addr::UNSPECIFIED), Heard::Nothing);
    let pim =
        |message: &[u8]| {
            let builder = etherparse::PacketBuilder::ethernet2([2; 6], [1, 0, 0x5e, 0, 0, 13])
                .ipv4(VM.octets(), [224, 0, 0, 13], 1);
            let mut frame = Vec::new();
            let pim = etherparse::IpNumber(103);
            builder.write(&mut frame, pim, message).unwrap();
            Heard::read(&frame).unwrap()
        };
    assert_eq!(pim(&[0x20, 0, 0, 0]), Heard::Router);
    assert_eq!(pim(&[0x23, 0, 0, 0]), Heard::Nothing);
}

#[test]
fn what_is_not_whole_is_refused() {
    let whole = report(&[(4, 2, [239, 1, 2, 3]), (4, 0, [239, 1, 2, 4])]);
    for length in 0..whole.len() {
        let Some(cut) = whole.get(..length) else {
            panic!("{length}");
        };
        assert!(Heard::read(cut).is_err(), "{length} bytes");
    }
    let mut wrong = whole;
    *wrong.last_mut().unwrap() ^= 1;
    assert!(Heard::read(&wrong).is_err());
    // A record that claims more sources than there are.
    let mut message = [0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0xff, 0xff, 239, 1, 2, 3].to_vec();
    message.extend([0; 8]);
    assert!(Heard::read(&igmp(VM, &message)).is_err());
}

/// The header of IPv6 with a router alert, and an MLD message with its checksum.
fn mld(hop_limit: u8, message: &[u8]) -> Vec<u8> {
    let about = query::about("ff05::1234".parse().unwrap(), Duration::from_secs(1));
    let mut frame = about.get(..62).unwrap().to_vec();
    let length = u16::try_from(message.len() + 8).unwrap().to_be_bytes();
    frame[18..20].copy_from_slice(&length);
    frame[21] = hop_limit;
    let mut message = message.to_vec();
    let pseudo_header = [
        frame.get(22..54).unwrap(),
        &[0, 0],
        &u16::try_from(message.len()).unwrap().to_be_bytes(),
        &[0, 0, 0, 58],
    ];
    let sum = etherparse::checksum::Sum16BitWords::new();
    let sum = sum.add_slice(&pseudo_header.concat()).add_slice(&message);
    message[2..4].copy_from_slice(&sum.ones_complement().to_ne_bytes());
    [frame, message].concat()
}

#[test]
fn both_versions_of_mld_are_understood() {
    let group: std::net::Ipv6Addr = "ff05::1234".parse().unwrap();
    let group = group.octets();
    let plain = |kind: u8| [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &group].concat();
    let joined = vec![("ff05::1234".to_owned(), true)];
    let left = vec![("ff05::1234".to_owned(), false)];
    assert_eq!(heard(&mld(1, &plain(131))), joined);
    assert_eq!(heard(&mld(1, &plain(132))), left);
    let records = |kind: u8| [&[143, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, 0][..], &group].concat();
    assert_eq!(heard(&mld(1, &records(4))), joined);
    assert_eq!(heard(&mld(1, &records(3))), left);
    assert_eq!(Heard::read(&mld(1, &plain(130))), Ok(Heard::Router));
    // It could be from anywhere.
    assert!(Heard::read(&mld(2, &plain(131))).is_err());
}

#[test]
fn queries_are_well_formed() {
    let [igmp, mld] = query::general(Duration::from_secs(10));
    // As from a switch, IGMPv3 makes no router; MLD has no such source.
    assert_eq!(Heard::read(&igmp), Ok(Heard::Nothing));
    assert_eq!(Heard::read(&mld), Ok(Heard::Router));
    assert_eq!(igmp.get(..6), Some(&[1, 0, 0x5e, 0, 0, 1][..]));
    assert_eq!(mld.get(..6), Some(&[0x33, 0x33, 0, 0, 0, 1][..]));
    // 10 seconds, about no group, asked twice every 125 seconds.
    assert_eq!(igmp.get(39..40), Some(&[100][..]));
    assert_eq!(igmp.get(42..), Some(&[0, 0, 0, 0, 2, 125, 0, 0][..]));
    assert_eq!(mld.get(66..68), Some(&10_000_u16.to_be_bytes()[..]));
    let about = query::about([239, 129, 2, 3].into(), LAST_MEMBER);
    assert_eq!(about.get(..6), Some(&[1, 0, 0x5e, 1, 2, 3][..]));
    assert_eq!(about.get(39..40), Some(&[10][..]));
    assert_eq!(about.get(42..46), Some(&[239, 129, 2, 3][..]));
}

#[test]
fn a_port_that_leaves_is_asked_and_keeps_the_group_meanwhile() {
    let site = site(DESCRIPTION);
    let vm = client(&site, "vm");
    let mut snooping = Snooping::default();
    let now = Instant::now();
    let group = [239, 1, 2, 3];
    let join = report(&[(4, 0, group)]);
    let leave = report(&[(3, 0, group)]);
    let done = snooping.take(&vm, &join, now).unwrap();
    assert_eq!(done.notes, [vm.listens_to(group.into(), 260)]);
    assert!(done.questions.is_empty());
    let done = snooping.take(&vm, &leave, now).unwrap();
    assert_eq!(done.notes, [vm.listens_to(group.into(), 3)]);
    let times: Vec<_> = done.questions.iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [Duration::ZERO, LAST_MEMBER]);
    // It is asked already.
    let done = snooping.take(&vm, &leave, now).unwrap();
    assert!(done.notes.is_empty() && done.questions.is_empty());
    // Somebody else behind it answers.
    let done = snooping.take(&vm, &join, now).unwrap();
    assert_eq!(done.notes, [vm.listens_to(group.into(), 260)]);
}

#[test]
fn a_port_has_its_limits_and_takes_nothing_from_others() {
    let site = site(DESCRIPTION);
    let [vm, other] = ["vm", "other"].map(|name| client(&site, name));
    let mut snooping = Snooping::default();
    let mut now = Instant::now();
    let mut noted = 0;
    let join = |snooping: &mut Snooping, client: &Client<'_>, now, from: u8| {
        let records: Vec<_> = (0..100).map(|last| (4, 0, [239, 1, from, last])).collect();
        let done = snooping.take(client, &report(&records), now).unwrap();
        done.notes.len()
    };
    for from in 0..20 {
        noted += join(&mut snooping, &vm, now, from);
    }
    assert_eq!(noted, GROUPS);
    assert_eq!(join(&mut snooping, &other, now, 0), 100);
    // No room for more groups; those that it has are noted again, slowly.
    now += Duration::from_secs(1);
    assert_eq!(join(&mut snooping, &vm, now, 15), 0);
    assert_eq!(join(&mut snooping, &vm, now, 0), 100);
    assert_eq!(join(&mut snooping, &vm, now, 0), 0);
    // What the switch has forgotten makes room.
    now += Duration::from_secs(261);
    assert_eq!(join(&mut snooping, &vm, now, 15), 100);
}

#[test]
fn a_network_without_snooping_notes_nothing() {
    let site = site(&DESCRIPTION.replace("igmp_snooping: true", "igmp_snooping: false"));
    let vm = client(&site, "vm");
    let join = report(&[(4, 0, [239, 1, 2, 3])]);
    let taken = Snooping::default().take(&vm, &join, Instant::now());
    assert_eq!(taken.err(), Some(Refusal::Gone));
}
