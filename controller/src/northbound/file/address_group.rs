//! The section `address_groups`.

use pipelines::network::{AddressGroup, AddressGroupId};

use super::{
    field::{Field, Mapping, Report},
    name::Catalogue,
};

const KNOWN: &[&str] = &["id", "name", "project", "addresses"];

/// Reads one group.
pub(super) fn read<'a>(
    element: &Field<'a>,
    groups: &mut Catalogue,
    report: &mut Report,
) -> Option<(AddressGroup, Mapping<'a>)> {
    let object = element.mapping("an address group", KNOWN, report)?;
    let identity = groups.declare(&object, report);
    let mark = report.mark();
    let addresses = object.list("addresses", "a list of blocks", report);
    let addresses = addresses.iter().filter_map(|block| block.block(report));
    let group = AddressGroup {
        id: AddressGroupId(identity.id),
        name: identity.name,
        project: identity.project,
        addresses: addresses.collect(),
    };
    // Places in the list are those of the text, or blame would fall on another block.
    (identity.sound && report.clean_since(mark)).then_some((group, object))
}
