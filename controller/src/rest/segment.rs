//! How a network is carried: its provider attributes, and which number is free.

use hyper::StatusCode;
use ovsdb::Uuid;

use super::attribute::Values;
use super::fault::Fault;
use super::mtu;
use super::new::random;
use crate::northbound::database::now;
use crate::northbound::database::tables::{Northbound, Segment, SegmentType};

pub(super) const NETWORK_TYPE: &str = "provider:network_type";
pub(super) const PHYSICAL_NETWORK: &str = "provider:physical_network";
pub(super) const SEGMENTATION_ID: &str = "provider:segmentation_id";

/// How often a number is guessed before the next free one is searched for.
const GUESSES: usize = 16;

/// What carries a network that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    network_type: SegmentType,
    physical_network: Option<String>,
    /// `None` where a free one is to be chosen, or of flat.
    segmentation_id: Option<i64>,
}

impl Carrier {
    /// Reads the provider attributes; `None` is a network that does not leave its host.
    ///
    /// # Errors
    ///
    /// They do not fit each other.
    pub(super) fn read(values: &Values, rows: &Northbound) -> Result<Option<Self>, Fault> {
        let physical_network = values.text(PHYSICAL_NETWORK).map(str::to_owned);
        let segmentation_id = values.number(SEGMENTATION_ID);
        let Some(word) = values.text(NETWORK_TYPE) else {
            if physical_network.is_some() || segmentation_id.is_some() {
                return Err(Fault::invalid_input("network_type required"));
            }
            return Ok(Some(Self {
                network_type: SegmentType::Vxlan,
                physical_network: None,
                segmentation_id: None,
            }));
        };
        let network_type = match word {
            "local" => return local(values),
            "flat" => SegmentType::Flat,
            "vlan" => SegmentType::Vlan,
            "vxlan" => SegmentType::Vxlan,
            "gre" => SegmentType::Gre,
            "geneve" => SegmentType::Geneve,
            other => {
                let reason = format!("network_type value '{other}' not supported");
                return Err(Fault::invalid_input(&reason));
            }
        };
        let carrier = Self {
            network_type,
            physical_network,
            segmentation_id,
        };
        carrier.check(word, rows)?;
        Ok(Some(carrier))
    }

    fn check(&self, word: &str, rows: &Northbound) -> Result<(), Fault> {
        let physical = matches!(self.network_type, SegmentType::Flat | SegmentType::Vlan);
        let reason = match (&self.physical_network, self.segmentation_id) {
            (None, _) if physical => {
                format!("physical_network required for {word} provider network")
            }
            (Some(_), _) if !physical => {
                format!("provider:physical_network specified for {word} network")
            }
            (_, Some(_)) if self.network_type == SegmentType::Flat => {
                "provider:segmentation_id specified for flat network".to_owned()
            }
            (_, Some(number)) if number < 1 || number > self.last() => format!(
                "segmentation_id out of range (1 through {}) for {word} provider network",
                self.last()
            ),
            (Some(name), _) if !is_mapped(rows, name) => format!(
                "physical_network '{name}' unknown for {} provider network",
                word.to_uppercase()
            ),
            _ => return Ok(()),
        };
        Err(Fault::invalid_input(&reason))
    }

    /// The segment of a network, with a free number where none was asked for.
    ///
    /// # Errors
    ///
    /// The number is taken, or all are.
    pub(super) fn values(
        &self,
        network: Uuid,
        rows: &Northbound,
    ) -> Result<ovsdb::Values<Segment>, Fault> {
        let taken = |number| {
            rows.segments.iter().any(|row| {
                row.network_type == self.network_type
                    && row.physical_network == self.physical_network
                    && row.segmentation_id == number
            })
        };
        let number = match self.segmentation_id {
            number if number.is_some() || self.network_type == SegmentType::Flat => {
                Some(number).filter(|number| !taken(*number))
            }
            _ => {
                let mut guesses = Vec::new();
                for _ in 0..GUESSES {
                    guesses.push(1 + i64::from(random()?) % self.last());
                }
                let mut numbers = guesses.into_iter().chain(1..=self.last());
                numbers.find(|number| !taken(Some(*number))).map(Some)
            }
        };
        let number = number.ok_or_else(|| self.in_use())?;
        let now = now();
        Ok(Segment::values()
            .set(Segment::network, network)
            .set(Segment::network_type, self.network_type)
            .set(Segment::physical_network, self.physical_network.clone())
            .set(Segment::segmentation_id, number)
            .set(Segment::revision_number, 1)
            .set(Segment::created_at, now)
            .set(Segment::updated_at, now))
    }

    /// The largest packet that it can carry.
    pub(super) fn most(&self, rows: &Northbound) -> u16 {
        let physical_network = self.physical_network.as_deref();
        mtu::most_of(rows, self.network_type.into(), physical_network)
    }

    /// The fault when the number is taken.
    pub(super) fn in_use(&self) -> Fault {
        let place = self.physical_network.as_deref().unwrap_or_default();
        let (kind, message) = match (self.network_type, self.segmentation_id) {
            (SegmentType::Flat, _) => (
                "FlatNetworkInUse",
                format!("Unable to create the flat network. Physical network {place} is in use."),
            ),
            (_, None) => {
                let message =
                    "Unable to create the network. No tenant network is available for allocation.";
                return Fault::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "NoNetworkAvailable",
                    message,
                );
            }
            (SegmentType::Vlan, Some(number)) => (
                "VlanIdInUse",
                format!(
                    "Unable to create the network. The VLAN {number} on physical network {place} \
                     is in use."
                ),
            ),
            (_, Some(number)) => (
                "TunnelIdInUse",
                format!("Unable to create the network. The tunnel ID {number} is in use."),
            ),
        };
        Fault::new(StatusCode::CONFLICT, kind, message)
    }

    /// The last number of its kind.
    fn last(&self) -> i64 {
        match self.network_type {
            SegmentType::Vlan => 4094,
            SegmentType::Gre => i64::from(u32::MAX),
            SegmentType::Flat | SegmentType::Vxlan | SegmentType::Geneve => 0xff_ffff,
        }
    }
}

fn local(values: &Values) -> Result<Option<Carrier>, Fault> {
    for name in [PHYSICAL_NETWORK, SEGMENTATION_ID] {
        if values.has(name) {
            return Err(Fault::invalid_input(&format!(
                "{name} specified for local network"
            )));
        }
    }
    Ok(None)
}

/// Whether a host is connected to a physical network. Before any host has said where it is
/// connected, every name may come true.
fn is_mapped(rows: &Northbound, name: &str) -> bool {
    let mut mappings = rows.hosts.iter().map(|host| &host.bridge_mappings);
    rows.hosts
        .iter()
        .all(|host| host.bridge_mappings.is_empty())
        || mappings.any(|mappings| mappings.contains_key(name))
}
