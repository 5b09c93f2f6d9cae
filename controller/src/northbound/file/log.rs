//! The section `logs`.

use pipelines::network::{Log, LogEvent, LogId, PortId, SecurityGroupId};

use super::{
    field::{Field, Mapping, Report},
    name::Catalogue,
};

const KNOWN: &[&str] = &[
    "id",
    "name",
    "project",
    "enabled",
    "event",
    "security_group",
    "port",
];

/// Reads one log.
pub(super) fn read<'a>(
    element: &Field<'a>,
    logs: &mut Catalogue,
    groups: &Catalogue,
    ports: &Catalogue,
    report: &mut Report,
) -> Option<(Log, Mapping<'a>)> {
    let object = element.mapping("a log", KNOWN, report)?;
    let identity = logs.declare(&object, report);
    let mark = report.mark();
    let enabled = object.get("enabled");
    let enabled = enabled.and_then(|enabled| enabled.boolean(report));
    let event = object.get("event");
    let event = event.and_then(|event| event.word("ACCEPT, DROP or ALL", report));
    let mut resolve =
        |key, catalogue: &Catalogue| catalogue.resolve(object.get(key)?, &identity.project, report);
    let group = resolve("security_group", groups);
    let port = resolve("port", ports);
    let log = Log {
        id: LogId(identity.id),
        name: identity.name,
        project: identity.project,
        enabled: enabled.unwrap_or(true),
        event: event.unwrap_or(LogEvent::All),
        security_group: group.map(SecurityGroupId),
        port: port.map(PortId),
    };
    // Without a reference that is wrong, it would be about other ports.
    (identity.sound && report.clean_since(mark)).then_some((log, object))
}
