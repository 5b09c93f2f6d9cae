//! What is known of a machine, in the forms that cloud-init reads: those of EC2 and of OpenStack.

use std::collections::BTreeMap;
use std::net::IpAddr;

use pipelines::network::{FloatingIp, Model, Network, Port, PortId, Subnet};
use serde_json::{Value, json};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// Of EC2.
    Text(String),
    /// What a user wrote.
    Data(Vec<u8>),
    /// Of OpenStack.
    Json(String),
}

/// Versions of EC2's form; all say the same.
const EC2: [&str; 4] = ["1.0", "2007-12-15", "2009-04-04", "latest"];
/// Versions of OpenStack's form; all say the same.
const OPENSTACK: [&str; 4] = ["2012-08-10", "2017-02-22", "2018-08-27", "latest"];

/// The document at a path, for the machine of a port.
pub(super) fn find(model: &Model, port: PortId, path: &str) -> Option<Document> {
    let machine = Described::of(model, port)?;
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match parts.next() {
        None => Some(list(EC2)),
        Some("openstack") => match parts.next() {
            None => Some(list(OPENSTACK)),
            Some(version) if OPENSTACK.contains(&version) => {
                machine.of_openstack(&parts.collect::<Vec<_>>())
            }
            Some(_) => None,
        },
        Some(version) if EC2.contains(&version) => machine.of_ec2(&parts.collect::<Vec<_>>()),
        Some(_) => None,
    }
}

/// What there is, a line for each.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Document {
    let names: Vec<_> = names.into_iter().collect();
    Document::Text(names.join("\n"))
}

/// A machine with all that the model says of it.
struct Described<'a> {
    model: &'a Model,
    port: &'a Port,
    network: &'a Network,
}

impl<'a> Described<'a> {
    fn of(model: &'a Model, port: PortId) -> Option<Self> {
        let port = model.port(port)?;
        let network = model.network(port.network)?;
        Some(Self {
            model,
            port,
            network,
        })
    }

    /// Its identifier.
    fn id(&self) -> String {
        match self.port.machine.id.as_str() {
            "" => self.port.id.to_string(),
            id => id.to_owned(),
        }
    }

    /// Its own name.
    fn name(&self) -> String {
        let names = [&self.port.dns_name, &self.port.name];
        let name = names.into_iter().find(|name| !name.is_empty());
        name.cloned()
            .unwrap_or_else(|| format!("host-{}", self.id()))
    }

    /// Its name with the domain.
    fn hostname(&self) -> String {
        match self.network.dns_domain.trim_end_matches('.') {
            "" => self.name(),
            domain => format!("{}.{domain}", self.name()),
        }
    }

    fn local_ipv4(&self) -> Option<IpAddr> {
        let mut ips = self.port.fixed_ips.iter();
        ips.find(|ip| ip.is_ipv4()).copied()
    }

    /// The address that it is called by from outside.
    fn public_ipv4(&self) -> Option<IpAddr> {
        let is_own = |ip: &&FloatingIp| ip.target.is_some_and(|to| to.port == self.port.id);
        let floating_ip = self.model.floating_ips_for(self.port.id).find(is_own)?;
        let port = self.model.port(floating_ip.port)?;
        port.fixed_ips.iter().find(|ip| ip.is_ipv4()).copied()
    }

    fn user_data(&self) -> Option<Document> {
        let user_data = &self.port.machine.user_data;
        (!user_data.is_empty()).then(|| Document::Data(user_data.clone()))
    }

    fn of_ec2(&self, path: &[&str]) -> Option<Document> {
        match path {
            [] => {
                let user_data = self.user_data().map(|_| "user-data");
                Some(list(["meta-data/"].into_iter().chain(user_data)))
            }
            ["user-data"] => self.user_data(),
            ["meta-data", "public-keys", rest @ ..] => self.public_keys(rest),
            ["meta-data", "placement"] => Some(list(["availability-zone"])),
            ["meta-data", "placement", "availability-zone"] => {
                Some(Document::Text("nova".to_owned()))
            }
            ["meta-data", rest @ ..] => {
                let values = self.values();
                match rest {
                    [] => {
                        let directories = ["placement/", "public-keys/"];
                        let directories = directories.into_iter().filter(|name| {
                            *name != "public-keys/" || !self.port.machine.public_keys.is_empty()
                        });
                        Some(list(values.keys().copied().chain(directories)))
                    }
                    [name] => values.get(name).cloned().map(Document::Text),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What EC2 has single values for.
    fn values(&self) -> BTreeMap<&'static str, String> {
        let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
        let groups = self.port.security_groups.iter();
        let groups = groups.filter_map(|id| self.model.security_group(*id));
        let groups: Vec<_> = groups.map(|group| group.name.as_str()).collect();
        BTreeMap::from([
            ("ami-id", "ami-00000000".to_owned()),
            ("ami-launch-index", "0".to_owned()),
            ("hostname", self.hostname()),
            ("instance-action", "none".to_owned()),
            ("instance-id", self.id()),
            ("instance-type", "unknown".to_owned()),
            ("local-hostname", self.hostname()),
            ("local-ipv4", text(self.local_ipv4())),
            ("mac", self.port.mac_address.to_string()),
            ("public-hostname", self.hostname()),
            ("public-ipv4", text(self.public_ipv4())),
            ("reservation-id", "r-00000000".to_owned()),
            ("security-groups", groups.join("\n")),
        ])
    }

    fn public_keys(&self, path: &[&str]) -> Option<Document> {
        let keys = &self.port.machine.public_keys;
        let key = |place: &str| keys.iter().nth(place.parse().ok()?);
        match path {
            [] => {
                let names = keys.keys().enumerate();
                let names: Vec<_> = names
                    .map(|(place, name)| format!("{place}={name}"))
                    .collect();
                (!names.is_empty()).then(|| Document::Text(names.join("\n")))
            }
            [place] => key(place).map(|_| list(["openssh-key"])),
            [place, "openssh-key"] => key(place).map(|(_, key)| Document::Text(key.clone())),
            _ => None,
        }
    }

    fn of_openstack(&self, path: &[&str]) -> Option<Document> {
        let json = |value: Value| Some(Document::Json(value.to_string()));
        match path {
            [] => {
                let user_data = self.user_data().map(|_| "user_data");
                let names = ["meta_data.json", "network_data.json", "vendor_data.json"];
                Some(list(names.into_iter().chain(user_data)))
            }
            ["meta_data.json"] => json(self.meta_data()),
            ["network_data.json"] => json(self.network_data()),
            ["user_data"] => self.user_data(),
            ["vendor_data.json"] => json(json!({})),
            _ => None,
        }
    }

    fn meta_data(&self) -> Value {
        let keys = &self.port.machine.public_keys;
        let list = keys
            .iter()
            .map(|(name, key)| json!({"name": name, "type": "ssh", "data": key}));
        let mut data = json!({
            "uuid": self.id(),
            "name": self.name(),
            "hostname": self.hostname(),
            "launch_index": 0,
            "availability_zone": "nova",
            "project_id": self.port.project,
            "devices": [],
            "keys": list.collect::<Vec<_>>(),
        });
        if !keys.is_empty()
            && let Some(data) = data.as_object_mut()
        {
            data.insert("public_keys".to_owned(), json!(keys));
        }
        data
    }

    fn network_data(&self) -> Value {
        let link = "tap0";
        let subnets: Vec<&Subnet> = self.model.subnets_of(self.port).collect();
        let networks = self
            .port
            .fixed_ips
            .iter()
            .enumerate()
            .filter_map(|(place, ip)| {
                let subnet = subnets.iter().find(|subnet| subnet.cidr().contains(ip))?;
                let version = if ip.is_ipv4() { "ipv4" } else { "ipv6" };
                let everything = if ip.is_ipv4() {
                    ("0.0.0.0", "0.0.0.0")
                } else {
                    ("::", "::")
                };
                let routes = subnet.gateway_ip().map(|gateway| {
                json!({"network": everything.0, "netmask": everything.1, "gateway": gateway})
            });
                Some(json!({
                    "id": format!("network{place}"),
                    "network_id": self.network.id.to_string(),
                    "link": link,
                    "type": version,
                    "ip_address": ip,
                    "netmask": subnet.cidr().netmask(),
                    "routes": routes.into_iter().collect::<Vec<_>>(),
                }))
            });
        let servers = subnets.iter().flat_map(|subnet| &subnet.dns_nameservers);
        let servers = servers.map(|server| json!({"type": "dns", "address": server}));
        json!({
            "links": [{
                "id": link,
                "type": "phy",
                "ethernet_mac_address": self.port.mac_address.to_string(),
                "mtu": self.model.mtu(self.network),
                "vif_id": self.port.id.to_string(),
            }],
            "networks": networks.collect::<Vec<_>>(),
            "services": servers.collect::<Vec<_>>(),
        })
    }
}
