//! DHCP for IPv4 (RFC 2131), from the model.
//!
//! A port's address is decided before its machine asks, so there are no leases to keep: an offer is
//! what the model says, a request is right or wrong, and a release changes nothing. The lease ends
//! all the same, so that a machine learns of what changed.
//!
//! The server's address is [`SERVER`] on every network. A machine renews its lease there by
//! unicast, and the switch catches that as it catches a broadcast.

use std::net::{IpAddr, Ipv4Addr};

use dhcproto::Encodable as _;
use dhcproto::error::EncodeError;
use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode, OptionCode};
use etherparse::PacketBuilder;
use pipelines::network::{MacAddr, Subnet};
use pipelines::service::{Client, SERVER, SERVER_MAC};
use tracing::debug;

use super::Refusal;
use request::Request;

mod extra;
mod offer;
mod request;

#[cfg(test)]
mod tests;

/// The ports of clients and servers.
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;
/// The shortest message: what BOOTP had, which some clients insist on (RFC 1542, section 2.1).
const SHORTEST: usize = 300;
const HOPS: u8 = 64;
/// The headers of IP and UDP, in bytes.
const HEADERS: u16 = 20 + 8;
/// What a machine cannot do without.
const NEEDED: [OptionCode; 7] = [
    OptionCode::MessageType,
    OptionCode::ServerIdentifier,
    OptionCode::AddressLeaseTime,
    OptionCode::Renewal,
    OptionCode::Rebinding,
    OptionCode::SubnetMask,
    OptionCode::Router,
];

/// The answer to a frame of a client; `None` if there is nothing to say.
pub(super) fn answer(client: &Client<'_>, frame: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let request = Request::read(client, frame)?;
    let reply = match request.kind {
        MessageType::Discover => {
            // It may wish for one of several; else it gets the first.
            let wished = request.named.and_then(|named| lease(client, Some(named)));
            let offered = wished.or_else(|| lease(client, None));
            offered.map(|offered| (MessageType::Offer, Some(offered)))
        }
        // It has chosen another server.
        MessageType::Request if request.server.is_some_and(|server| server != SERVER) => None,
        MessageType::Request => {
            let wanted = request
                .named
                .or(request.in_use)
                .ok_or_else(|| Refusal::Malformed("a request that names no address".to_owned()))?;
            Some(match lease(client, Some(wanted)) {
                Some(granted) => (MessageType::Ack, Some(granted)),
                None => (MessageType::Nak, None),
            })
        }
        MessageType::Inform => {
            let own = request
                .in_use
                .and_then(|in_use| lease(client, Some(in_use)));
            let subnet = own
                .or_else(|| lease(client, None))
                .map(|(_, subnet)| subnet);
            subnet.map(|subnet| (MessageType::Ack, Some((Ipv4Addr::UNSPECIFIED, subnet))))
        }
        // The address stays the port's, whatever its machine says.
        MessageType::Release | MessageType::Decline => None,
        other => return Err(Refusal::Malformed(format!("{other:?} from a client"))),
    };
    reply
        .map(|(kind, leased)| build(client, &request, kind, leased))
        .transpose()
}

/// The address that a port is given, and its subnet: the one that is named, or the first.
fn lease<'a>(client: &Client<'a>, named: Option<Ipv4Addr>) -> Option<(Ipv4Addr, &'a Subnet)> {
    let subnets = &client.network().subnets;
    let ips = client.port().fixed_ips.iter();
    let mut leases = ips.filter_map(|ip| match ip {
        IpAddr::V4(address) => {
            let mut subnets = subnets.iter().filter(|subnet| subnet.enable_dhcp);
            let subnet = subnets.find(|subnet| subnet.cidr().contains(ip))?;
            Some((*address, subnet))
        }
        IpAddr::V6(_) => None,
    });
    leases.find(|(address, _)| named.is_none_or(|named| named == *address))
}

/// The frame that answers a request.
fn build(
    client: &Client<'_>,
    request: &Request,
    kind: MessageType,
    leased: Option<(Ipv4Addr, &Subnet)>,
) -> Result<Vec<u8>, Refusal> {
    let unsayable = |error: &dyn std::fmt::Display| Refusal::Unsayable(error.to_string());
    let MacAddr(mac) = client.port().mac_address;
    let none = Ipv4Addr::UNSPECIFIED;
    // Who is refused has no address, whatever it says (RFC 2131, table 3).
    let in_use = request.in_use.filter(|_| kind != MessageType::Nak);
    let mut reply =
        Message::new_with_id(request.xid, in_use.unwrap_or(none), none, none, none, &mac);
    reply.set_opcode(Opcode::BootReply);
    reply.set_flags(request.flags);
    let options = reply.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::ServerIdentifier(SERVER));
    if let Some((address, subnet)) = leased {
        reply.set_yiaddr(address);
        offer::tell(&mut reply, request, client, subnet);
        extra::tell(&mut reply, &client.port().extra_dhcp_opts.v4);
    }
    let most = usize::from(client.mtu().saturating_sub(HEADERS)).max(SHORTEST);
    let mut payload = fit(&mut reply, most).map_err(|error| unsayable(&error))?;
    payload.resize(payload.len().max(SHORTEST), 0);

    // A machine that renews has its address; one that asks for broadcasts cannot take others yet,
    // and one that is refused may have none (RFC 2131, section 4.1).
    let given =
        Some(reply.yiaddr()).filter(|ip| !ip.is_unspecified() && !request.flags.broadcast());
    let (mac, address) = match in_use.or(given) {
        Some(address) => (mac, address),
        None => ([0xff; 6], Ipv4Addr::BROADCAST),
    };
    let MacAddr(server) = SERVER_MAC;
    let builder = PacketBuilder::ethernet2(server, mac)
        .ipv4(SERVER.octets(), address.octets(), HOPS)
        .udp(SERVER_PORT, CLIENT_PORT);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    let written = builder.write(&mut frame, &payload);
    written.map_err(|error| unsayable(&error))?;
    Ok(frame)
}

/// The bytes of an answer that the network carries in one packet: what makes it too long is left out,
/// the longest option first.
fn fit(reply: &mut Message, most: usize) -> Result<Vec<u8>, EncodeError> {
    loop {
        let payload = reply.to_vec()?;
        if payload.len() <= most {
            return Ok(payload);
        }
        let options = reply.opts().iter();
        let options = options.filter(|(code, _)| !NEEDED.contains(code));
        let longest = options.max_by_key(|(_, option)| option.to_vec().map_or(0, |it| it.len()));
        let Some(code) = longest.map(|(code, _)| *code) else {
            return Ok(payload);
        };
        let length = payload.len();
        debug!("an answer of {length} bytes goes without option {code:?}, as {most} fit");
        reply.opts_mut().remove(code);
    }
}
