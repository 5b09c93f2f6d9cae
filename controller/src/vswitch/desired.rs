//! What the host's database should hold: bridges, patch ports and tunnel ports.
//!
//! A pure function of the desired networks and the settings of the host, so that it can be
//! compared with what the database does hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pipelines::bridge::Bridge as Role;
use pipelines::network::{EncapType, Host, HostName, Model};

use super::names;

/// The bridges that a host needs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// The bridges.
    pub(crate) bridges: BTreeMap<String, Bridge>,
    /// One sentence for each thing that cannot be configured.
    pub(crate) problems: BTreeSet<String>,
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
    },
}

impl Link {
    /// The type of the interface, as in the table `Interface`.
    pub(crate) fn interface_type(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "patch",
            Self::Tunnel { encap_type, .. } => encap_type.as_str(),
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
    /// `integration` and `tunnel` are the names of those bridges.
    pub(crate) fn new(model: &Model, this: &Host, integration: &str, tunnel: &str) -> Self {
        let mut configuration = Self::default();
        configuration.bridge(integration, Role::Integration);
        if this.encap_ip.is_some() {
            configuration.bridge(tunnel, Role::Tunnel);
            configuration.patch(
                (integration, names::PATCH_TUN.to_owned()),
                (tunnel, names::PATCH_INT.to_owned()),
            );
            for other in model.hosts().filter(|other| other.name != this.name) {
                configuration.tunnels(model, this, other, tunnel);
            }
        }
        for (physical_network, bridge) in &this.bridge_mappings {
            if configuration.bridges.contains_key(bridge) {
                configuration.problems.insert(format!(
                    "bridge mapping {physical_network}:{bridge} is ignored, as {bridge} already \
                     has another use; expected a bridge of its own"
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

    fn tunnels(&mut self, model: &Model, this: &Host, other: &Host, bridge: &str) {
        for encap_type in EncapType::ALL {
            let ends = this.endpoint(encap_type).zip(other.endpoint(encap_type));
            let Some((local, remote)) = ends.filter(|_| carries(model, encap_type)) else {
                continue;
            };
            let refused = if local == remote {
                Some("is the address of this host too")
            } else if local.is_ipv4() != remote.is_ipv4() {
                Some("is of another family than the address of this host")
            } else {
                None
            };
            if let Some(reason) = refused {
                self.problems.insert(format!(
                    "no {encap_type} tunnel to host {}: encap_ip {remote} {reason}",
                    other.name
                ));
                continue;
            }
            let host = other.name.clone();
            let name = names::tunnel(encap_type, remote);
            self.port(
                bridge,
                name,
                Link::Tunnel {
                    encap_type,
                    local,
                    remote,
                    host,
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
