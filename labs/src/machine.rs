//! A virtual machine, as far as the network can tell: a namespace behind a veth.

use std::net::IpAddr;

use anyhow::Context as _;
use ipnet::IpNet;

use crate::namespace::Namespace;
use crate::network::MacAddr;
use crate::state::State;
use crate::switch::without_checksum_offload;

/// The network card of a machine.
pub(crate) const CARD: &str = "eth0";

/// A virtual machine with one network card.
#[derive(Clone, Debug)]
pub struct Machine {
    name: String,
    namespace: Namespace,
    mac: MacAddr,
    addresses: Vec<IpNet>,
}

impl Machine {
    /// A VM: its card is a veth, whose other end `tap` the host plugs into br-int.
    ///
    /// What is not on its subnets, it sends to the gateways. Without addresses it hears and says nothing, as one that does not run yet.
    pub(crate) fn vm(
        state: &State,
        namespace: &str,
        name: &str,
        (mac, mtu): (MacAddr, Option<u16>),
        (addresses, gateways): (Vec<IpNet>, Vec<IpAddr>),
        (host, tap): (&Namespace, &str),
    ) -> anyhow::Result<Self> {
        let namespace = state.add_namespace(namespace)?;
        if addresses.is_empty() {
            namespace.sysctl("ipv6/conf/default/disable_ipv6", "1")?;
        }
        let mtu = mtu.map(|mtu| format!("mtu {mtu}")).unwrap_or_default();
        namespace.ip(&format!(
            "link add {CARD} address {mac} {mtu} type veth peer name {tap} {mtu} netns {}",
            host.name()
        ))?;
        without_checksum_offload(&namespace, CARD)?;
        let machine = Self {
            name: name.to_owned(),
            namespace,
            mac,
            addresses,
        };
        for address in &machine.addresses {
            machine.add_address(CARD, *address)?;
        }
        machine.namespace.ip(&format!("link set {CARD} up"))?;
        host.ip(&format!("link set {tap} up"))?;
        for gateway in gateways {
            let family = if gateway.is_ipv6() { "-6 " } else { "" };
            let namespace = &machine.namespace;
            namespace.ip(&format!(
                "{family}route add default via {gateway} dev {CARD}"
            ))?;
        }
        Ok(machine)
    }

    /// Gives the machine its addresses, and has it run with them.
    ///
    /// # Errors
    ///
    /// When it has them already.
    pub fn wake(&mut self, addresses: impl IntoIterator<Item = IpNet>) -> anyhow::Result<()> {
        let disable = format!("ipv6/conf/{CARD}/disable_ipv6");
        self.namespace.sysctl(&disable, "0")?;
        for address in addresses {
            self.add_address(CARD, address)?;
            self.addresses.push(address);
        }
        Ok(())
    }

    /// Takes the machine's addresses away; it says nothing more, and hears. What it had.
    ///
    /// # Errors
    ///
    /// When the namespace is gone.
    pub fn sleep(&mut self) -> anyhow::Result<Vec<IpNet>> {
        let disable = format!("ipv6/conf/{CARD}/disable_ipv6");
        self.namespace.sysctl(&disable, "1")?;
        self.namespace.ip(&format!("addr flush dev {CARD}"))?;
        Ok(std::mem::take(&mut self.addresses))
    }

    fn add_address(&self, interface: &str, address: IpNet) -> anyhow::Result<()> {
        let nodad = if address.addr().is_ipv6() {
            "nodad"
        } else {
            ""
        };
        self.namespace
            .ip(&format!("addr add {address} dev {interface} {nodad}"))?;
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its MAC address.
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Its first IPv4 address.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn ipv4(&self) -> anyhow::Result<IpAddr> {
        self.address(IpAddr::is_ipv4)
            .with_context(|| format!("{} has no IPv4 address", self.name))
    }

    /// Its first IPv6 address.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn ipv6(&self) -> anyhow::Result<IpAddr> {
        self.address(IpAddr::is_ipv6)
            .with_context(|| format!("{} has no IPv6 address", self.name))
    }

    /// Its addresses, in the order of the network description.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(IpNet::addr)
    }

    fn address(&self, wanted: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
        self.addresses().find(wanted)
    }
}
