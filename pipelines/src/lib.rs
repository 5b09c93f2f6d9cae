//! Tenant networks as OpenFlow tables.
//!
//! This crate holds the desired network and the pure functions that turn it into flows. It must
//! not know sockets, clocks, databases or async: the same network gives the same flows.
//!
//! A [`Model`](network::Model) says what is desired, a [`Site`](site::Site) adds the numbers that one
//! host gave to it. Each [`Unit`](unit::Unit) of the site gives [flows](bridge::flows) on each
//! [`Bridge`](bridge::Bridge), and [`diff`](diff::diff) turns what a switch has into them.
//!
//! ```
//! use std::sync::Arc;
//! use openflow::field::PortNo;
//! use pipelines::{bridge::{Bridge, desired}, network::*, site::Site};
//! use uuid::Uuid;
//!
//! let network = Network {
//!     id: NetworkId(Uuid::from_u128(1)),
//!     name: "private".to_owned(),
//!     project: "default".to_owned(),
//!     segment: Segment::new(NetworkType::Vxlan, None, Some(1001))?,
//!     mtu: None,
//!     dns_domain: String::new(),
//!     igmp_snooping: None,
//!     subnets: Vec::new(),
//! };
//! let port = Port {
//!     id: PortId("7571157f-bcad-4032-8ad1-f0950600b737".parse()?),
//!     name: "vm1".to_owned(),
//!     project: "default".to_owned(),
//!     network: network.id,
//!     mac_address: "fa:16:3e:00:00:12".parse()?,
//!     fixed_ips: Vec::new(),
//!     security_groups: Vec::new(),
//!     port_security_enabled: true,
//!     allowed_address_pairs: Vec::new(),
//!     admin_state_up: true,
//!     host: None,
//!     migrating_to: None,
//!     dns_name: String::new(),
//!     extra_dhcp_opts: ExtraDhcpOptions::default(),
//!     machine: Machine::default(),
//! };
//! let objects = Objects { networks: vec![network], ports: vec![port], ..Objects::default() };
//! let model = Model::new(objects).map_err(|problems| problems[0].clone())?;
//!
//! let mut site = Site::new(Arc::new(model), HostName::from("host1"));
//! site.local_vlans.insert(NetworkId(Uuid::from_u128(1)), VlanId::new(1)?);
//! site.bindings.insert(PortId("7571157f-bcad-4032-8ad1-f0950600b737".parse()?), PortNo(43));
//! let compiled = desired(&site, &Bridge::Integration);
//! let flows = compiled.flow_set().flows().map(ToString::to_string);
//! assert!(flows.into_iter().any(|flow| flow
//!     == "cookie=0x62727571157fbcad, table=60, priority=100,in_port=43 \
//!         actions=set_field:0x2b->reg5,set_field:0x1->reg6,resubmit(,71)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod announcement;
mod br_ex;
mod br_int;
mod br_tun;
pub mod bridge;
pub mod conjunction;
pub mod cookie;
pub mod diff;
pub mod errand;
pub mod explain;
pub mod failover;
pub mod flow_set;
pub mod forget;
mod hash;
mod learned;
mod link;
pub mod logging;
pub mod multicast;
pub mod network;
pub mod peer;
pub mod registers;
mod routed;
pub mod routing;
pub mod service;
pub mod site;
mod subject;
pub mod table;
pub mod unit;
