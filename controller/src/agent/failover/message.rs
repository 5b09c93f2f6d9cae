//! What agents of hosts tell each other, and how it is written.
//!
//! Each tells which other hosts its host does not hear, which physical networks it has lost its
//! uplinks to, and which takeovers it knows of. A message is a frame of its own with JSON in it, after its length, as short frames are padded.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use pipelines::failover::Takeover;
use pipelines::network::{HostName, MacAddr, PhysicalNetwork, RouterId};
use pipelines::peer::{ETH_TYPE, GROUP};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the format; others are not understood.
const VERSION: u8 = 1;
/// How many takeovers go into one message: with the longest names it fits the smallest MTU of a
/// tunnel.
const LIMIT: usize = 8;
/// The shortest frame of Ethernet, without its checksum.
const SHORTEST: usize = 60;
/// Two addresses and the EtherType.
const HEADER: usize = 14;

/// What a host tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The host that tells it.
    pub(super) host: HostName,
    /// The other hosts that it does not hear.
    pub(super) misses: Misses,
    /// The physical networks that it has lost its uplinks to.
    pub(super) cut_off: BTreeSet<PhysicalNetwork>,
    /// The digest of all takeovers that it knows.
    pub(super) digest: Uuid,
    /// Some of them.
    pub(super) takeovers: BTreeMap<RouterId, Takeover>,
    /// Which part of them, counted from 0, and of how many; (0, 0) if none are told.
    pub(super) part: (u16, u16),
    /// Whether it wants to be told all that the other knows.
    pub(super) asks: bool,
}

/// The hosts that a host does not hear; `None` if they are too many to be told.
pub(super) type Misses = Option<BTreeSet<HostName>>;

/// The same, as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    version: u8,
    host: String,
    misses: Option<BTreeSet<String>>,
    cut_off: BTreeSet<String>,
    digest: Uuid,
    part: (u16, u16),
    asks: bool,
    takeovers: Vec<(Uuid, u32, String, u64)>,
}

impl Message {
    /// What a host has to tell, in as many messages as it takes; without the takeovers if they are
    /// known already.
    pub(super) fn all(
        host: &HostName,
        (misses, cut_off): (&Misses, &BTreeSet<PhysicalNetwork>),
        takeovers: &BTreeMap<RouterId, Takeover>,
        (with_takeovers, asks): (bool, bool),
    ) -> Vec<Self> {
        let brief = Self {
            host: host.clone(),
            misses: misses.clone(),
            cut_off: cut_off.clone(),
            digest: digest(takeovers),
            takeovers: BTreeMap::new(),
            part: (0, 0),
            asks,
        };
        if !with_takeovers {
            return vec![brief];
        }
        let mut parts = vec![BTreeMap::new()];
        for (router, takeover) in takeovers {
            if parts.last().is_none_or(|part| part.len() == LIMIT) {
                parts.push(BTreeMap::new());
            }
            let part = parts.last_mut();
            part.map(|part| part.insert(*router, takeover.clone()));
        }
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let part = |(number, takeovers)| Self {
            takeovers,
            part: (number, count),
            ..brief.clone()
        };
        (0..count).zip(parts).map(part).collect()
    }

    /// The message in a frame.
    pub(super) fn frame(&self, from: MacAddr) -> Bytes {
        let takeovers = self.takeovers.iter();
        let misses = self.misses.as_ref().map(BTreeSet::iter);
        let written = Written {
            version: VERSION,
            host: self.host.to_string(),
            misses: misses.map(|hosts| hosts.map(ToString::to_string).collect()),
            cut_off: self.cut_off.iter().map(ToString::to_string).collect(),
            digest: self.digest,
            part: self.part,
            asks: self.asks,
            takeovers: takeovers
                .map(|(router, it)| (router.0, it.term, it.host.to_string(), it.reason))
                .collect(),
        };
        // Nothing in it can fail to be written.
        let body = serde_json::to_vec(&written).unwrap_or_default();
        let length = u16::try_from(body.len()).unwrap_or_default();
        let mut frame = [&GROUP.0[..], &from.0, &ETH_TYPE.0.to_be_bytes()].concat();
        frame.extend(length.to_be_bytes());
        frame.extend(body);
        frame.resize(frame.len().max(SHORTEST), 0);
        frame.into()
    }

    /// Reads a frame; `None` if it is no message, or of another version.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let (length, rest) = frame.get(HEADER..)?.split_first_chunk()?;
        let body = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        let written: Written = serde_json::from_slice(body).ok()?;
        let (number, count) = written.part;
        if written.version != VERSION || number > count {
            return None;
        }
        let takeovers = written.takeovers.into_iter();
        let cut_off = written.cut_off.iter();
        let misses = written.misses.as_ref().map(BTreeSet::iter);
        let host_name = |name: &String| HostName::from(name.as_str());
        Some(Self {
            host: HostName::from(written.host.as_str()),
            misses: misses.map(|hosts| hosts.map(host_name).collect()),
            cut_off: cut_off
                .map(|it| PhysicalNetwork::from(it.as_str()))
                .collect(),
            digest: written.digest,
            takeovers: takeovers
                .map(|(router, term, host, reason)| {
                    let host = HostName::from(host.as_str());
                    (RouterId(router), Takeover { term, host, reason })
                })
                .collect(),
            part: written.part,
            asks: written.asks,
        })
    }
}

/// Tells sets of takeovers apart; the same on every host and build.
pub(super) fn digest(takeovers: &BTreeMap<RouterId, Takeover>) -> Uuid {
    let lines = takeovers.iter().map(|(router, it)| {
        let Takeover { term, host, reason } = it;
        format!("{router} {term} {reason} {host}\n")
    });
    Uuid::new_v5(&Uuid::NAMESPACE_OID, lines.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takeovers(count: u128) -> BTreeMap<RouterId, Takeover> {
        let takeover = |number| {
            let takeover = Takeover {
                term: 7,
                host: HostName::from("h".repeat(63).as_str()),
                reason: u64::MAX,
            };
            (RouterId(Uuid::from_u128(number)), takeover)
        };
        (0..count).map(takeover).collect()
    }

    fn told(count: u128, with_takeovers: bool) -> Vec<Message> {
        let cut_off = [PhysicalNetwork::from("physnet1")].into();
        let (host, takeovers) = (HostName::from("host1"), takeovers(count));
        let misses = with_takeovers.then(|| ["host2".into(), "host3".into()].into());
        Message::all(
            &host,
            (&misses, &cut_off),
            &takeovers,
            (with_takeovers, !with_takeovers),
        )
    }

    #[test]
    fn what_is_written_is_read_and_fits() {
        for (count, parts) in [(0, 1), (1, 1), (8, 1), (9, 2), (100, 13)] {
            let messages = told(count, true);
            assert_eq!(messages.len(), parts);
            let mut read = BTreeMap::new();
            for (number, message) in messages.iter().enumerate() {
                let frame = message.frame(MacAddr([2, 0, 0, 0, 0, 1]));
                assert!((60..1300).contains(&frame.len()), "{}", frame.len());
                let again = Message::read(&frame).unwrap();
                assert_eq!(again, *message);
                assert_eq!(usize::from(again.part.0), number);
                read.extend(again.takeovers);
            }
            assert_eq!(read, takeovers(count));
            assert!(messages.iter().all(|it| it.digest == digest(&read)));
        }
        assert_eq!(told(9, false)[0].part, (0, 0));
    }

    #[test]
    fn what_is_no_message_is_left_alone() {
        let frame = told(3, true)[0].frame(MacAddr([2, 0, 0, 0, 0, 1]));
        for length in 0..frame.len() {
            let mut cut = frame.to_vec();
            cut.truncate(length);
            assert_eq!(Message::read(&cut), None);
        }
        assert_eq!(Message::read(&[0xff; 80]), None);
    }
}
