//! Speaks TCP with one machine.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use etherparse::{EtherType, Ethernet2Header, Icmpv6Slice, NetSlice, SlicedPacket, TransportSlice};
use openflow::message::PacketOut;
use pipelines::network::PortId;
use pipelines::service::{SERVER, SERVER_MAC, SERVER_V6};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Question;
use super::http::{self, Backend};
use crate::neighbour;

/// How long a machine may be silent before it is forgotten.
const IDLE: Duration = Duration::from_secs(60);
/// How long to wait for who answers, where nothing says when that is done.
const SOON: Duration = Duration::from_millis(10);
/// How long a peer may leave what it was sent unacknowledged.
const PATIENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(30);
/// How many connections a machine may have at once, and what each may have under way, in bytes.
const CONNECTIONS: usize = 8;
const RECEIVED: usize = 4096;
const SENT: usize = 16384;
/// The port of HTTP.
const HTTP: u16 = 80;

/// Speaks with a machine until it has been silent for a while.
pub(super) async fn serve(
    port: PortId,
    mtu: u16,
    mut questions: mpsc::Receiver<Question>,
    backend: Arc<Backend>,
) {
    let (reply, mut replies) = mpsc::channel(WAITING);
    let mut station = Station::new(mtu);
    let mut last = None;
    loop {
        let wait = station.turn(port, &backend, &reply);
        if let Some(question) = &last {
            send(question, station.wire.sent.drain(..)).await;
        }
        tokio::select! {
            question = questions.recv() => {
                let Some(question) = question else { return };
                if let Some(answer) = advertisement(&question.frame) {
                    let packet = PacketOut::new(question.way.clone(), Bytes::from(answer));
                    // A machine that hears nothing asks again.
                    let _sent = question.connection.send(packet.into()).await;
                }
                station.wire.receive(&question.frame);
                last = Some(question);
            }
            Some(reply) = replies.recv() => station.take(reply),
            () = wait_for(wait) => {}
            () = sleep(IDLE) => return,
        }
    }
}

/// How many answers may wait to be sent.
const WAITING: usize = 16;

async fn wait_for(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => future::pending().await,
    }
}

/// Sends packets to a machine, where its last one came from.
async fn send(question: &Question, packets: impl Iterator<Item = Vec<u8>>) {
    let Ok((header, _)) = Ethernet2Header::from_slice(&question.frame) else {
        return;
    };
    for packet in packets {
        let ether_type = match packet.first().map(|first| first >> 4) {
            Some(6) => EtherType::IPV6,
            _ => EtherType::IPV4,
        };
        let header = Ethernet2Header {
            source: header.destination,
            destination: header.source,
            ether_type,
        };
        let frame = [&header.to_bytes()[..], &packet].concat();
        let packet = PacketOut::new(question.way.clone(), Bytes::from(frame));
        // TCP sends again what is lost.
        let _sent = question.connection.send(packet.into()).await;
    }
}

/// Says who has the address of the service, if that is asked (RFC 4861, section 7.2.4).
fn advertisement(frame: &[u8]) -> Option<Vec<u8>> {
    const NEIGHBOUR_SOLICITATION: u8 = 135;
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Icmpv6(icmp))) =
        (&packet.net, &packet.transport)
    else {
        return None;
    };
    let asks = |icmp: &Icmpv6Slice<'_>| icmp.type_u8() == NEIGHBOUR_SOLICITATION;
    let to = ip.header().source_addr();
    let (header, _) = Ethernet2Header::from_slice(frame).ok()?;
    let is_told = asks(icmp) && !to.is_unspecified();
    is_told
        .then(|| neighbour::answer((SERVER_MAC, SERVER_V6), (header.source, to)))
        .flatten()
}

/// The service as one machine sees it.
struct Station {
    interface: Interface,
    wire: Wire,
    sockets: SocketSet<'static>,
    slots: Vec<Slot>,
    /// How many connections there have been.
    connections: u64,
}

/// A socket, and the connection that it has.
struct Slot {
    socket: SocketHandle,
    served: Option<Served>,
}

/// A connection.
struct Served {
    /// Its number.
    number: u64,
    /// Where goes what the machine says, until it has said everything.
    to_server: Option<mpsc::Sender<Bytes>>,
    /// What the machine has yet to hear.
    left: VecDeque<Bytes>,
    /// Whether that is everything.
    is_all: bool,
}

/// What is to be said in a connection; `None` at its end.
struct Reply {
    number: u64,
    data: Option<Bytes>,
}

impl Station {
    fn new(mtu: u16) -> Self {
        let mut wire = Wire {
            received: VecDeque::new(),
            sent: Vec::new(),
            mtu: mtu.into(),
        };
        let config = Config::new(HardwareAddress::Ip);
        let mut interface = Interface::new(config, &mut wire, Instant::now());
        interface.update_ip_addrs(|addresses| {
            // Everybody is a neighbour: the machine's addresses are any.
            for cidr in [
                IpCidr::new(SERVER.into(), 0),
                IpCidr::new(SERVER_V6.into(), 0),
            ] {
                // There is room for two.
                let _added = addresses.push(cidr);
            }
        });
        let mut sockets = SocketSet::new(Vec::new());
        let slots = (0..CONNECTIONS).map(|_| {
            let buffer = |length| tcp::SocketBuffer::new(vec![0; length]);
            let socket = tcp::Socket::new(buffer(RECEIVED), buffer(SENT));
            Slot {
                socket: sockets.add(socket),
                served: None,
            }
        });
        let slots = slots.collect();
        Self {
            interface,
            wire,
            sockets,
            slots,
            connections: 0,
        }
    }

    /// Notes what is to be said.
    fn take(&mut self, reply: Reply) {
        let served = self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.served.as_mut());
        let mut served = served.filter(|served| served.number == reply.number);
        if let Some(served) = served.next() {
            match reply.data {
                Some(data) => served.left.push_back(data),
                None => served.is_all = true,
            }
        }
    }

    /// Hears and says what can be; returns when to look again at the latest.
    fn turn(
        &mut self,
        port: PortId,
        backend: &Arc<Backend>,
        reply: &mpsc::Sender<Reply>,
    ) -> Option<Duration> {
        let now = Instant::now();
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
        let mut is_full = false;
        for slot in &mut self.slots {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(slot.socket);
            if socket.may_recv() && slot.served.is_none() {
                self.connections += 1;
                slot.served = Some(connect(self.connections, port, backend, reply));
            }
            is_full |= slot.exchange(socket);
        }
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
        let wait = self.interface.poll_delay(now, &self.sockets);
        let wait = wait.map(|wait| Duration::from_micros(wait.total_micros()));
        match is_full {
            true => Some(wait.map_or(SOON, |wait| wait.min(SOON))),
            false => wait,
        }
    }
}

impl Slot {
    /// Moves what can be moved between the machine and who answers; whether more is left to hear.
    fn exchange(&mut self, socket: &mut tcp::Socket<'static>) -> bool {
        let mut is_full = false;
        if let Some(served) = &mut self.served {
            is_full = served.hear(socket);
            served.say(socket);
        }
        if !socket.is_open() || socket.state() == tcp::State::TimeWait {
            self.served = None;
            socket.abort();
            socket.set_timeout(Some(PATIENCE));
            // A socket that is closed can listen, on a port that is not zero.
            let _listens = socket.listen(HTTP);
        }
        is_full
    }
}

impl Served {
    /// Hands on what the machine has said; whether there is more than can be taken.
    fn hear(&mut self, socket: &mut tcp::Socket<'_>) -> bool {
        let Some(to_server) = &self.to_server else {
            return false;
        };
        while socket.can_recv() {
            let Ok(place) = to_server.try_reserve() else {
                // Nobody listens any more, or not yet.
                if to_server.is_closed() {
                    socket.abort();
                }
                return !to_server.is_closed();
            };
            let data = socket.recv(|data| (data.len(), Bytes::copy_from_slice(data)));
            if let Ok(data) = data {
                place.send(data);
            }
        }
        if !socket.may_recv() {
            self.to_server = None;
        }
        false
    }

    /// Says what is left, and takes leave after all of it.
    fn say(&mut self, socket: &mut tcp::Socket<'_>) {
        while let Some(data) = self.left.front_mut() {
            match socket.send_slice(data) {
                Ok(sent) if sent > 0 => data.advance(sent),
                _ => break,
            }
            if data.is_empty() {
                self.left.pop_front();
            }
        }
        if self.is_all && self.left.is_empty() {
            socket.close();
        }
    }
}

/// Has a connection answered.
fn connect(
    number: u64,
    port: PortId,
    backend: &Arc<Backend>,
    reply: &mpsc::Sender<Reply>,
) -> Served {
    let (here, there) = duplex(SENT);
    let (to_server, heard) = mpsc::channel(WAITING);
    tokio::spawn(http::serve(there, port, Arc::clone(backend)));
    tokio::spawn(relay(number, here, heard, reply.clone()));
    Served {
        number,
        to_server: Some(to_server),
        left: VecDeque::new(),
        is_all: false,
    }
}

/// Carries bytes between a connection and who answers it.
async fn relay(
    number: u64,
    stream: DuplexStream,
    mut heard: mpsc::Receiver<Bytes>,
    reply: mpsc::Sender<Reply>,
) {
    let (mut answers, mut questions) = split(stream);
    let hear = async {
        while let Some(data) = heard.recv().await {
            if questions.write_all(&data).await.is_err() {
                return;
            }
        }
        // Who answers may have gone.
        let _end = questions.shutdown().await;
    };
    let say = async {
        let mut data = BytesMut::new();
        while let Ok(1..) = answers.read_buf(&mut data).await {
            let data = Some(data.split().freeze());
            if reply.send(Reply { number, data }).await.is_err() {
                return;
            }
        }
        // The machine may have gone.
        let _end = reply.send(Reply { number, data: None }).await;
    };
    tokio::join!(hear, say);
}

/// The packets that come and go.
struct Wire {
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    mtu: usize,
}

impl Wire {
    /// Takes the packet that a frame carries.
    fn receive(&mut self, frame: &[u8]) {
        if let Ok((_, packet)) = Ethernet2Header::from_slice(frame) {
            self.received.push_back(packet.to_vec());
        }
    }
}

impl Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sent<'_>)> {
        let packet = self.received.pop_front()?;
        Some((Received(packet), Sent(&mut self.sent)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sent<'_>> {
        Some(Sent(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        // A machine may leave its checksums to a card that is not there.
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

/// A packet that came.
struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Where a packet goes.
struct Sent<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push(packet);
        result
    }
}
