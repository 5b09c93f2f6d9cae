//! The physical switches: what joins hosts to each other and to the physical world.

use anyhow::Context as _;

use crate::namespace::Namespace;

/// The largest packet on the wires, as on most.
const MTU: u16 = 1500;

/// The longest name of a network device in Linux (`IFNAMSIZ`, less the final zero).
const LONGEST_DEVICE_NAME: usize = 15;

/// A switch that forwards frames with any VLAN tag, or none, and does nothing else.
///
/// It is a Linux bridge, so that it is none of the software under test.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    namespace: Namespace,
    name: String,
}

impl Switch {
    /// Makes a switch inside a namespace that may hold several.
    pub(crate) fn new(namespace: &Namespace, name: &str) -> anyhow::Result<Self> {
        namespace.sysctl("ipv6/conf/default/disable_ipv6", "1")?;
        // Snooping would need a querier; without one it loses IPv6 neighbours.
        namespace.ip(&format!(
            "link add {name} mtu {MTU} type bridge mcast_snooping 0"
        ))?;
        namespace.ip(&format!("link set {name} up"))?;
        Ok(Self {
            namespace: namespace.clone(),
            name: name.to_owned(),
        })
    }

    /// Puts a cable between the switch and a new interface of another namespace; `owner` marks the
    /// switch's end of it.
    pub(crate) fn connect(
        &self,
        owner: &str,
        namespace: &Namespace,
        interface: &str,
    ) -> anyhow::Result<()> {
        let port = device(&format!("{owner}-{interface}"));
        let (here, there) = (self.namespace.name(), namespace.name());
        namespace
            .ip(&format!(
                "link add {interface} mtu {MTU} type veth peer name {port} mtu {MTU} netns {here}"
            ))
            .with_context(|| format!("joining {there} to {}", self.name))?;
        self.namespace
            .ip(&format!("link set {port} master {} up", self.name))?;
        without_checksum_offload(namespace, interface)?;
        namespace.ip(&format!("link set {interface} up"))?;
        Ok(())
    }
}

/// The name that a device can have which is to be called so.
pub(crate) fn device(name: &str) -> String {
    name.chars().take(LONGEST_DEVICE_NAME).collect()
}

/// Has the kernel fill in the checksums of what it sends on a veth.
///
/// It leaves them to a device that does not exist, and the userspace datapath refuses such packets.
pub(crate) fn without_checksum_offload(
    namespace: &Namespace,
    interface: &str,
) -> anyhow::Result<()> {
    namespace.run("ethtool", &format!("-K {interface} tx off"))?;
    Ok(())
}
