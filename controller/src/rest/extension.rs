//! The extensions of the API that are served, as clients ask for them.

use serde_json::{Value, json};

struct Extension {
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    updated: &'static str,
}

/// An extension: its alias, its name, what it is about, and when it was changed last.
const fn extension(
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    updated: &'static str,
) -> Extension {
    Extension {
        alias,
        name,
        description,
        updated,
    }
}

const EXTENSIONS: &[Extension] = &[
    extension(
        "address-group",
        "Address group",
        "Rules can name blocks together",
        "2020-07-15T10:00:00-00:00",
    ),
    extension(
        "address-scope",
        "Address scope",
        "Subnet pools of one scope share no addresses",
        "2015-07-26T10:00:00-00:00",
    ),
    extension(
        "agent",
        "agent",
        "Hosts say how they are",
        "2013-02-03T10:00:00-00:00",
    ),
    extension(
        "allowed-address-pairs",
        "Allowed Address Pairs",
        "Ports can use more sources than their own",
        "2013-07-23T10:00:00-00:00",
    ),
    extension(
        "availability_zone",
        "Availability Zone",
        "Hosts say where they are",
        "2015-01-01T10:00:00-00:00",
    ),
    extension(
        "availability_zone_filter",
        "Availability Zone Filter Extension",
        "Lists of places can be filtered",
        "2018-06-22T10:00:00-00:00",
    ),
    extension(
        "binding",
        "Port Binding",
        "Ports say on which host they are",
        "2014-02-03T10:00:00-00:00",
    ),
    extension(
        "binding-extended",
        "Port Bindings Extended",
        "Ports say to which host their machines are moved",
        "2017-07-17T10:00:00-00:00",
    ),
    extension(
        "default-subnetpools",
        "Default Subnetpools",
        "A subnet pool can be the one that is used when none is named",
        "2016-02-18T18:00:00-00:00",
    ),
    extension(
        "dvr",
        "Distributed Virtual Router",
        "Routers say whether they forward on every host",
        "2014-06-01T10:00:00-00:00",
    ),
    extension(
        "empty-string-filtering",
        "Empty String Filtering Extension",
        "Lists can be filtered by attributes that are empty",
        "2018-05-01T10:00:00-00:00",
    ),
    extension(
        "ext-gw-mode",
        "Neutron L3 Configurable external gateway mode",
        "Routers say whether machines leave with their address",
        "2013-03-28T10:00:00-00:00",
    ),
    extension(
        "expose-port-forwarding-in-fip",
        "Expose Floating IP port forwardings",
        "Floating IPs show which ports of them are forwarded",
        "2018-06-28T16:00:00-00:00",
    ),
    extension(
        "external-net",
        "Neutron external network",
        "Networks say whether they lead outside",
        "2013-01-14T10:00:00-00:00",
    ),
    extension(
        "extra_dhcp_opt",
        "Neutron Extra DHCP options",
        "Ports have DHCP options of their own",
        "2013-03-17T12:00:00-00:00",
    ),
    extension(
        "extraroute",
        "Neutron Extra Route",
        "Routers have more routes",
        "2013-02-01T10:00:00-00:00",
    ),
    extension(
        "extraroute-atomic",
        "Atomically add/remove extra routes",
        "Routes come and go by themselves",
        "2019-07-10T00:00:00+00:00",
    ),
    extension(
        "filter-validation",
        "Filter parameters validation",
        "Filters that are not known are refused",
        "2018-07-04T10:00:00-00:00",
    ),
    extension(
        "fip-port-details",
        "Floating IP Port Details Extension",
        "Floating IPs show the port that they stand for",
        "2018-04-09T10:00:00-00:00",
    ),
    extension(
        "floating-ip-port-forwarding",
        "Floating IP Port Forwarding",
        "Ports of a floating IP can stand for ports of machines",
        "2018-01-19T10:00:00-00:00",
    ),
    extension(
        "floating-ip-port-forwarding-description",
        "Floating IP Port Forwarding new attribute description",
        "Port forwardings have a description",
        "2019-11-01T10:00:00-00:00",
    ),
    extension(
        "floating-ip-port-forwarding-detail",
        "Floating IP port forwarding detail",
        "Floating IPs show whom their ports are forwarded to",
        "2022-05-06T10:00:00-00:00",
    ),
    extension(
        "floatingip-pools",
        "Floating IP Pools Extension",
        "It is listed where floating IPs can be of",
        "2018-03-21T10:00:00-00:00",
    ),
    extension(
        "ip-substring-filtering",
        "IP address substring filtering",
        "Lists of ports can be filtered by parts of addresses",
        "2017-11-28T09:00:00-00:00",
    ),
    extension(
        "ip_allocation",
        "IP Allocation",
        "Ports say when they get addresses",
        "2016-06-10T23:00:00-00:00",
    ),
    extension(
        "l2_adjacency",
        "L2 Adjacency",
        "Networks say whether all of their ports reach each other",
        "2016-04-12T16:00:00-00:00",
    ),
    extension(
        "l3-ha",
        "HA Router extension",
        "Routers say whether another host takes over outside",
        "2014-04-26T00:00:00-00:00",
    ),
    extension(
        "logging",
        "Logging API Extension",
        "What security groups accept and drop can be told",
        "2017-01-01T10:00:00-00:00",
    ),
    extension(
        "net-mtu",
        "Network MTU",
        "Networks have an MTU",
        "2015-03-25T10:00:00-00:00",
    ),
    extension(
        "net-mtu-writable",
        "Network MTU (writable)",
        "The MTU of a network can be set",
        "2017-07-12T00:00:00-00:00",
    ),
    extension(
        "network-ip-availability",
        "Network IP Availability",
        "Networks say how many of their addresses are taken",
        "2015-09-24T00:00:00-00:00",
    ),
    extension(
        "network_availability_zone",
        "Network Availability Zone",
        "Networks say where they are, and where they should be",
        "2015-01-01T10:00:00-00:00",
    ),
    extension(
        "pagination",
        "Pagination support",
        "Lists can be asked for in pages",
        "2016-06-12T00:00:00-00:00",
    ),
    extension(
        "port-mac-address-regenerate",
        "Neutron Port MAC address regenerate",
        "Ports can get another MAC address",
        "2018-05-03T10:00:00-00:00",
    ),
    extension(
        "port-security",
        "Port Security",
        "Ports can be exempt from checks",
        "2012-07-23T10:00:00-00:00",
    ),
    extension(
        "port-security-groups-filtering",
        "Port filtering on security groups",
        "Lists of ports can be filtered by their groups",
        "2018-01-09T09:00:00-00:00",
    ),
    extension(
        "project-id",
        "project_id field enabled",
        "Objects name their project",
        "2016-09-09T09:09:09-09:09",
    ),
    extension(
        "provider",
        "Provider Network",
        "Networks say how they are carried",
        "2012-09-07T10:00:00-00:00",
    ),
    extension(
        "quota-check-limit",
        "Quota engine limit check",
        "A limit can be refused that is exceeded already",
        "2021-09-08T16:00:00-00:00",
    ),
    extension(
        "quota_details",
        "Quota details management support",
        "Limits are shown with what is used of them",
        "2017-02-10T10:00:00-00:00",
    ),
    extension(
        "quotas",
        "Quota management support",
        "Projects have limits",
        "2012-07-29T10:00:00-00:00",
    ),
    extension(
        "rbac-address-group",
        "Add address_group type to RBAC",
        "Address groups can be shared with projects",
        "2021-01-20T00:00:00-00:00",
    ),
    extension(
        "rbac-address-scope",
        "Add address_scope type to RBAC",
        "Address scopes can be shared with projects",
        "2020-02-12T00:00:00-00:00",
    ),
    extension(
        "rbac-policies",
        "RBAC Policies",
        "Networks can be shared with projects",
        "2015-06-17T12:15:12-00:00",
    ),
    extension(
        "rbac-security-groups",
        "Add security_group type to network RBAC",
        "Security groups can be shared with projects",
        "2019-02-14T00:00:00-00:00",
    ),
    extension(
        "rbac-subnetpool",
        "Add subnetpool type to RBAC",
        "Subnet pools can be shared with projects",
        "2020-02-05T00:00:00-00:00",
    ),
    extension(
        "revision-if-match",
        "If-Match constraints based on revision_number",
        "A change can name the revision that it is meant for",
        "2016-12-11T00:00:00-00:00",
    ),
    extension(
        "router",
        "Neutron L3 Router",
        "Routers lead from network to network, and floating IPs stand for ports",
        "2012-07-20T10:00:00-00:00",
    ),
    extension(
        "security-group",
        "security-group",
        "Rules decide what reaches a port and what leaves it",
        "2012-10-05T10:00:00-00:00",
    ),
    extension(
        "security-groups-default-rules",
        "Default rules for security groups",
        "An admin says which rules new groups begin with",
        "2022-12-19T10:00:00-00:00",
    ),
    extension(
        "security-groups-normalized-cidr",
        "Normalized CIDR field for security group rules",
        "Rules show their block without host bits",
        "2020-07-28T10:00:00-00:00",
    ),
    extension(
        "security-groups-remote-address-group",
        "Remote address group id field for security group rules",
        "Rules can name an address group as the other side",
        "2020-08-25T10:00:00-00:00",
    ),
    extension(
        "security-groups-shared-filtering",
        "Security group filtering on the shared field",
        "Lists of groups can be filtered by who may use them",
        "2021-10-05T09:00:00-00:00",
    ),
    extension(
        "service-type",
        "Neutron Service Type Management",
        "Who serves what is listed",
        "2013-01-20T00:00:00-00:00",
    ),
    extension(
        "sorting",
        "Sorting support",
        "Lists can be sorted",
        "2016-06-12T00:00:00-00:00",
    ),
    extension(
        "standard-attr-description",
        "standard-attr-description",
        "Objects have a description",
        "2016-02-10T10:00:00-00:00",
    ),
    extension(
        "standard-attr-revisions",
        "Resource revision numbers",
        "Objects count their changes",
        "2016-04-11T10:00:00-00:00",
    ),
    extension(
        "standard-attr-tag",
        "Tag support for resources with standard attribute",
        "Objects have tags that lists can be filtered by",
        "2017-01-01T00:00:00-00:00",
    ),
    extension(
        "standard-attr-timestamp",
        "Resource timestamps",
        "Objects say when they were made and changed",
        "2016-09-12T10:00:00-00:00",
    ),
    extension(
        "stateful-security-group",
        "Stateful security group",
        "Groups can do without connection tracking",
        "2019-11-26T09:00:00-00:00",
    ),
    extension(
        "subnet_allocation",
        "Subnet Allocation",
        "Subnets can be cut from pools",
        "2015-03-30T10:00:00-00:00",
    ),
    extension(
        "subnetpool-prefix-ops",
        "Subnet Pool Prefix Operations",
        "Blocks of subnet pools come and go by themselves",
        "2019-02-08T10:00:00-00:00",
    ),
    extension(
        "tag-ports-during-bulk-creation",
        "Tag Ports During Bulk Creation",
        "Ports can have tags from the start",
        "2019-12-29T19:00:00-00:00",
    ),
    extension(
        "trunk",
        "Trunk Extension",
        "Ports lead into several networks, by a VLAN each",
        "2016-01-01T10:00:00-00:00",
    ),
    extension(
        "trunk-details",
        "Trunk port details",
        "Ports show what is behind them",
        "2016-01-01T10:00:00-00:00",
    ),
];

impl Extension {
    fn view(&self) -> Value {
        json!({
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": self.updated,
            "links": [],
        })
    }
}

/// All of them.
pub(super) fn list() -> Value {
    let views: Vec<Value> = EXTENSIONS.iter().map(Extension::view).collect();
    json!({ "extensions": views })
}

/// Who serves what: everything is served here.
pub(super) fn service_providers() -> Value {
    let routing = json!({"service_type": "L3_ROUTER_NAT", "name": "brint", "default": true});
    json!({ "service_providers": [routing] })
}

/// One, if it is served.
pub(super) fn show(alias: &str) -> Option<Value> {
    let extension = EXTENSIONS.iter().find(|row| row.alias == alias)?;
    Some(json!({ "extension": extension.view() }))
}
