//! Allocation pools: what addresses of a subnet are given from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::StatusCode;
use ipnet::IpNet;
use serde_json::Value;

use super::attribute::plain;
use super::fault::Fault;
use super::new::random;

/// How often an address is guessed before the next free one is searched for.
const GUESSES: usize = 16;

/// Addresses in a row. Displayed as the database keeps it, `FIRST-LAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    /// The first address.
    pub(super) start: IpAddr,
    /// The last address, of the same version.
    pub(super) end: IpAddr,
}

impl Pool {
    /// Whether an address is one of them.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.start.is_ipv4() && self.start <= ip && ip <= self.end
    }

    /// How many addresses there are, less one.
    fn span(&self) -> u128 {
        number(self.end).saturating_sub(number(self.start))
    }

    /// How many addresses there are.
    pub(super) fn size(&self) -> u128 {
        self.span().saturating_add(1)
    }

    /// The address that so many stand before.
    fn at(&self, place: u128) -> IpAddr {
        ip(number(self.start).saturating_add(place), self.start)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl FromStr for Pool {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, end) = text.split_once('-').ok_or(())?;
        let pool = Self {
            start: start.parse().map_err(drop)?,
            end: end.parse().map_err(drop)?,
        };
        if pool.start.is_ipv4() == pool.end.is_ipv4() && pool.start <= pool.end {
            Ok(pool)
        } else {
            Err(())
        }
    }
}

/// All addresses that machines can have, without that of the router.
pub(super) fn default_pools(cidr: IpNet, gateway: Option<IpAddr>) -> Vec<Pool> {
    let (network, broadcast) = (number(cidr.network()), number(cidr.broadcast()));
    // The last address of a block of IPv6 is like any other.
    let (first, last) = match cidr {
        IpNet::V4(block) if block.prefix_len() >= 31 => (network, broadcast),
        IpNet::V4(_) => (network + 1, broadcast - 1),
        IpNet::V6(block) if block.prefix_len() >= 127 => (network, broadcast),
        IpNet::V6(_) => (network + 1, broadcast),
    };
    let pool = |first, last| Pool {
        start: ip(first, cidr.addr()),
        end: ip(last, cidr.addr()),
    };
    match gateway.map(number) {
        Some(gateway) if first <= gateway && gateway <= last => {
            let mut pools = Vec::new();
            if first < gateway {
                pools.push(pool(first, gateway - 1));
            }
            if gateway < last {
                pools.push(pool(gateway + 1, last));
            }
            pools
        }
        _ => vec![pool(first, last)],
    }
}

/// Reads pools: `[{"start": ADDRESS, "end": ADDRESS}]`.
///
/// # Errors
///
/// They are not of the block, or overlap.
pub(super) fn pools(given: &Value, cidr: IpNet) -> Result<Vec<Pool>, Fault> {
    let problem = |reason: String| Fault::attribute("allocation_pools", &reason);
    let not_a_list = || problem(format!("'{}' is not a list", plain(given)));
    let mut pools: Vec<Pool> = Vec::new();
    for item in given.as_array().ok_or_else(not_a_list)? {
        let part = |name| item.get(name).and_then(Value::as_str);
        let known = item.as_object().is_some_and(|item| item.len() == 2);
        let (Some(start), Some(end), true) = (part("start"), part("end"), known) else {
            let reason = format!("'{}' is no pool, expected start and end", plain(item));
            return Err(problem(reason));
        };
        let bounds = (start.parse::<IpAddr>(), end.parse::<IpAddr>());
        let (Ok(start), Ok(end)) = bounds else {
            return Err(problem(format!(
                "'{}' is not a valid IP address",
                plain(item)
            )));
        };
        let pool = Pool { start, end };
        if start.is_ipv4() != cidr.addr().is_ipv4()
            || end.is_ipv4() != start.is_ipv4()
            || end < start
        {
            let message = format!("The allocation pool {pool} is not valid.");
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "InvalidAllocationPool",
                message,
            ));
        }
        let whole = default_pools(cidr, None);
        if !whole
            .iter()
            .any(|whole| whole.contains(start) && whole.contains(end))
        {
            let message =
                format!("The allocation pool {pool} spans beyond the subnet cidr {cidr}.");
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "OutOfBoundsAllocationPool",
                message,
            ));
        }
        if let Some(other) = pools
            .iter()
            .find(|other| other.start <= end && start <= other.end)
        {
            let message =
                format!("Found overlapping allocation pools: {other}, {pool} for subnet {cidr}.");
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "OverlappingAllocationPools",
                message,
            ));
        }
        pools.push(pool);
    }
    Ok(pools)
}

/// An address of the pools that is free, not the next one: who asks at the same time gets another.
///
/// # Errors
///
/// The system has no random numbers.
pub(super) fn choose(
    pools: &[Pool],
    is_free: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, Fault> {
    let sizes = pools.iter().map(|pool| pool.span().saturating_add(1));
    let total = sizes.fold(0_u128, u128::saturating_add);
    if total == 0 {
        return Ok(None);
    }
    let nth = |mut place: u128| {
        for pool in pools {
            if place <= pool.span() {
                return Some(pool.at(place));
            }
            place -= pool.span() + 1;
        }
        None
    };
    let mut place = 0;
    for _ in 0..GUESSES {
        place = u128::from(random()?) % total;
        if let Some(ip) = nth(place).filter(|ip| is_free(*ip)) {
            return Ok(Some(ip));
        }
    }
    let rest = (place..total).chain(0..place);
    Ok(rest.filter_map(nth).find(|ip| is_free(*ip)))
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// The address of this number, of the version of `like`.
fn ip(number: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()),
        IpAddr::V6(_) => IpAddr::V6(number.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pool, choose, default_pools};

    fn pools(cidr: &str, gateway: Option<&str>) -> String {
        let gateway = gateway.map(|ip| ip.parse().unwrap());
        let pools = default_pools(cidr.parse().unwrap(), gateway);
        let pools: Vec<_> = pools.iter().map(Pool::to_string).collect();
        pools.join(" ")
    }

    #[test]
    fn machines_can_have_every_address_but_the_routers() {
        assert_eq!(pools("10.0.0.0/24", None), "10.0.0.1-10.0.0.254");
        assert_eq!(
            pools("10.0.0.0/24", Some("10.0.0.1")),
            "10.0.0.2-10.0.0.254"
        );
        assert_eq!(
            pools("10.0.0.0/29", Some("10.0.0.3")),
            "10.0.0.1-10.0.0.2 10.0.0.4-10.0.0.6"
        );
        assert_eq!(pools("10.0.0.0/31", None), "10.0.0.0-10.0.0.1");
        assert_eq!(pools("10.0.0.4/32", Some("10.0.0.4")), "");
        assert_eq!(
            pools("fd00::/64", Some("fd00::")),
            "fd00::1-fd00::ffff:ffff:ffff:ffff"
        );
    }

    #[test]
    fn every_address_is_given_once_and_then_none() {
        let pools = default_pools(
            "10.0.0.0/27".parse().unwrap(),
            Some("10.0.0.9".parse().unwrap()),
        );
        let mut given = std::collections::BTreeSet::new();
        while let Some(ip) = choose(&pools, |ip| !given.contains(&ip)).unwrap() {
            assert!(given.insert(ip), "{ip} is given twice");
        }
        assert_eq!(given.len(), 29);
    }
}
