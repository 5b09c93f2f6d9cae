//! The endpoint that Prometheus scrapes.

use std::convert::Infallible;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::text;
use crate::board::Board;
use crate::status::Status;

/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);
/// The text format of Prometheus, since it has a standard.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `GET /metrics`, for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, board: Board) -> Infallible {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("the endpoint of metrics: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        let board = board.clone();
        let service = service_fn(move |request| {
            let response = answer(&request, &board);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!("a client of the endpoint of metrics: {error}");
            }
        });
    }
}

fn answer(request: &Request<Incoming>, board: &Board) -> Response<String> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let mut response = Response::new(text(&Status::of(&board.read())));
            let format = HeaderValue::from_static(FORMAT);
            response.headers_mut().insert(CONTENT_TYPE, format);
            response
        }
        (_, path) => {
            let mut response = Response::new(format!("{path} is not here, expected /metrics\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}
