//! Single Ethernet frames, also such as no honest machine would send.

use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use etherparse::{Icmpv6Type, PacketBuilder};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike as _, bind,
    recvfrom, send as send_bytes, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::namespace::Namespace;
use crate::network::MacAddr;

/// Past every header that a lab sends.
const LONGEST: usize = 2048;

/// What a packet socket says of a frame that leaves (`packet(7)`, `sll_pkttype`).
const PACKET_OUTGOING: u8 = 4;

/// An Ethernet frame that carries a mark, by which it is known when it arrives.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Vec<u8>,
    mark: Vec<u8>,
}

impl Frame {
    /// A frame of these bytes, in which the mark stands somewhere.
    pub fn of(bytes: Vec<u8>, mark: &[u8]) -> Self {
        Self {
            bytes,
            mark: mark.to_vec(),
        }
    }

    /// Its bytes, from the Ethernet header on.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A UDP packet.
    ///
    /// # Errors
    ///
    /// When the addresses are of different families.
    pub fn udp(
        (source_mac, source): (MacAddr, IpAddr),
        (destination_mac, destination): (MacAddr, IpAddr),
        mark: &str,
    ) -> anyhow::Result<Self> {
        let builder = PacketBuilder::ethernet2(source_mac.0, destination_mac.0);
        let builder = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                builder.ipv4(source.octets(), destination.octets(), 64)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                builder.ipv6(source.octets(), destination.octets(), 64)
            }
            _ => bail!("{source} and {destination} are of different families"),
        };
        let mark = mark.as_bytes().to_vec();
        let mut bytes = Vec::new();
        builder
            .udp(4_444, 4_444)
            .write(&mut bytes, &mark)
            .context("building a frame")?;
        Ok(Self { bytes, mark })
    }

    /// An ARP reply that tells a neighbour where an address lives.
    ///
    /// # Errors
    ///
    /// When an address is not of IPv4.
    pub fn arp(
        (source_mac, source): (MacAddr, IpAddr),
        (destination_mac, destination): (MacAddr, IpAddr),
        mark: &str,
    ) -> anyhow::Result<Self> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) else {
            bail!("ARP is for IPv4 only");
        };
        let mut bytes = Vec::new();
        bytes.extend(destination_mac.0);
        bytes.extend(source_mac.0);
        // EtherType ARP; Ethernet, IPv4, their lengths, reply (RFC 826).
        bytes.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 2]);
        bytes.extend(source_mac.0);
        bytes.extend(source.octets());
        bytes.extend(destination_mac.0);
        bytes.extend(destination.octets());
        // What follows is padding to ARP, and reaches the neighbour untouched.
        let mark = mark.as_bytes().to_vec();
        bytes.extend(&mark);
        Ok(Self { bytes, mark })
    }

    /// A neighbour advertisement that tells a neighbour where an address lives.
    ///
    /// It comes from the sender's link-local address, so that nothing but the claim can be false.
    ///
    /// # Errors
    ///
    /// When an address is not of IPv6.
    pub fn neighbour_advertisement(
        (source_mac, target): (MacAddr, IpAddr),
        (destination_mac, destination): (MacAddr, IpAddr),
        mark: &str,
    ) -> anyhow::Result<Self> {
        let (IpAddr::V6(target), IpAddr::V6(destination)) = (target, destination) else {
            bail!("neighbour discovery is for IPv6 only");
        };
        // The flag "override", then the target and its address as an option (RFC 4861, 4.4, 4.6.1).
        let header = Icmpv6Type::Unknown {
            type_u8: 136,
            code_u8: 0,
            bytes5to8: [0x20, 0, 0, 0],
        };
        let option = [&[2, 1], source_mac.0.as_slice()].concat();
        let body = [target.octets().as_slice(), &option].concat();
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2(source_mac.0, destination_mac.0)
            .ipv6(
                link_local(source_mac).octets(),
                destination.octets(),
                // Anything else was forwarded, and is no neighbour's.
                255,
            )
            .icmpv6(header)
            .write(&mut bytes, &body)
            .context("building a frame")?;
        // What follows is padding to IPv6, and reaches the neighbour untouched.
        let mark = mark.as_bytes().to_vec();
        bytes.extend(&mark);
        Ok(Self { bytes, mark })
    }
}

/// The link-local address that a machine derives from its MAC address (RFC 4291, appendix A).
fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from([
        0xfe,
        0x80,
        0,
        0,
        0,
        0,
        0,
        0,
        a ^ 2,
        b,
        c,
        0xff,
        0xfe,
        d,
        e,
        f,
    ])
}

/// Sends a frame exactly as it is.
///
/// # Errors
///
/// When there is no such interface, or the kernel refuses.
pub fn send(from: &Namespace, interface: &str, frame: &Frame) -> anyhow::Result<()> {
    Mouth::open(from, interface)?.send(frame)
}

/// Sends many frames from one interface.
#[derive(Debug)]
pub struct Mouth {
    socket: OwnedFd,
}

impl Mouth {
    /// Opens an interface for sending.
    ///
    /// # Errors
    ///
    /// When there is no such interface.
    pub fn open(at: &Namespace, interface: &str) -> anyhow::Result<Self> {
        Ok(Self {
            socket: open(at, interface)?,
        })
    }

    /// Sends a frame exactly as it is.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn send(&self, frame: &Frame) -> anyhow::Result<()> {
        send_bytes(self.socket.as_raw_fd(), &frame.bytes, MsgFlags::empty())
            .context("sending a frame")?;
        Ok(())
    }
}

/// Hears every frame that reaches an interface, from the moment it is opened.
#[derive(Debug)]
pub struct Ear {
    socket: OwnedFd,
    heard: Vec<Vec<u8>>,
}

impl Ear {
    /// Listens on an interface.
    ///
    /// # Errors
    ///
    /// When there is no such interface.
    pub fn open(at: &Namespace, interface: &str) -> anyhow::Result<Self> {
        Ok(Self {
            socket: open(at, interface)?,
            heard: Vec::new(),
        })
    }

    /// Waits until a frame arrives that carries this frame's mark, or time is up.
    ///
    /// # Errors
    ///
    /// When the interface is gone.
    pub fn hears(&mut self, frame: &Frame, limit: Duration) -> anyhow::Result<bool> {
        let end = Instant::now() + limit;
        while !self.has_heard(frame) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.heard.extend(self.next(left)?);
        }
        Ok(true)
    }

    /// The next frame that arrives within a limit; frames that the machine itself sends are none.
    ///
    /// # Errors
    ///
    /// When the interface is gone.
    pub fn next(&self, limit: Duration) -> anyhow::Result<Option<Vec<u8>>> {
        let limit = i64::try_from(limit.as_micros())?.max(1);
        let limit = TimeVal::microseconds(limit);
        setsockopt(&self.socket, sockopt::ReceiveTimeout, &limit).context("limiting a wait")?;
        let mut bytes = vec![0; LONGEST];
        match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut bytes) {
            Ok((_, Some(from))) if from.pkttype() == PACKET_OUTGOING => Ok(None),
            Ok((length, _)) => {
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(error) => Err(error).context("receiving a frame"),
        }
    }

    /// Whether such a frame is among those that arrived while waiting for another.
    pub fn has_heard(&self, frame: &Frame) -> bool {
        self.count(frame) > 0
    }

    /// How often such a frame is among those that arrived while waiting for another.
    pub fn count(&self, frame: &Frame) -> usize {
        let carries = |bytes: &Vec<u8>| {
            bytes
                .windows(frame.mark.len())
                .any(|window| window == frame.mark.as_slice())
        };
        self.heard.iter().filter(|bytes| carries(bytes)).count()
    }
}

fn open(at: &Namespace, interface: &str) -> anyhow::Result<OwnedFd> {
    at.enter(|| {
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        )
        .context("opening a packet socket")?;
        let address = link_address(interface)
            .with_context(|| format!("no interface {interface} in {}", at.name()))?;
        bind(socket.as_raw_fd(), &address).with_context(|| format!("listening on {interface}"))?;
        Ok(socket)
    })
}

/// The address of an interface for a packet socket. It holds no protocol, so the socket's own stays.
fn link_address(interface: &str) -> Option<LinkAddr> {
    let mut addresses = getifaddrs()
        .ok()?
        .filter(|address| address.interface_name == interface);
    addresses.find_map(|address| {
        let address = address.address?;
        (address.family() == Some(AddressFamily::Packet)).then_some(())?;
        address.as_link_addr().copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = MacAddr([0xfa, 0x16, 0x3e, 0x00, 0x0a, 0x01]);
    const PEER: MacAddr = MacAddr([0xfa, 0x16, 0x3e, 0x00, 0x0a, 0x02]);

    #[test]
    fn an_arp_reply_is_laid_out_as_in_rfc_826() {
        let to = (PEER, [10, 0, 0, 2].into());
        let frame = Frame::arp((MAC, [10, 0, 0, 1].into()), to, "mark").unwrap();
        assert_eq!(frame.bytes[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        assert_eq!(
            frame.bytes[22..32],
            [0xfa, 0x16, 0x3e, 0, 0x0a, 1, 10, 0, 0, 1]
        );
        assert_eq!(&frame.bytes[42..], b"mark");
    }

    #[test]
    fn a_neighbour_advertisement_is_laid_out_as_in_rfc_4861() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let to = (PEER, address("2001:db8::2"));
        let claim = (MAC, address("2001:db8::1"));
        let frame = Frame::neighbour_advertisement(claim, to, "mark").unwrap();
        let source = address("fe80::f816:3eff:fe00:a01");
        assert_eq!(
            IpAddr::from(<[u8; 16]>::try_from(&frame.bytes[22..38]).unwrap()),
            source
        );
        assert_eq!(frame.bytes[54..56], [136, 0]);
        assert_eq!(frame.bytes[58..60], [0x20, 0]);
        assert_eq!(
            IpAddr::from(<[u8; 16]>::try_from(&frame.bytes[62..78]).unwrap()),
            claim.1
        );
        assert_eq!(frame.bytes[78..86], [2, 1, 0xfa, 0x16, 0x3e, 0, 0x0a, 1]);
        assert_eq!(&frame.bytes[86..], b"mark");
    }
}
