//! Settings of the host: flags first, then the host's database, then the network file.
//!
//! The database is where people who run Open vSwitch look for them:
//! `ovs-vsctl set Open_vSwitch . external_ids:brint-encap-ip=192.0.2.1`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use openflow::field::EthType;
use ovsdb::Remote;
use pipelines::network::{ETHERNET_MTU, EncapType, Host, HostName, PhysicalNetwork};

use crate::northbound::database::tables::Northbound;
use crate::northbound::file::nearest::nearest;
use crate::northbound::followed;
use crate::northbound::source::Place;
use crate::problem::{Kind, Problem};
use crate::services::metadata::nova::Nova;
use crate::vswitch::HELD;
use written::Written;

mod written;

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What describes the networks.
    pub(crate) source: Place,
    /// The name of this host there.
    pub(crate) host: HostName,
    /// Where Open vSwitch keeps its sockets.
    pub(crate) run_directory: PathBuf,
    /// The host's database, as `unix:PATH` or `tcp:HOST:PORT`.
    pub(crate) database: String,
    /// The bridge that ports are plugged into.
    pub(crate) integration_bridge: String,
    /// The bridge that holds the tunnels.
    pub(crate) tunnel_bridge: String,
    /// Overrides what the host can do: `system` or `netdev`.
    pub(crate) datapath_type: Option<String>,
    /// Overrides the tunnel endpoint.
    pub(crate) encap_ip: Option<IpAddr>,
    /// Overrides the types of tunnel.
    pub(crate) encap_types: Option<BTreeSet<EncapType>>,
    /// Overrides the provider bridges.
    pub(crate) bridge_mappings: Option<BTreeMap<PhysicalNetwork, String>>,
    /// Overrides what passes ports with a firewall besides IP and ARP.
    pub(crate) permitted_ethertypes: Option<BTreeSet<EthType>>,
    /// Overrides whether multicast goes only to those who listen.
    pub(crate) igmp_snooping: Option<bool>,
    /// Where metrics are given out, if they are.
    pub(crate) metrics: Option<SocketAddr>,
    /// Who answers machines that ask for metadata; without it the agent does.
    pub(crate) nova: Option<Nova>,
}

/// Key of `external_ids` for the tunnel endpoint.
const ENCAP_IP: &str = "brint-encap-ip";
/// Key of `external_ids` for the types of tunnel, separated by commas.
const ENCAP_TYPE: &str = "brint-encap-type";
/// Key of `external_ids` for the provider bridges, as `physnet1:br-ex,physnet2:br-vlan`.
const BRIDGE_MAPPINGS: &str = "brint-bridge-mappings";
/// Key of `external_ids` for what passes ports with a firewall besides IP and ARP, as `0x88b5,0x8863`.
const PERMITTED_ETHERTYPES: &str = "brint-permitted-ethertypes";
/// Key of `external_ids` for whether multicast goes only to those who listen: `true` or `false`.
const IGMP_SNOOPING: &str = "brint-igmp-snooping";
/// Key of `external_ids` for the datapath, as in the column `datapath_type` of a bridge.
const DATAPATH_TYPE: &str = "brint-datapath-type";

/// Key of `external_ids` for the servers of the northbound database, separated by commas.
const REMOTE: &str = "brint-remote";

/// What that key is to say.
const REMOTES: &str = "unix:FILE, tcp:HOST:PORT,...";

/// Key of `external_ids` for what the others said when they last made sense, as
/// `brint-encap-ip=192.0.2.1;brint-encap-type=vxlan`.
pub(crate) const GOOD: &str = "brint-good-settings";
/// Key of the switch's `external_ids`: the name under which the agent has programmed the host.
pub(crate) const NAME: &str = "brint-host-name";

/// Every key that people write.
const SETTINGS: [&str; 7] = [
    ENCAP_IP,
    ENCAP_TYPE,
    BRIDGE_MAPPINGS,
    PERMITTED_ETHERTYPES,
    IGMP_SNOOPING,
    DATAPATH_TYPE,
    REMOTE,
];

/// Every key that brint writes.
const NOTES: [&str; 6] = [
    GOOD,
    NAME,
    followed::IDENTITY,
    followed::HAD_PORTS,
    followed::ACCEPTED,
    HELD,
];

/// This host with all its settings, and the settings that make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThisHost {
    /// The host as the compilers of flows see it.
    pub(crate) host: Host,
    /// The tunnel endpoint that it is to have; another host may have it already.
    pub(crate) wanted_ip: Option<IpAddr>,
    /// The datapath that somebody asked for.
    pub(crate) datapath_type: Option<String>,
    /// What passes ports with a firewall besides IP and ARP.
    pub(crate) permitted_ethertypes: BTreeSet<EthType>,
    /// The settings of the host's database that make sense, as they are to be remembered.
    pub(crate) good: Option<String>,
    /// Whether multicast goes only to those who listen, in networks that do not say.
    pub(crate) igmp_snooping: bool,
    /// Each setting that is ignored, and what was expected.
    pub(crate) problems: BTreeSet<Problem>,
}

impl Settings {
    /// Puts the settings of this host together.
    ///
    /// `from_file` is the host's entry in the network file; `external_ids` are those of the row of
    /// the table `Open_vSwitch`, and `bridges` tells which bridges there are. A setting that makes no
    /// sense costs nothing that worked: what it was before stays.
    pub(crate) fn this_host(
        &self,
        from_file: Option<&Host>,
        external_ids: &BTreeMap<String, String>,
        bridges: impl Fn(&str) -> bool,
    ) -> ThisHost {
        let mut written = Written::new(external_ids);
        let encap_ip = written.read(ENCAP_IP, "an IP address", endpoint);
        let expected = "some of vxlan, gre and geneve";
        let encap_types = written.read(ENCAP_TYPE, expected, encap_types);
        let bridge_mappings = written.bridge_mappings(bridges);
        let expected = "types of frames that no rule is about: 0x88b5,...";
        let permitted_ethertypes = written.read(PERMITTED_ETHERTYPES, expected, ethertypes);
        let datapath_type = written.read(DATAPATH_TYPE, "system or netdev", datapath_type);
        let igmp_snooping = written.read(IGMP_SNOOPING, "true or false", |text| text.parse().ok());
        let mut problems = std::mem::take(&mut written.problems);
        // Whoever follows the northbound database tells what is wrong with this one.
        written.read(REMOTE, REMOTES, |text| Remote::list(text).ok());
        problems.extend(unknown(external_ids));

        let host = Host {
            name: self.host.clone(),
            encap_ip: self
                .encap_ip
                .or(encap_ip)
                .or_else(|| from_file.and_then(|host| host.encap_ip)),
            encap_types: (self.encap_types.clone())
                .or(encap_types)
                .or_else(|| from_file.map(|host| host.encap_types.clone()))
                .unwrap_or_else(|| EncapType::ALL.into()),
            bridge_mappings: (self.bridge_mappings.clone())
                .or(bridge_mappings)
                .or_else(|| from_file.map(|host| host.bridge_mappings.clone()))
                .unwrap_or_default(),
            mtu: from_file.map_or(ETHERNET_MTU, |host| host.mtu),
            gateway_priority: from_file.map_or(0, |host| host.gateway_priority),
            preemptive: from_file.is_some_and(|host| host.preemptive),
        };
        ThisHost {
            wanted_ip: host.encap_ip,
            host,
            datapath_type: self.datapath_type.clone().or(datapath_type),
            permitted_ethertypes: (self.permitted_ethertypes.clone())
                .or(permitted_ethertypes)
                .unwrap_or_default(),
            igmp_snooping: self.igmp_snooping.or(igmp_snooping).unwrap_or_default(),
            good: written.note(),
            problems,
        }
    }
}

impl ThisHost {
    /// Keeps the tunnel endpoint that the host had, if another host has claimed the one that it is to
    /// have.
    pub(crate) fn respect(&mut self, rows: &Northbound) {
        let name = self.host.name.as_str();
        let Some(ip) = self.wanted_ip else { return };
        let Some(owner) = rows.owner_of(ip).filter(|owner| *owner != name) else {
            return;
        };
        self.host.encap_ip = rows.endpoint_of(name);
        let stays = match self.host.encap_ip {
            Some(ip) => format!("{ip} stays"),
            None => "this host has no tunnels".to_owned(),
        };
        let sentence = format!(
            "has no right to encap_ip {ip}, which is that of host {owner}: {stays}; if that host is \
             gone, brint host delete {owner} frees the address"
        );
        let problem = Problem::new(Kind::Host, name, sentence);
        self.problems.insert(problem);
    }
}

/// Reads where the northbound database is, if the host's database says so; and what is wrong with
/// what it says.
pub(crate) fn remotes(
    external_ids: &BTreeMap<String, String>,
) -> (Option<Vec<Remote>>, Option<Problem>) {
    let mut written = Written::new(external_ids);
    let remotes = written.read(REMOTE, REMOTES, |text| Remote::list(text).ok());
    (remotes, written.problems.pop_first())
}

/// The keys that look like settings and are none.
fn unknown(external_ids: &BTreeMap<String, String>) -> impl Iterator<Item = Problem> {
    let keys = external_ids.keys().map(String::as_str);
    let keys = keys.filter(|key| key.starts_with("brint-"));
    let unknown = keys.filter(|key| !SETTINGS.contains(key) && !NOTES.contains(key));
    unknown.map(|key| {
        let sentence = match nearest(key, SETTINGS) {
            Some(meant) => format!("is not known, did you mean {meant}?"),
            None => format!("is not known, expected one of {}", SETTINGS.join(", ")),
        };
        Problem::new(Kind::Setting, format!("external_ids:{key}"), sentence)
    })
}

/// Reads an address that a host can have.
fn endpoint(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    let is_host = !address.is_unspecified() && !address.is_multicast() && !is_broadcast;
    is_host.then_some(address)
}

/// Reads a type of datapath; `dummy` is for tests of the switch.
fn datapath_type(text: &str) -> Option<String> {
    ["system", "netdev", "dummy"]
        .contains(&text)
        .then(|| text.to_owned())
}

/// Reads `vxlan,gre,geneve`.
pub(crate) fn encap_types(text: &str) -> Option<BTreeSet<EncapType>> {
    text.split(',')
        .map(|word| word.trim().parse().ok())
        .collect()
}

/// Reads `0x88b5,0x8863`.
///
/// IP and ARP have rules and anti-spoofing, which no setting leads around; VLANs are not a
/// machine's to choose.
pub(crate) fn ethertypes(text: &str) -> Option<BTreeSet<EthType>> {
    const GUARDED: [EthType; 5] = [
        EthType::IPV4,
        EthType::IPV6,
        EthType::ARP,
        EthType::VLAN,
        EthType::SERVICE_VLAN,
    ];
    let ethertype = |word: &str| {
        let number = u16::from_str_radix(word.trim().strip_prefix("0x")?, 16).ok()?;
        // Less is the length of an 802.3 frame.
        let is_type = number >= 0x600 && !GUARDED.contains(&EthType(number));
        is_type.then_some(EthType(number))
    };
    text.split(',').map(ethertype).collect()
}

/// Reads `physnet1:br-ex,physnet2:br-vlan`.
pub(crate) fn bridge_mappings(text: &str) -> Option<BTreeMap<PhysicalNetwork, String>> {
    let mut mappings = BTreeMap::new();
    for mapping in text.split(',') {
        let (physical_network, bridge) = mapping.trim().split_once(':')?;
        if physical_network.is_empty() || bridge.is_empty() {
            return None;
        }
        let again = mappings.insert(PhysicalNetwork::from(physical_network), bridge.to_owned());
        if again.is_some() {
            return None;
        }
    }
    Some(mappings)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Settings that say nothing unusual.
    pub(crate) fn settings() -> Settings {
        Settings {
            source: Place::File("network.yaml".into()),
            host: "host1".into(),
            run_directory: "/run/openvswitch".into(),
            database: "unix:/run/openvswitch/db.sock".into(),
            integration_bridge: "br-int".into(),
            tunnel_bridge: "br-tun".into(),
            datapath_type: None,
            encap_ip: None,
            encap_types: None,
            bridge_mappings: None,
            permitted_ethertypes: None,
            igmp_snooping: None,
            metrics: None,
            nova: None,
        }
    }

    fn external_ids(key: &str, value: &str) -> BTreeMap<String, String> {
        [(key.to_owned(), value.to_owned())].into()
    }

    #[test]
    fn a_flag_overrides_the_database_and_the_database_the_file() {
        let file = settings()
            .this_host(None, &external_ids(ENCAP_IP, "192.0.2.1"), |_| true)
            .host;
        let ids = external_ids(ENCAP_IP, "192.0.2.2");
        let mut settings = settings();
        let from_database = settings
            .this_host(Some(&file), &ids, |_| true)
            .host
            .encap_ip;
        assert_eq!(from_database, "192.0.2.2".parse().ok());
        settings.encap_ip = "192.0.2.3".parse().ok();
        assert_eq!(
            settings
                .this_host(Some(&file), &ids, |_| true)
                .host
                .encap_ip,
            "192.0.2.3".parse().ok()
        );
        settings.encap_ip = None;
        let from_file = settings
            .this_host(Some(&file), &BTreeMap::new(), |_| true)
            .host
            .encap_ip;
        assert_eq!(from_file, "192.0.2.1".parse().ok());
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named_and_ignored() {
        let host = settings().this_host(
            None,
            &external_ids(BRIDGE_MAPPINGS, "physnet1=br-ex"),
            |_| true,
        );
        assert!(host.host.bridge_mappings.is_empty());
        let problems: Vec<_> = host.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "setting external_ids:brint-bridge-mappings is ignored: \"physnet1=br-ex\", \
                 expected physnet1:br-ex,..."
            ]
        );
    }

    /// The settings of a host that had `good` ones, and has `now` what somebody wrote.
    fn after(good: &[(&str, &str)], now: &[(&str, &str)]) -> ThisHost {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let exists = |bridge: &str| ["br-ex", "br-vlan"].contains(&bridge);
        let before = settings().this_host(None, &map(good), exists);
        assert!(before.problems.is_empty(), "{:?}", before.problems);
        let mut external_ids = map(now);
        external_ids.extend(before.good.map(|note| (GOOD.to_owned(), note)));
        let host = settings().this_host(None, &external_ids, exists);
        // A restart finds the same.
        external_ids.extend(host.good.clone().map(|note| (GOOD.to_owned(), note)));
        assert_eq!(settings().this_host(None, &external_ids, exists), host);
        host
    }

    #[test]
    fn a_typo_costs_nothing_that_worked() {
        let good = [
            (ENCAP_IP, "192.0.2.1"),
            (ENCAP_TYPE, "vxlan,gre"),
            (BRIDGE_MAPPINGS, "physnet1:br-ex,physnet2:br-vlan"),
            (PERMITTED_ETHERTYPES, "0x88b5"),
            (IGMP_SNOOPING, "true"),
            (DATAPATH_TYPE, "netdev"),
        ];
        let before = after(&good, &good);
        for (key, typo) in [
            (ENCAP_IP, "192.0.2.1.1"),
            (ENCAP_IP, "0.0.0.0"),
            (ENCAP_IP, "224.0.0.1"),
            (ENCAP_TYPE, "vxlan,gree"),
            (BRIDGE_MAPPINGS, "physnet1=br-ex"),
            (BRIDGE_MAPPINGS, "physnet1:br-exx,physnet2:br-vlan"),
            (PERMITTED_ETHERTYPES, "0x0800"),
            (IGMP_SNOOPING, "yes"),
            (DATAPATH_TYPE, "netdv"),
        ] {
            let now = good.map(|(other, value)| (other, if other == key { typo } else { value }));
            let host = after(&good, &now);
            let problems: Vec<_> = host.problems.iter().map(ToString::to_string).collect();
            let [problem] = problems.as_slice() else {
                panic!("{key}={typo}: {problems:?}");
            };
            assert!(
                problem.contains(key) && problem.contains("stays"),
                "{problem}"
            );
            let told = ThisHost {
                problems: BTreeSet::new(),
                ..host
            };
            assert_eq!(told, before, "{key}={typo}");
        }
    }

    #[test]
    fn what_somebody_takes_away_is_gone() {
        let good = [(ENCAP_IP, "192.0.2.1"), (BRIDGE_MAPPINGS, "physnet1:br-ex")];
        let host = after(&good, &[]);
        assert_eq!((host.host.encap_ip, host.good), (None, None));
        let host = after(&good, &[(BRIDGE_MAPPINGS, "physnet2:br-vlan")]).host;
        assert_eq!(host.bridge_mappings.len(), 1);
        // A bridge that was never there is told of where it is used.
        let host = after(&[], &[(BRIDGE_MAPPINGS, "physnet1:br-new")]);
        assert!(host.problems.is_empty() && host.good.is_none());
        assert_eq!(host.host.bridge_mappings.len(), 1);
    }

    #[test]
    fn a_key_with_a_typo_is_named() {
        let host = after(&[], &[("brint-encapip", "192.0.2.1"), ("other", "x")]);
        let problems: Vec<_> = host.problems.iter().map(ToString::to_string).collect();
        let expected =
            "setting external_ids:brint-encapip is not known, did you mean brint-encap-ip?";
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn no_setting_leads_around_the_rules() {
        let permitted = ethertypes("0x88b5, 0x8863").unwrap();
        assert_eq!(permitted, [EthType(0x88b5), EthType(0x8863)].into());
        for refused in [
            "",
            "0x0800",
            "0x88b5,0x86dd",
            "0x0806",
            "0x8100",
            "0x05dc",
            "8863",
        ] {
            assert_eq!(ethertypes(refused), None, "{refused}");
        }
    }

    #[test]
    fn snooping_is_off_until_somebody_turns_it_on() {
        let mut settings = settings();
        let snoops = |settings: &Settings, value: &str| {
            let host = settings.this_host(None, &external_ids(IGMP_SNOOPING, value), |_| true);
            (host.igmp_snooping, host.problems.len())
        };
        let host = settings.this_host(None, &BTreeMap::new(), |_| true);
        assert!(!host.igmp_snooping);
        assert_eq!(snoops(&settings, "true"), (true, 0));
        assert_eq!(snoops(&settings, "yes"), (false, 1));
        settings.igmp_snooping = Some(false);
        assert_eq!(snoops(&settings, "true"), (false, 0));
    }

    #[test]
    fn several_mappings_are_separated_by_commas() {
        let mappings = bridge_mappings("physnet1:br-ex, physnet2:br-vlan").unwrap();
        assert_eq!(
            mappings.get(&"physnet2".into()).map(String::as_str),
            Some("br-vlan")
        );
        assert_eq!(bridge_mappings("physnet1:br-ex,physnet1:br-vlan"), None);
    }
}
