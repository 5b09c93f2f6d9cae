//! What the host's database should hold: bridges, patch ports and tunnel ports.
//!
//! A pure function of the desired networks and the settings of the host, so that it can be
//! compared with what the database does hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pipelines::bridge::Bridge as Role;
use pipelines::network::{EncapType, Host, HostName, Model, Network, NetworkId};
use pipelines::routing::{self, leads_to};

use super::{OpenVSwitch, names, session};
use crate::problem::{Kind, Problem};

/// The bridges that a host needs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// The bridges.
    pub(crate) bridges: BTreeMap<String, Bridge>,
    /// What cannot be configured.
    pub(crate) problems: BTreeSet<Problem>,
}

/// One bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bridge {
    /// What the bridge is for.
    pub(crate) role: Role,
    /// The ports that join it to other bridges and hosts, by name.
    pub(crate) ports: BTreeMap<String, Link>,
}

/// Where a port of a bridge leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// To another bridge of this host.
    Patch {
        /// The port of the other bridge.
        peer: String,
    },
    /// To another host.
    Tunnel {
        /// How packets are carried.
        encap_type: EncapType,
        /// This host's end.
        local: IpAddr,
        /// The other host's end.
        remote: IpAddr,
        /// The other host.
        host: HostName,
        /// Whether it matters to others that the other host is there.
        is_watched: bool,
    },
}

impl Link {
    /// The type of the interface, as in the table `Interface`.
    pub(crate) fn interface_type(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "patch",
            // The kernel's datapath takes GRE over IPv6 by this type only (ovs-vswitchd.conf.db(5)).
            Self::Tunnel {
                encap_type: EncapType::Gre,
                remote: IpAddr::V6(_),
                ..
            } => "ip6gre",
            Self::Tunnel { encap_type, .. } => encap_type.as_str(),
        }
    }

    /// The settings of BFD for the interface, as in the table `Interface`.
    pub(crate) fn bfd(&self) -> BTreeMap<String, String> {
        match self {
            Self::Tunnel {
                is_watched: true, ..
            } => session::settings(),
            _ => BTreeMap::new(),
        }
    }

    /// The options that change where packets go or what they look like on the wire, so that the other
    /// end does not know them: the interface has none of these but its own.
    pub(crate) fn spoiling(&self) -> &'static [&'static str] {
        match self {
            Self::Patch { .. } => &[],
            Self::Tunnel { .. } => &[
                "dst_port",
                "egress_pkt_mark",
                "exts",
                "key",
                "packet_type",
                "psk",
                "remote_cert",
                "remote_name",
                "seq",
            ],
        }
    }

    /// The options of the interface, as in the table `Interface`.
    pub(crate) fn options(&self) -> BTreeMap<String, String> {
        let options = match self {
            Self::Patch { peer } => vec![("peer", peer.clone())],
            Self::Tunnel { local, remote, .. } => vec![
                ("df_default", "true".to_owned()),
                ("in_key", "flow".to_owned()),
                ("local_ip", local.to_string()),
                ("out_key", "flow".to_owned()),
                ("remote_ip", remote.to_string()),
            ],
        };
        options
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}

impl Configuration {
    /// What `this` host needs to carry the networks of `model`.
    ///
    /// `integration` and `tunnel` are the names of those bridges; they are made if they are
    /// missing. A provider bridge is not: without a network card it would lead nowhere.
    pub(crate) fn new(
        model: &Model,
        this: &Host,
        (integration, tunnel): (&str, &str),
        tables: &OpenVSwitch,
    ) -> Self {
        let mut configuration = Self::default();
        configuration.bridge(integration, Role::Integration);
        if this.encap_ip.is_some() {
            configuration.bridge(tunnel, Role::Tunnel);
            configuration.patch(
                (integration, names::PATCH_TUN.to_owned()),
                (tunnel, names::PATCH_INT.to_owned()),
            );
            let outside = routing::external_networks(model);
            let may_lead = |host| outside.iter().any(|network| leads_to(host, network));
            let from_here = may_lead(this);
            for other in model.hosts().filter(|other| other.name != this.name) {
                let is_watched = from_here || may_lead(other);
                configuration.tunnels(model, this, (other, is_watched), tunnel);
            }
        }
        for (physical_network, bridge) in &this.bridge_mappings {
            let reason = if configuration.bridges.contains_key(bridge) {
                Some(format!(
                    "{bridge} has another use, expected a bridge of its own"
                ))
            } else if tables.bridge(bridge).is_none() {
                Some(format!(
                    "there is no bridge {bridge}, expected one with a network card"
                ))
            } else {
                None
            };
            if let Some(reason) = reason {
                configuration.problems.insert(Problem::new(
                    Kind::BridgeMapping,
                    format!("{physical_network}:{bridge}"),
                    format!("is refused: {reason}"),
                ));
                continue;
            }
            configuration.bridge(bridge, Role::Provider(physical_network.clone()));
            configuration.patch(
                (integration, names::int_bridge(bridge)),
                (bridge, names::phy_bridge(bridge)),
            );
        }
        configuration
    }

    /// Those of `networks` whose physical network has no bridge here.
    pub(crate) fn unmapped(
        &self,
        model: &Model,
        networks: impl IntoIterator<Item = NetworkId>,
    ) -> BTreeSet<Problem> {
        let networks = networks.into_iter().filter_map(|id| model.network(id));
        let problem = |network: &Network| {
            let physical_network = network.segment.physical_network()?;
            let role = Role::Provider(physical_network.clone());
            if self.bridges.values().any(|bridge| bridge.role == role) {
                return None;
            }
            Some(Problem::new(
                Kind::Network,
                format!("{} ({})", network.name, network.id),
                format!("is cut off: physical network {physical_network} has no bridge here"),
            ))
        };
        networks.filter_map(problem).collect()
    }

    /// Its ports that are there and that the switch cannot make, each with its bridge.
    pub(crate) fn broken<'a>(
        &'a self,
        tables: &'a OpenVSwitch,
    ) -> impl Iterator<Item = (String, String)> + 'a {
        let ports = self
            .bridges
            .iter()
            .flat_map(|(bridge, desired)| desired.ports.keys().map(move |port| (bridge, port)));
        let is_broken = |(bridge, port): &(&String, &String)| {
            let interface = tables.interfaces.index().by_name.get(port.as_str());
            let fails = interface.is_some_and(|interface| interface.failure().is_some());
            fails && tables.is_there(bridge, port)
        };
        let broken = ports.filter(move |port| is_broken(port));
        broken.map(|(bridge, port)| (bridge.clone(), port.clone()))
    }

    fn bridge(&mut self, name: &str, role: Role) {
        self.bridges.insert(
            name.to_owned(),
            Bridge {
                role,
                ports: BTreeMap::new(),
            },
        );
    }

    fn port(&mut self, bridge: &str, port: String, link: Link) {
        if let Some(bridge) = self.bridges.get_mut(bridge) {
            bridge.ports.insert(port, link);
        }
    }

    fn patch(&mut self, (here, port): (&str, String), (there, peer): (&str, String)) {
        self.port(here, port.clone(), Link::Patch { peer: peer.clone() });
        self.port(there, peer, Link::Patch { peer: port });
    }

    /// The host that a tunnel port leads to.
    fn end_of(&self, bridge: &str, port: &str) -> Option<&HostName> {
        match self.bridges.get(bridge)?.ports.get(port)? {
            Link::Tunnel { host, .. } => Some(host),
            Link::Patch { .. } => None,
        }
    }

    fn tunnels(
        &mut self,
        model: &Model,
        this: &Host,
        (other, is_watched): (&Host, bool),
        bridge: &str,
    ) {
        for encap_type in EncapType::ALL {
            let ends = this.endpoint(encap_type).zip(other.endpoint(encap_type));
            let Some((local, remote)) = ends.filter(|_| carries(model, encap_type)) else {
                continue;
            };
            let name = names::tunnel(encap_type, remote);
            let refused = if local == remote {
                Some("is the address of this host too".to_owned())
            } else if local.is_ipv4() != remote.is_ipv4() {
                Some("is of another family than the address of this host".to_owned())
            } else {
                self.end_of(bridge, &name)
                    .map(|host| format!("is taken: port {name} leads to host {host}"))
            };
            if let Some(reason) = refused {
                self.problems.insert(Problem::new(
                    Kind::Tunnel,
                    format!("{encap_type} to host {}", other.name),
                    format!("is refused: encap_ip {remote} {reason}"),
                ));
                continue;
            }
            let host = other.name.clone();
            self.port(
                bridge,
                name,
                Link::Tunnel {
                    encap_type,
                    local,
                    remote,
                    host,
                    is_watched,
                },
            );
        }
    }
}

/// Whether some network goes through tunnels of this type.
fn carries(model: &Model, encap_type: EncapType) -> bool {
    model
        .networks()
        .any(|network| EncapType::of(network.segment.network_type()) == Some(encap_type))
}
