//! OpenFlow 1.3 and the extensions that Open vSwitch adds to it.
//!
//! This crate speaks to a switch. It knows bytes, messages, matches, actions and the text of
//! `ovs-ofctl`; it must not know networks, ports of tenants or databases.

pub mod action;
mod declare;
pub mod field;
pub mod flow;
pub mod group;
pub mod instruction;
pub mod matching;
pub mod message;
pub mod meter;
pub mod multipart;
pub mod names;
#[doc(hidden)]
pub mod samples;
pub mod serve;
pub mod session;
pub mod socket;
pub mod wire;

pub use serve::{Application, serve};
pub use socket::{
    Closed, Connection, Event, Events, ListenTarget, Listener, Options, Pki, RequestError, Target,
};
