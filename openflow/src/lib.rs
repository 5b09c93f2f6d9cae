//! OpenFlow 1.3 and the extensions that Open vSwitch adds to it.
//!
//! This crate speaks to a switch. It knows bytes, messages, matches, actions and the text of
//! `ovs-ofctl`; it must not know networks, ports of tenants or databases.
//!
//! # Talking to a switch
//!
//! Each bridge of Open vSwitch listens on a socket, `BRIDGE.mgmt`. A [`Connection`] greets it, and
//! is then asked and told things; what the switch says by itself comes out of [`Events`].
//!
//! ```no_run
//! use openflow::action::Output;
//! use openflow::field::{ETH_TYPE, EthType, PortNo};
//! use openflow::flow::Flow;
//! use openflow::instruction::Instructions;
//! use openflow::matching::Match;
//! use openflow::message::FlowMod;
//! use openflow::{Connection, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let bridge = "unix:/var/run/openvswitch/br-int.mgmt".parse()?;
//! let (switch, _events) = Connection::connect(&bridge, Options::default()).await?;
//! let arp = Flow {
//!     table: 3,
//!     priority: 100,
//!     matching: Match::default().with(ETH_TYPE, EthType::ARP),
//!     instructions: Instructions::apply([Output::to(PortNo(7)).into()]),
//!     ..Flow::default()
//! };
//! // All of these messages are carried out, or none is.
//! switch.bundle(vec![FlowMod::add(&arp).into()]).await?;
//! for flow in switch.flows().await? {
//!     println!("{}", Flow::from(flow));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Match`](matching::Match) is made of the constants in [`field`], which know the types of their
//! values: a MAC address does not fit in [`IPV4_SRC`](field::IPV4_SRC). The actions are structures
//! in [`action`], and what an [`Instructions`](instruction::Instructions) or a
//! [`Flow`](flow::Flow) prints is the text of `ovs-ofctl`, to the letter.
//!
//! # Being a controller
//!
//! [`serve`](fn@serve) waits for switches, and runs an [`Application`] for each. This is a hub, which
//! sends every packet out of all other ports:
//!
//! ```no_run
//! use openflow::action::Output;
//! use openflow::field::PortNo;
//! use openflow::flow::Flow;
//! use openflow::instruction::Instructions;
//! use openflow::message::FlowMod;
//! use openflow::{Application, Connection, Options, RequestError};
//!
//! #[derive(Default)]
//! struct Hub;
//!
//! impl Application for Hub {
//!     async fn connected(&mut self, switch: &Connection) -> Result<(), RequestError> {
//!         let flood = Instructions::apply([Output::to(PortNo::FLOOD).into()]);
//!         let flow = Flow { instructions: flood, ..Flow::default() };
//!         switch.bundle(vec![FlowMod::add(&flow).into()]).await
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! match openflow::serve(&"ptcp:6653".parse()?, Options::default(), Hub::default).await? {}
//! # }
//! ```
//!
//! `examples/learning_switch.rs` is the next step. For those who come from Ryu's
//! `simple_switch_13.py`:
//!
//! | Ryu | here |
//! |---|---|
//! | `class L2(app_manager.RyuApp)` | a structure that implements [`Application`], one value for each switch |
//! | `self.mac_to_port[dpid]` | a field of that structure |
//! | `set_ev_cls(EventOFPSwitchFeatures, CONFIG_DISPATCHER)` | [`Application::connected`] |
//! | `set_ev_cls(EventOFPPacketIn, MAIN_DISPATCHER)` | [`Application::packet_in`] |
//! | `ev.msg.datapath` | the [`Connection`] that each handler is given |
//! | `datapath.id` | `switch.features().datapath_id` |
//! | `msg.match['in_port']` | [`packet.in_port()`](message::PacketIn::in_port) |
//! | `packet.Packet(msg.data).get_protocol(ethernet)` | [`packet.addresses()`](message::PacketIn::addresses) |
//! | `parser.OFPMatch(in_port=1, eth_dst=dst)` | `Match::default().with(IN_PORT, PortNo(1)).with(ETH_DST, dst)` |
//! | `parser.OFPActionOutput(port)` | [`Output::to(port)`](action::Output::to) |
//! | `OFPActionOutput(OFPP_CONTROLLER, OFPCML_NO_BUFFER)` | [`Output::to_controller()`](action::Output::to_controller) |
//! | `OFPInstructionActions(OFPIT_APPLY_ACTIONS, actions)` | [`Instructions::apply(actions)`](instruction::Instructions::apply) |
//! | `parser.OFPFlowMod(priority=1, match=m, instructions=i)` | [`FlowMod::add(&flow)`](message::FlowMod::add) |
//! | `parser.OFPPacketOut(actions=a, data=d)` | [`PacketOut::new(a, d)`](message::PacketOut::new) |
//! | `datapath.send_msg(m)` | [`switch.send(m.into()).await?`](Connection::send) |
//! | `OFPFlowStatsRequest`, then `EventOFPFlowStatsReply` | [`switch.flows().await?`](Connection::flows) |
//! | `OFPBarrierRequest`, then `EventOFPBarrierReply` | [`switch.barrier().await?`](Connection::barrier) |
//! | `ryu-manager app.py` | [`openflow::serve`](fn@serve) |
//!
//! # Without tokio
//!
//! A [`Session`](session::Session) takes bytes and the time, and gives bytes and events: it can be
//! carried by any runtime, and tested without one. Beneath it, [`Message`](message::Message) reads
//! and writes single messages.
//!
//! # Layers
//!
//! [`wire`] is bytes; [`field`], [`matching`], [`action`], [`instruction`] are the vocabulary of
//! flows; [`flow`], [`group`], [`meter`] are what a switch holds; [`message`] and [`multipart`] are
//! what goes over the wire; [`session`] is the order in which it goes; [`socket`] carries it, and
//! [`mod@serve`] runs applications on it. Each knows those before it, and none after it.

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
pub mod print;
#[doc(hidden)]
pub mod samples;
pub mod serve;
pub mod session;
pub mod socket;
pub mod text;
pub mod wire;

pub use serve::{Application, serve};
pub use socket::{
    Closed, Connection, Event, Events, ListenTarget, Listener, Options, Pki, RequestError, Target,
};
