//! Answers what machines ask the DNS: the names of ports on their network.
//!
//! A port has the name `dns_name` in the `dns_domain` of its network, and by that alone too. Whatever
//! else is asked goes to the servers of the machine's subnets, or to the host's own where those have
//! none, and the answer comes back as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use etherparse::{Ethernet2Header, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, PTR};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use openflow::Connection;
use openflow::action::Action;
use openflow::message::PacketOut;
use pipelines::network::{Model, Network, Port};
use pipelines::service::Client;
use pipelines::site::Site;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;

use super::{Refusal, Sent, at_once};

/// The port of the DNS.
pub(super) const DNS: u16 = 53;
/// How long answers hold, in seconds: names follow ports, which come and go.
const TTL: u32 = 60;
/// How long a server may take, before the next is asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many questions may be with servers at once.
const UNDER_WAY: usize = 256;
/// The longest message without EDNS, and the longest that is sent at all (RFC 1035, section 4.2.1;
/// RFC 9715, section 3.2).
const LONGEST: usize = 512;
const LONGEST_EDNS: u16 = 1232;
/// Hops that an answer may take.
const HOPS: u8 = 64;
/// What the host asks itself.
const HOST_SERVERS: &str = "/etc/resolv.conf";

/// Answers the DNS.
#[derive(Debug)]
pub(super) struct Dns {
    under_way: Arc<Semaphore>,
}

/// Whether a frame has something for the DNS, of what goes to the address of the services.
pub(super) fn is_asked(frame: &[u8]) -> bool {
    let packet = SlicedPacket::from_ethernet(frame);
    packet.is_ok_and(|packet| matches!(packet.transport, Some(TransportSlice::Udp(_))))
}

/// Who asked, and how an answer comes back.
#[derive(Clone, Debug)]
struct Asker {
    macs: ([u8; 6], [u8; 6]),
    ips: (Ipv4Addr, Ipv4Addr),
    port: u16,
    way: Vec<Action>,
}

impl Dns {
    pub(super) fn new() -> Self {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY));
        Self { under_way }
    }

    /// Answers a question, or has it answered by somebody else.
    pub(super) fn take(
        &self,
        site: &Site,
        client: &Client<'_>,
        frame: &Bytes,
        connection: &Connection,
    ) -> Result<Sent, Refusal> {
        let (asker, message) = read(client, frame)?;
        let query = Message::from_vec(message);
        let query = query.map_err(|error| Refusal::Malformed(error.to_string()))?;
        if query.metadata.message_type != MessageType::Query {
            return Err(Refusal::Malformed(
                "an answer, expected a question".to_owned(),
            ));
        }
        if let Some(answer) = own_answer(site.model(), client.network(), &query) {
            let answer = answer.to_vec();
            let answer = answer.map_err(|error| Refusal::Unsayable(error.to_string()))?;
            return Ok(at_once(asker.way.clone(), Some(asker.frame(&answer)?)));
        }
        let place = Arc::clone(&self.under_way).try_acquire_owned();
        let place = place.map_err(|_| Refusal::Busy)?;
        let servers = servers(site.model(), client.port());
        let (message, connection) = (message.to_vec(), connection.clone());
        tokio::spawn(async move {
            let answer = match ask_all(servers, &message).await {
                Some(answer) => answer,
                None => failure(&query),
            };
            if let Ok(frame) = asker.frame(&answer) {
                let packet = PacketOut::new(asker.way, Bytes::from(frame));
                // Who hears nothing asks again.
                let _sent = connection.send(packet.into()).await;
            }
            drop(place);
        });
        Ok(Vec::new())
    }
}

/// The question in a frame.
fn read<'f>(client: &Client<'_>, frame: &'f [u8]) -> Result<(Asker, &'f [u8]), Refusal> {
    let malformed = |error| Refusal::Malformed(format!("{error}"));
    let packet = SlicedPacket::from_ethernet(frame).map_err(malformed)?;
    let (header, _) = Ethernet2Header::from_slice(frame)
        .map_err(|error| Refusal::Malformed(error.to_string()))?;
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport)
    else {
        return Err(Refusal::Malformed("expected UDP over IPv4".to_owned()));
    };
    let ip = ip.header();
    let asker = Asker {
        macs: (header.destination, header.source),
        ips: (ip.destination_addr(), ip.source_addr()),
        port: udp.source_port(),
        way: client.way(),
    };
    Ok((asker, udp.payload()))
}

impl Asker {
    /// The frame that brings an answer.
    fn frame(&self, answer: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(self.macs.0, self.macs.1)
            .ipv4(self.ips.0.octets(), self.ips.1.octets(), HOPS)
            .udp(DNS, self.port)
            .write(&mut frame, answer)
            .map_err(|error| Refusal::Unsayable(error.to_string()))?;
        Ok(frame)
    }
}

/// The answer that the model gives; `None` if it does not know the name.
fn own_answer(model: &Model, network: &Network, query: &Message) -> Option<Message> {
    let [question] = query.queries.as_slice() else {
        return None;
    };
    let records = match question.query_type {
        RecordType::PTR => names_of(model, network, question)?,
        _ => addresses_of(model, network, question)?,
    };
    let mut answer = Message::response(query.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = query.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.metadata.authoritative = true;
    answer.add_query(question.clone());
    answer.add_answers(records);
    let most = match &query.edns {
        None => LONGEST,
        Some(theirs) => {
            let mut edns = Edns::new();
            edns.set_max_payload(LONGEST_EDNS);
            answer.set_edns(edns);
            usize::from(theirs.max_payload().clamp(512, LONGEST_EDNS))
        }
    };
    let fits = answer.to_vec().is_ok_and(|answer| answer.len() <= most);
    Some(if fits { answer } else { answer.truncate() })
}

/// What the names of a port are, the longer first.
fn names(network: &Network, port: &Port) -> Vec<Name> {
    if port.dns_name.is_empty() {
        return Vec::new();
    }
    let domain = network.dns_domain.trim_end_matches('.');
    let long = (!domain.is_empty()).then(|| format!("{}.{domain}.", port.dns_name));
    let names = long.into_iter().chain([format!("{}.", port.dns_name)]);
    names
        .filter_map(|name| Name::from_utf8(name).ok())
        .collect()
}

/// The addresses of the ports with a name; `None` if none has it.
fn addresses_of(model: &Model, network: &Network, question: &Query) -> Option<Vec<Record>> {
    let asked = question.name.to_lowercase();
    let is_it = |name: &Name| name.to_lowercase().eq_ignore_root(&asked);
    let ports = model.ports_of(network.id);
    let mut ports = ports
        .filter(|port| names(network, port).iter().any(is_it))
        .peekable();
    ports.peek()?;
    let ips = ports.flat_map(|port| port.fixed_ips.iter());
    let records = ips.filter_map(|ip| match (question.query_type, ip) {
        (RecordType::A | RecordType::ANY, IpAddr::V4(ip)) => Some(RData::A(A(*ip))),
        (RecordType::AAAA | RecordType::ANY, IpAddr::V6(ip)) => Some(RData::AAAA(AAAA(*ip))),
        _ => None,
    });
    let record = |data| Record::from_rdata(question.name.clone(), TTL, data);
    Some(records.map(record).collect())
}

/// The names of the port with an address; `None` if none has it, or it has no name.
fn names_of(model: &Model, network: &Network, question: &Query) -> Option<Vec<Record>> {
    let asked = question.name.parse_arpa_name().ok()?;
    let whole = match asked {
        ipnet::IpNet::V4(_) => 32,
        ipnet::IpNet::V6(_) => 128,
    };
    let ip = (asked.prefix_len() == whole).then(|| asked.addr())?;
    let mut ports = model.ports_of(network.id);
    let port = ports.find(|port| port.fixed_ips.contains(&ip))?;
    let name = names(network, port).into_iter().next()?;
    let data = RData::PTR(PTR(name));
    Some(vec![Record::from_rdata(question.name.clone(), TTL, data)])
}

/// Whom to ask what the model does not know.
///
/// A tenant says which servers a subnet has: what only the host reaches is not asked for it.
fn servers(model: &Model, port: &Port) -> Vec<IpAddr> {
    let told = model
        .subnets_of(port)
        .flat_map(|subnet| &subnet.dns_nameservers);
    let told: Vec<IpAddr> = told.copied().filter(may_be_asked).collect();
    if !told.is_empty() {
        return told;
    }
    let own = std::fs::read_to_string(HOST_SERVERS).unwrap_or_default();
    let lines = own
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver"));
    lines
        .filter_map(|server| server.trim().parse().ok())
        .collect()
}

fn may_be_asked(server: &IpAddr) -> bool {
    const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
    let is_link_local = match server {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments().first() == LINK_LOCAL.segments().first(),
    };
    !is_link_local && !server.is_loopback() && !server.is_multicast() && !server.is_unspecified()
}

/// Asks one server after the other, until one answers.
async fn ask_all(servers: Vec<IpAddr>, message: &[u8]) -> Option<Vec<u8>> {
    for server in servers {
        match timeout(PATIENCE, ask(server, message)).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => debug!("DNS server {server}: {error}"),
            Err(_) => debug!("DNS server {server}: no answer within {PATIENCE:?}"),
        }
    }
    None
}

async fn ask(server: IpAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(SocketAddr::new(server, DNS)).await?;
    socket.send(message).await?;
    let mut answer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut answer).await?;
        // What has another number answers another question.
        if answer.get(..2) == message.get(..2) {
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

/// The answer if no server gives one.
fn failure(query: &Message) -> Vec<u8> {
    let code = ResponseCode::ServFail;
    let mut answer = Message::error_msg(query.metadata.id, OpCode::Query, code);
    answer.add_queries(query.queries.iter().cloned());
    // A message with nothing but what was read before can be written.
    answer.to_vec().unwrap_or_default()
}
