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
    let request = Request::builder()
        .method(method)
        .uri(format!("/v2.0/{path}"))
        .header("x-project-id", project)
        .body(Full::new(Bytes::from(body.to_string())))?;
    let answered = answer(request, database).await;
    answered.map_err(|fault| anyhow::anyhow!(fault.message))
}

async fn answer(request: Request<Full<Bytes>>, database: &Database) -> Result<Value, Fault> {
    let call = Call::read(request, &Identity::Nobody).await?;
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let [_, collection, rest @ ..] = path.as_slice() else {
        return Err(Fault::not_found());
    };
    let (_, document) = objects(database, &call, collection, rest).await?;
    Ok(document.unwrap_or_default())
}
