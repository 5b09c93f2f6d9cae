//! The log of what security groups accept and drop: one line a packet, as Neutron writes it.
//!
//! `action=DROP, project_id=tenant-a, log_resource_ids=['53c5…'], vm_port=7571157f-…, pkt=tcp,…`:
//! the verdict, the owner of the port, the logs that ask for the line, the port, and what flows
//! could match of the packet, in the words of `ovs-ofctl`. The module is one of its own in the log,
//! so that its lines can be found, and turned off.

use openflow::message::PacketIn;
use pipelines::cookie::Cookie;
use pipelines::network::{Port, Verdict};
use pipelines::site::Site;
use tracing::info;

/// Writes the line about a packet that the firewall showed; `false` if no log asks for it any more.
pub(crate) fn write(site: &Site, verdict: Verdict, packet: &PacketIn) -> bool {
    match line(site, verdict, packet) {
        Some(line) => {
            // Whose task wrote it says nothing.
            info!(parent: None, "{line}");
            true
        }
        None => false,
    }
}

fn line(site: &Site, verdict: Verdict, packet: &PacketIn) -> Option<String> {
    let model = site.model();
    let is_it = |port: &&Port| Cookie::of(port.id.0).get() == packet.cookie && site.has(port.id);
    let port = model.ports().find(is_it)?;
    let logs = model.logs_of(port, verdict);
    let logs: Vec<_> = logs.map(|log| format!("'{}'", log.id)).collect();
    (!logs.is_empty()).then(|| {
        format!(
            "action={verdict}, project_id={}, log_resource_ids=[{}], vm_port={}, pkt={}",
            port.project,
            logs.join(", "),
            port.id,
            packet.key()
        )
    })
}
