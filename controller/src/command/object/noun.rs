//! The kinds of objects that people speak of.

/// A kind of object.
#[derive(Debug)]
pub(crate) struct Noun {
    /// What people call one.
    pub(super) word: &'static str,
    /// Where the API has them.
    pub(super) collection: &'static str,
    /// What the API calls one.
    pub(super) name: &'static str,
    /// What the API calls several.
    pub(super) names: &'static str,
    /// The columns of a list.
    pub(super) short: &'static [&'static str],
}

/// Networks.
pub(crate) static NETWORK: Noun = Noun {
    word: "network",
    collection: "networks",
    name: "network",
    names: "networks",
    short: &[
        "id",
        "name",
        "project_id",
        "provider:network_type",
        "subnets",
    ],
};

/// Subnets.
pub(crate) static SUBNET: Noun = Noun {
    word: "subnet",
    collection: "subnets",
    name: "subnet",
    names: "subnets",
    short: &["id", "name", "network_id", "cidr"],
};

/// Subnet pools.
pub(crate) static SUBNET_POOL: Noun = Noun {
    word: "subnet pool",
    collection: "subnetpools",
    name: "subnetpool",
    names: "subnetpools",
    short: &["id", "name", "prefixes", "default_prefixlen", "shared"],
};

/// Address scopes.
pub(crate) static ADDRESS_SCOPE: Noun = Noun {
    word: "address scope",
    collection: "address-scopes",
    name: "address_scope",
    names: "address_scopes",
    short: &["id", "name", "ip_version", "shared"],
};

/// Ports.
pub(crate) static PORT: Noun = Noun {
    word: "port",
    collection: "ports",
    name: "port",
    names: "ports",
    short: &[
        "id",
        "name",
        "mac_address",
        "fixed_ips",
        "status",
        "binding:host_id",
    ],
};

/// Trunks.
pub(crate) static NETWORK_TRUNK: Noun = Noun {
    word: "trunk",
    collection: "trunks",
    name: "trunk",
    names: "trunks",
    short: &["id", "name", "port_id", "sub_ports", "status"],
};

/// Policies about what others may use.
pub(crate) static NETWORK_RBAC: Noun = Noun {
    word: "RBAC policy",
    collection: "rbac-policies",
    name: "rbac_policy",
    names: "rbac_policies",
    short: &["id", "object_type", "object_id", "action", "target_tenant"],
};

/// Logs of what groups accept and drop.
pub(crate) static NETWORK_LOG: Noun = Noun {
    word: "log",
    collection: "log/logs",
    name: "log",
    names: "logs",
    short: &["id", "name", "enabled", "event", "resource_id", "target_id"],
};

/// Security groups.
pub(crate) static SECURITY_GROUP: Noun = Noun {
    word: "security group",
    collection: "security-groups",
    name: "security_group",
    names: "security_groups",
    short: &["id", "name", "project_id", "description"],
};

/// Rules of security groups.
pub(crate) static SECURITY_GROUP_RULE: Noun = Noun {
    word: "security group rule",
    collection: "security-group-rules",
    name: "security_group_rule",
    names: "security_group_rules",
    short: &[
        "id",
        "security_group_id",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
    ],
};

/// Address groups.
pub(crate) static ADDRESS_GROUP: Noun = Noun {
    word: "address group",
    collection: "address-groups",
    name: "address_group",
    names: "address_groups",
    short: &["id", "name", "project_id", "addresses"],
};

/// Routers.
pub(crate) static ROUTER: Noun = Noun {
    word: "router",
    collection: "routers",
    name: "router",
    names: "routers",
    short: &["id", "name", "project_id", "status", "admin_state_up"],
};

/// Floating IPs.
pub(crate) static FLOATING_IP: Noun = Noun {
    word: "floating IP",
    collection: "floatingips",
    name: "floatingip",
    names: "floatingips",
    short: &[
        "id",
        "floating_ip_address",
        "fixed_ip_address",
        "port_id",
        "status",
    ],
};

impl Noun {
    /// What the values of an attribute are, if they are objects.
    pub(super) fn of_attribute(key: &str) -> Option<&'static Self> {
        match key {
            "network_id" | "floating_network_id" => Some(&NETWORK),
            "subnet_id" => Some(&SUBNET),
            "subnetpool_id" => Some(&SUBNET_POOL),
            "address_scope_id" => Some(&ADDRESS_SCOPE),
            "port_id" => Some(&PORT),
            "router_id" => Some(&ROUTER),
            "security_group_id" | "security_groups" | "remote_group_id" => Some(&SECURITY_GROUP),
            "remote_address_group_id" => Some(&ADDRESS_GROUP),
            _ => None,
        }
    }
}
