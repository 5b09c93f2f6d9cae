//! What a switch was told over OpenFlow, as `ovs-vswitchd` logs it.
//!
//! The log of the switch is the witness, because it sees every message of every client, also one
//! that changes nothing.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use labs::Ovs;

/// The messages that change a switch. A message in a bundle arrives within another.
const CHANGES: [&str; 4] = [
    "_FLOW_MOD",
    "_GROUP_MOD",
    "_METER_MOD",
    "_BUNDLE_ADD_MESSAGE",
];

/// The log from a moment on.
#[derive(Debug)]
pub struct OpenflowLog {
    path: PathBuf,
    /// How much was there before.
    start: usize,
}

impl OpenflowLog {
    /// Has the switch log its messages, from now on.
    ///
    /// # Errors
    ///
    /// When the switch does not answer.
    pub fn start(ovs: &Ovs) -> anyhow::Result<Self> {
        let path = ovs.directory().join("ovs-vswitchd.log");
        ovs.appctl("vlog/set vconn:file:dbg")?;
        let mut log = Self { path, start: 0 };
        log.start = log.read()?.len();
        Ok(log)
    }

    /// The messages that change a switch, each by its name.
    ///
    /// # Errors
    ///
    /// When the log is incomplete: the switch drops messages if there are too many.
    pub fn changes(&self) -> anyhow::Result<Vec<String>> {
        let text = self.read()?;
        let new = text.get(self.start..).context("the log was cut off")?;
        ensure!(
            !new.contains("|vconn|DBG|Dropped"),
            "the log of the switch is incomplete"
        );
        let received = new
            .lines()
            .filter_map(|line| line.split_once(": received: "));
        let names = received.filter_map(|(_, message)| message.split_whitespace().next());
        let changes = names.filter(|name| CHANGES.iter().any(|change| name.ends_with(change)));
        Ok(changes.map(ToOwned::to_owned).collect())
    }

    fn read(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.path).with_context(|| format!("reading {}", self.path.display()))
    }
}
