//! Objects with a history: how often and when they were changed, and the words they are found by.

use std::collections::BTreeSet;

use ovsdb::Column;
use ovsdb::tables::Declared;

use super::tables::{
    AccessPolicy, AddressGroup, AddressScope, DefaultSecurityGroupRule, FloatingIp, Host, Log,
    Network, Northbound, Port, PortForwarding, Router, SecurityGroup, SecurityGroupRule, Segment,
    Subnet, SubnetPool, Trunk,
};

/// A row that says how often and when it was changed.
pub(crate) trait Revised: Declared<Database = Northbound> {
    /// How often it was changed.
    const REVISION: Column<Self, i64>;
    /// When it was made.
    const CREATED: Column<Self, i64>;
    /// When it was changed last.
    const UPDATED: Column<Self, i64>;

    /// How often it was changed.
    fn revision(&self) -> i64;
    /// When it was made, in seconds since 1970, UTC.
    fn created(&self) -> i64;
    /// When it was changed last, in seconds since 1970, UTC.
    fn updated(&self) -> i64;
}

/// A row with words that its owner finds it by.
pub(crate) trait Tagged: Revised {
    /// The words.
    const TAGS: Column<Self, BTreeSet<String>>;

    /// The words.
    fn tags(&self) -> &BTreeSet<String>;
}

macro_rules! revised {
    ($($row:ident)*) => {$(
        impl Revised for $row {
            const REVISION: Column<Self, i64> = Self::revision_number;
            const CREATED: Column<Self, i64> = Self::created_at;
            const UPDATED: Column<Self, i64> = Self::updated_at;

            fn revision(&self) -> i64 {
                self.revision_number
            }

            fn created(&self) -> i64 {
                self.created_at
            }

            fn updated(&self) -> i64 {
                self.updated_at
            }
        }
    )*};
}

macro_rules! tagged {
    ($($row:ident)*) => {$(
        impl Tagged for $row {
            const TAGS: Column<Self, BTreeSet<String>> = Self::tags;

            fn tags(&self) -> &BTreeSet<String> {
                &self.tags
            }
        }
    )*};
}

revised!(Network Segment Subnet SubnetPool AddressScope AddressGroup Port Trunk Log Host);
revised!(SecurityGroup SecurityGroupRule DefaultSecurityGroupRule Router FloatingIp);
revised!(PortForwarding AccessPolicy);
tagged!(Network Subnet SubnetPool Port SecurityGroup Trunk Router FloatingIp);
