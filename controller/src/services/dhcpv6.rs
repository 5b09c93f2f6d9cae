//! DHCP for IPv6 (RFC 8415), from the model.
//!
//! As for IPv4 there are no leases to keep: a port's addresses are decided before its machine asks.
//! In subnets that are `dhcpv6-stateful` it is given them, in others it is told the rest only.
//!
//! The server speaks from a link-local address, and its identifier follows from the MAC that all
//! hosts have for it, so that a machine that moves finds the same server.

use std::net::{IpAddr, Ipv6Addr};

use dhcproto::Encodable as _;
use dhcproto::v6::{
    DhcpOption, DhcpOptions, IAAddr, IANA, Message, MessageType, OptionCode, Status, StatusCode,
    UnknownOption,
};
use etherparse::PacketBuilder;
use ipnet::IpNet;
use pipelines::network::{Ipv6Mode, MacAddr, Subnet};
use pipelines::service::{Client, SERVER_MAC};

use super::Refusal;
use request::{Association, Request};

mod extra;
mod request;

#[cfg(test)]
mod tests;

/// The ports of clients and servers.
const CLIENT_PORT: u16 = 546;
const SERVER_PORT: u16 = 547;
/// Where answers come from.
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe);
const HOP_LIMIT: u8 = 64;
/// For how many seconds an address may be used, and is told again: Neutron's default.
const LEASE: u32 = 86_400;

/// The answer to a frame of a client; `None` if there is nothing to say.
pub(super) fn answer(client: &Client<'_>, frame: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let request = Request::read(frame)?;
    let server = server();
    let is_here = request.server.as_ref().map(|chosen| *chosen == server);
    let given = addresses(client);
    let (kind, mut options) = match request.kind {
        // A server is chosen later, or not at all.
        MessageType::Solicit | MessageType::Confirm | MessageType::Rebind if is_here.is_some() => {
            return Err(Refusal::Malformed(
                "a server where none is chosen".to_owned(),
            ));
        }
        MessageType::Solicit if given.is_empty() => return Ok(None),
        MessageType::Solicit => {
            let kind = match request.rapid_commit {
                true => MessageType::Reply,
                false => MessageType::Advertise,
            };
            let rapid = request.rapid_commit.then_some(DhcpOption::RapidCommit);
            let associations = associations(&request, &given);
            (kind, rapid.into_iter().chain(associations).collect())
        }
        MessageType::Rebind => (MessageType::Reply, associations(&request, &given)),
        MessageType::Request | MessageType::Renew if is_here == Some(true) => {
            (MessageType::Reply, associations(&request, &given))
        }
        MessageType::Release | MessageType::Decline if is_here == Some(true) => {
            (MessageType::Reply, vec![status(Status::Success)])
        }
        MessageType::Confirm => match confirm(client, &request) {
            Some(confirmed) => (MessageType::Reply, vec![status(confirmed)]),
            None => return Ok(None),
        },
        MessageType::InformationRequest if is_here != Some(false) => {
            (MessageType::Reply, Vec::new())
        }
        MessageType::Request
        | MessageType::Renew
        | MessageType::Release
        | MessageType::Decline
        | MessageType::InformationRequest => return Ok(None),
        other => return Err(Refusal::Malformed(format!("{other:?} from a client"))),
    };
    options.extend(request.client.clone().map(DhcpOption::ClientId));
    options.push(DhcpOption::ServerId(server));
    options.extend(parameters(client));
    let mut reply = Message::new_with_id(kind, request.xid);
    reply.set_opts(options.into_iter().collect::<DhcpOptions>());
    build(client, &reply, request.source).map(Some)
}

/// The identifier of the server: one that is made of its MAC (RFC 8415, section 11.4).
fn server() -> Vec<u8> {
    let MacAddr(mac) = SERVER_MAC;
    [0, 3, 0, 1].into_iter().chain(mac).collect()
}

/// The subnets that DHCP answers a port in.
fn subnets<'a>(client: &Client<'a>) -> impl Iterator<Item = &'a Subnet> {
    let port = client.port();
    let subnets = client.network().subnets.iter();
    subnets.filter(|subnet| {
        let mut ips = port.fixed_ips.iter();
        let is_ipv6 = subnet.cidr().network().is_ipv6();
        is_ipv6 && subnet.has_dhcp() && ips.any(|ip| subnet.cidr().contains(ip))
    })
}

/// The addresses that a port is given.
fn addresses(client: &Client<'_>) -> Vec<Ipv6Addr> {
    let stateful = |subnet: &&Subnet| subnet.ipv6_address_mode == Some(Ipv6Mode::DhcpStateful);
    let blocks: Vec<IpNet> = subnets(client).filter(stateful).map(Subnet::cidr).collect();
    let ips = client.port().fixed_ips.iter();
    let given = ips.filter_map(|ip| match ip {
        IpAddr::V6(address) if blocks.iter().any(|block| block.contains(ip)) => Some(*address),
        _ => None,
    });
    given.collect()
}

/// What a client is given for each association that it names: all of it for the first.
///
/// What it has and should not have, it is told to forget (RFC 8415, section 18.3.4).
fn associations(request: &Request, given: &[Ipv6Addr]) -> Vec<DhcpOption> {
    let all = request.associations.iter().enumerate();
    let each = |(place, Association { id, addresses }): (usize, &Association)| {
        let own = if place == 0 { given } else { &[] };
        let gone = addresses.iter().filter(|address| !own.contains(address));
        let gone = gone
            .filter(|_| request.kind != MessageType::Solicit)
            .map(|address| lease(*address, 0));
        let mut opts: Vec<_> = own.iter().map(|address| lease(*address, LEASE)).collect();
        opts.extend(gone);
        if opts.is_empty() {
            opts.push(status(Status::NoAddrsAvail));
        }
        DhcpOption::IANA(IANA {
            id: *id,
            t1: LEASE / 2,
            t2: LEASE / 8 * 7,
            opts: opts.into_iter().collect(),
        })
    };
    all.map(each).collect()
}

fn lease(addr: Ipv6Addr, seconds: u32) -> DhcpOption {
    DhcpOption::IAAddr(IAAddr {
        addr,
        preferred_life: seconds,
        valid_life: seconds,
        opts: DhcpOptions::default(),
    })
}

fn status(status: Status) -> DhcpOption {
    let msg = String::new();
    DhcpOption::StatusCode(StatusCode { status, msg })
}

/// Whether the addresses of a client are of its link; `None` if it names none.
fn confirm(client: &Client<'_>, request: &Request) -> Option<Status> {
    let blocks: Vec<IpNet> = subnets(client).map(Subnet::cidr).collect();
    let addresses = request.associations.iter();
    let mut addresses = addresses
        .flat_map(|association| &association.addresses)
        .peekable();
    addresses.peek()?;
    let on_link = |address: &Ipv6Addr| {
        let address = IpAddr::V6(*address);
        blocks.iter().any(|block| block.contains(&address))
    };
    Some(match addresses.all(on_link) {
        true => Status::Success,
        false => Status::NotOnLink,
    })
}

/// Everything that a client is told besides its addresses.
fn parameters(client: &Client<'_>) -> Vec<DhcpOption> {
    let servers = subnets(client).flat_map(|subnet| &subnet.dns_nameservers);
    let servers = servers.filter_map(|server| match server {
        IpAddr::V4(_) => None,
        IpAddr::V6(server) => Some(*server),
    });
    let servers: Vec<_> = servers.collect();
    let mut told = Vec::new();
    if !servers.is_empty() {
        told.push(DhcpOption::DomainNameServers(servers));
    }
    if let Some(name) = domain(&client.network().dns_domain) {
        let option = UnknownOption::new(OptionCode::DomainSearchList, name);
        told.push(DhcpOption::Unknown(option));
    }
    for (code, value) in extra::options(&client.port().extra_dhcp_opts.v6) {
        told.retain(|option| OptionCode::from(option) != code);
        told.push(DhcpOption::Unknown(UnknownOption::new(code, value)));
    }
    told
}

/// A domain as the DNS writes it (RFC 1035, section 3.1); nothing if it is none.
fn domain(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('.');
    let mut name = Vec::new();
    for label in text.split('.') {
        let length = u8::try_from(label.len()).ok()?;
        name.push(Some(length).filter(|length| (1..=63).contains(length))?);
        name.extend(label.bytes());
    }
    name.push(0);
    Some(name)
}

/// The frame that brings an answer to a client.
fn build(client: &Client<'_>, reply: &Message, to: Ipv6Addr) -> Result<Vec<u8>, Refusal> {
    let unsayable = |error: &dyn std::fmt::Display| Refusal::Unsayable(error.to_string());
    let payload = reply.to_vec().map_err(|error| unsayable(&error))?;
    let (MacAddr(from), MacAddr(mac)) = (SERVER_MAC, client.port().mac_address);
    let builder = PacketBuilder::ethernet2(from, mac)
        .ipv6(SERVER.octets(), to.octets(), HOP_LIMIT)
        .udp(SERVER_PORT, CLIENT_PORT);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    let written = builder.write(&mut frame, &payload);
    written.map_err(|error| unsayable(&error))?;
    Ok(frame)
}
