//! Address groups: addresses that rules name together.
//!
//! They say nothing about ports. Who wants to let in an office, or keep to a list of servers, puts
//! the addresses into one group, and changes that in place of every rule.

use ipnet::IpNet;

use super::AddressGroupId;

/// A set of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressGroup {
    /// Identifier.
    pub id: AddressGroupId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// Its blocks, of either version of IP, without host bits. They may overlap.
    pub addresses: Vec<IpNet>,
}
