//! Writes to the API again and again, as clients do while things fail.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::patience::{PATIENCE, wait_for};

/// Where the API listens, in its namespace.
pub(super) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9696);
/// What is written carries this name, so that it can be found again.
const NAME: &str = "chaos";
/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often something is written.
const PAUSE: Duration = Duration::from_millis(100);

/// A client of the API.
#[derive(Clone, Debug)]
pub(super) struct Api {
    namespace: Namespace,
}

/// A client that writes until it is told to stop.
#[derive(Debug)]
pub(super) struct Writing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Written>,
}

/// What became of what was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// How often the API answered that it was done.
    pub(super) done: u32,
    /// How often it refused, or did not answer.
    pub(super) refused: u32,
}

impl Api {
    pub(super) fn new(namespace: &Namespace) -> Self {
        Self {
            namespace: namespace.clone(),
        }
    }

    /// Waits until the API answers.
    pub(super) fn wait(&self) -> anyhow::Result<()> {
        wait_for("the API answers", PATIENCE, || {
            let answer = self.ask("GET", "/v2.0/networks", None);
            Ok(answer.ok().filter(|(status, _)| *status == 200).map(drop))
        })
    }

    /// Begins to make, change and delete ports and rules.
    pub(super) fn write(&self) -> Writing {
        let stop = Arc::new(AtomicBool::new(false));
        let (api, stopped) = (self.clone(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut written = Written::default();
            while !stopped.load(Ordering::Relaxed) {
                match api.write_once() {
                    Ok(()) => written.done += 1,
                    Err(_) => written.refused += 1,
                }
                thread::sleep(PAUSE);
            }
            written
        });
        Writing { stop, thread }
    }

    fn write_once(&self) -> anyhow::Result<()> {
        let network = self.find("networks", "red")?;
        let port = json!({"port": {"network_id": network, "name": NAME}});
        let port = self.make("ports", &port)?;
        let group = self.find("security-groups", "open")?;
        let rule = json!({"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "protocol": "tcp",
            "port_range_min": 4242, "port_range_max": 4242, "description": NAME,
        }});
        let rule = self.make("security-group-rules", &rule);
        let change = json!({"port": {"security_groups": [group]}});
        let path = format!("/v2.0/ports/{port}");
        let changed = self.succeed("PUT", &path, Some(&change));
        self.succeed("DELETE", &path, None)?;
        let path = format!("/v2.0/security-group-rules/{}", rule?);
        self.succeed("DELETE", &path, None)?;
        changed.map(drop)
    }

    /// Deletes what was written and not deleted, as the API had failed.
    pub(super) fn clean_up(&self) -> anyhow::Result<()> {
        let mut failure = String::new();
        let cleaned = wait_for("the API deletes what is left", PATIENCE, || {
            let left = self.clean_up_once().err();
            failure = left.as_ref().map(ToString::to_string).unwrap_or_default();
            Ok(left.is_none().then_some(()))
        });
        cleaned.context(failure)
    }

    fn clean_up_once(&self) -> anyhow::Result<()> {
        for (collection, query) in [("ports", "name"), ("security-group-rules", "description")] {
            let path = format!("/v2.0/{collection}?{query}={NAME}");
            for id in ids(&self.succeed("GET", &path, None)?) {
                self.succeed("DELETE", &format!("/v2.0/{collection}/{id}"), None)?;
            }
        }
        Ok(())
    }

    fn find(&self, collection: &str, name: &str) -> anyhow::Result<String> {
        let found = self.succeed("GET", &format!("/v2.0/{collection}?name={name}"), None)?;
        let found = ids(&found).into_iter().next();
        found.with_context(|| format!("{collection}: no {name}"))
    }

    fn make(&self, collection: &str, body: &Value) -> anyhow::Result<String> {
        let made = self.succeed("POST", &format!("/v2.0/{collection}"), Some(body))?;
        let objects = made.as_object().context("an object")?;
        let id = objects.values().find_map(|object| object["id"].as_str());
        Ok(id.context("an id")?.to_owned())
    }

    fn succeed(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        match self.ask(method, path, body)? {
            (200..=299, answer) => Ok(answer),
            (status, answer) => Err(anyhow!("{method} {path}: {status} {answer}")),
        }
    }

    /// Asks, and returns the status and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<(u16, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = self
            .namespace
            .enter(|| Ok(TcpStream::connect_timeout(&ADDRESS, LIMIT)?))?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }
}

impl Writing {
    /// Stops it; what became of what was written.
    pub(super) fn stop(self) -> anyhow::Result<Written> {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.thread.join();
        written.map_err(|_| anyhow!("the writer panicked"))
    }
}

/// The identifiers of the objects of a list.
fn ids(answer: &Value) -> Vec<String> {
    let lists = answer.as_object().into_iter().flat_map(|it| it.values());
    let objects = lists.filter_map(Value::as_array).flatten();
    let ids = objects.filter_map(|object| object["id"].as_str());
    ids.map(str::to_owned).collect()
}
