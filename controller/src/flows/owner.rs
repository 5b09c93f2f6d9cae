//! Whose a flow is: what its cookie stands for.

use std::collections::BTreeMap;
use std::fmt;

use pipelines::cookie::Cookie;
use pipelines::network::Model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The object that a flow comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// What kind of object it is.
    pub(crate) kind: OwnerKind,
    /// What people call it.
    pub(crate) name: String,
    /// Its identifier; a host and a bridge have none.
    pub(crate) id: Option<Uuid>,
}

/// A kind of object that has flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OwnerKind {
    /// The bridge itself, whatever the description says.
    #[serde(rename = "bridge")]
    Bridge,
    /// Another host.
    #[serde(rename = "host")]
    Host,
    /// A network.
    #[serde(rename = "network")]
    Network,
    /// The traffic in a network, from which a flow was learned.
    #[serde(rename = "learned in network")]
    Learned,
    /// The traffic of a port, from which a flow was learned.
    #[serde(rename = "learned from port")]
    LearnedFrom,
    /// A port.
    #[serde(rename = "port")]
    Port,
    /// A security group.
    #[serde(rename = "security group")]
    SecurityGroup,
    /// An address group.
    #[serde(rename = "address group")]
    AddressGroup,
    /// A router.
    #[serde(rename = "router")]
    Router,
    /// A floating IP.
    #[serde(rename = "floating IP")]
    FloatingIp,
    /// A note of the agent's own.
    #[serde(rename = "note")]
    Note,
    /// An object that the description has no more.
    #[serde(rename = "object")]
    Gone,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            OwnerKind::Bridge => return f.write_str("the bridge itself"),
            OwnerKind::Note => return f.write_str("a note of the agent"),
            OwnerKind::Gone => return write!(f, "an object that is gone: {}", self.name),
            OwnerKind::Host => "host",
            OwnerKind::Network => "network",
            OwnerKind::Learned => "learned in network",
            OwnerKind::LearnedFrom => "learned from port",
            OwnerKind::Port => "port",
            OwnerKind::SecurityGroup => "security group",
            OwnerKind::AddressGroup => "address group",
            OwnerKind::Router => "router",
            OwnerKind::FloatingIp => "floating IP",
        };
        write!(f, "{kind} {}", self.name)?;
        match self.id {
            Some(id) => write!(f, " ({id})"),
            None => Ok(()),
        }
    }
}

/// Every cookie that a description makes, and what it stands for.
#[derive(Debug, Default)]
pub(crate) struct Owners(BTreeMap<u64, Owner>);

impl Owners {
    /// Those of a description.
    pub(crate) fn of(model: Option<&Model>) -> Self {
        let mut owners = Self::default();
        owners.add(Cookie::BRIDGE, OwnerKind::Bridge, "bridge", None);
        owners.add(Cookie::NOTE, OwnerKind::Note, "note", None);
        let Some(model) = model else {
            return owners;
        };
        for host in model.hosts() {
            let cookie = Cookie::of_host(&host.name);
            owners.add(cookie, OwnerKind::Host, host.name.as_str(), None);
        }
        for network in model.networks() {
            let (id, name) = (network.id.0, network.name.as_str());
            owners.add(Cookie::of(id), OwnerKind::Network, name, Some(id));
            let learned = Cookie::learned_in(network.id);
            owners.add(learned, OwnerKind::Learned, name, Some(id));
        }
        for group in model.security_groups() {
            let id = group.id.0;
            let kind = OwnerKind::SecurityGroup;
            owners.add(Cookie::of(id), kind, &group.name, Some(id));
        }
        for group in model.address_groups() {
            let (id, name) = (group.id.0, group.name.as_str());
            owners.add(Cookie::of(id), OwnerKind::AddressGroup, name, Some(id));
        }
        for router in model.routers() {
            let (id, name) = (router.id.0, router.name.as_str());
            owners.add(Cookie::of(id), OwnerKind::Router, name, Some(id));
        }
        for floating_ip in model.floating_ips() {
            let id = floating_ip.id.0;
            let name = id.to_string();
            owners.add(Cookie::of(id), OwnerKind::FloatingIp, &name, Some(id));
        }
        for port in model.ports() {
            let id = port.id.0;
            owners.add(Cookie::of(id), OwnerKind::Port, &port.name, Some(id));
            let learned = Cookie::learned_from(port.id);
            owners.add(learned, OwnerKind::LearnedFrom, &port.name, Some(id));
        }
        owners
    }

    fn add(&mut self, cookie: Cookie, kind: OwnerKind, name: &str, id: Option<Uuid>) {
        let name = name.to_owned();
        self.0.insert(cookie.get(), Owner { kind, name, id });
    }

    /// What a cookie stands for; `None` if it is somebody else's.
    pub(crate) fn owner(&self, cookie: u64) -> Option<Owner> {
        let gone = || Owner {
            kind: OwnerKind::Gone,
            name: format!("{cookie:#x}"),
            id: None,
        };
        let known = self.0.get(&cookie).cloned();
        known.or_else(|| Cookie::is_ours(cookie).then(gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_of_ours_without_an_object_is_told_from_somebody_elses() {
        let owners = Owners::of(None);
        let owner = |cookie| owners.owner(cookie).map(|owner| owner.to_string());
        assert_eq!(
            owner(Cookie::BRIDGE.get()).as_deref(),
            Some("the bridge itself")
        );
        let gone = "an object that is gone: 0x6272000000000001";
        assert_eq!(owner(Cookie::BRIDGE.get() + 1).as_deref(), Some(gone));
        assert_eq!(owner(0xcafe), None);
    }
}
