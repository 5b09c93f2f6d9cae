//! `segments`: how networks are carried, for admins.
//!
//! A network has one segment, which comes and goes with it; so segments are shown and named here,
//! and not made. The extension is therefore not announced.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::json;

use super::attribute::{Attribute, CREATED_AT, ID, Kind, REVISION_NUMBER, UPDATED_AT, Values};
use super::fault::Fault;
use super::list::View;
use super::network::{Networks, word};
use super::resource::{Change, Resource, fields, find};

use crate::northbound::database::tables::{Northbound, Segment};

/// Segments.
#[derive(Debug)]
pub(super) struct Segments;

impl Resource for Segments {
    type Row = Segment;

    const NAME: &'static str = "segment";
    const COLLECTION: &'static str = "segments";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        Attribute::required("network_id", Kind::Id).filter().sort(),
        Attribute::required("network_type", Kind::Text(32))
            .filter()
            .sort(),
        Attribute::made("physical_network", Kind::Nullable(&Kind::Text(64)))
            .filter()
            .sort(),
        Attribute::made("segmentation_id", Kind::Nullable(&Kind::Number))
            .filter()
            .sort(),
        Attribute::set("name", Kind::Nullable(&Kind::Text(255)))
            .filter()
            .sort(),
        Attribute::set("description", Kind::Nullable(&Kind::Text(255))).filter(),
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Segment> {
        &rows.segments
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Segment {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "SegmentNotFound", message)
    }

    fn project(_row: &Segment) -> Option<&str> {
        None
    }

    fn view(_rows: &Northbound, segment: &Segment) -> View {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        fields([
            ("network_id", json!(segment.network)),
            ("name", json!(text(&segment.name))),
            ("description", json!(text(&segment.description))),
            ("network_type", json!(word(segment.network_type))),
            ("physical_network", json!(segment.physical_network)),
            ("segmentation_id", json!(segment.segmentation_id)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let network = values.id("network_id").unwrap_or_default();
        find::<Networks>(change.call, change.rows, &network.to_string())?;
        let message = format!(
            "Network {network} has its one segment, or leaves no host: a segment is made with its \
             network."
        );
        Err(Fault::new(StatusCode::CONFLICT, "SegmentInUse", message))
    }

    fn update(
        _change: &mut Change<'_>,
        _segment: &Arc<Segment>,
        values: &Values,
    ) -> Result<ovsdb::Values<Segment>, Fault> {
        let mut columns = Segment::values();
        if values.has("name") {
            columns = columns.set(Segment::name, values.text("name").unwrap_or_default());
        }
        if values.has("description") {
            let description = values.text("description").unwrap_or_default();
            columns = columns.set(Segment::description, description);
        }
        Ok(columns)
    }

    fn delete(_change: &mut Change<'_>, segment: &Arc<Segment>) -> Result<(), Fault> {
        let message = format!(
            "Segment {} is the only one of network {}, and goes with it.",
            segment.uuid, segment.network
        );
        Err(Fault::new(StatusCode::CONFLICT, "SegmentInUse", message))
    }
}
