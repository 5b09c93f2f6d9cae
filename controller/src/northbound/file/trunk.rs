//! The section `trunks`.

use pipelines::network::{PortId, SubPort, Trunk, TrunkId, VlanId};

use super::{
    field::{Field, Mapping, Report},
    name::Catalogue,
};

const KNOWN: &[&str] = &["id", "name", "project", "port", "sub_ports"];
const KNOWN_OF_SUB_PORT: &[&str] = &["port", "segmentation_type", "segmentation_id"];

/// Reads one trunk; its sub-ports have mappings of their own.
pub(super) fn read<'a>(
    element: &Field<'a>,
    trunks: &mut Catalogue,
    ports: &Catalogue,
    report: &mut Report,
) -> Option<(Trunk, Mapping<'a>, Vec<Mapping<'a>>)> {
    let object = element.mapping("a trunk", KNOWN, report)?;
    let identity = trunks.declare(&object, report);
    let parent = object.require("port", "the name or id of a port", report);
    let parent = parent.and_then(|port| ports.resolve(port, &identity.project, report));
    let mark = report.mark();
    let sub_ports = object.list("sub_ports", "a list of sub-ports", report);
    let sub_ports = sub_ports
        .iter()
        .filter_map(|sub_port| read_sub_port(sub_port, &identity.project, ports, report));
    let (sub_ports, places) = sub_ports.unzip();
    // Without one of its sub-ports, the place of a mistake in the others would be wrong.
    let sound = identity.sound && report.clean_since(mark);
    let trunk = Trunk {
        id: TrunkId(identity.id),
        name: identity.name,
        project: identity.project,
        port: PortId(parent?),
        sub_ports,
    };
    sound.then_some((trunk, object, places))
}

fn read_sub_port<'a>(
    element: &Field<'a>,
    project: &str,
    ports: &Catalogue,
    report: &mut Report,
) -> Option<(SubPort, Mapping<'a>)> {
    let object = element.mapping("a sub-port", KNOWN_OF_SUB_PORT, report)?;
    let port = object.require("port", "the name or id of a port", report);
    let port = port.and_then(|port| ports.resolve(port, project, report));
    if let Some(kind) = object.get("segmentation_type") {
        kind.choice("vlan", report);
    }
    let vlan = object.require("segmentation_id", "a VLAN from 1 to 4094", report);
    let vlan = vlan.and_then(|field| {
        let vlan = VlanId::new(field.number(report)?);
        vlan.map_err(|problem| report.add(field, problem)).ok()
    });
    let sub_port = SubPort {
        port: PortId(port?),
        vlan: vlan?,
    };
    Some((sub_port, object))
}
