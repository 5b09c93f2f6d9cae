//! Packets as people describe them: `tcp from 10.0.0.7 port 80`.
//!
//! Who has a question about a firewall knows a protocol, one far end and a port. The near end is
//! the port that is asked about, and which way the packet goes follows from the words: `from` makes
//! it one that arrives, `to` one that the port sends. Who needs more writes a match in the syntax
//! of `ovs-ofctl`, which is a packet that the port sends, whatever it claims to be.

use std::str::FromStr;

use openflow::field::IpProto;
use pipelines::network::Protocol;

/// What a word that introduces a value may be.
const KEYS: &str = "from, to, port, sport, type or code";

/// A packet in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The protocol.
    pub(super) protocol: Protocol,
    /// Who sends it: an address, or the name or UUID of a port.
    pub(super) from: Option<String>,
    /// Whom it is for: an address, or the name or UUID of a port.
    pub(super) to: Option<String>,
    /// The port that it is for; of protocols that have ports.
    pub(super) port: Option<u16>,
    /// The port that it comes from.
    pub(super) sport: Option<u16>,
    /// The type of ICMP.
    pub(super) icmp_type: Option<u8>,
    /// The code of ICMP.
    pub(super) icmp_code: Option<u8>,
}

impl FromStr for Words {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let protocol = words
            .next()
            .ok_or("an empty packet: expected tcp, udp, ...")?;
        let (name, port) = match protocol.split_once('/') {
            Some((name, port)) => (name, Some(number("port", port)?)),
            None => (protocol, None),
        };
        let protocol: Protocol = name.parse().map_err(|problem| format!("{problem}"))?;
        let mut packet = Self {
            protocol,
            from: None,
            to: None,
            port,
            sport: None,
            icmp_type: None,
            icmp_code: None,
        };
        while let Some(key) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("a value is missing behind {key}; expected {KEYS}"))?;
            match key {
                "from" => packet.from = Some(value.to_owned()),
                "to" => packet.to = Some(value.to_owned()),
                "port" | "dport" => packet.port = Some(number(key, value)?),
                "sport" => packet.sport = Some(number(key, value)?),
                "type" => packet.icmp_type = Some(number(key, value)?),
                "code" => packet.icmp_code = Some(number(key, value)?),
                _ => return Err(format!("unknown word {key}: expected {KEYS}")),
            }
        }
        packet.check()?;
        Ok(packet)
    }
}

impl Words {
    fn check(&self) -> Result<(), String> {
        let Self { protocol, .. } = self;
        let is_icmp = [Protocol::ICMP, Protocol::ICMPV6].contains(protocol);
        if self.has_ports() && self.port.is_none() {
            return Err(format!("{protocol} needs a port: add \"port NUMBER\""));
        }
        if !self.has_ports() && (self.port.is_some() || self.sport.is_some()) {
            return Err(format!("protocol {protocol} has no ports"));
        }
        if !is_icmp && (self.icmp_type.is_some() || self.icmp_code.is_some()) {
            return Err(format!("protocol {protocol} has no type and code"));
        }
        if self.from.is_none() && self.to.is_none() {
            return Err(
                "the other side is missing: add \"from ADDRESS\" for a packet that arrives, or \
                 \"to ADDRESS\" for one that the port sends"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn has_ports(&self) -> bool {
        [IpProto::TCP, IpProto::UDP, IpProto::SCTP].contains(&self.protocol.0)
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    (value.parse()).map_err(|_| format!("{key} {value}: expected a number in its range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Words>().unwrap_err()
    }

    #[test]
    fn a_port_may_stand_behind_the_protocol() {
        let words: Words = "tcp/80 from 10.0.0.7".parse().unwrap();
        assert_eq!(words, "tcp from 10.0.0.7 port 80".parse().unwrap());
        assert_eq!(words.port, Some(80));
        assert_eq!(words.from.as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn a_protocol_may_be_a_number() {
        let words: Words = "112 to 224.0.0.18".parse().unwrap();
        assert_eq!(words.protocol, "vrrp".parse().unwrap());
    }

    #[test]
    fn what_is_missing_or_makes_no_sense_is_named() {
        assert!(refused("tcp from 10.0.0.7").contains("needs a port"));
        assert!(refused("icmp").contains("from ADDRESS"));
        assert!(refused("icmp from 10.0.0.7 port 80").contains("no ports"));
        assert!(refused("tcp/80 from 10.0.0.7 type 8").contains("no type"));
        assert!(refused("tcp/80 from").contains("missing behind from"));
        assert!(refused("tcp/99999 from 10.0.0.7").contains("port 99999"));
        assert!(refused("tpc/80 from 10.0.0.7").contains("tpc"));
        assert!(refused("tcp/80 via 10.0.0.7").contains("unknown word via"));
    }
}
