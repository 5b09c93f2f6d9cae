//! `brint agent`: keeps one host's switch as the network description says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use openflow::field::EthType;
use pipelines::network::{EncapType, HostName, PhysicalNetwork};
use tokio::runtime;

use super::northbound::Northbound;
use super::run_directory;
use crate::agent::{self, Settings, settings};
use crate::log::Levels;
use crate::northbound::source::Place;
use crate::services::metadata::nova::Nova;

/// Programs the Open vSwitch of one host, and keeps it true
///
/// The agent follows the northbound database, which is where --remote or else
/// `external_ids:brint-remote` of the host's database says, or a file. It makes the bridges, patch
/// ports and tunnel ports that it needs (provider bridges have to exist), binds the interfaces of
/// the integration bridge by `external_ids:iface-id`, and programs the flows. It stays until it is
/// told to stop; what it programmed stays when it goes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A file that describes the networks, in place of the northbound database; it is read again
    /// when it changes
    #[arg(long, value_name = "FILE.yaml", conflicts_with_all = ["remote", "private_key"])]
    network: Option<PathBuf>,
    #[command(flatten)]
    northbound: Northbound,
    #[command(flatten)]
    host: Host,
}

/// What the agent is to do on this host.
#[derive(Debug, Args)]
pub(super) struct Host {
    /// The name of this host in the network description [default: the host name]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The host's database [default: unix:$OVS_RUNDIR/db.sock]
    #[arg(long, value_name = "REMOTE")]
    db: Option<String>,
    /// The bridge that ports are plugged into
    #[arg(long, value_name = "BRIDGE", default_value = "br-int")]
    integration_bridge: String,
    /// The bridge that holds the tunnels
    #[arg(long, value_name = "BRIDGE", default_value = "br-tun")]
    tunnel_bridge: String,
    /// The datapath of bridges that the agent makes: system or netdev [default: what the host has]
    #[arg(long, value_name = "TYPE")]
    datapath_type: Option<String>,
    /// Where tunnels end here; overrides external_ids:brint-encap-ip
    #[arg(long, value_name = "ADDRESS")]
    encap_ip: Option<IpAddr>,
    /// The tunnels that this host takes, as vxlan,gre,geneve; overrides external_ids:brint-encap-type
    #[arg(long, value_name = "TYPES", value_parser = parse_encap_types)]
    encap_type: Option<Types>,
    /// Provider bridges, as physnet1:br-ex,...; overrides external_ids:brint-bridge-mappings
    #[arg(long, value_name = "MAPPINGS", value_parser = parse_bridge_mappings)]
    bridge_mappings: Option<Mappings>,
    /// What passes ports with a firewall besides IP and ARP; overrides external_ids:brint-permitted-ethertypes
    #[arg(long, value_name = "0x88b5,...", value_parser = parse_ethertypes)]
    permitted_ethertypes: Option<Ethertypes>,
    /// Whether multicast goes only to those who listen, in networks that do not say; overrides external_ids:brint-igmp-snooping
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    igmp_snooping: Option<bool>,
    /// Gives out metrics for Prometheus, as on 127.0.0.1:9477; anybody who reaches it may read them
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Asks Nova, as at http://192.0.2.10:8775, what machines want to know of themselves
    #[arg(long, value_name = "URL", requires = "metadata_secret_file")]
    nova_metadata: Option<String>,
    /// What Nova's metadata_proxy_shared_secret is
    #[arg(long, value_name = "FILE", requires = "nova_metadata")]
    metadata_secret_file: Option<PathBuf>,
}

/// A set of tunnel types; its own name keeps clap from taking it for a repeated flag.
type Types = BTreeSet<EncapType>;
/// A set of types of frames.
type Ethertypes = BTreeSet<EthType>;
/// Physical networks and their bridges.
type Mappings = BTreeMap<PhysicalNetwork, String>;

fn parse_encap_types(text: &str) -> Result<Types, String> {
    settings::encap_types(text).ok_or_else(|| "expected some of vxlan, gre and geneve".to_owned())
}

fn parse_ethertypes(text: &str) -> Result<Ethertypes, String> {
    settings::ethertypes(text)
        .ok_or_else(|| "expected types of frames that no rule is about: 0x88b5,...".to_owned())
}

fn parse_bridge_mappings(text: &str) -> Result<Mappings, String> {
    settings::bridge_mappings(text)
        .ok_or_else(|| "expected physnet1:br-ex,physnet2:br-vlan,...".to_owned())
}

/// Runs the agent until it is told to stop.
pub(crate) fn run(arguments: Arguments, levels: Levels) -> anyhow::Result<()> {
    let source = match arguments.network {
        Some(path) => Place::File(path),
        None => Place::Database {
            remotes: arguments.northbound.remotes()?,
            pki: arguments.northbound.pki(),
            embedded: None,
        },
    };
    start(arguments.host.settings(source)?, levels)
}

/// Runs the agent with these settings until it is told to stop.
pub(super) fn start(settings: Settings, levels: Levels) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(agent::run(settings, levels))
}

impl Host {
    /// The settings, with what the agent follows.
    pub(super) fn settings(self, source: Place) -> anyhow::Result<Settings> {
        let host = match self.host {
            Some(host) => host,
            None => fs::read_to_string("/proc/sys/kernel/hostname")
                .context("reading the host name; --host gives it")?
                .trim()
                .to_owned(),
        };
        let run_directory = run_directory();
        let database = self
            .db
            .unwrap_or_else(|| format!("unix:{}/db.sock", run_directory.display()));
        let nova = self.nova_metadata.zip(self.metadata_secret_file);
        let nova = nova
            .map(|(url, secret)| Nova::new(&url, &secret))
            .transpose()?;
        Ok(Settings {
            source,
            host: HostName::from(host.as_str()),
            run_directory,
            database,
            integration_bridge: self.integration_bridge,
            tunnel_bridge: self.tunnel_bridge,
            datapath_type: self.datapath_type,
            encap_ip: self.encap_ip,
            encap_types: self.encap_type,
            bridge_mappings: self.bridge_mappings,
            permitted_ethertypes: self.permitted_ethertypes,
            igmp_snooping: self.igmp_snooping,
            metrics: self.metrics,
            nova,
        })
    }
}
