//! Requests of this very program, which come without HTTP and may do everything.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::identity::Identity;
use super::route::objects;
use crate::northbound::database::Database;

/// Answers a request for a path below `/v2.0/`, and makes what it makes for a project.
///
/// # Errors
///
/// What a client would be told, in words for people.
pub(crate) async fn ask(
    database: &Database,
    method: Method,
    path: &str,
    (project, body): (&str, &Value),
) -> anyhow::Result<Value> {
    let request = request(method, path, (project, body))?;
    let answered = answer(request, database, false).await;
    answered.map_err(|fault| anyhow::anyhow!(fault.message))
}

/// Refuses a request for a path below `/v2.0/` that would be refused, and writes nothing.
///
/// What another does at the same time is not foreseen.
///
/// # Errors
///
/// What a client would be told, in words for people.
pub(crate) async fn check(
    database: &Database,
    method: Method,
    path: &str,
    (project, body): (&str, &Value),
) -> anyhow::Result<()> {
    let request = request(method, path, (project, body))?;
    let answered = answer(request, database, true).await;
    answered
        .map(drop)
        .map_err(|fault| anyhow::anyhow!(fault.message))
}

fn request(
    method: Method,
    path: &str,
    (project, body): (&str, &Value),
) -> anyhow::Result<Request<Full<Bytes>>> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/v2.0/{path}"))
        .header("x-project-id", project);
    Ok(request.body(Full::new(Bytes::from(body.to_string())))?)
}

async fn answer(
    request: Request<Full<Bytes>>,
    database: &Database,
    is_trial: bool,
) -> Result<Value, Fault> {
    let mut call = Call::read(request, &Identity::Nobody).await?;
    call.is_trial = is_trial;
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let [_, collection, rest @ ..] = path.as_slice() else {
        return Err(Fault::not_found());
    };
    let (_, document) = objects(database, &call, collection, rest).await?;
    Ok(document.unwrap_or_default())
}
