//! What is answered when a request is not served: Neutron's types, in Neutron's words.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::northbound::database::WriteError;

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub(super) struct Fault {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// Neutron's name for it, which clients look at.
    kind: &'static str,
    /// The sentence that clients show.
    pub(super) message: String,
}

impl Fault {
    /// A fault by its status and Neutron's name.
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// The request itself is wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "HTTPBadRequest", message)
    }

    /// The value of an attribute is wrong.
    pub(super) fn attribute(name: &str, reason: &str) -> Self {
        Self::bad_request(format!("Invalid input for {name}. Reason: {reason}."))
    }

    /// Values do not fit each other, or what there is.
    pub(super) fn invalid_input(reason: &str) -> Self {
        let message = format!("Invalid input for operation: {reason}.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidInput", message)
    }

    /// Who asks may not do this.
    pub(super) fn forbidden(what: &str) -> Self {
        let message = format!("rule:{what} is disallowed by policy");
        Self::new(StatusCode::FORBIDDEN, "PolicyNotAuthorized", message)
    }

    /// There is nothing at this path.
    pub(super) fn not_found() -> Self {
        let message = "The resource could not be found.";
        Self::new(StatusCode::NOT_FOUND, "HTTPNotFound", message)
    }

    /// There is something at this path, but not for this method.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "HTTPMethodNotAllowed",
            "The method is not allowed for this resource.",
        )
    }

    /// As Neutron writes it.
    pub(super) fn body(&self) -> Value {
        json!({"NeutronError": {"type": self.kind, "message": self.message, "detail": ""}})
    }
}

impl From<WriteError> for Fault {
    /// What every resource has in common; a resource looks first for what it knows better.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Invalid(_) => Self::invalid_input(&error.to_string()),
            WriteError::Taken { .. }
            | WriteError::InUse { .. }
            | WriteError::Missing { .. }
            | WriteError::Exists
            | WriteError::Stale => Self::new(StatusCode::CONFLICT, "Conflict", error.to_string()),
            WriteError::Uncertain(_) | WriteError::Failed(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                error.to_string(),
            ),
        }
    }
}
