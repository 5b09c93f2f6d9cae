//! Neutron's API v2.0 over HTTP, in front of the northbound database.
//!
//! Nothing is kept here: a request reads a snapshot of the database or becomes one transaction, so
//! any number of servers may run, and one that dies takes nothing with it. Where nobody is asked who
//! they are, the server listens on loopback only, and the project of what is made is what the
//! request says in `X-Project-Id`. With tokens, a member of a project sees and changes what is the
//! project's own, sees what is shared, and nothing else; an admin sees and changes everything.
//!
//! An extension is announced when all of it is served; what is not announced is not there.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::northbound::database::Database;
pub(crate) use ask::{ask, check};
pub(crate) use identity::Identity;

mod address;
mod address_group;
mod address_scope;
mod agent;
mod ask;
mod attribute;
mod availability;
mod availability_zone;
mod binding;
mod call;
mod default_rule;
mod extension;
mod fault;
mod floating_ip;
mod floating_ip_pool;
mod free;
mod gateway;
mod hosting;
mod identity;
mod interface;
mod list;
mod log;
mod mtu;
mod network;
mod new;
mod pair;
mod pool;
mod pool_prefixes;
mod port;
mod port_binding;
mod port_forwarding;
mod quota;
mod rbac_policy;
mod resource;
mod route;
mod router;
mod routes;
mod rule_terms;
mod security_group;
mod security_group_rule;
mod segment;
mod segments;
mod sharing;
mod sub_port;
mod subnet;
mod subnet_pool;
mod tag;
mod trunk;

/// How long a client may take to send the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests, for as long as it is polled.
pub(crate) async fn serve(
    listener: TcpListener,
    database: Database,
    identity: Identity,
) -> Infallible {
    let probing = database.clone();
    tokio::spawn(async move { probing.keep_probing().await });
    let api = Arc::new((database, identity));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("taking a connection: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        let api = Arc::clone(&api);
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move {
                let (database, identity) = &*api;
                Ok::<_, Infallible>(route::answer(request, database, identity).await)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!("a client: {error}");
            }
        });
    }
}

#[cfg(test)]
mod tests;
