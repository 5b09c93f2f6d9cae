//! Random requests, by their kinds.

use serde_json::{Value, json};

use super::Step;
use super::values::*;
use crate::northbound::database::tables::Northbound;

/// The method, the path and the body.
pub(super) type Request = (&'static str, String, Value);

/// The request of a step.
pub(super) fn request(rows: &Northbound, step: Step) -> Request {
    match step.0 {
        0..=4 => networks(rows, step),
        5 | 6 | 7 | 8 | 9 | 20 | 21 => ports(rows, step),
        10..=13 => routers(rows, step),
        14..=16 => outside(rows, step),
        17 | 18 | 19 | 22 => groups(rows, step),
        _ => deletions(rows, step),
    }
}

fn path(collection: &str, id: String) -> String {
    format!("{collection}/{id}")
}

/// Networks and subnets.
fn networks(rows: &Northbound, (kind, n): Step) -> Request {
    match kind {
        0 => {
            let provider = match n[4] % 5 {
                0 => json!({"provider:network_type": "local"}),
                1 => json!({"provider:network_type": "gre"}),
                2 => {
                    json!({"provider:network_type": "flat", "provider:physical_network": "physnet1"})
                }
                3 => {
                    json!({"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                    "provider:segmentation_id": pick(NUMBERS, n[5])})
                }
                _ => json!({}),
            };
            let body = json!({"network": with(network(n), provider)});
            ("POST", "networks".to_owned(), body)
        }
        1 => {
            let id = one!(rows, networks, n[0]);
            ("PUT", path("networks", id), json!({"network": network(n)}))
        }
        2 | 3 => {
            let cidr = pick(CIDRS, n[7]);
            let version = if cidr.contains(':') { 6 } else { 4 };
            let modes = match n[6] % 3 {
                0 if version == 6 => {
                    let mode = pick(&["slaac", "dhcpv6-stateful", "dhcpv6-stateless"], n[5]);
                    json!({"ipv6_ra_mode": mode, "ipv6_address_mode": mode, "enable_dhcp": true})
                }
                _ => json!({}),
            };
            let network = one!(rows, networks, n[0]);
            let required = json!({"network_id": network, "cidr": cidr, "ip_version": version});
            let object = with(with(subnet(n), required), modes);
            ("POST", "subnets".to_owned(), json!({"subnet": object}))
        }
        _ => {
            let id = one!(rows, subnets, n[0]);
            ("PUT", path("subnets", id), json!({"subnet": subnet(n)}))
        }
    }
}

/// Ports, their bindings, and trunks.
fn ports(rows: &Northbound, (kind, n): Step) -> Request {
    match kind {
        5 | 6 => {
            let required = json!({"network_id": one!(rows, networks, n[0])});
            let object = with(port(rows, n), required);
            ("POST", "ports".to_owned(), json!({"port": object}))
        }
        7 | 8 => {
            let id = one!(rows, ports, n[0]);
            ("PUT", path("ports", id), json!({"port": port(rows, n)}))
        }
        9 => ("DELETE", path("ports", one!(rows, ports, n[0])), json!({})),
        20 => {
            let sub_port = json!({
                "port_id": one!(rows, ports, n[2]), "segmentation_type": "vlan",
                "segmentation_id": pick(NUMBERS, n[3]),
            });
            match n[0] % 3 {
                0 => {
                    let object =
                        json!({"port_id": one!(rows, ports, n[1]), "sub_ports": [sub_port]});
                    ("POST", "trunks".to_owned(), json!({"trunk": object}))
                }
                1 => {
                    let id = format!("{}/add_subports", one!(rows, trunks, n[1]));
                    ("PUT", path("trunks", id), json!({"sub_ports": [sub_port]}))
                }
                _ => (
                    "DELETE",
                    path("trunks", one!(rows, trunks, n[1])),
                    json!({}),
                ),
            }
        }
        _ => {
            let port = one!(rows, ports, n[0]);
            let host = pick(HOSTS, n[1]);
            match n[2] % 3 {
                0 => (
                    "PUT",
                    format!("ports/{port}/bindings/{host}/activate"),
                    json!({}),
                ),
                _ => {
                    let body = json!({"binding": {"host": host}});
                    ("POST", format!("ports/{port}/bindings"), body)
                }
            }
        }
    }
}

/// Routers and their interfaces.
fn routers(rows: &Northbound, (kind, n): Step) -> Request {
    match kind {
        10 => {
            let object = some(n[1], vec![("external_gateway_info", gateway(rows, n))]);
            ("POST", "routers".to_owned(), json!({"router": object}))
        }
        11 => {
            let (block, nexthop) = (pick(BLOCKS, n[5]), pick(ADDRESSES, n[6]));
            let routes = json!([{"destination": block, "nexthop": nexthop}]);
            let fields = vec![
                ("external_gateway_info", gateway(rows, n)),
                ("routes", routes),
            ];
            let id = one!(rows, routers, n[0]);
            let object = some(n[1], fields);
            ("PUT", path("routers", id), json!({"router": object}))
        }
        _ => {
            let action = match n[1] % 4 {
                0 => "remove_router_interface",
                _ => "add_router_interface",
            };
            let id = format!("{}/{action}", one!(rows, routers, n[0]));
            let body = match n[2] % 3 {
                0 => json!({"port_id": one!(rows, ports, n[3])}),
                _ => json!({"subnet_id": one!(rows, subnets, n[3])}),
            };
            ("PUT", path("routers", id), body)
        }
    }
}

/// Floating IPs and port forwardings.
fn outside(rows: &Northbound, (kind, n): Step) -> Request {
    match kind {
        14 => {
            let required = json!({"floating_network_id": one!(rows, networks, n[0])});
            let more = some(n[1], vec![("port_id", json!(one!(rows, ports, n[2])))]);
            let object = with(required, more);
            (
                "POST",
                "floatingips".to_owned(),
                json!({"floatingip": object}),
            )
        }
        15 => {
            let port = match n[1] % 3 {
                0 => json!(null),
                _ => json!(one!(rows, ports, n[2])),
            };
            let id = one!(rows, floating_ips, n[0]);
            let body = json!({"floatingip": {"port_id": port}});
            ("PUT", path("floatingips", id), body)
        }
        _ => {
            let id = format!("{}/port_forwardings", one!(rows, floating_ips, n[0]));
            let object = json!({
                "protocol": "tcp", "external_port": pick(NUMBERS, n[1]),
                "internal_port": pick(NUMBERS, n[2]), "internal_port_id": one!(rows, ports, n[3]),
            });
            (
                "POST",
                path("floatingips", id),
                json!({"port_forwarding": object}),
            )
        }
    }
}

/// Groups, their rules, and logs.
fn groups(rows: &Northbound, (kind, n): Step) -> Request {
    match kind {
        17 => {
            let object = json!({"name": "g", "stateful": n[0] & 1 == 0});
            let body = json!({"security_group": object});
            match n[1] % 3 {
                0 => ("POST", "security-groups".to_owned(), body),
                1 => {
                    let id = one!(rows, security_groups, n[2]);
                    (
                        "PUT",
                        path("security-groups", id),
                        json!({"security_group": {"stateful": n[0] & 1 == 0}}),
                    )
                }
                _ => {
                    let id = one!(rows, security_groups, n[2]);
                    ("DELETE", path("security-groups", id), json!({}))
                }
            }
        }
        18 => (
            "POST",
            "security-group-rules".to_owned(),
            json!({"security_group_rule": rule(rows, n)}),
        ),
        19 => {
            let object = json!({"name": "a", "addresses": [pick(BLOCKS, n[0])]});
            (
                "POST",
                "address-groups".to_owned(),
                json!({"address_group": object}),
            )
        }
        _ => {
            let resource = some(
                n[1],
                vec![
                    ("resource_id", json!(one!(rows, security_groups, n[2]))),
                    ("target_id", json!(one!(rows, ports, n[3]))),
                ],
            );
            let object = with(json!({"resource_type": "security_group"}), resource);
            ("POST", "log/logs".to_owned(), json!({"log": object}))
        }
    }
}

/// What goes.
fn deletions(rows: &Northbound, (_, n): Step) -> Request {
    match n[0] % 4 {
        0 => (
            "DELETE",
            path("networks", one!(rows, networks, n[1])),
            json!({}),
        ),
        1 => (
            "DELETE",
            path("subnets", one!(rows, subnets, n[1])),
            json!({}),
        ),
        2 => (
            "DELETE",
            path("routers", one!(rows, routers, n[1])),
            json!({}),
        ),
        _ => (
            "DELETE",
            path("floatingips", one!(rows, floating_ips, n[1])),
            json!({}),
        ),
    }
}
