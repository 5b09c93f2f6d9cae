//! What a connection is about: greetings, features, roles, and what comes unasked.

use std::fmt::{self, Display, Formatter};
use std::ops::Not;

use super::frame::VersionList;
use super::pieces::{BitNames, Sharp};
use super::refuse::REASONS;
use crate::field::Value;
use crate::field::format::{Hex, Ipv6Text};
use crate::matching::Masked;
use crate::message::{
    AsyncConfig, AsyncProperty, BundleControl, BundleFlags, Config, ConfigFlags, ControllerRole,
    CtFlush, CtTuple, Features, Hello, NxRole, Role, RoleStatus, SetAsyncConfig2, TlvMap,
    TlvTableCommand, TlvTableMod, TlvTableReply,
};
use crate::multipart::Desc;

pub(super) fn hello(hello: &Hello, f: &mut Formatter<'_>) -> fmt::Result {
    // Without a bitmap: all versions up to this one.
    let versions = VersionList(hello.versions.unwrap_or(0b1_1110));
    write!(f, "\n version bitmap: {versions}")
}

const CAPABILITIES: &[(u32, &str)] = &[
    (1, "FLOW_STATS"),
    (1 << 1, "TABLE_STATS"),
    (1 << 2, "PORT_STATS"),
    (1 << 3, "GROUP_STATS"),
    (1 << 5, "IP_REASM"),
    (1 << 6, "QUEUE_STATS"),
    (1 << 8, "PORT_BLOCKED"),
];

pub(super) fn features(features: &Features, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " dpid:{:016x}", features.datapath_id)?;
    let (tables, buffers) = (features.n_tables, features.n_buffers);
    write!(f, "n_tables:{tables}, n_buffers:{buffers}")?;
    if features.auxiliary_id != 0 {
        write!(f, ", auxiliary_id:{}", features.auxiliary_id)?;
    }
    let known = CAPABILITIES.iter().fold(0, |known, (bit, _)| known | bit);
    let bits = features.capabilities.bits() & known;
    writeln!(f, "\ncapabilities: {}", BitNames::blank(bits, CAPABILITIES))
}

pub(super) fn config(config: &Config, f: &mut Formatter<'_>) -> fmt::Result {
    let both = ConfigFlags::FRAG_DROP | ConfigFlags::FRAG_REASM;
    let fragments = match config.flags & both {
        ConfigFlags::FRAG_DROP => "drop",
        ConfigFlags::FRAG_REASM => "reassemble",
        flags if flags == both => "nx-match",
        _ => "normal",
    };
    writeln!(
        f,
        " frags={fragments} miss_send_len={}",
        config.miss_send_len
    )
}

pub(super) fn desc(desc: &Desc, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nManufacturer: {}", Shown(desc.mfr_desc.as_bytes()))?;
    writeln!(f, "Hardware: {}", Shown(desc.hw_desc.as_bytes()))?;
    writeln!(f, "Software: {}", Shown(desc.sw_desc.as_bytes()))?;
    writeln!(f, "Serial Num: {}", Shown(desc.serial_num.as_bytes()))?;
    writeln!(f, "DP Description: {}", Shown(desc.dp_desc.as_bytes()))
}

/// Text as it is, as far as it is text.
struct Shown<'a>(&'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

pub(super) fn role(role: &Role, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " role={}", role.role)?;
    // All ones, or a role for which it means nothing: no number is told.
    if role.generation_id == u64::MAX || role.role.0 < ControllerRole::PRIMARY.0 {
        return Ok(());
    }
    write!(f, " generation_id={}", role.generation_id)
}

pub(super) fn nx_role(role: &NxRole, f: &mut Formatter<'_>) -> fmt::Result {
    let NxRole { role } = role;
    write!(f, " role={role}")
}

pub(super) fn role_status(status: &RoleStatus, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " role={}", status.role)?;
    if status.generation_id != u64::MAX {
        write!(f, " generation_id={}", status.generation_id)?;
    }
    let reason = status.reason.name().unwrap_or("(unknown)");
    write!(f, " reason={reason}")
}

/// What can come unasked, and the name of each reason for it, by its bit.
const KINDS: [(&str, &[&str]); 6] = [
    ("PACKET_IN", &["no_match", "action", "invalid_ttl"]),
    ("PORT_STATUS", &["add", "delete", "modify"]),
    (
        "FLOW_REMOVED",
        &[
            "idle",
            "hard",
            "delete",
            "group_delete",
            "meter_delete",
            "eviction",
        ],
    ),
    (
        "ROLE_STATUS",
        &[
            "primary_request",
            "configuration_changed",
            "experimenter_data_changed",
        ],
    ),
    ("TABLE_STATUS", &["", "", "", "vacancy_down", "vacancy_up"]),
    (
        "REQUESTFORWARD",
        &["group_mod_request", "meter_mod_request"],
    ),
];

/// Prints the masks of each kind, which are pairs: for the role primary, and for secondary.
fn masks(masks: &[[u32; 2]; 6], f: &mut Formatter<'_>) -> fmt::Result {
    let of_role = |place: usize| masks.map(|pair| pair.get(place).copied().unwrap_or_default());
    for (role, masks) in [("primary", of_role(0)), ("secondary", of_role(1))] {
        writeln!(f, "\n {role}:")?;
        for ((kind, reasons), (mask, known)) in KINDS.iter().zip(masks.into_iter().zip(REASONS)) {
            write!(f, "{kind:>16}:")?;
            for (bit, reason) in reasons.iter().enumerate() {
                if mask & known & 1 << bit != 0 {
                    write!(f, " {reason}")?;
                }
            }
            writeln!(f, "{}", if mask & known == 0 { " (off)" } else { "" })?;
        }
    }
    Ok(())
}

pub(super) fn async_config(config: &AsyncConfig, f: &mut Formatter<'_>) -> fmt::Result {
    let AsyncConfig {
        packet_in,
        port_status,
        flow_removed,
    } = *config;
    let none = [0, 0];
    masks(&[packet_in, port_status, flow_removed, none, none, none], f)
}

pub(super) fn async_config_2(config: &SetAsyncConfig2, f: &mut Formatter<'_>) -> fmt::Result {
    let mut all = [[0; 2]; 6];
    for AsyncProperty { kind, mask } in &config.properties {
        // Each kind has a number for the role secondary, and the next one for primary.
        let pair = all.get_mut(usize::from(kind.0 / 2));
        if let Some([primary, secondary]) = pair {
            *(if kind.0 % 2 == 1 { primary } else { secondary }) = *mask;
        }
    }
    masks(&all, f)
}

const BUNDLE_FLAGS: &[(u32, &str)] = &[(1, "atomic"), (1 << 1, "ordered")];

/// The flags of a bundle.
pub(super) fn bundle_flags(flags: BundleFlags) -> BitNames<'static> {
    BitNames::blank(flags.bits().into(), BUNDLE_FLAGS)
}

pub(super) fn bundle_control(control: &BundleControl, f: &mut Formatter<'_>) -> fmt::Result {
    let id = Sharp(control.id.into());
    let kind = control.kind.name().unwrap_or_default();
    let flags = bundle_flags(control.flags);
    write!(f, "\n bundle_id={id} type={kind} flags={flags}")
}

pub(super) fn tlv_table_mod(change: &TlvTableMod, f: &mut Formatter<'_>) -> fmt::Result {
    match change.command {
        TlvTableCommand::ADD => f.write_str("\n ADD")?,
        TlvTableCommand::DELETE => f.write_str("\n DEL")?,
        _ => return f.write_str("\n CLEAR"),
    }
    tlv_maps(&change.maps, f)
}

pub(super) fn tlv_table_reply(reply: &TlvTableReply, f: &mut Formatter<'_>) -> fmt::Result {
    let (space, fields) = (reply.max_option_space, reply.max_fields);
    let allocated: u32 = reply.maps.iter().map(|map| u32::from(map.option_len)).sum();
    writeln!(f, "\n max option space={space} max fields={fields}")?;
    writeln!(f, " allocated option space={allocated}\n")?;
    tlv_maps(&reply.maps, f)
}

fn tlv_maps(maps: &[TlvMap], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(" mapping table:\n  class  type  length  match field\n")?;
    f.write_str(" ------  ----  ------  --------------")?;
    for map in maps {
        let class = Sharp(map.option_class.into());
        let kind = Sharp(map.option_type.into());
        let (length, index) = (map.option_len, map.index);
        write!(
            f,
            "\n {class:>6}  {kind:>4}  {length:6}  tun_metadata{index}"
        )?;
    }
    Ok(())
}

pub(super) fn ct_flush(flush: &CtFlush, f: &mut Formatter<'_>) -> fmt::Result {
    let proto = flush.ip_proto.0;
    let tuples = [&flush.original, &flush.reply];
    let addresses = tuples.iter().flat_map(|tuple| [tuple.src, tuple.dst]);
    let v4 = addresses
        .flatten()
        .any(|address| address.to_ipv4_mapped().is_some());
    write!(f, " zone={} ", flush.zone.unwrap_or_default())?;
    masked("mark", flush.mark, f)?;
    masked("labels", flush.labels.as_deref().copied(), f)?;
    f.write_str("'")?;
    ct_tuple(&flush.original, proto, v4, f)?;
    write!(f, ",ct_nw_proto={proto}' '")?;
    ct_tuple(&flush.reply, proto, v4, f)?;
    f.write_str("'")
}

/// Writes a condition on bits of a connection, unless it asks for none.
fn masked<T>(name: &str, condition: Option<Masked<T>>, f: &mut Formatter<'_>) -> fmt::Result
where
    T: Value + Default + PartialEq + Not<Output = T>,
{
    let Some(Masked { value, mask }) = condition else {
        return Ok(());
    };
    let all = !T::default();
    match mask.unwrap_or(all) {
        none if none == T::default() => return Ok(()),
        whole if whole == all => write!(f, "{name}={}", Hex(value.to_bytes().as_ref()))?,
        mask => {
            let (value, mask) = (value.to_bytes(), mask.to_bytes());
            write!(f, "{name}={}/{}", Hex(value.as_ref()), Hex(mask.as_ref()))?;
        }
    }
    f.write_str(" ")
}

fn ct_tuple(tuple: &CtTuple, proto: u8, v4: bool, f: &mut Formatter<'_>) -> fmt::Result {
    let name = if v4 { "nw" } else { "ipv6" };
    for (comma, end, address) in [("", "src", tuple.src), (",", "dst", tuple.dst)] {
        let address = address.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED);
        write!(f, "{comma}ct_{name}_{end}=")?;
        match address.to_ipv4_mapped() {
            Some(address) => write!(f, "{address}")?,
            None => write!(f, "{}", Ipv6Text(address))?,
        }
    }
    let number = |number: Option<u16>| number.unwrap_or_default();
    if proto == 1 || proto == 58 {
        let kind = tuple.icmp_type.unwrap_or_default();
        let code = tuple.icmp_code.unwrap_or_default();
        let id = number(tuple.icmp_id);
        return write!(f, ",icmp_id={id},icmp_type={kind},icmp_code={code}");
    }
    let (src, dst) = (number(tuple.src_port), number(tuple.dst_port));
    write!(f, ",ct_tp_src={src},ct_tp_dst={dst}")
}
