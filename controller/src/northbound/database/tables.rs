//! The declared tables of the database, as the schema has them.
//!
//! Text formats of columns stand with the columns. A row that another row belongs to is named by
//! that other row, by a strong reference: it cannot go before what belongs to it, and both go in
//! one transaction.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::Uuid;

pub(crate) use super::words::{
    AccessAction, Direction, EncapType, Ethertype, ForwardedProtocol, Ipv6Mode, LogEvent,
    SegmentType, Status,
};

/// The `device_owner` of the port that a router has on a network that it joins; Neutron's.
pub(crate) const OWNER_OF_INTERFACE: &str = "network:router_interface";

/// The `device_owner` of the port that a router has on its external network; Neutron's.
pub(crate) const OWNER_OF_GATEWAY: &str = "network:router_gateway";

/// The `device_owner` of the port that has a floating IP; Neutron's.
pub(crate) const OWNER_OF_FLOATING_IP: &str = "network:floatingip";

/// The `device_owner` of a port behind another; Neutron's.
pub(crate) const OWNER_OF_SUB_PORT: &str = "trunk:subport";

ovsdb::tables! {
    /// The northbound database.
    pub(crate) database Northbound = "Brint_Northbound", changes NorthboundChanges;

    /// The one row that is about the database as a whole; its UUID is [`GLOBAL`](super::GLOBAL).
    table global: Global = "NB_Global" {
        /// The number of the latest change that somebody waits for.
        nb_cfg: i64;
        /// Counted up by who wants to know which agents are alive; these answer with the number.
        probe: i64;
        /// Which database this is, whatever server has it: given once, and never changed.
        identity: Option<Uuid>;
        /// Whether the last network was deleted by a command of brint: hosts follow an empty database
        /// then, and do not take it for one that was lost.
        emptied: bool;
        /// Where the servers listen, beside what their command line says.
        connections: BTreeSet<Uuid>;
        /// Whether the rules that new groups begin with are those of the table; before they are
        /// asked for, they are Neutron's.
        has_default_rules: bool;
    }

    /// Where the servers listen.
    table connections: Connection = "Connection" {
        /// The address, as `pssl:6642`.
        target: String;
        /// What who connects there may do, by the name of an [`RbacRole`]; everything if empty.
        role: String;
        /// What the servers say of it, as `bound_port`.
        status: BTreeMap<String, String>;
    }

    /// What a kind of client may do.
    table roles: RbacRole = "RBAC_Role" {
        /// Its name.
        name: String;
        /// What it may do in each table, by the name of the table.
        permissions: BTreeMap<String, Uuid>;
    }

    /// What a role may do in a table.
    table permissions: RbacPermission = "RBAC_Permission" {
        /// The table.
        table: String;
        /// The columns one of which has to hold the name in the client's certificate.
        authorization: BTreeSet<String>;
        /// Whether rows may be made and deleted.
        insert_delete: bool;
        /// The columns that may be changed.
        update: BTreeSet<String>;
    }

    /// A layer-2 network. Without a [`Segment`] it is `local`: it does not leave its host.
    table networks: Network = "Network" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// Whether it is meant to work.
        admin_state_up: bool;
        /// Whether every project may use it.
        shared: bool;
        /// Neutron's `router:external`: floating IPs and gateways may be on it.
        external: bool;
        /// Whether it is the external network that is used when none is named.
        is_default: bool;
        /// What ports get when they do not say.
        port_security_enabled: bool;
        /// The largest packet that is wanted, in bytes.
        mtu: Option<i64>;
        /// The domain of its names in the DNS.
        dns_domain: String;
        /// Whether multicast goes only to ports that listen; without it, hosts decide.
        igmp_snooping: Option<bool>;
        /// Where it should be.
        availability_zone_hints: BTreeSet<String>;
    }

    /// What carries a network between hosts.
    table segments: Segment = "Segment" {
        /// The network that it is part of.
        network: Uuid;
        /// How.
        network_type: SegmentType;
        /// Where it is connected, of flat and VLAN.
        physical_network: Option<String>;
        /// The VLAN, the VNI or the key; of all but flat.
        segmentation_id: Option<i64>;
        /// What people call it.
        name: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
    } index {
        /// By the network.
        by_network: Uuid = |row| [row.network];
    }

    /// Subnet pools whose addresses do not overlap.
    table address_scopes: AddressScope = "Address_Scope" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// 4 or 6.
        ip_version: i64;
        /// Whether every project may use it.
        shared: bool;
    }

    /// Blocks that subnets are cut from. Who cuts one writes the pool's `revision_number`,
    /// verified, in the same transaction, so that no two get the same block.
    table subnet_pools: SubnetPool = "Subnet_Pool" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// 4 or 6.
        ip_version: i64;
        /// The blocks.
        prefixes: BTreeSet<String>;
        /// The length of a prefix when none is asked for.
        default_prefixlen: i64;
        /// The shortest prefix.
        min_prefixlen: i64;
        /// The longest prefix.
        max_prefixlen: i64;
        /// How much a project may take: addresses of IPv4, /64 blocks of IPv6.
        default_quota: Option<i64>;
        /// Its scope.
        address_scope: Option<Uuid>;
        /// Whether it is used when none is named.
        is_default: bool;
        /// Whether every project may use it.
        shared: bool;
    }

    /// A block of addresses of a network. Who adds one verifies the network's `revision_number` and
    /// adds to it, so that no two overlap.
    table subnets: Subnet = "Subnet" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// The network that it is part of.
        network: Uuid;
        /// The block, without host bits.
        cidr: String;
        /// The router.
        gateway_ip: Option<String>;
        /// Whether DHCP answers.
        enable_dhcp: bool;
        /// What addresses are given from, each as `FIRST-LAST`.
        allocation_pools: BTreeSet<String>;
        /// Name servers, by their place in the list.
        dns_nameservers: BTreeMap<i64, String>;
        /// Routes that machines get, each as `DESTINATION NEXTHOP`.
        host_routes: BTreeSet<String>;
        /// What router advertisements say.
        ipv6_ra_mode: Option<Ipv6Mode>;
        /// How machines get their addresses.
        ipv6_address_mode: Option<Ipv6Mode>;
        /// Where the block was cut from.
        subnet_pool: Option<Uuid>;
        /// The segment that it is bound to.
        segment: Option<Uuid>;
        /// The owners of ports that it is kept for, all if empty.
        service_types: BTreeSet<String>;
    } index {
        /// By the network.
        by_network: Uuid = |row| [row.network];
        /// By the pool.
        by_subnet_pool: Uuid = |row| row.subnet_pool;
    }

    /// Addresses that rules name together.
    table address_groups: AddressGroup = "Address_Group" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Its blocks, without host bits.
        addresses: BTreeSet<String>;
        /// Whether every project may use it.
        shared: bool;
    }

    /// A set of rules, and of the ports that they apply to.
    table security_groups: SecurityGroup = "Security_Group" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// Whether replies pass with their connection.
        stateful: bool;
        /// Whether every project may use it.
        shared: bool;
    }

    /// The group of a project's ports that name none. Its index keeps two servers from making two.
    table default_security_groups: DefaultSecurityGroup = "Default_Security_Group" {
        /// The project.
        project: String;
        /// Its group `default`.
        security_group: Uuid;
    } index {
        /// By the project.
        by_project: String = |row| [row.project.clone()];
    }

    /// A rule that new groups begin with.
    table default_security_group_rules: DefaultSecurityGroupRule = "Default_Security_Group_Rule" {
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark.
        description: String;
        /// Towards the port or away from it.
        direction: Direction;
        /// The version of IP.
        ethertype: Ethertype;
        /// By name or number; every protocol without.
        protocol: Option<String>;
        /// First port, or the type for ICMP.
        port_range_min: Option<i64>;
        /// Last port, or the code for ICMP.
        port_range_max: Option<i64>;
        /// The other side, as a block.
        remote_ip_prefix: Option<String>;
        /// The other side, as the members of a group; `PARENT` is the new group itself.
        remote_group: Option<String>;
        /// The other side, as the addresses of a group.
        remote_address_group: Option<String>;
        /// Whether the groups `default` of projects begin with it.
        used_in_default_sg: bool;
        /// Whether other groups do.
        used_in_non_default_sg: bool;
    }

    /// One kind of traffic that a group allows. A group is not deleted from under a rule that names
    /// it as the other side: such a rule would then allow everyone. It goes with the group.
    table security_group_rules: SecurityGroupRule = "Security_Group_Rule" {
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// The group.
        security_group: Uuid;
        /// Towards the port or away from it.
        direction: Direction;
        /// The version of IP.
        ethertype: Ethertype;
        /// By name or number; every protocol without.
        protocol: Option<String>;
        /// First port, or the type for ICMP.
        port_range_min: Option<i64>;
        /// Last port, or the code for ICMP.
        port_range_max: Option<i64>;
        /// The other side, as a block.
        remote_ip_prefix: Option<String>;
        /// The other side, as the members of a group.
        remote_group: Option<Uuid>;
        /// The other side, as the addresses of a group.
        remote_address_group: Option<Uuid>;
    } index {
        /// By the group.
        by_security_group: Uuid = |row| [row.security_group];
        /// By the groups on the other side.
        by_remote_group: Uuid = |row| row.remote_group;
    }

    /// A machine's place in a network. Its UUID is the `iface-id` of the interface.
    table ports: Port = "Port" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// The network that it is part of.
        network: Uuid;
        /// Its address, once in a network, in lower case with colons.
        mac_address: String;
        /// Whether it is meant to work.
        admin_state_up: bool;
        /// Whether it is plugged in and programmed; the agent of its host writes that.
        status: Status;
        /// The machine or router.
        device_id: String;
        /// What kind of machine, as `compute:nova` or `network:router_interface`.
        device_owner: String;
        /// The router that it is an interface or the gateway of.
        router: Option<Uuid>;
        /// The groups whose rules apply.
        security_groups: BTreeSet<Uuid>;
        /// Whether sources are checked and groups apply.
        port_security_enabled: bool;
        /// More sources that it may use, each as `BLOCK` or `BLOCK MAC`.
        allowed_address_pairs: BTreeSet<String>;
        /// Neutron's `binding:host_id`. The agent that sees the interface fills it in where it is
        /// empty.
        host: Option<String>;
        /// Whether an agent has filled in the host, as the port was plugged in there: it follows the
        /// host that plugs it in last.
        claimed: bool;
        /// Where its machine is being moved.
        migrating_to: Option<String>;
        /// Its `binding:profile` there, as JSON; empty without.
        migration_profile: String;
        /// Neutron's `binding:vnic_type`.
        vnic_type: String;
        /// Neutron's `binding:profile`, as JSON; empty without.
        binding_profile: String;
        /// More DHCP options by name, of IPv4.
        extra_dhcpv4_options: BTreeMap<String, String>;
        /// More DHCP options by name, of IPv6.
        extra_dhcpv6_options: BTreeMap<String, String>;
        /// Its name in the DNS.
        dns_name: String;
        /// The domain of its names in the DNS.
        dns_domain: String;
    } index {
        /// By the network.
        by_network: Uuid = |row| [row.network];
        /// By the groups.
        by_security_group: Uuid = |row| row.security_groups.clone();
        /// By the machine.
        by_device_id: String = |row| [row.device_id.clone()];
        /// By the router.
        by_router: Uuid = |row| row.router;
    }

    /// An address of a port. Its index keeps an address from being given twice, whoever writes.
    table addresses: Address = "Address" {
        /// The subnet's network, which is the port's.
        network: Uuid;
        /// The block that it is from.
        subnet: Uuid;
        /// Who has it.
        port: Uuid;
        /// The address, in its shortest form (RFC 5952).
        ip_address: String;
    } index {
        /// By the port.
        by_port: Uuid = |row| [row.port];
        /// By the subnet.
        by_subnet: Uuid = |row| [row.subnet];
        /// By what is unique.
        by_address: (Uuid, String) = |row| [(row.network, row.ip_address.clone())];
    }

    /// A port and those that are behind it.
    table trunks: Trunk = "Trunk" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// The parent.
        port: Uuid;
        /// Whether its sub-ports may come and go.
        admin_state_up: bool;
        /// Whether it works.
        status: Status;
    } index {
        /// By the port.
        by_port: Uuid = |row| [row.port];
    }

    /// A port behind another.
    table sub_ports: SubPort = "Sub_Port" {
        /// The trunk.
        trunk: Uuid;
        /// The port.
        port: Uuid;
        /// Its VLAN on the parent's interface.
        segmentation_id: i64;
    } index {
        /// By the trunk.
        by_trunk: Uuid = |row| [row.trunk];
        /// By the port.
        by_port: Uuid = |row| [row.port];
    }

    /// A wish to be told what security groups accept and drop.
    table logs: Log = "Log" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Whether anything is told.
        enabled: bool;
        /// What is told.
        event: LogEvent;
        /// The group whose ports are meant; without it and a port, all of the project.
        security_group: Option<Uuid>;
        /// The port that is meant.
        port: Option<Uuid>;
    }

    /// What routes between networks. Its interfaces and its gateway are ports.
    table routers: Router = "Router" {
        /// What people call it.
        name: String;
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// Whether it is meant to work.
        admin_state_up: bool;
        /// Whether it routes on every host.
        distributed: bool;
        /// Whether another host takes over its gateway.
        ha: bool;
        /// Where its gateway is.
        external_network: Option<Uuid>;
        /// Whether others leave with the gateway's address.
        enable_snat: bool;
        /// More routes, each as `DESTINATION NEXTHOP`.
        routes: BTreeSet<String>;
        /// Where it should be.
        availability_zone_hints: BTreeSet<String>;
    }

    /// An external address of a port.
    table floating_ips: FloatingIp = "Floating_IP" {
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Words that its owner finds it by.
        tags: BTreeSet<String>;
        /// The external network.
        network: Uuid;
        /// The port on that network that has the address.
        address_port: Uuid;
        /// The port that it leads to; who is deleted loses it.
        port: Option<Uuid>;
        /// That port's address that it stands for.
        fixed_ip_address: Option<String>;
        /// The router that translates.
        router: Option<Uuid>;
        /// Whether it works.
        status: Status;
        /// Its name in the DNS.
        dns_name: String;
        /// The domain of its names in the DNS.
        dns_domain: String;
    } index {
        /// By the port.
        by_port: Uuid = |row| row.port;
    }

    /// A port of a floating IP that stands for a port of somebody's address.
    table port_forwardings: PortForwarding = "Port_Forwarding" {
        /// The floating IP.
        floating_ip: Uuid;
        /// The project that owns both.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Whose ports they are.
        protocol: ForwardedProtocol;
        /// The port outside.
        external_port: i64;
        /// The port that is meant.
        port: Uuid;
        /// The address of that port.
        fixed_ip_address: String;
        /// The port at that address.
        internal_port: i64;
    } index {
        /// By the floating IP.
        by_floating_ip: Uuid = |row| [row.floating_ip];
        /// By the port that is meant.
        by_port: Uuid = |row| [row.port];
    }

    /// Lets projects use what belongs to another: Neutron's RBAC policy. It is about one object,
    /// whose `revision_number` who makes, changes or deletes it verifies and adds to.
    table access_policies: AccessPolicy = "Access_Policy" {
        /// The project that owns it.
        project: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// What it allows.
        action: AccessAction;
        /// The project that it is for, or `*` for all.
        target: String;
        /// The network that it is about.
        network: Option<Uuid>;
        /// The subnet pool that it is about.
        subnet_pool: Option<Uuid>;
        /// The address scope that it is about.
        address_scope: Option<Uuid>;
        /// The security group that it is about.
        security_group: Option<Uuid>;
        /// The address group that it is about.
        address_group: Option<Uuid>;
    } index {
        /// By the object.
        by_object: Uuid = |row| row.object();
    }

    /// How much a project may have, where that is not the default.
    table quotas: Quota = "Quota" {
        /// The project.
        project: String;
        /// What is counted, as `port`.
        resource: String;
        /// How many; -1 is no limit.
        limit: i64;
    } index {
        /// By the project.
        by_project: String = |row| [row.project.clone()];
    }

    /// A machine with Open vSwitch; what seldom changes.
    table hosts: Host = "Host" {
        /// What people call it.
        name: String;
        /// How often it was changed; who writes adds one.
        revision_number: i64;
        /// When it was made, in seconds since 1970, UTC.
        created_at: i64;
        /// When it was changed last, in seconds since 1970, UTC.
        updated_at: i64;
        /// A remark of its owner.
        description: String;
        /// Where its tunnels end.
        encap_ip: Option<String>;
        /// The tunnels that it takes.
        encap_types: BTreeSet<EncapType>;
        /// The provider bridge of each physical network.
        bridge_mappings: BTreeMap<String, String>;
        /// The largest packet of its network cards, in bytes.
        mtu: i64;
        /// Those with the greatest lead routers outside.
        gateway_priority: i64;
        /// Whether it takes back what it led when it returns.
        preemptive: bool;
        /// Whether it is meant to work.
        admin_state_up: bool;
        /// Where it is.
        availability_zone: String;
    } index {
        /// By the name.
        by_name: String = |row| [row.name.clone()];
    }

    /// Where the tunnels of a host end, as its agent has claimed it: the index lets no other host
    /// claim the same, whoever writes.
    table endpoints: Endpoint = "Endpoint" {
        /// The address, in its shortest form (RFC 5952).
        ip_address: String;
        /// The host's name.
        host: String;
    } index {
        /// By the address.
        by_ip_address: String = |row| [row.ip_address.clone()];
        /// By the host.
        by_host: String = |row| [row.host.clone()];
    }

    /// What an agent says of its host again and again. Each agent follows its own row only, so that
    /// the cost does not grow with the square of their number.
    table host_states: HostState = "Host_State" {
        /// The host's name.
        name: String;
        /// The [`nb_cfg`](Global::nb_cfg) that the host has programmed.
        nb_cfg: i64;
        /// When the agent was heard last by its own clock, in seconds since 1970, UTC; 0 once it has
        /// ended. As that clock may be wrong, others see only whether the time changes.
        alive_at: i64;
        /// The [`probe`](Global::probe) that the agent has seen last.
        answered: i64;
        /// When the agent started, in seconds since 1970, UTC.
        started_at: i64;
        /// The run of the agent that speaks for the host.
        session: Option<Uuid>;
        /// Another run under the same name, which asks whether that one is still there.
        challenger: Option<Uuid>;
        /// The agent's version.
        version: String;
    } index {
        /// By the name.
        by_name: String = |row| [row.name.clone()];
    }
}

impl AccessPolicy {
    /// The object that it is about.
    pub(crate) fn object(&self) -> Option<Uuid> {
        let groups = self.security_group.or(self.address_group);
        let pools = self.subnet_pool.or(self.address_scope);
        self.network.or(pools).or(groups)
    }
}
