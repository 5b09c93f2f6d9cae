//! The physical world: a switch that knows VLANs, and a station on each provider network.
//!
//! The switch is an Open vSwitch of its own, because not every kernel has VLAN devices. Its one
//! bridge forwards as any switch does; the stations are its internal ports.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context as _;
use ipnet::IpNet;

use crate::host::{Datapath, Host};
use crate::namespace::{Namespace, join};
use crate::network::{Description, Network};
use crate::state::State;

/// The bridge of the physical world.
const BRIDGE: &str = "br-world";

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

    /// Joins the provider bridge of a host to the world.
    pub(crate) fn join(&self, host: &Host, bridge: &str) -> anyhow::Result<()> {
        let interface = format!("{bridge}-nic");
        join(
            (host.namespace(), &interface),
            (self.namespace(), host.name()),
        )?;
        host.add_card(bridge, &interface)?;
        self.host.add_card(BRIDGE, host.name())
    }

    /// Adds a station on a provider network, with the addresses of the network's gateways.
    pub(crate) fn add_station(&self, network: &Network) -> anyhow::Result<()> {
        let name = &network.name;
        let tag = match network.network_type.as_str() {
            "vlan" => {
                let vlan = network
                    .segmentation_id
                    .with_context(|| format!("the VLAN of {name}"))?;
                format!("tag={vlan}")
            }
            _ => String::new(),
        };
        self.host.ovs().vsctl(&format!(
            "add-port {BRIDGE} {name} {tag} -- set Interface {name} type=internal"
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
