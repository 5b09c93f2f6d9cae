//! The physical world: a switch that knows VLANs, and a station on each provider network.
//!
//! The switch is an Open vSwitch of its own, because not every kernel has VLAN devices. It has a
//! bridge for each physical network, which forwards as any switch does; the stations are internal
//! ports.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context as _;
use ipnet::IpNet;

use crate::host::{Datapath, Host, Ovs, provider_card};
use crate::namespace::{Namespace, join};
use crate::network::{Description, Network};
use crate::state::State;
use crate::switch::device;

/// The physical world.
#[derive(Debug)]
pub struct Outside {
    host: Host,
}

impl Outside {
    /// Makes the world, with nothing in it.
    pub(crate) fn create(state: &Arc<State>, prefix: &str) -> anyhow::Result<Self> {
        Ok(Self {
            host: Host::start(state, prefix, "outside")?,
        })
    }

    /// Its namespace, in which every station lives.
    pub fn namespace(&self) -> &Namespace {
        self.host.namespace()
    }

    /// The switch whose ports are the other ends of hosts' provider cables; each is named after the
    /// host and its bridge, as `host1-br-ex`.
    pub fn ovs(&self) -> &Ovs {
        self.host.ovs()
    }

    /// Its address on the subnet of another address.
    ///
    /// # Errors
    ///
    /// When that subnet has no gateway.
    pub fn address_beside(
        &self,
        description: &Description,
        address: IpAddr,
    ) -> anyhow::Result<IpAddr> {
        let provided = description
            .networks
            .iter()
            .filter(|it| it.physical_network.is_some());
        let mut subnets = provided.flat_map(|network| &network.subnets);
        let subnet = subnets.find(|subnet| subnet.cidr.contains(&address));
        let gateway = subnet.and_then(|subnet| subnet.gateway_ip);
        gateway.with_context(|| format!("the gateway beside {address}"))
    }

    /// What forwards its packets, and those of every host.
    pub(crate) fn datapath(&self) -> Datapath {
        self.host.datapath()
    }

    /// Joins the provider bridge of a host to a physical network.
    pub(crate) fn join(
        &self,
        physical_network: &str,
        host: &Host,
        bridge: &str,
    ) -> anyhow::Result<()> {
        let interface = provider_card(bridge);
        let cable = device(&format!("{}-{bridge}", host.name()));
        join((host.namespace(), &interface), (self.namespace(), &cable))?;
        host.add_card(bridge, &interface)?;
        self.host.add_card(&world(physical_network), &cable)
    }

    /// Adds a station on a provider network, with the addresses of the network's gateways.
    pub(crate) fn add_station(&self, network: &Network) -> anyhow::Result<()> {
        let name = &network.name;
        let physical_network = (network.physical_network.as_deref())
            .with_context(|| format!("the physical network of {name}"))?;
        let tag = match network.network_type.as_str() {
            "vlan" => {
                let vlan = network
                    .segmentation_id
                    .with_context(|| format!("the VLAN of {name}"))?;
                format!("tag={vlan}")
            }
            // Without a tag it would be a trunk, which hears every VLAN.
            _ => "tag=0".to_owned(),
        };
        self.host.ovs().vsctl(&format!(
            "add-port {} {name} {tag} -- set Interface {name} type=internal",
            world(physical_network)
        ))?;
        let namespace = self.namespace();
        namespace.sysctl(&format!("ipv6/conf/{name}/disable_ipv6"), "0")?;
        namespace.ip(&format!("link set {name} up"))?;
        for subnet in &network.subnets {
            let Some(gateway) = subnet.gateway_ip else {
                continue;
            };
            let address = IpNet::new(gateway, subnet.cidr.prefix_len())?;
            let nodad = if gateway.is_ipv6() { "nodad" } else { "" };
            namespace.ip(&format!("address add {address} dev {name} {nodad}"))?;
        }
        Ok(())
    }
}

/// The bridge that is a physical network.
fn world(physical_network: &str) -> String {
    device(&format!("world-{physical_network}"))
}
