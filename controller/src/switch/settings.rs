//! What a bridge is told outside its flows, and somebody else may have changed: what it does with
//! fragments (`ovs-ofctl set-frags`), and how its ports are configured (`ovs-ofctl mod-port`).
//!
//! The switch tells of changes to ports. Of the rest it does not tell, so it is asked now and then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use openflow::field::PortNo;
use openflow::message::{Config, ConfigFlags, Message, Port, PortConfig, PortFeatures, PortMod};
use openflow::{Connection, RequestError};
use tokio::sync::Notify;
use tracing::warn;

use super::Reporter;
use super::report::Trouble;

/// How often the bridge is asked.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long after it was asked it is not asked again, however often its ports change.
const PAUSE: Duration = Duration::from_millis(200);
/// That the first fragment of a packet keeps its ports, and is not taken for one of port 0
/// (`OFPC_FRAG_NX_MATCH`): a value that Open vSwitch gives to both flags at once.
const NX_MATCH: ConfigFlags = ConfigFlags::FRAG_DROP.union(ConfigFlags::FRAG_REASM);
/// What keeps packets from passing a port, whatever the flows say.
const BLOCKING: PortConfig = PortConfig::NO_RECV
    .union(PortConfig::NO_FWD)
    .union(PortConfig::NO_PACKET_IN);

/// When the bridge is asked, and what it said.
#[derive(Debug)]
pub(super) struct Settings {
    asked_at: Instant,
    ask_at: Instant,
    /// Wakes who waits for the next time.
    moved: Arc<Notify>,
    /// The ports of machines that have been up.
    up: BTreeSet<PortNo>,
}

/// The ports that are brint's to configure, by name.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    /// Those that join bridges and hosts.
    pub(super) links: BTreeSet<String>,
    /// Those of machines.
    pub(super) machines: BTreeSet<String>,
}

impl Settings {
    /// Tells a bridge that has just been connected what it shall do.
    ///
    /// Without a length there are no packets on this kind of connection; the same message says what
    /// happens to fragments, which the switch forgets when it restarts.
    pub(super) async fn start(
        connection: &Connection,
        reporter: &Reporter,
    ) -> Result<Self, RequestError> {
        let settings = Self {
            asked_at: Instant::now(),
            ask_at: Instant::now(),
            moved: Arc::default(),
            up: BTreeSet::new(),
        };
        let config = wanted(reporter);
        connection.send(Message::SetConfig(config)).await?;
        Ok(settings)
    }

    /// When to [`check`](Self::check).
    pub(super) fn ask_at(&self) -> Instant {
        self.ask_at
    }

    /// Tells that this has become earlier.
    pub(super) fn moved(&self) -> Arc<Notify> {
        Arc::clone(&self.moved)
    }

    /// A port has changed.
    pub(super) fn touch(&mut self) {
        self.ask_at = self.ask_at.min(self.asked_at + PAUSE);
        self.moved.notify_one();
    }

    /// Asks the bridge, and puts back what somebody else has changed.
    pub(super) async fn check(
        &mut self,
        connection: &Connection,
        reporter: &Reporter,
    ) -> Result<(), RequestError> {
        self.asked_at = Instant::now();
        self.ask_at = self.asked_at + INTERVAL;
        let mut repaired = self.check_fragments(connection, reporter).await?;
        let guarded = reporter.guarded();
        let ports = connection.ports().await?;
        let mut odd = Vec::new();
        for port in &ports {
            let name = port.name.to_string();
            let is_link = guarded.links.contains(&name);
            let is_machine = guarded.machines.contains(&name);
            let wrong = match is_link {
                true => port.config & (BLOCKING | PortConfig::PORT_DOWN),
                false => port.config & BLOCKING,
            };
            if wrong.is_empty() {
                odd.extend(
                    self.fell(port, is_machine)
                        .then(|| format!("{name} is down")),
                );
            } else if is_link || is_machine {
                warn!("put back port {name}: it had become {}", words(wrong));
                connection.send(open(port, wrong)).await?;
                repaired += 1;
            } else {
                odd.push(format!("{name} is set to {}", words(wrong)));
            }
        }
        self.up
            .retain(|up| ports.iter().any(|port| port.port_no == *up));
        tell(reporter, odd, repaired);
        Ok(())
    }

    /// Sets what the bridge does with fragments; how much had to be put back.
    async fn check_fragments(
        &self,
        connection: &Connection,
        reporter: &Reporter,
    ) -> Result<u64, RequestError> {
        let wanted = wanted(reporter);
        let asked = connection.request(Message::GetConfigRequest).await?;
        match asked.first() {
            Some(Message::GetConfigReply(config)) if config.flags != wanted.flags => {
                let name = |flags| match flags {
                    NX_MATCH => "nx-match",
                    ConfigFlags::FRAG_DROP => "drop",
                    ConfigFlags::FRAG_REASM => "reassemble",
                    _ => "normal",
                };
                let (became, was) = (name(config.flags), name(wanted.flags));
                warn!("put back the handling of fragments, {was}: it had become {became}");
                connection.send(Message::SetConfig(wanted)).await?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Whether the port of a machine was up and is not any more.
    ///
    /// Nobody but an operator knows whether it should be: it may be the machine's own end, too.
    fn fell(&mut self, port: &Port, is_machine: bool) -> bool {
        let is_down = port.config.contains(PortConfig::PORT_DOWN);
        if is_machine && !is_down {
            self.up.insert(port.port_no);
        }
        is_machine && is_down && self.up.contains(&port.port_no)
    }
}

/// How the bridge of a reporter shall treat fragments and packets: rules look at fragments in one
/// bridge only.
fn wanted(reporter: &Reporter) -> Config {
    Config {
        flags: match reporter.has_rules() {
            true => NX_MATCH,
            false => ConfigFlags::empty(),
        },
        miss_send_len: Config::NO_BUFFER,
    }
}

/// Takes these settings of a port away.
fn open(port: &Port, wrong: PortConfig) -> Message {
    PortMod {
        port_no: port.port_no,
        hw_addr: port.hw_addr,
        config: PortConfig::empty(),
        mask: wrong,
        advertise: PortFeatures::empty(),
    }
    .into()
}

/// The settings as `ovs-ofctl mod-port` calls them.
fn words(config: PortConfig) -> String {
    let words = [
        (PortConfig::PORT_DOWN, "down"),
        (PortConfig::NO_RECV, "no-receive"),
        (PortConfig::NO_FWD, "no-forward"),
        (PortConfig::NO_PACKET_IN, "no-packet-in"),
    ];
    let words = words.into_iter().filter(|(flag, _)| config.contains(*flag));
    let words: Vec<_> = words.map(|(_, word)| word).collect();
    words.join(" and ")
}

/// Writes on the board what was found.
fn tell(reporter: &Reporter, odd: Vec<String>, repaired: u64) {
    reporter.update(|report| {
        report.totals.repairs.settings += repaired;
        let before = std::mem::take(&mut report.odd);
        let trouble = |reason: String| {
            let known = before.iter().find(|trouble| trouble.reason == reason);
            known.cloned().unwrap_or_else(|| {
                warn!("port {reason}");
                let since = SystemTime::now();
                Trouble { reason, since }
            })
        };
        report.odd = odd.into_iter().map(trouble).collect();
    });
}
