//! What a client says, as far as its server has to know.
//!
//! The client may be anybody's, so nothing of it is read that is not needed, and what is broken
//! anywhere is dropped as a whole.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use dhcproto::v4::borrowed::Message;
use dhcproto::v4::{Flags, HType, MessageType, Opcode, OptionCode};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pipelines::network::MacAddr;
use pipelines::service::Client;

use super::super::Refusal;

/// What begins the options (RFC 2131, section 3), and where.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const COOKIE_AT: usize = 236;

/// A message of a client that speaks for itself.
pub(super) struct Request {
    /// Its number, which the answer repeats.
    pub(super) xid: u32,
    pub(super) flags: Flags,
    pub(super) kind: MessageType,
    /// The address that it uses already.
    pub(super) in_use: Option<Ipv4Addr>,
    /// The address that it asks for.
    pub(super) named: Option<Ipv4Addr>,
    /// The server that it has chosen.
    pub(super) server: Option<Ipv4Addr>,
    /// The parameters that it asks for; `None` if it does not choose.
    pub(super) parameters: Option<Vec<OptionCode>>,
}

impl Request {
    /// Reads a frame that a port has sent.
    pub(super) fn read(client: &Client<'_>, frame: &[u8]) -> Result<Self, Refusal> {
        let packet = SlicedPacket::from_ethernet(frame);
        let packet = packet.map_err(|error| malformed(&error))?;
        let (Some(NetSlice::Ipv4(_)), Some(TransportSlice::Udp(udp))) =
            (packet.net, packet.transport)
        else {
            return Err(malformed(&"no UDP over IPv4, or a fragment"));
        };
        let payload = udp.payload();
        let message = Message::new(payload).map_err(|error| malformed(&error))?;
        let (_, rest) = payload.split_at_checked(COOKIE_AT).unwrap_or_default();
        let rest = rest.strip_prefix(&COOKIE);
        let rest = rest.ok_or_else(|| malformed(&"no options of DHCP"))?;
        own(client, &message)?;
        let options = options(rest)?;
        let kind = match options.get(&u8::from(OptionCode::MessageType)) {
            Some(kind) => match kind.as_slice() {
                [kind] => MessageType::from(*kind),
                _ => return Err(malformed(&"a message type that is no byte")),
            },
            None => return Err(malformed(&"no message type")),
        };
        let parameters = options.get(&u8::from(OptionCode::ParameterRequestList));
        Ok(Self {
            xid: message.xid(),
            flags: message.flags(),
            kind,
            in_use: Some(message.ciaddr()).filter(|ip| !ip.is_unspecified()),
            named: address(&options, OptionCode::RequestedIpAddress)?,
            server: address(&options, OptionCode::ServerIdentifier)?,
            parameters: parameters
                .map(|codes| codes.iter().copied().map(OptionCode::from).collect()),
        })
    }

    /// Whether a parameter is to be told.
    pub(super) fn asks_for(&self, code: OptionCode) -> bool {
        let parameters = self.parameters.as_ref();
        parameters.is_none_or(|parameters| parameters.contains(&code))
    }
}

/// Checks that a port speaks of itself, and directly.
fn own(client: &Client<'_>, message: &Message<'_>) -> Result<(), Refusal> {
    let MacAddr(mac) = client.port().mac_address;
    // The length first: it is the client's word, and the address is taken by it.
    let ethernet = message.htype() == HType::Eth && usize::from(message.hlen()) == mac.len();
    if message.opcode() != Opcode::BootRequest || !ethernet {
        return Err(malformed(&"no request over Ethernet"));
    }
    if message.chaddr() != mac {
        let mac = <[u8; 6]>::try_from(message.chaddr()).unwrap_or_default();
        return Err(Refusal::Foreign(MacAddr(mac).to_string()));
    }
    match message.giaddr() {
        relay if relay.is_unspecified() => Ok(()),
        relay => Err(Refusal::Relayed(relay)),
    }
}

/// The values of options by their codes; one that comes in parts is put together (RFC 3396).
fn options(mut rest: &[u8]) -> Result<BTreeMap<u8, Vec<u8>>, Refusal> {
    let mut options = BTreeMap::<_, Vec<u8>>::new();
    while let Some((code, after)) = rest.split_first() {
        rest = match OptionCode::from(*code) {
            OptionCode::End => break,
            OptionCode::Pad => after,
            _ => {
                let value = after.split_first();
                let value =
                    value.and_then(|(length, after)| after.split_at_checked(usize::from(*length)));
                let (value, after) =
                    value.ok_or_else(|| malformed(&format!("option {code} is cut short")))?;
                options.entry(*code).or_default().extend_from_slice(value);
                after
            }
        };
    }
    Ok(options)
}

fn address(options: &BTreeMap<u8, Vec<u8>>, code: OptionCode) -> Result<Option<Ipv4Addr>, Refusal> {
    let value = options.get(&u8::from(code));
    let address = value.map(|value| match <[u8; 4]>::try_from(value.as_slice()) {
        Ok(octets) => Ok(Ipv4Addr::from(octets)),
        Err(_) => Err(malformed(&format!("{code:?} is no address"))),
    });
    let address = address.transpose()?;
    Ok(address.filter(|address| !address.is_unspecified()))
}

fn malformed(problem: &dyn std::fmt::Display) -> Refusal {
    Refusal::Malformed(problem.to_string())
}
