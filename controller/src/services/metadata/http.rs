//! Answers requests for metadata.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use pipelines::network::PortId;
use tokio::io::DuplexStream;
use tracing::debug;

use super::documents::{self, Document};
use crate::board::Board;

/// How long a machine may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is answered.
pub(super) type Answer = Response<Full<Bytes>>;

/// Where answers come from.
#[derive(Debug)]
pub(super) struct Backend {
    board: Board,
}

impl Backend {
    pub(super) fn new(board: Board) -> Self {
        Self { board }
    }

    /// Answers the machine of a port.
    async fn answer(&self, port: PortId, request: Request<Incoming>) -> Answer {
        let view = Arc::clone(&self.board.read().view);
        let settings = Arc::clone(&view.settings);
        let known = view
            .model
            .as_ref()
            .filter(|model| model.port(port).is_some());
        let Some(model) = known else {
            return refuse(StatusCode::NOT_FOUND, "nothing is known of this machine");
        };
        if let Some(nova) = &settings.nova {
            return nova.answer(model, port, request).await;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "expected GET");
        }
        match documents::find(model, port, request.uri().path()) {
            Some(document) => present(document),
            None => refuse(StatusCode::NOT_FOUND, "there is no such document"),
        }
    }
}

/// Answers what comes on a connection of the machine of a port.
pub(super) async fn serve(stream: DuplexStream, port: PortId, backend: Arc<Backend>) {
    let service = service_fn(|request| {
        let backend = Arc::clone(&backend);
        async move { Ok::<_, Infallible>(backend.answer(port, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!("port {port}: metadata: {error}");
    }
}

fn present(document: Document) -> Answer {
    let content_type = match &document {
        Document::Text(_) => "text/plain; charset=utf-8",
        Document::Data(data) if str::from_utf8(data).is_ok() => "text/plain; charset=utf-8",
        Document::Data(_) => "application/octet-stream",
        Document::Json(_) => "application/json",
    };
    let body = match document {
        Document::Text(body) | Document::Json(body) => body.into_bytes(),
        Document::Data(body) => body,
    };
    let mut answer = Response::new(Full::from(body));
    let content_type = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// An answer that says why there is none.
pub(super) fn refuse(status: StatusCode, reason: &str) -> Answer {
    debug!("metadata: {status}: {reason}");
    let mut answer = Response::new(Full::from(format!("{reason}\n")));
    *answer.status_mut() = status;
    answer
}
