use std::sync::Arc;

use dhcproto::{Decodable as _, Decoder};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use openflow::field::PortNo;
use pipelines::cookie::Cookie;
use pipelines::network::{HostName, VlanId};
use pipelines::site::Site;
use proptest::prelude::*;

use super::*;
use crate::northbound::file;

const DESCRIPTION: &str = "
hosts: [{name: host1, encap_ip: 192.0.2.1}]
networks:
  - name: net
    network_type: vxlan
    segmentation_id: 1
    dns_domain: example.org.
    subnets:
      - cidr: '2001:db8:a::/64'
        dns_nameservers: ['2001:db8::53', 192.0.2.53]
        ipv6_address_mode: dhcpv6-stateful
      - {cidr: '2001:db8:b::/64', ipv6_address_mode: dhcpv6-stateless}
      - {cidr: '2001:db8:c::/64', ipv6_address_mode: slaac}
ports:
  - name: vm
    network: net
    mac_address: fa:16:3e:00:00:12
    fixed_ips: FIXED
    host: host1
    extra_dhcp_opts:
      - {opt_name: bootfile-url, opt_value: 'tftp://[2001:db8::69]/boot', ip_version: 6}
      - {opt_name: '1', opt_value: 'somebody else', ip_version: 6}
";
const MAC: [u8; 6] = [0xfa, 0x16, 0x3e, 0, 0, 0x12];
const CLIENT: &[u8] = &[0, 3, 0, 1, 0xfa, 0x16, 0x3e, 0, 0, 0x12];
const STATEFUL: &str = "['2001:db8:a::12', '2001:db8:b::12']";
const STATELESS: &str = "['2001:db8:b::12', '2001:db8:c::12']";

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// Has a frame answered as if a port with some addresses had sent it.
fn ask(fixed_ips: &str, frame: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let text = DESCRIPTION.replace("FIXED", fixed_ips);
    let described = file::parse("network.yaml".as_ref(), text.as_bytes());
    let model = described.unwrap_or_else(|error| panic!("{error}")).model;
    let port = model.ports().next().unwrap();
    let (port, network) = (port.id, port.network);
    let mut site = Site::new(Arc::new(model), HostName::from("host1"));
    site.local_vlans.insert(network, VlanId::MIN);
    site.bindings.insert(port, PortNo(43));
    let client = Client::of(&site, Cookie::of(port.0).get()).unwrap();
    answer(&client, frame)
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let source = address("fe80::f816:3eff:fe00:12").octets();
    let builder = PacketBuilder::ethernet2(MAC, [0x33, 0x33, 0, 1, 0, 2])
        .ipv6(source, address("ff02::1:2").octets(), 1)
        .udp(CLIENT_PORT, SERVER_PORT);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A message of a client that says who it is, and has an association with some addresses.
fn message(kind: MessageType, addresses: &[&str], more: Vec<DhcpOption>) -> Message {
    let has = addresses.iter().map(|text| lease(address(text), LEASE));
    let association = DhcpOption::IANA(IANA {
        id: 7,
        t1: 0,
        t2: 0,
        opts: has.collect(),
    });
    let options = [DhcpOption::ClientId(CLIENT.to_owned()), association];
    let mut message = Message::new_with_id(kind, [1, 2, 3]);
    message.set_opts(options.into_iter().chain(more).collect());
    message
}

fn chosen() -> Vec<DhcpOption> {
    vec![DhcpOption::ServerId(server())]
}

/// The answer to a message.
fn converse(fixed_ips: &str, message: &Message) -> Option<Message> {
    let frame = ask(fixed_ips, &frame(&message.to_vec().unwrap())).unwrap()?;
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport)
    else {
        panic!("{frame:02x?} is no UDP over IPv6");
    };
    let to = ip.header().destination_addr();
    assert_eq!(to, address("fe80::f816:3eff:fe00:12"));
    let reply = Message::decode(&mut Decoder::new(udp.payload())).unwrap();
    assert_eq!(reply.xid(), [1, 2, 3]);
    let of_server = reply.opts().get(OptionCode::ServerId);
    assert_eq!(of_server, Some(&DhcpOption::ServerId(server())));
    Some(reply)
}

/// The addresses of the first association of an answer, each with its lifetime.
fn leases(reply: &Message) -> Vec<(Ipv6Addr, u32)> {
    let Some(DhcpOption::IANA(association)) = reply.opts().get(OptionCode::IANA) else {
        return Vec::new();
    };
    assert_eq!(association.id, 7);
    let leases = association.opts.iter().filter_map(|option| match option {
        DhcpOption::IAAddr(lease) => Some((lease.addr, lease.valid_life)),
        _ => None,
    });
    leases.collect()
}

#[test]
fn a_machine_is_given_the_stateful_address_of_its_port() {
    let own = vec![(address("2001:db8:a::12"), LEASE)];
    let solicit = message(MessageType::Solicit, &[], Vec::new());
    let advertise = converse(STATEFUL, &solicit).unwrap();
    assert_eq!(advertise.msg_type(), MessageType::Advertise);
    assert_eq!(leases(&advertise), own);
    let rapid = message(MessageType::Solicit, &[], vec![DhcpOption::RapidCommit]);
    let reply = converse(STATEFUL, &rapid).unwrap();
    assert_eq!(reply.msg_type(), MessageType::Reply);
    assert!(reply.opts().get(OptionCode::RapidCommit).is_some());
    for kind in [MessageType::Request, MessageType::Renew] {
        let reply = converse(STATEFUL, &message(kind, &["2001:db8:a::12"], chosen())).unwrap();
        assert_eq!(
            (reply.msg_type(), leases(&reply)),
            (MessageType::Reply, own.clone())
        );
    }
    let rebind = message(MessageType::Rebind, &["2001:db8:a::12"], Vec::new());
    assert_eq!(leases(&converse(STATEFUL, &rebind).unwrap()), own);
}

#[test]
fn what_a_machine_should_not_have_it_is_told_to_forget() {
    let renew = message(MessageType::Renew, &["2001:db8:a::99"], chosen());
    let expected = [
        (address("2001:db8:a::12"), LEASE),
        (address("2001:db8:a::99"), 0),
    ];
    assert_eq!(leases(&converse(STATEFUL, &renew).unwrap()), expected);
}

#[test]
fn who_makes_up_its_address_is_told_the_rest_only() {
    let solicit = message(MessageType::Solicit, &[], Vec::new());
    assert_eq!(converse(STATELESS, &solicit), None);
    let question = message(MessageType::InformationRequest, &[], Vec::new());
    let reply = converse(STATEFUL, &question).unwrap();
    assert!(reply.opts().get(OptionCode::IANA).is_none());
    let servers = DhcpOption::DomainNameServers(vec![address("2001:db8::53")]);
    let code = OptionCode::DomainNameServers;
    assert_eq!(reply.opts().get(code), Some(&servers));
    let bytes = reply.to_vec().unwrap();
    let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    assert!(has(b"\0\x18\0\x0d\x07example\x03org\0"));
    assert!(has(b"\0\x3b\0\x1atftp://[2001:db8::69]/boot"));
    assert!(!has(b"somebody else"));
    assert!(converse(STATELESS, &question).is_some());
}

#[test]
fn a_machine_that_was_elsewhere_learns_whether_its_address_is_of_the_link() {
    for (text, expected) in [
        ("2001:db8:a::99", Some(Status::Success)),
        ("2001:db8:d::99", Some(Status::NotOnLink)),
    ] {
        let confirm = message(MessageType::Confirm, &[text], Vec::new());
        let reply = converse(STATEFUL, &confirm);
        let status = reply.and_then(|reply| match reply.opts().get(OptionCode::StatusCode) {
            Some(DhcpOption::StatusCode(status)) => Some(status.status),
            _ => None,
        });
        assert_eq!(status, expected, "{text}");
    }
    let confirm = message(MessageType::Confirm, &[], Vec::new());
    assert_eq!(converse(STATEFUL, &confirm), None);
}

#[test]
fn messages_for_another_server_are_left_to_it() {
    let other = || vec![DhcpOption::ServerId(vec![0, 3, 0, 1, 9, 9, 9, 9, 9, 9])];
    for kind in [
        MessageType::Request,
        MessageType::Renew,
        MessageType::Release,
        MessageType::Decline,
        MessageType::InformationRequest,
    ] {
        assert_eq!(converse(STATEFUL, &message(kind, &[], other())), None);
    }
}

#[test]
fn what_is_wrong_gets_no_answer() {
    let refused = |payload: &[u8]| {
        let refusal = ask(STATEFUL, &frame(payload)).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal}");
    };
    for (kind, more) in [
        (MessageType::Solicit, chosen()),
        (MessageType::Advertise, Vec::new()),
        (MessageType::RelayForw, Vec::new()),
    ] {
        let mut bytes = message(MessageType::Solicit, &[], more).to_vec().unwrap();
        bytes[0] = kind.into();
        refused(&bytes);
    }
    let whole = message(MessageType::Solicit, &["2001:db8:a::12"], Vec::new());
    let whole = whole.to_vec().unwrap();
    // Between two options a message may end.
    let ends = [4 + 4 + CLIENT.len(), whole.len()];
    for length in 0..=whole.len() {
        let answered = ask(STATEFUL, &frame(&whole[..length])).is_ok();
        assert_eq!(answered, ends.contains(&length), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_message_does_harm(
        kind in 0..16_u8,
        options in proptest::collection::vec((0..30_u16, proptest::collection::vec(any::<u8>(), 0..60)), 0..6),
        rest in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut payload = vec![kind, 1, 2, 3, 0, 1, 0, 2, 9, 9];
        for (code, value) in options {
            payload.extend(code.to_be_bytes());
            payload.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            payload.extend(value);
        }
        payload.extend(rest);
        let _ = ask(STATEFUL, &frame(&payload));
    }
}
