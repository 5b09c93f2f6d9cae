//! A network namespace, and how to do something inside it.
//!
//! Code that only opens sockets runs in a thread that has entered the namespace: a socket keeps
//! the namespace in which it was made. Programs run through `ip netns exec`, which also gives them
//! the namespace's `/sys`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, anyhow};
use nix::sched::{CloneFlags, setns};

use crate::process::succeed;

/// A network namespace, by the name that `ip netns` lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// The namespace of a name, whether it exists or not.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// A program that will run inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a program inside, with arguments that contain no spaces, and gives back what it
    /// printed.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> anyhow::Result<String> {
        succeed(self.command(program).args(arguments.split_whitespace()))
    }

    /// Runs `ip` inside.
    pub(crate) fn ip(&self, arguments: &str) -> anyhow::Result<String> {
        succeed(
            Command::new("ip")
                .args(["-n", &self.name])
                .args(arguments.split_whitespace()),
        )
    }

    /// Sets a kernel parameter below `/proc/sys/net`.
    pub(crate) fn sysctl(&self, parameter: &str, value: &str) -> anyhow::Result<()> {
        let path = Path::new("/proc/sys/net").join(parameter);
        self.enter(|| {
            fs::write(&path, value).with_context(|| format!("writing {}", path.display()))
        })
    }

    /// Runs code in a thread that has entered the namespace.
    ///
    /// # Errors
    ///
    /// The namespace is gone, it cannot be entered, or the code failed.
    pub fn enter<T: Send>(
        &self,
        code: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        let path = self.path();
        let inside = || {
            let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
            setns(file, CloneFlags::CLONE_NEWNET)
                .with_context(|| format!("entering the namespace {}", self.name))?;
            code()
        };
        thread::scope(|scope| scope.spawn(inside).join())
            .map_err(|_| anyhow!("a thread in the namespace {} panicked", self.name))?
    }
}

/// Joins two namespaces by a pair of interfaces, both up.
pub(crate) fn join(one: (&Namespace, &str), other: (&Namespace, &str)) -> anyhow::Result<()> {
    let ((namespace, interface), (peer_namespace, peer)) = (one, other);
    let there = peer_namespace.name();
    namespace.ip(&format!(
        "link add {interface} type veth peer name {peer} netns {there}"
    ))?;
    namespace.ip(&format!("link set {interface} up"))?;
    peer_namespace.ip(&format!("link set {peer} up"))?;
    Ok(())
}
