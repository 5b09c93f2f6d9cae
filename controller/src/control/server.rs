//! The agent's end.

use std::convert::Infallible;
use std::time::Duration;

use jsonrpsee::SubscriptionMessage;
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use jsonrpsee::server::{PendingSubscriptionSink, Server, ServerConfig, stop_channel};
use jsonrpsee::types::ErrorObjectOwned;
use tokio::net::UnixListener;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{ControlServer, MAX_ANSWER};
use crate::board::Board;
use crate::flows::{BridgeDiff, BridgeFlows, Query, counters, installed};
use crate::security_group::{SecurityGroup, Summary};
use crate::status::Status;
use crate::why::{self, Answer, Question};

/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);
/// The code of an error that a sentence explains.
const FAILED: i32 = 1;

/// Answers the command line, for as long as it is polled.
pub(crate) async fn serve(listener: UnixListener, board: Board) -> Infallible {
    let config = ServerConfig::builder()
        .max_response_body_size(MAX_ANSWER)
        .build();
    let methods = Desk { board }.into_rpc();
    let builder = Server::builder().set_config(config).to_service_builder();
    // The handle keeps connections from being told to stop.
    let (stop, _handle) = stop_channel();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = builder.clone().build(methods.clone(), stop.clone());
                tokio::spawn(async move {
                    if let Err(error) = jsonrpsee::server::serve(stream, service).await {
                        debug!("a client of the control socket: {error}");
                    }
                });
            }
            Err(error) => {
                warn!("the control socket: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Where questions are answered.
struct Desk {
    board: Board,
}

#[async_trait]
impl ControlServer for Desk {
    async fn status(&self) -> RpcResult<Status> {
        Ok(Status::of(&self.board.read()))
    }

    async fn watch(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        let sink = pending.accept().await?;
        let mut board = self.board.follow();
        loop {
            // The board is free again before anything is derived.
            let knowledge = board.borrow_and_update().clone();
            let status = Status::of(&knowledge);
            let json = serde_json::value::to_raw_value(&status)?;
            sink.send(SubscriptionMessage::from(json)).await?;
            tokio::select! {
                () = sink.closed() => return Ok(()),
                changed = board.changed() => changed?,
            }
        }
    }

    async fn flows(&self, query: Query) -> RpcResult<Vec<BridgeFlows>> {
        let knowledge = self.board.read();
        let installed = installed(&knowledge, query.bridge.as_deref()).await;
        let installed = installed.map_err(failed)?;
        BridgeFlows::all(&knowledge.view, installed, &query).map_err(failed)
    }

    async fn diff(&self, bridge: Option<String>) -> RpcResult<Vec<BridgeDiff>> {
        let knowledge = self.board.read();
        let installed = installed(&knowledge, bridge.as_deref()).await;
        let installed = installed.map_err(failed)?;
        let diffs = installed.into_iter();
        Ok(diffs
            .map(|(name, installed)| BridgeDiff::of(&knowledge.view, name, &installed))
            .collect())
    }

    async fn security_groups(&self) -> RpcResult<Vec<Summary>> {
        Ok(Summary::all(&self.board.read().view))
    }

    async fn security_group(&self, name: String) -> RpcResult<SecurityGroup> {
        let view = self.board.read().view;
        let stats = counters(&view).await.map_err(failed)?;
        SecurityGroup::named(&view, &name, stats).map_err(failed)
    }

    async fn why(&self, question: Question) -> RpcResult<Answer> {
        let knowledge = self.board.read();
        why::answer(&knowledge, &question).await.map_err(failed)
    }
}

fn failed(reason: String) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(FAILED, reason, None::<()>)
}
