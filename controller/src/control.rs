//! What the command line asks a running agent, over a socket beside those of Open vSwitch.
//!
//! Server and client come from one declaration, so they cannot differ. The messages are JSON-RPC
//! 2.0 in a WebSocket, which carries subscriptions; that a unix socket has no host name is known
//! to this module alone.

use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

use crate::flows::{BridgeDiff, BridgeFlows, Query};
use crate::security_group::{SecurityGroup, Summary};
use crate::status::Status;
use crate::why::{Answer, Question};

mod client;
mod server;

pub(crate) use client::connect;
pub(crate) use server::serve;

/// The longest answer in bytes: some hundred thousand flows.
const MAX_ANSWER: u32 = 512 << 20;

/// What can be asked.
#[rpc(server, client)]
pub(crate) trait Control {
    /// What the agent knows and has done.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<Status>;

    /// What the agent knows, now and after each change. Whoever is slow misses states, not the
    /// latest one.
    #[subscription(name = "watch" => "watched", unsubscribe = "unwatch", item = Status)]
    async fn watch(&self) -> SubscriptionResult;

    /// The flows that are installed, and where they come from.
    #[method(name = "flows")]
    async fn flows(&self, query: Query) -> RpcResult<Vec<BridgeFlows>>;

    /// How what is installed differs from what should be; of one bridge, or of all.
    #[method(name = "diff")]
    async fn diff(&self, bridge: Option<String>) -> RpcResult<Vec<BridgeDiff>>;

    /// Every security group.
    #[method(name = "security_groups")]
    async fn security_groups(&self) -> RpcResult<Vec<Summary>>;

    /// One security group, by name or UUID, with what its rules let pass here.
    #[method(name = "security_group")]
    async fn security_group(&self, name: String) -> RpcResult<SecurityGroup>;

    /// Why a packet passes, or does not.
    #[method(name = "why")]
    async fn why(&self, question: Question) -> RpcResult<Answer>;
}
