//! What objects are called.
//!
//! Each kind has its own type of identifier, so that a port cannot be looked up as a network.

use std::fmt;

use uuid::Uuid;

macro_rules! uuids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

uuids! {
    /// Names a network.
    NetworkId;
    /// Names a subnet.
    SubnetId;
    /// Names a port. An interface on br-int carries it as `external_ids:iface-id`.
    PortId;
    /// Names a security group.
    SecurityGroupId;
    /// Names an address group.
    AddressGroupId;
    /// Names a rule of a security group.
    RuleId;
    /// Names a trunk.
    TrunkId;
    /// Names a log.
    LogId;
    /// Names a router.
    RouterId;
    /// Names a floating IP.
    FloatingIpId;
    /// Names a port forwarding.
    PortForwardingId;
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

names! {
    /// Names a host; Neutron's `binding:host_id`.
    HostName;
    /// Names a physical network, as `physnet1`; each host maps it to a provider bridge.
    PhysicalNetwork;
}
