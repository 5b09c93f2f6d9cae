//! A request, read: what is asked for, by which project, with which body.

use std::fmt;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{HOST, HeaderMap, IF_MATCH};
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value};

use super::attribute;
use super::fault::Fault;
use super::identity::{Caller, Identity};

/// The longest body, as Neutron's `max_request_body_size`, in bytes.
const LONGEST: usize = 114_688;
/// The project of a request that names none, as Neutron's without authentication.
pub(super) const PROJECT: &str = "fake_project_id";

/// A request, read.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// What is to be done.
    pub(super) method: Method,
    /// The parts of the path.
    pub(super) path: Vec<String>,
    /// The path as it came.
    pub(super) raw_path: String,
    /// The query, in its order.
    pub(super) query: Vec<(String, String)>,
    /// Where the client believes to be.
    pub(super) host: String,
    /// Who asks.
    pub(super) caller: Caller,
    /// The revision that a change is meant for.
    pub(super) if_match: Option<i64>,
    /// Whether nothing is to be written: only what would be refused is.
    pub(super) is_trial: bool,
    /// The body.
    body: Bytes,
}

impl Call {
    /// Reads a request, whole.
    ///
    /// # Errors
    ///
    /// The body is too long or ends early; a header makes no sense.
    pub(super) async fn read<B>(request: Request<B>, identity: &Identity) -> Result<Self, Fault>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let raw_path = head.uri.path().to_owned();
        let caller = match raw_path.as_str() {
            // Where the API is, everybody may know.
            "/" => Identity::Nobody.caller(None, None).await?,
            _ => {
                let token = header(&head.headers, "x-auth-token");
                let project = header(&head.headers, "x-project-id");
                identity.caller(token, project).await?
            }
        };
        let body = match Limited::new(body, LONGEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Fault::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "HTTPRequestEntityTooLarge",
                    format!("Request is too large, the limit is {LONGEST} bytes."),
                ));
            }
            Err(error) => return Err(Fault::bad_request(error.to_string())),
        };
        let query = head.uri.query().unwrap_or_default().as_bytes();
        let mut call = Self {
            path: parts(&raw_path),
            raw_path,
            query: form_urlencoded::parse(query).into_owned().collect(),
            host: header(&head.headers, HOST.as_str())
                .unwrap_or("localhost")
                .to_owned(),
            caller,
            if_match: None,
            is_trial: false,
            method: head.method,
            body,
        };
        if let Some(text) = header(&head.headers, IF_MATCH.as_str()) {
            let revision = text.trim_matches('"').strip_prefix("revision_number=");
            let revision = revision.and_then(|number| number.parse().ok());
            call.if_match =
                Some(revision.ok_or_else(|| {
                    Fault::bad_request(format!("Invalid If-Match header '{text}'"))
                })?);
        }
        if call.caller.project.chars().count() > 255 {
            return Err(Fault::bad_request("X-Project-Id is too long"));
        }
        Ok(call)
    }

    /// The one object that the body holds, under its name.
    ///
    /// # Errors
    ///
    /// The body is something else.
    pub(super) fn object(&self, name: &str) -> Result<Map<String, Value>, Fault> {
        let mut body = self.document()?;
        match body.remove(name) {
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Fault::bad_request(format!(
                "Invalid body, '{name}' is no object"
            ))),
            None => Err(Fault::bad_request(format!(
                "Unable to find '{name}' in request body"
            ))),
        }
    }

    /// The objects that the body holds: `None` if it is one, under the name of one.
    ///
    /// # Errors
    ///
    /// The body holds neither one nor several.
    pub(super) fn objects(
        &self,
        name: &str,
        collection: &str,
    ) -> Result<Option<Vec<Map<String, Value>>>, Fault> {
        let Some(several) = self.document()?.remove(collection) else {
            return Ok(None);
        };
        let Value::Array(several) = several else {
            return Err(Fault::bad_request(format!(
                "Invalid body, '{collection}' is no list"
            )));
        };
        if several.is_empty() {
            return Err(Fault::bad_request("Resources required"));
        }
        let objects = several.into_iter().map(|object| match object {
            // Older clients wrap each again.
            Value::Object(mut object) => match (object.len(), object.remove(name)) {
                (1, Some(Value::Object(inner))) => Ok(inner),
                (_, None) => Ok(object),
                _ => Err(Fault::bad_request("Invalid body")),
            },
            _ => Err(Fault::bad_request(format!(
                "Invalid body, '{collection}' holds what is no object"
            ))),
        });
        objects.collect::<Result<_, _>>().map(Some)
    }

    /// The body.
    ///
    /// # Errors
    ///
    /// It is empty, or no JSON object.
    pub(super) fn document(&self) -> Result<Map<String, Value>, Fault> {
        if self.body.is_empty() {
            return Err(Fault::bad_request("Resource body required"));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Fault::bad_request(format!("The body is not a JSON object: {error}")))
    }

    /// The project that an object gets: what the body says, or who asks.
    ///
    /// # Errors
    ///
    /// The two names of the attribute disagree.
    pub(super) fn project_of(&self, values: &attribute::Values) -> Result<String, Fault> {
        let (old, new) = (values.text("tenant_id"), values.text("project_id"));
        let project = match (old, new) {
            (Some(old), Some(new)) if old != new => {
                let message = "'project_id' and 'tenant_id' do not match";
                return Err(Fault::bad_request(message));
            }
            (None, None) => &self.caller.project,
            (Some(project), _) | (None, Some(project)) => project,
        };
        if !self.caller.is_admin && project != self.caller.project {
            return Err(Fault::bad_request(
                "Specifying 'project_id' or 'tenant_id' other than the authenticated project in \
                 request requires admin privileges",
            ));
        }
        Ok(project.to_owned())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.raw_path)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
