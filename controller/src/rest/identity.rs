//! Who asks: nobody says it, a token of a list says it, or Keystone does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hyper::StatusCode;
use reqwest::Url;
use serde::Deserialize;

use super::fault::Fault;

/// The role that may do everything.
const ADMIN: &str = "admin";
/// How long an answer of Keystone is believed.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long Keystone may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many answers of Keystone are kept.
const KEPT: usize = 10_000;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The project that is asked for.
    pub(super) project: String,
    /// Whether everything is allowed.
    pub(super) is_admin: bool,
}

/// How the server comes to know who asks.
#[derive(Debug)]
pub(crate) enum Identity {
    /// It does not, and everybody may do everything.
    Nobody,
    /// By tokens that it has a list of.
    Tokens(BTreeMap<String, Caller>),
    /// By tokens that Keystone knows.
    Keystone(Keystone),
}

/// A Keystone server (API v3).
#[derive(Debug)]
pub(crate) struct Keystone {
    client: reqwest::Client,
    tokens: Url,
    known: Mutex<BTreeMap<String, (Instant, Caller)>>,
}

/// An entry of the file with tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    token: String,
    project: String,
    #[serde(default)]
    roles: Vec<String>,
}

/// What Keystone says of a token.
#[derive(Debug, Deserialize)]
struct Answer {
    token: Token,
}

#[derive(Debug, Deserialize)]
struct Token {
    project: Option<Named>,
    #[serde(default)]
    roles: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

impl Identity {
    /// Reads a file with tokens: a list of `token`, `project` and `roles`, in YAML.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is something else, or has a token twice or an empty one.
    pub(crate) fn of_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| path.display().to_string())?;
        let entries: Vec<Entry> = serde_saphyr::from_str(&text)
            .with_context(|| format!("{}: expected a list of tokens", path.display()))?;
        let mut tokens = BTreeMap::new();
        for entry in entries {
            ensure!(
                !entry.token.is_empty(),
                "{}: a token is empty",
                path.display()
            );
            let caller = Caller {
                project: entry.project,
                is_admin: entry.roles.iter().any(|role| role == ADMIN),
            };
            let project = caller.project.clone();
            let before = tokens.insert(entry.token, caller);
            ensure!(
                before.is_none(),
                "{}: a token of {project} is there twice",
                path.display()
            );
        }
        Ok(Self::Tokens(tokens))
    }

    /// Uses the Keystone server at `url`, which is what clients know as `OS_AUTH_URL`.
    ///
    /// # Errors
    ///
    /// The URL makes no sense.
    pub(crate) fn of_keystone(url: &str) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').trim_end_matches("/v3");
        let tokens: Url = format!("{base}/v3/auth/tokens").parse()?;
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self::Keystone(Keystone {
            client,
            tokens,
            known: Mutex::default(),
        }))
    }

    /// Whether everybody may do everything.
    pub(crate) fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// Who asks, by the token and the project of a request.
    ///
    /// # Errors
    ///
    /// The token is not known, or nobody can be asked about it.
    pub(super) async fn caller(
        &self,
        token: Option<&str>,
        project: Option<&str>,
    ) -> Result<Caller, Fault> {
        match (self, token) {
            (Self::Nobody, _) => Ok(Caller {
                project: project.unwrap_or(super::call::PROJECT).to_owned(),
                is_admin: true,
            }),
            (_, None) => Err(unknown()),
            (Self::Tokens(tokens), Some(token)) => tokens.get(token).cloned().ok_or_else(unknown),
            (Self::Keystone(keystone), Some(token)) => keystone.caller(token).await,
        }
    }
}

impl Keystone {
    async fn caller(&self, token: &str) -> Result<Caller, Fault> {
        let now = Instant::now();
        if let Some(caller) = self.known(token, now) {
            return Ok(caller);
        }
        // Whoever has a token may ask what it is worth.
        let asked = self.client.get(self.tokens.clone());
        let asked = asked
            .header("X-Auth-Token", token)
            .header("X-Subject-Token", token);
        let answer = asked.send().await.map_err(|error| silent(&error))?;
        match answer.status().as_u16() {
            200 => {}
            401 | 403 | 404 => return Err(unknown()),
            other => {
                let message = format!("Keystone answered with status {other}");
                return Err(unavailable(message));
            }
        }
        let answer: Answer = answer.json().await.map_err(|error| silent(&error))?;
        // A token for no project can do nothing here.
        let project = answer.token.project.ok_or_else(unknown)?;
        let caller = Caller {
            project: project.id,
            is_admin: answer.token.roles.iter().any(|role| role.name == ADMIN),
        };
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= KEPT {
                known.retain(|_, (until, _)| *until > now);
            }
            if known.len() < KEPT {
                known.insert(token.to_owned(), (now + BELIEVED, caller.clone()));
            }
        }
        Ok(caller)
    }

    fn known(&self, token: &str, now: Instant) -> Option<Caller> {
        let known = self.known.lock().ok()?;
        let (until, caller) = known.get(token)?;
        (*until > now).then(|| caller.clone())
    }
}

fn unknown() -> Fault {
    let message = "The request you have made requires authentication.";
    Fault::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
}

fn silent(error: &reqwest::Error) -> Fault {
    unavailable(format!("Keystone: {error}"))
}

fn unavailable(message: String) -> Fault {
    Fault::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        message,
    )
}
