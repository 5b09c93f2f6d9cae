//! Whatever the database holds: what is exported is read, and changes nothing when it is applied.

use std::collections::{BTreeMap, BTreeSet};

use pipelines::network::Model;

use super::super::objects::describe;
use super::super::put::put;
use super::super::tables::*;
use super::super::words::*;
use super::*;
use crate::northbound::file;

/// How many rows of each table there are.
const ROWS: u128 = 6;

/// Numbers that look random, and the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// One of the rows of a table.
    fn row(&mut self, table: u128) -> Uuid {
        let row = u128::try_from(self.below(usize::try_from(ROWS).unwrap())).unwrap();
        row_of(table, row)
    }

    /// Text that YAML, JSON and people might take for something else.
    fn text(&mut self, longest: usize) -> String {
        const ODD: &[&str] = &[
            "",
            " ",
            "~",
            "null",
            "true",
            "no",
            "007",
            "1e3",
            "0x1f",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "{",
            "[a]",
            "&a",
            "*a",
            "!!binary x",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "\n",
            "\n\n",
            "a\nb\n",
            " a",
            "a ",
            "\t",
            "\r\n",
            "\u{1}",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{feff}",
            "\u{fffd}",
            "\u{10ffff}",
            "\u{e9}",
            "\u{1f600}",
            "...",
            "---",
            "%TAG",
            "2026-11-30",
            "=",
            "<<",
            "default",
            "10.0.0.9",
            "00000000-0000-4000-8000-000000000000",
            "vm1",
            "?",
            "@a",
            "`",
        ];
        let mut text = String::new();
        for _ in 0..1 + self.below(4) {
            text.push_str(self.of(ODD));
        }
        text.chars().take(longest).collect()
    }

    fn texts(&mut self) -> BTreeMap<String, String> {
        let count = self.below(3);
        (0..count)
            .map(|_| (self.text(64), self.text(255)))
            .collect()
    }

    /// What is in the profile of a port: keys and data for its machine, and what others wrote.
    fn profile(&mut self) -> String {
        let data: String = match self.below(4) {
            0 => self.text(255),
            1 => "#cloud-config\nruncmd: [ls]\n".to_owned(),
            // Nova's limit, of whatever characters.
            2 => (0..65_535)
                .map(|_| char::from(u8::try_from(self.below(128)).unwrap()))
                .collect(),
            _ => {
                return self
                    .of(&["", "{}", "[]", "junk", r#"{"user_data_base64": "/wCA"}"#])
                    .to_owned();
            }
        };
        let keys = self.texts();
        let profile = serde_json::json!({"user_data": data, "public_keys": keys, "other": 7});
        profile.to_string()
    }
}

fn row_of(table: u128, row: u128) -> Uuid {
    id(table << 64 | (row + 1))
}

const NETWORKS: u128 = 1;
const SUBNETS: u128 = 2;
const GROUPS: u128 = 3;
const RULES: u128 = 4;
const ADDRESS_GROUPS: u128 = 5;
const PORTS: u128 = 6;
const ROUTERS: u128 = 7;
const FLOATING_IPS: u128 = 8;
const TRUNKS: u128 = 9;
const LOGS: u128 = 10;
const FORWARDINGS: u128 = 11;

const BLOCKS: &[&str] = &[
    "10.0.0.0/24",
    "10.0.0.9",
    "10.0.0.9/24",
    "10.1.0.0/16",
    "::/0",
    "0.0.0.0/0",
    "fd00::/64",
    "fd00::9",
    "junk",
    "224.0.0.0/4",
    "203.0.113.0/24",
    "",
];
const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.9",
    "10.1.0.9",
    "203.0.113.9",
    "fd00::9",
    "FD00::A",
    "junk",
    "10.99.0.1",
    "",
];

fn networks(random: &mut Random, transaction: &mut Transaction<Northbound>) {
    for row in 0..ROWS {
        let columns = Network::values()
            .set(Network::name, random.text(255))
            .set(Network::project, random.text(255))
            .set(Network::dns_domain, random.text(255))
            .set(
                Network::mtu,
                random.of(&[None, Some(1), Some(67), Some(1280), Some(1400), Some(9000)]),
            );
        let network = row_of(NETWORKS, row);
        transaction.insert_as(network, columns);
        let number = i64::try_from(row).unwrap() + 1;
        let segment = Segment::values()
            .set(Segment::network, network)
            .set(
                Segment::network_type,
                random.of(&[SegmentType::Vxlan, SegmentType::Gre, SegmentType::Vlan]),
            )
            .set(Segment::segmentation_id, Some(number));
        match random.below(4) {
            0 => {}
            1 => {
                let physical_network = Some(format!("{}{row}", random.text(60)));
                let segment = Segment::values()
                    .set(Segment::network, network)
                    .set(
                        Segment::network_type,
                        random.of(&[SegmentType::Flat, SegmentType::Geneve]),
                    )
                    .set(Segment::physical_network, physical_network);
                transaction.insert(segment);
            }
            _ => {
                transaction.insert(segment);
            }
        }
        let mode = random.of(&[None, Some(Ipv6Mode::Slaac), Some(Ipv6Mode::DhcpStateful)]);
        let gateway = random.of(ADDRESSES);
        let cidr = match row {
            0 => "203.0.113.0/24",
            _ => random.of(&[BLOCKS, &["10.0.0.0/24", "fd00::/64"].repeat(4)].concat()),
        };
        let columns = Subnet::values()
            .set(Subnet::network, network)
            .set(Subnet::project, random.text(255))
            .set(Subnet::name, random.text(255))
            .set(Subnet::cidr, cidr)
            .set(
                Subnet::gateway_ip,
                Some(gateway.to_owned()).filter(|_| random.percent(70)),
            )
            .set(Subnet::enable_dhcp, random.percent(50))
            .set(Subnet::ipv6_ra_mode, mode)
            .set(
                Subnet::dns_nameservers,
                BTreeMap::from([
                    (3, random.of(ADDRESSES).to_owned()),
                    (9, random.of(ADDRESSES).to_owned()),
                ]),
            )
            .set(
                Subnet::host_routes,
                BTreeSet::from([
                    format!("{} {}", random.of(BLOCKS), random.of(ADDRESSES)),
                    random.text(255),
                ]),
            );
        transaction.insert_as(row_of(SUBNETS, row), columns);
    }
}

fn groups(random: &mut Random, transaction: &mut Transaction<Northbound>) {
    for row in 0..ROWS {
        let columns = SecurityGroup::values()
            .set(SecurityGroup::name, random.text(255))
            .set(SecurityGroup::project, random.text(255))
            .set(SecurityGroup::stateful, random.percent(50));
        transaction.insert_as(row_of(GROUPS, row), columns);
        let columns = AddressGroup::values()
            .set(AddressGroup::name, random.text(255))
            .set(
                AddressGroup::addresses,
                BTreeSet::from([random.of(BLOCKS).to_owned(), random.of(BLOCKS).to_owned()]),
            );
        transaction.insert_as(row_of(ADDRESS_GROUPS, row), columns);
    }
    for row in 0..ROWS * 2 {
        let protocol = random.of(&[
            "tcp", "6", "TCP", "icmp", "58", "0", "any", "junk", "hopopt", "250",
        ]);
        let numbers = [None, Some(0), Some(22), Some(255), Some(65535)];
        // The index wants rules to differ.
        let prefix = match random.below(3) {
            0 => format!("10.{row}.0.9/24"),
            1 => format!("10.{row}.0.9"),
            _ => random.of(BLOCKS).to_owned() + &" ".repeat(usize::try_from(row).unwrap() % 2),
        };
        let remote = random.below(4);
        let columns = SecurityGroupRule::values()
            .set(SecurityGroupRule::project, random.text(255))
            .set(
                SecurityGroupRule::security_group,
                row_of(GROUPS, row % ROWS),
            )
            .set(
                SecurityGroupRule::direction,
                if row < ROWS {
                    Direction::Ingress
                } else {
                    Direction::Egress
                },
            )
            .set(
                SecurityGroupRule::ethertype,
                random.of(&[Ethertype::Ipv4, Ethertype::Ipv6]),
            )
            .set(
                SecurityGroupRule::protocol,
                Some(protocol.to_owned()).filter(|_| random.percent(70)),
            )
            .set(SecurityGroupRule::port_range_min, random.of(&numbers))
            .set(SecurityGroupRule::port_range_max, random.of(&numbers))
            .set(
                SecurityGroupRule::remote_ip_prefix,
                Some(prefix).filter(|_| remote == 0),
            )
            .set(
                SecurityGroupRule::remote_group,
                Some(random.row(GROUPS)).filter(|_| remote == 1),
            )
            .set(
                SecurityGroupRule::remote_address_group,
                Some(random.row(ADDRESS_GROUPS)).filter(|_| remote == 2),
            );
        transaction.insert_as(row_of(RULES, row), columns);
    }
}

fn ports(random: &mut Random, transaction: &mut Transaction<Northbound>) {
    for row in 0..ROWS * 4 {
        // Those of floating IPs are sound more often.
        let is_outside = row < ROWS && random.percent(80);
        let network = match is_outside {
            true => row_of(NETWORKS, 0),
            false => random.row(NETWORKS),
        };
        let mac = match random.below(8) {
            _ if is_outside => format!("fa:16:3e:00:02:{row:02x}"),
            0 => format!("FA:16:3E:00:01:{row:02x}"),
            1 => format!("01:00:5e:00:00:{row:02x}"),
            2 => format!("junk{row}"),
            _ => format!("fa:16:3e:00:00:{row:02x}"),
        };
        let pair = match random.below(3) {
            0 => random.text(255),
            1 => format!("{} FA:16:3e:00:00:99", random.of(BLOCKS)),
            _ => random.of(BLOCKS).to_owned(),
        };
        let owner = random.of(&[
            "",
            "compute:nova",
            OWNER_OF_GATEWAY,
            OWNER_OF_INTERFACE,
            OWNER_OF_FLOATING_IP,
        ]);
        let host = random.of(&["h1", "h2", "ironic1", ""]);
        let groups: BTreeSet<Uuid> = (0..random.below(3)).map(|_| random.row(GROUPS)).collect();
        let columns = Port::values()
            .set(Port::name, random.text(255))
            .set(Port::project, random.text(255))
            .set(Port::network, network)
            .set(Port::mac_address, mac)
            .set(Port::status, Status::Down)
            .set(Port::vnic_type, "normal")
            .set(Port::admin_state_up, random.percent(80))
            .set(Port::device_id, random.text(255))
            .set(Port::device_owner, owner)
            .set(
                Port::router,
                Some(random.row(ROUTERS)).filter(|_| random.percent(30)),
            )
            .set(Port::security_groups, groups)
            .set(Port::port_security_enabled, random.percent(70))
            .set(Port::allowed_address_pairs, BTreeSet::from([pair]))
            .set(
                Port::host,
                Some(host.to_owned()).filter(|_| random.percent(80)),
            )
            .set(
                Port::migrating_to,
                Some("h2".to_owned()).filter(|_| random.percent(20)),
            )
            .set(Port::dns_name, random.text(255))
            .set(Port::extra_dhcpv4_options, random.texts())
            .set(Port::extra_dhcpv6_options, random.texts())
            .set(Port::binding_profile, random.profile());
        let port = row_of(PORTS, row);
        transaction.insert_as(port, columns);
        if is_outside || random.percent(70) {
            let ip = match random.below(4) {
                _ if is_outside => format!("203.0.113.{row}"),
                0 => random.text(30) + &row.to_string(),
                1 => format!("fd00::{row:x}"),
                2 => format!("203.0.113.{row}"),
                _ => format!("10.0.0.{row}"),
            };
            let columns = Address::values()
                .set(Address::network, network)
                .set(Address::subnet, random.row(SUBNETS))
                .set(Address::port, port)
                .set(Address::ip_address, ip);
            transaction.insert(columns);
        }
    }
}

fn rest(random: &mut Random, transaction: &mut Transaction<Northbound>) {
    for row in 0..ROWS {
        let columns = Router::values()
            .set(Router::name, random.text(255))
            .set(Router::project, random.text(255))
            .set(Router::enable_snat, random.percent(50))
            .set(Router::admin_state_up, random.percent(50))
            .set(
                Router::routes,
                BTreeSet::from([
                    format!("{} {}", random.of(BLOCKS), random.of(ADDRESSES)),
                    random.text(255),
                ]),
            );
        transaction.insert_as(row_of(ROUTERS, row), columns);
        let columns = FloatingIp::values()
            .set(FloatingIp::project, random.text(255))
            .set(FloatingIp::network, random.row(NETWORKS))
            .set(FloatingIp::address_port, row_of(PORTS, row))
            .set(FloatingIp::status, Status::Down)
            .set(
                FloatingIp::port,
                Some(row_of(PORTS, row + ROWS)).filter(|_| random.percent(50)),
            )
            .set(
                FloatingIp::fixed_ip_address,
                Some(random.of(ADDRESSES).to_owned()),
            )
            .set(
                FloatingIp::router,
                Some(random.row(ROUTERS)).filter(|_| random.percent(80)),
            );
        transaction.insert_as(row_of(FLOATING_IPS, row), columns);
        let columns = PortForwarding::values()
            .set(PortForwarding::floating_ip, row_of(FLOATING_IPS, row))
            .set(PortForwarding::protocol, ForwardedProtocol::Tcp)
            .set(PortForwarding::external_port, 80)
            .set(PortForwarding::port, row_of(PORTS, row + 2 * ROWS))
            .set(PortForwarding::fixed_ip_address, random.of(ADDRESSES))
            .set(PortForwarding::internal_port, 80);
        transaction.insert_as(row_of(FORWARDINGS, row), columns);
        let columns = Trunk::values()
            .set(Trunk::name, random.text(255))
            .set(Trunk::status, Status::Down)
            .set(Trunk::port, row_of(PORTS, row + 3 * ROWS));
        transaction.insert_as(row_of(TRUNKS, row), columns);
        let columns = SubPort::values()
            .set(SubPort::trunk, row_of(TRUNKS, row))
            .set(SubPort::port, row_of(PORTS, row + 2 * ROWS))
            .set(SubPort::segmentation_id, 7);
        transaction.insert(columns);
        let columns = Log::values()
            .set(Log::name, random.text(255))
            .set(Log::event, LogEvent::All)
            .set(
                Log::security_group,
                Some(random.row(GROUPS)).filter(|_| random.percent(50)),
            )
            .set(
                Log::port,
                Some(random.row(PORTS)).filter(|_| random.percent(50)),
            );
        transaction.insert_as(row_of(LOGS, row), columns);
    }
    for name in ["h1", "h2", "\u{e9}\n"] {
        let mapping = (random.text(64), random.text(15));
        let columns = Host::values()
            .set(Host::name, name)
            .set(Host::mtu, random.of(&[1500, 9000]))
            .set(Host::encap_types, [EncapType::Gre])
            .set(
                Host::encap_ip,
                Some(
                    random
                        .of(&["192.0.2.1", "2001:db8::1", "192.0.2.2"])
                        .to_owned(),
                ),
            )
            .set(Host::bridge_mappings, BTreeMap::from([mapping]));
        transaction.insert(columns);
    }
}

/// A database with random rows.
async fn filled(seed: u64) -> (Server, Database) {
    let server = Server::start();
    let database = server.open().await;
    let mut random = Random(seed | 1 << 63);
    let mut transaction = Transaction::new();
    networks(&mut random, &mut transaction);
    groups(&mut random, &mut transaction);
    ports(&mut random, &mut transaction);
    rest(&mut random, &mut transaction);
    let written = database.transact(transaction).await;
    written.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    (server, database)
}

fn numbers(model: &Model) -> [usize; 6] {
    [
        model.networks().count(),
        model.ports().count(),
        model
            .routers()
            .filter(|router| router.gateway.is_some())
            .count(),
        model.floating_ips().count(),
        model.trunks().count(),
        model.security_groups().map(|group| group.rules.len()).sum(),
    ]
}

#[tokio::test]
async fn what_is_exported_changes_nothing_when_it_is_applied() {
    let seeds = std::env::var("BRINT_DATABASES").map_or(8, |text| text.parse().unwrap());
    let mut seen = [0; 6];
    for seed in 1..=seeds {
        let (_server, database) = filled(seed).await;
        let rows = database.snapshot();
        let described = describe(&rows);
        let text = serde_saphyr::to_string(&file::write::document(&described.model)).unwrap();
        let read = file::parse("export.yaml".as_ref(), text.as_bytes());
        let read = read.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let changes: Vec<_> = put(&rows, &read.model).changes;
        let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(told, [""; 0], "seed {seed}");
        for (sum, number) in seen.iter_mut().zip(numbers(&described.model)) {
            *sum += number;
        }
    }
    // There was something of everything.
    assert!(seen.iter().all(|sum| *sum > 0), "{seen:?}");
}
