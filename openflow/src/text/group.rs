//! Groups.

use super::action::{Scope, list, not_alone, read, unknown, verify};
use super::field::{self, by_name};
use super::protocol::Protocols;
use super::token::{Fault, Pair, Pairs};
use super::{Parsed, Parser, number};
use crate::field::{GroupId, PortNo};
use crate::group::{Bucket, Group, GroupType};
use crate::message::{GroupMod, GroupModCommand};

/// Reads what a group mod says.
pub(super) fn group_mod<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    command: GroupModCommand,
) -> Parsed<'a, GroupMod> {
    let (change, protocols) = draft(parser, text, command)?;
    protocols.admit(text.trim()).map(|()| change)
}

/// Reads what a group mod says, and which protocols can.
pub(super) fn draft<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    command: GroupModCommand,
) -> Parsed<'a, (GroupMod, Protocols)> {
    let mut protocols = Protocols::all();
    let mut change = GroupMod::delete(GroupId::ANY);
    change.command = command;
    let deletes = command == GroupModCommand::DELETE;
    if deletes && text.is_empty() {
        change.id = GroupId::ALL;
        return Ok((change, protocols));
    }
    // The type says what a bucket must hold, so the buckets come last wherever they stand.
    let (head, mut buckets) = text.split_at(text.find(BUCKET).unwrap_or(text.len()));
    if deletes && !buckets.is_empty() {
        return Err(Fault::new(buckets, "nothing more", "bucket is not needed"));
    }
    let mut has_type = false;
    let mut selection = Selection::default();
    for pair in Pairs::new(head) {
        if selection.read(parser, pair)? {
            protocols &= EXTENDED;
        } else {
            property(&mut change, pair)?;
        }
        has_type |= pair.key == "type";
    }
    if change.id == GroupId::ANY {
        return Err(missing(head, "group_id=", "must specify a group_id"));
    }
    if !deletes && !has_type {
        return Err(missing(head, "type=", "must specify a type"));
    }
    selection.check(head)?;
    while let Some(rest) = buckets.strip_prefix(BUCKET) {
        let (bucket_text, next) = rest.split_at(rest.find(BUCKET).unwrap_or(rest.len()));
        change
            .buckets
            .push(bucket(parser, bucket_text, change.kind, &mut protocols)?);
        buckets = next;
    }
    if change.kind == GroupType::INDIRECT && change.buckets.len() > 1 {
        let message = "Indirect groups can have at most one bucket.";
        return Err(Fault::new(text, "one bucket", message));
    }
    Ok((change, protocols))
}

/// OpenFlow 1.0 with an extension of OVS, and 1.5.
const EXTENDED: Protocols = Protocols::OPENFLOW10_ANY.union(Protocols::OPENFLOW15);

const BUCKET: &str = "bucket=";

/// The largest identifier that a bucket has in OpenFlow 1.5.
const MAX_BUCKET: u32 = 0xffff_ff00;

fn missing<'a>(text: &'a str, expected: &'static str, message: &str) -> Box<Fault<'a>> {
    number::missing(text, expected, message.to_owned())
}

/// How a group is to choose a bucket, which OpenFlow 1.3 has no place for.
#[derive(Debug, Default)]
struct Selection<'a> {
    method: &'a str,
    parameter: u64,
    has_fields: bool,
}

impl<'a> Selection<'a> {
    /// Reads what says how to choose, and says whether `pair` is that.
    fn read(&mut self, parser: &Parser<'_>, pair: Pair<'a>) -> Parsed<'a, bool> {
        match pair.key {
            "selection_method" if pair.value.len() > 15 => {
                let message = "selection method is longer than 15 bytes long";
                return Err(Fault::new(pair.value, "a shorter word", message));
            }
            "selection_method" => self.method = pair.value,
            "selection_method_param" => self.parameter = number::u64(pair.value)?,
            "fields" => {
                check_fields(parser, pair.value)?;
                self.has_fields = !pair.value.is_empty();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(&self, head: &'a str) -> Parsed<'a, ()> {
        let message = match self.method {
            "hash" => return Ok(()),
            _ if self.has_fields => "fields may only be specified with \"selection_method=hash\"",
            "" if self.parameter != 0 => {
                "selection_method_param is only allowed with \"selection_method\""
            }
            _ => return Ok(()),
        };
        Err(missing(head, "selection_method=", message))
    }
}

/// Refuses what is no list of fields, each with a mask or not.
fn check_fields<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, ()> {
    let mut pairs = Pairs::new(text);
    let mut fields = Vec::new();
    while let Some(Pair { key, value }) = pairs.next() {
        let Some(field) = by_name(key) else {
            let message = format!("{}: unknown field {key}", pairs.rest());
            return Err(Fault::new(key, "a field", message));
        };
        if fields.contains(&field) {
            let message = format!("{key}: duplicate field");
            return Err(Fault::new(key, "each field once", message));
        }
        fields.push(field);
        if !value.is_empty() {
            field::value(parser, field, value)?;
        }
    }
    Ok(())
}

fn property<'a>(change: &mut GroupMod, pair: Pair<'a>) -> Parsed<'a, ()> {
    let Pair { key, value } = pair;
    let deletes = change.command == GroupModCommand::DELETE;
    match key {
        "group_id" if value == "all" => change.id = GroupId::ALL,
        "group_id" => {
            change.id = GroupId(number::u32(value)?);
            if change.id != GroupId::ALL && change.id > GroupId::MAX {
                let message = format!("invalid group id {}", change.id.0);
                return Err(Fault::new(
                    value,
                    "a number up to 4294967040, or all",
                    message,
                ));
            }
        }
        "type" if deletes => {
            return Err(Fault::new(key, "nothing more", "type is not needed"));
        }
        "type" => change.kind = kind(value)?,
        "command_bucket_id" => {
            let message = "command bucket id is not needed";
            return Err(Fault::new(key, "group_id, type or bucket", message));
        }
        _ => {
            let message = format!("unknown keyword {key}");
            return Err(Fault::new(key, "group_id, type or bucket", message));
        }
    }
    Ok(())
}

fn kind(text: &str) -> Parsed<'_, GroupType> {
    let mut kinds = GroupType::NAMED.iter().copied();
    let found = match text {
        "fast_failover" => Some(GroupType::FF),
        _ => kinds.find(|kind| kind.name() == Some(text)),
    };
    found.ok_or_else(|| {
        let message = format!("invalid group type {text}");
        Fault::new(text, "all, select, indirect, ff or fast_failover", message)
    })
}

fn bucket<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    kind: GroupType,
    protocols: &mut Protocols,
) -> Parsed<'a, Bucket> {
    let mut bucket = Bucket::of([]);
    bucket.weight = u16::from(kind == GroupType::SELECT);
    let mut scope = Scope::new(parser);
    let (mut any, mut drop) = (false, None);
    for pair in Pairs::new(text) {
        if bucket_property(parser, &mut bucket, pair)? {
            continue;
        }
        any = true;
        let Pair { key, value } = pair;
        if key.eq_ignore_ascii_case("action") || key.eq_ignore_ascii_case("actions") {
            if value == "drop" {
                drop = Some(value);
            } else {
                bucket.actions.extend(list(&mut scope, value)?);
            }
        } else if key.eq_ignore_ascii_case("drop") {
            drop = Some(key);
        } else if !read(&mut scope, pair, &mut bucket.actions)? {
            return Err(unknown(key));
        }
    }
    if !any {
        return Err(missing(text, "actions=", "bucket must specify actions"));
    }
    // What `ovs-ofctl` says of the last bucket's actions is all that it says.
    *protocols = scope.known;
    let alive = bucket.watch_port != PortNo::ANY || bucket.watch_group != GroupId::ANY;
    if kind == GroupType::FF && !alive {
        let message = "fast failover bucket requires watch_port or watch_group";
        return Err(Fault::new(text, "watch_port or watch_group", message));
    }
    match drop {
        Some(drop) if !bucket.actions.is_empty() => Err(not_alone(drop)),
        _ => verify(&scope, &bucket.actions, text).map(|()| bucket),
    }
}

/// Reads what is no action, and says whether `pair` is that.
fn bucket_property<'a>(
    parser: &Parser<'_>,
    bucket: &mut Bucket,
    pair: Pair<'a>,
) -> Parsed<'a, bool> {
    let Pair { key, value } = pair;
    match key.to_ascii_lowercase().as_str() {
        "weight" => bucket.weight = number::u16(value, "weight")?,
        "watch_port" => {
            let port = parser.port(value).filter(|port| {
                *port < PortNo::MAX || [PortNo::ANY, PortNo::CONTROLLER].contains(port)
            });
            bucket.watch_port = port.ok_or_else(|| {
                Fault::new(value, "a port", format!("{value}: invalid watch_port"))
            })?;
        }
        "watch_group" => {
            let group = GroupId(number::u32(value)?);
            if group > GroupId::MAX {
                let message = format!("invalid watch_group id {}", group.0);
                return Err(Fault::new(value, "a number up to 4294967040", message));
            }
            bucket.watch_group = group;
        }
        // OpenFlow 1.3 has no place for it.
        "bucket_id" => {
            let id = number::u32(value)?;
            if id > MAX_BUCKET {
                let message = format!("invalid bucket_id id {id}");
                return Err(Fault::new(value, "a number up to 4294967040", message));
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The group that is added or changed.
impl From<GroupMod> for Group {
    fn from(change: GroupMod) -> Self {
        Self {
            id: change.id,
            kind: change.kind,
            buckets: change.buckets,
        }
    }
}
