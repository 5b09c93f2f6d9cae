//! Floating IPs and their port forwardings.

use ovsdb::Uuid;
use pipelines::network;

use super::super::revised::Revised;
use super::super::tables::{FloatingIp, PortForwarding, Status};
use super::{Columns, Writer, now};

impl Writer<'_> {
    pub(super) fn floating_ip(&mut self, floating_ip: &network::FloatingIp) {
        let uuid = floating_ip.id.0;
        let row = self.rows.floating_ips.get(&uuid);
        let Some(port) = self.model.port(floating_ip.port) else {
            return;
        };
        let target = floating_ip.target;
        let columns = columns!(
            row,
            FloatingIp {
                project: floating_ip.project.clone(),
                network: port.network.0,
                address_port: port.id.0,
                port: target.map(|target| target.port.0),
                fixed_ip_address: target.map(|target| target.fixed_ip.to_string()),
                router: floating_ip.router.map(|router| router.0),
            }
        );
        let ip = port.fixed_ips.first().map(ToString::to_string);
        let name = ip.unwrap_or_default();
        let parts: &[_] = match self.port_forwardings(floating_ip) {
            true => &["port_forwardings"],
            false => &[],
        };
        let identity = (uuid, row.is_some());
        self.object(("floating IP", &name), identity, columns, parts, |values| {
            values.set(FloatingIp::status, Status::Down)
        });
    }

    /// Writes the port forwardings of a floating IP; `true` if one changes.
    fn port_forwardings(&mut self, floating_ip: &network::FloatingIp) -> bool {
        let owner = floating_ip.id.0;
        let wanted = &floating_ip.port_forwardings;
        let present = self.rows.port_forwardings.index().by_floating_ip.all(owner);
        let is_wanted = |uuid: Uuid| wanted.iter().any(|forwarding| forwarding.id.0 == uuid);
        let mut changed = false;
        for row in present.filter(|row| !is_wanted(row.uuid)) {
            self.plan.transaction.delete::<PortForwarding>(row.uuid);
            changed = true;
        }
        for forwarding in wanted {
            let uuid = forwarding.id.0;
            let row = self.rows.port_forwardings.get(&uuid);
            let Columns {
                values,
                changed: of,
            } = columns!(
                row,
                PortForwarding {
                    floating_ip: owner,
                    project: floating_ip.project.clone(),
                    protocol: forwarding.protocol.into(),
                    external_port: i64::from(forwarding.external_port),
                    port: forwarding.target.port.0,
                    fixed_ip_address: forwarding.target.fixed_ip.to_string(),
                    internal_port: i64::from(forwarding.internal_port),
                }
            );
            if of.is_empty() {
                continue;
            }
            changed = true;
            let now = now();
            let values = values.set(PortForwarding::UPDATED, now);
            let transaction = &mut self.plan.transaction;
            match row {
                Some(row) => {
                    let next = row.revision_number.saturating_add(1);
                    transaction.update(uuid, values.set(PortForwarding::REVISION, next));
                }
                None => {
                    let values = values.set(PortForwarding::REVISION, 1);
                    transaction.insert_as(uuid, values.set(PortForwarding::CREATED, now));
                }
            }
        }
        changed
    }
}
