//! Names of the ports that join bridges and hosts: Neutron's, as they are in this field's fingers.

use std::net::IpAddr;

use pipelines::network::EncapType;

/// The port of the integration bridge that leads to the tunnel bridge.
pub(crate) const PATCH_TUN: &str = "patch-tun";
/// The port of the tunnel bridge that leads to the integration bridge.
pub(crate) const PATCH_INT: &str = "patch-int";

/// The longest name of an interface: `IFNAMSIZ` of Linux, less the final zero.
const MAX: usize = 15;

/// The port of the integration bridge that leads to a provider bridge: `int-br-ex`.
pub(crate) fn int_bridge(bridge: &str) -> String {
    patch("int-", bridge)
}

/// The port of a provider bridge that leads to the integration bridge: `phy-br-ex`.
pub(crate) fn phy_bridge(bridge: &str) -> String {
    patch("phy-", bridge)
}

/// The tunnel port for one remote address: `vxlan-c0000202` for 192.0.2.2.
///
/// An IPv6 address is too long for a name; a hash of it stands in.
pub(crate) fn tunnel(encap_type: EncapType, remote: IpAddr) -> String {
    match remote {
        IpAddr::V4(address) => format!("{encap_type}-{:08x}", address.to_bits()),
        IpAddr::V6(address) => format!("{encap_type}-{:08x}", fnv(&address.octets())),
    }
}

fn patch(prefix: &str, bridge: &str) -> String {
    if prefix.len() + bridge.len() <= MAX {
        return format!("{prefix}{bridge}");
    }
    // The start keeps the name readable, the hash keeps two long names apart.
    let start: String = bridge.chars().take(4).filter(char::is_ascii).collect();
    format!("{prefix}{start}{:07x}", fnv(bridge.as_bytes()) >> 4)
}

/// The 32-bit hash FNV-1a: short, and the same everywhere and for ever.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_named_by_the_hexadecimal_remote_address() {
        let remote = "192.0.2.2".parse().unwrap();
        assert_eq!(tunnel(EncapType::Vxlan, remote), "vxlan-c0000202");
        assert_eq!(tunnel(EncapType::Gre, remote), "gre-c0000202");
        assert_eq!(tunnel(EncapType::Geneve, remote), "geneve-c0000202");
    }

    #[test]
    fn a_tunnel_over_ipv6_keeps_its_name_for_ever() {
        let remote = "2001:db8::2".parse().unwrap();
        assert_eq!(tunnel(EncapType::Vxlan, remote), "vxlan-715b09ad");
    }

    #[test]
    fn names_are_never_longer_than_linux_takes() {
        let remote = "2001:db8::2".parse().unwrap();
        let long = "br-provider-with-a-long-name";
        for name in [
            tunnel(EncapType::Geneve, remote),
            int_bridge(long),
            phy_bridge(long),
        ] {
            assert!(name.len() <= MAX, "{name}");
        }
    }

    #[test]
    fn long_bridges_that_start_alike_have_different_patch_ports() {
        assert_eq!(int_bridge("br-ex"), "int-br-ex");
        assert_ne!(int_bridge("br-provider-one"), int_bridge("br-provider-two"));
    }
}
