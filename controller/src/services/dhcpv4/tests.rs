use std::sync::Arc;

use dhcproto::v4::{Flags, OptionCode, UnknownOption};
use dhcproto::{Decodable as _, Decoder};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use openflow::field::PortNo;
use pipelines::cookie::Cookie;
use pipelines::network::{HostName, Model, VlanId};
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
      - cidr: 10.0.0.0/24
        gateway_ip: 10.0.0.1
        dns_nameservers: [192.0.2.53, '2001:db8::53']
        host_routes: [{destination: 198.51.100.0/25, nexthop: 10.0.0.7}]
      - {cidr: 10.1.0.0/16}
      - {cidr: 10.2.0.0/24, enable_dhcp: false}
ports:
  - name: vm
    network: net
    mac_address: fa:16:3e:00:00:12
    fixed_ips: [10.2.0.18, 10.0.0.18, 10.1.0.18]
    port_security_enabled: false
    host: host1
    extra_dhcp_opts:
      - {opt_name: bootfile-name, opt_value: pxelinux.0}
      - {opt_name: server-ip-address, opt_value: 192.0.2.69}
      - {opt_name: '150', opt_value: 192.0.2.69}
      - {opt_name: '224', opt_value: '0a:0b'}
      - {opt_name: mtu, opt_value: '1300'}
      - {opt_name: T1, opt_value: soon}
      - {opt_name: colour, opt_value: blue}
";
const MAC: [u8; 6] = [0xfa, 0x16, 0x3e, 0, 0, 0x12];
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 18);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 18);
const NOBODYS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn site() -> Site {
    site_of(DESCRIPTION)
}

fn site_of(description: &str) -> Site {
    let described = file::parse("network.yaml".as_ref(), description.as_bytes());
    let model: Model = described.unwrap_or_else(|error| panic!("{error}")).model;
    let network = model.networks().next().unwrap().id;
    let port = model.ports().next().unwrap().id;
    let mut site = Site::new(Arc::new(model), HostName::from("host1"));
    site.local_vlans.insert(network, VlanId::MIN);
    site.bindings.insert(port, PortNo(43));
    site
}

/// Has a frame answered as if the port had sent it.
fn ask(frame: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    ask_of(&site(), frame)
}

fn ask_of(site: &Site, frame: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let port = site.model().ports().next().unwrap().id;
    let client = Client::of(site, Cookie::of(port.0).get()).unwrap();
    answer(&client, frame)
}

fn message(kind: MessageType, ciaddr: Ipv4Addr, options: &[DhcpOption]) -> Message {
    let mut message = Message::new_with_id(7, ciaddr, NONE, NONE, NONE, &MAC);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    for option in options {
        message.opts_mut().insert(option.clone());
    }
    message
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(MAC, [0xff; 6])
        .ipv4([0; 4], [0xff; 4], 64)
        .udp(CLIENT_PORT, SERVER_PORT);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// The answer to a message, and where it goes.
fn converse(message: &Message) -> Option<(Message, [u8; 6], Ipv4Addr)> {
    converse_at(&site(), message)
}

fn converse_at(site: &Site, message: &Message) -> Option<(Message, [u8; 6], Ipv4Addr)> {
    let frame = ask_of(site, &frame(&message.to_vec().unwrap())).unwrap()?;
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport)
    else {
        panic!("{frame:02x?} is no UDP over IPv4");
    };
    assert_eq!(ip.header().source_addr(), SERVER);
    assert_eq!((udp.source_port(), udp.destination_port()), (67, 68));
    let reply = Message::decode(&mut Decoder::new(udp.payload())).unwrap();
    assert_eq!((reply.xid(), reply.chaddr()), (7, MAC.as_slice()));
    let to = frame.first_chunk().copied().unwrap();
    Some((reply, to, ip.header().destination_addr()))
}

fn kind_and_address(message: &Message) -> Option<(MessageType, Ipv4Addr)> {
    let (reply, ..) = converse(message)?;
    Some((reply.opts().msg_type().unwrap(), reply.yiaddr()))
}

#[test]
fn an_offer_tells_everything_that_the_subnet_and_the_port_say() {
    let (offer, ..) = converse(&message(MessageType::Discover, NONE, &[])).unwrap();
    assert_eq!(offer.yiaddr(), FIRST);
    assert_eq!(offer.siaddr(), Ipv4Addr::new(192, 0, 2, 69));
    assert_eq!(offer.fname(), Some(b"pxelinux.0\0".as_slice()));
    let routes = vec![
        (
            "198.51.100.0/25".parse().unwrap(),
            Ipv4Addr::new(10, 0, 0, 7),
        ),
        ("169.254.169.254/32".parse().unwrap(), NONE),
        ("0.0.0.0/0".parse().unwrap(), Ipv4Addr::new(10, 0, 0, 1)),
    ];
    for expected in [
        DhcpOption::MessageType(MessageType::Offer),
        DhcpOption::ServerIdentifier(SERVER),
        DhcpOption::AddressLeaseTime(86_400),
        DhcpOption::Renewal(43_200),
        DhcpOption::Rebinding(75_600),
        DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
        DhcpOption::BroadcastAddr(Ipv4Addr::new(10, 0, 0, 255)),
        DhcpOption::Router(vec![Ipv4Addr::new(10, 0, 0, 1)]),
        DhcpOption::DomainNameServer(vec![Ipv4Addr::new(192, 0, 2, 53)]),
        DhcpOption::DomainName("example.org".to_owned()),
        DhcpOption::Hostname("host-10-0-0-18".to_owned()),
        DhcpOption::ClasslessStaticRoute(routes),
        // The port's own word counts more than the network's.
        DhcpOption::InterfaceMtu(1300),
        DhcpOption::BootfileName(b"pxelinux.0".to_vec()),
        DhcpOption::TFTPServerAddress(Ipv4Addr::new(192, 0, 2, 69)),
        DhcpOption::Unknown(UnknownOption::new(OptionCode::Unknown(224), vec![10, 11])),
    ] {
        let code = OptionCode::from(&expected);
        assert_eq!(offer.opts().get(code), Some(&expected), "{code:?}");
    }
    let Some(DhcpOption::Unknown(routes)) = offer.opts().get(OptionCode::Unknown(249)) else {
        panic!("{:?}", offer.opts());
    };
    let expected = [
        25, 198, 51, 100, 0, 10, 0, 0, 7, 32, 169, 254, 169, 254, 0, 0, 0, 0, 0,
    ];
    assert_eq!(routes.data().get(..19), Some(expected.as_slice()));
}

#[test]
fn a_router_outside_the_block_is_told_to_be_on_the_link() {
    let site = site_of(&DESCRIPTION.replace("gateway_ip: 10.0.0.1\n", "gateway_ip: 10.99.0.1\n"));
    let discover = message(MessageType::Discover, NONE, &[]);
    let (offer, ..) = converse_at(&site, &discover).unwrap();
    let gateway = Ipv4Addr::new(10, 99, 0, 1);
    let routes = vec![
        ("10.99.0.1/32".parse().unwrap(), NONE),
        (
            "198.51.100.0/25".parse().unwrap(),
            Ipv4Addr::new(10, 0, 0, 7),
        ),
        ("169.254.169.254/32".parse().unwrap(), NONE),
        ("0.0.0.0/0".parse().unwrap(), gateway),
    ];
    let routes = DhcpOption::ClasslessStaticRoute(routes);
    let told = offer.opts().get(OptionCode::ClasslessStaticRoute);
    assert_eq!(told, Some(&routes));
    let router = DhcpOption::Router(vec![gateway]);
    assert_eq!(offer.opts().get(OptionCode::Router), Some(&router));
}

#[test]
fn only_what_is_asked_for_is_told_besides_what_is_needed() {
    let wanted = DhcpOption::ParameterRequestList(vec![OptionCode::Router]);
    let (offer, ..) = converse(&message(MessageType::Discover, NONE, &[wanted])).unwrap();
    assert!(offer.opts().contains(OptionCode::Router));
    assert!(offer.opts().contains(OptionCode::SubnetMask));
    // It was set for the machine, which need not ask.
    assert!(offer.opts().contains(OptionCode::BootfileName));
    assert!(!offer.opts().contains(OptionCode::DomainNameServer));
    assert!(!offer.opts().contains(OptionCode::ClasslessStaticRoute));
}

#[test]
fn a_request_is_granted_if_the_address_is_the_ports_and_refused_if_not() {
    let server = DhcpOption::ServerIdentifier(SERVER);
    let named = |address| DhcpOption::RequestedIpAddress(address);
    let cases = [
        // Selecting, after an offer.
        (
            NONE,
            vec![server.clone(), named(FIRST)],
            (MessageType::Ack, FIRST),
        ),
        (
            NONE,
            vec![server.clone(), named(NOBODYS)],
            (MessageType::Nak, NONE),
        ),
        // After a restart.
        (NONE, vec![named(SECOND)], (MessageType::Ack, SECOND)),
        (NONE, vec![named(NOBODYS)], (MessageType::Nak, NONE)),
        // Renewing or rebinding.
        (FIRST, vec![], (MessageType::Ack, FIRST)),
        (NOBODYS, vec![], (MessageType::Nak, NONE)),
    ];
    for (ciaddr, options, expected) in cases {
        let request = message(MessageType::Request, ciaddr, &options);
        assert_eq!(kind_and_address(&request), Some(expected), "{request}");
    }
    let elsewhere = DhcpOption::ServerIdentifier(NOBODYS);
    let request = message(MessageType::Request, NONE, &[elsewhere, named(FIRST)]);
    assert_eq!(kind_and_address(&request), None);
}

#[test]
fn who_wishes_for_another_address_of_the_port_is_offered_it() {
    for (wished, offered) in [(SECOND, SECOND), (NOBODYS, FIRST)] {
        let wish = DhcpOption::RequestedIpAddress(wished);
        let discover = message(MessageType::Discover, NONE, &[wish]);
        assert_eq!(
            kind_and_address(&discover),
            Some((MessageType::Offer, offered))
        );
    }
}

#[test]
fn who_has_an_address_is_told_the_rest_without_a_lease() {
    let (ack, _, to) = converse(&message(MessageType::Inform, SECOND, &[])).unwrap();
    assert_eq!((ack.yiaddr(), to), (NONE, SECOND));
    assert!(!ack.opts().contains(OptionCode::AddressLeaseTime));
    let mask = DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 0, 0));
    assert_eq!(ack.opts().get(OptionCode::SubnetMask), Some(&mask));
}

#[test]
fn a_release_and_a_decline_change_nothing() {
    for kind in [MessageType::Release, MessageType::Decline] {
        assert_eq!(kind_and_address(&message(kind, FIRST, &[])), None);
    }
}

#[test]
fn answers_go_where_their_receiver_can_take_them() {
    let mut discover = message(MessageType::Discover, NONE, &[]);
    let (_, mac, to) = converse(&discover).unwrap();
    assert_eq!((mac, to), (MAC, FIRST));
    discover.set_flags(Flags::default().set_broadcast());
    let (offer, mac, to) = converse(&discover).unwrap();
    assert_eq!((mac, to), ([0xff; 6], Ipv4Addr::BROADCAST));
    assert!(offer.flags().broadcast());
    // What it has is not its own, so nothing arrives there.
    let (_, mac, to) = converse(&message(MessageType::Request, NOBODYS, &[])).unwrap();
    assert_eq!((mac, to), ([0xff; 6], Ipv4Addr::BROADCAST));
}

#[test]
fn what_is_wrong_gets_no_answer() {
    let discover = message(MessageType::Discover, NONE, &[]);
    let refusal = |message: &Message| ask(&frame(&message.to_vec().unwrap())).unwrap_err();
    let mut relayed = discover.clone();
    relayed.set_giaddr(NOBODYS);
    assert_eq!(refusal(&relayed), Refusal::Relayed(NOBODYS));
    let mut foreign = discover.clone();
    foreign.set_chaddr(&[2, 0, 0, 0, 0, 1]);
    let expected = Refusal::Foreign("02:00:00:00:00:01".to_owned());
    assert_eq!(refusal(&foreign), expected);
    let mut reply = discover.clone();
    reply.set_opcode(Opcode::BootReply);
    let offer = message(MessageType::Offer, NONE, &[]);
    let nothing = message(MessageType::Request, NONE, &[]);
    for wrong in [reply, offer, nothing] {
        let refused = refusal(&wrong);
        assert!(matches!(refused, Refusal::Malformed(_)), "{refused}");
    }
    let whole = discover.to_vec().unwrap();
    for (at, byte) in [(2, 255), (236, 0), (241, 200)] {
        let mut broken = whole.clone();
        if let Some(place) = broken.get_mut(at) {
            *place = byte;
        }
        let refused = ask(&frame(&broken)).unwrap_err();
        assert!(matches!(refused, Refusal::Malformed(_)), "{at}: {refused}");
    }
    for length in 0..whole.len() {
        let refused = whole.get(..length).map(|part| ask(&frame(part)));
        // The mark at the end is all that may be missing.
        let complete = length + 1 == whole.len();
        assert_eq!(refused.unwrap().is_ok(), complete, "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_frame_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = ask(&bytes);
    }

    #[test]
    fn no_message_does_harm(
        header in proptest::collection::vec(any::<u8>(), 200),
        options in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        // Right up to the point where a parser trusts its sender.
        let mut payload = vec![1, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0, 0];
        payload.extend([0; 16]);
        payload.extend(MAC);
        payload.extend(&header);
        payload.resize(236, 0);
        payload.extend([99, 130, 83, 99]);
        payload.extend([53, 1, 1]);
        payload.extend(options);
        let _ = ask(&frame(&payload));
    }
}

#[test]
fn an_answer_fits_the_network_whatever_there_is_to_tell() {
    let routes: Vec<_> = (0..200)
        .map(|number| format!("{{destination: 172.16.{number}.0/24, nexthop: 10.0.0.7}}"))
        .collect();
    let many = format!("host_routes: [{}]", routes.join(", "));
    let one = "host_routes: [{destination: 198.51.100.0/25, nexthop: 10.0.0.7}]";
    let site = site_of(&DESCRIPTION.replace(one, &many));
    let discover = message(MessageType::Discover, NONE, &[]);
    let answer = ask_of(&site, &frame(&discover.to_vec().unwrap()));
    let answer = answer.unwrap().unwrap();
    assert!(answer.len() <= 14 + 1450, "{} bytes", answer.len());
    let (offer, ..) = converse_at(&site, &discover).unwrap();
    assert_eq!(offer.yiaddr(), FIRST);
    assert!(offer.opts().get(OptionCode::Router).is_some());
    assert!(offer.opts().get(OptionCode::ClasslessStaticRoute).is_none());
}
