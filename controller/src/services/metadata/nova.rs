//! Passes requests for metadata on to Nova, in the way of Neutron's metadata agent.
//!
//! Nova believes who asks by headers, so those that a machine sends itself are left out, and the
//! identifier is signed with a secret that Nova knows too (`metadata_proxy_shared_secret`).

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::{Request, Response, StatusCode};
use pipelines::network::{Model, PortId};
use reqwest::Url;
use sha2::Sha256;

use super::http::{Answer, refuse};

/// How long Nova may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what a machine sends may be, in bytes.
const LONGEST: usize = 64 * 1024;
/// What a machine sends that Nova may see.
const PASSED_ON: [HeaderName; 2] = [CONTENT_TYPE, hyper::header::ACCEPT];

/// Nova's metadata service.
#[derive(Clone)]
pub(crate) struct Nova {
    client: reqwest::Client,
    base: Url,
    secret: Vec<u8>,
}

impl fmt::Debug for Nova {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret is nobody's affair.
        write!(f, "Nova({})", self.base)
    }
}

impl Nova {
    /// The service at `url`, and the file with the secret that is shared with it.
    ///
    /// # Errors
    ///
    /// The URL makes no sense, or the file cannot be read or is empty.
    pub(crate) fn new(url: &str, secret: &Path) -> anyhow::Result<Self> {
        let base: Url = url
            .parse()
            .with_context(|| format!("--nova-metadata {url}: expected http://HOST:8775"))?;
        let path = secret.display();
        let secret = std::fs::read_to_string(secret)
            .with_context(|| format!("--metadata-secret-file {path}"))?;
        let secret = secret.trim().as_bytes().to_vec();
        ensure!(
            !secret.is_empty(),
            "--metadata-secret-file {path}: expected a secret"
        );
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self {
            client,
            base,
            secret,
        })
    }

    /// What Nova answers the machine of a port.
    pub(super) async fn answer(
        &self,
        model: &Model,
        port: PortId,
        request: Request<Incoming>,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let Some(headers) = self.headers(model, port) else {
            return refuse(StatusCode::NOT_FOUND, "the port has no device_id");
        };
        let Ok(body) = Limited::new(body, LONGEST).collect().await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "expected 64 KiB at most");
        };
        let mut url = self.base.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut passed = HeaderMap::new();
        for name in PASSED_ON {
            let values = head.headers.get_all(&name).iter().cloned();
            passed.extend(values.map(|value| (name.clone(), value)));
        }
        let request = self.client.request(head.method, url).headers(passed);
        let request = headers.into_iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        match request.body(body.to_bytes()).send().await {
            Ok(answer) => translate(answer).await,
            Err(error) => refuse(StatusCode::BAD_GATEWAY, &format!("Nova: {error}")),
        }
    }

    /// What tells Nova who asks.
    fn headers(&self, model: &Model, port: PortId) -> Option<[(&'static str, String); 4]> {
        let port = model.port(port)?;
        let id = Some(port.machine.id.clone()).filter(|id| !id.is_empty())?;
        let ips = &port.fixed_ips;
        let ip = ips.iter().find(|ip| ip.is_ipv4()).or_else(|| ips.first());
        let mut signature = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        signature.update(id.as_bytes());
        let signature = signature.finalize().into_bytes();
        let signature = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        Some([
            ("X-Instance-ID", id),
            ("X-Instance-ID-Signature", signature),
            ("X-Tenant-ID", port.project.clone()),
            (
                "X-Forwarded-For",
                ip.map(ToString::to_string).unwrap_or_default(),
            ),
        ])
    }
}

/// Nova's answer, without what is only between it and the agent.
async fn translate(answer: reqwest::Response) -> Answer {
    let status = answer.status();
    let content_type = answer.headers().get(CONTENT_TYPE).cloned();
    let body: Bytes = match answer.bytes().await {
        Ok(body) => body,
        Err(error) => return refuse(StatusCode::BAD_GATEWAY, &format!("Nova: {error}")),
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    if let Some(content_type) = content_type {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    answer
}
