//! Cookies: which API object a flow comes from.
//!
//! The upper 16 bits are a brand. Flows of another brand belong to somebody else and are left
//! alone. The lower 48 bits are the start of the object's UUID, so that what `dump-flows` prints
//! can be pasted into a search: port `7571157f-bcad-4032-...` has cookie `0x62727571157fbcad`.

use std::fmt;

use uuid::Uuid;

use crate::network::{HostName, NetworkId, PortId};

/// The cookie of a flow that comes from an object of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(u64);

impl Cookie {
    /// The brand of flows that are compiled from the model: `br` in ASCII.
    pub const BRAND: u16 = 0x6272;

    /// The brand of flows that a `learn` action adds. They come and go with the traffic.
    pub const LEARNED_BRAND: u16 = 0x6273;

    /// Notes of what is still to be forgotten. They go when it is done.
    pub const NOTE: Self = Self::new(0x6274, 0);

    /// Flows that are there whatever the model says.
    pub const BRIDGE: Self = Self::new(Self::BRAND, 0);

    /// Every bit of the brand: with [`Cookie::BRIDGE`] as value it selects the compiled flows.
    pub const BRAND_MASK: u64 = u64::MAX << OBJECT_BITS;

    /// What the cookies of all brands of brint have in the bits of [`Cookie::KIN_MASK`].
    pub const KIN: u64 = Self::new(0x6270, 0).0;

    /// The bits in which the brands of brint agree, and others' seldom do.
    pub const KIN_MASK: u64 = Self::new(0xfff8, 0).0;

    const fn new(brand: u16, object: u64) -> Self {
        // `u64::from` cannot be called in a const.
        let [high, low] = brand.to_be_bytes();
        let brand = u64::from_be_bytes([high, low, 0, 0, 0, 0, 0, 0]);
        Self(brand | (object & !Self::BRAND_MASK))
    }

    /// The cookie of an object with a UUID.
    pub fn of(id: Uuid) -> Self {
        Self::new(Self::BRAND, start_of(id))
    }

    /// The cookie of the flows that are learned in a network.
    pub fn learned_in(network: NetworkId) -> Self {
        Self::new(Self::LEARNED_BRAND, start_of(network.0))
    }

    /// The cookie of the flows that are learned from what a port sends.
    pub fn learned_from(port: PortId) -> Self {
        Self::new(Self::LEARNED_BRAND, start_of(port.0))
    }

    /// The cookie of a host, which has a name only.
    pub fn of_host(host: &HostName) -> Self {
        Self::new(Self::BRAND, crate::hash::fnv1a(host.as_str().as_bytes()))
    }

    /// The number that the switch stores.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Whether a flow with this cookie was compiled from the model.
    pub fn is_ours(cookie: u64) -> bool {
        cookie & Self::BRAND_MASK == Self::BRIDGE.0
    }

    /// Whether a flow with this cookie was learned: it is nobody else's, and needs no model.
    pub fn is_learned(cookie: u64) -> bool {
        cookie & Self::BRAND_MASK == Self::new(Self::LEARNED_BRAND, 0).0
    }

    /// Whether the cookie is the one that flows of an object with this UUID carry.
    pub fn names(self, id: Uuid) -> bool {
        self == Self::of(id)
    }
}

const OBJECT_BITS: u32 = 48;

fn start_of(id: Uuid) -> u64 {
    let (high, _) = id.as_u64_pair();
    high >> (64 - OBJECT_BITS)
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_reads_as_the_start_of_the_uuid() {
        let id = "7571157f-bcad-4032-8ad1-f0950600b737".parse().unwrap();
        assert_eq!(Cookie::of(id).to_string(), "0x62727571157fbcad");
        assert!(Cookie::is_ours(Cookie::of(id).get()));
    }

    #[test]
    fn all_brands_of_brint_are_kin_and_a_flow_without_a_cookie_is_not() {
        let id = Uuid::from_u128(u128::MAX);
        let learned = Cookie::learned_in(NetworkId(id));
        for ours in [Cookie::of(id), learned, Cookie::NOTE, Cookie::BRIDGE] {
            assert_eq!(ours.get() & Cookie::KIN_MASK, Cookie::KIN, "{ours}");
        }
        assert_ne!(Cookie::KIN, 0);
    }

    #[test]
    fn learned_and_foreign_flows_are_not_ours() {
        assert!(!Cookie::is_ours(
            Cookie::learned_in(NetworkId(Uuid::from_u128(1))).get()
        ));
        assert!(Cookie::is_learned(
            Cookie::learned_from(PortId(Uuid::from_u128(1))).get()
        ));
        assert!(!Cookie::is_learned(Cookie::BRIDGE.get()));
        assert!(!Cookie::is_ours(Cookie::NOTE.get()));
        assert!(!Cookie::is_ours(0));
        assert!(Cookie::is_ours(Cookie::BRIDGE.get()));
    }
}
