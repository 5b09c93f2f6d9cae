//! Gives what a GRE tunnel brings the local VLAN of its network.

use super::{learn_from_tun, tun_to_lv};
use crate::{
    network::EncapType,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 3,
    name: "GRE_TUN_TO_LV",
    purpose: "Gives what GRE brings the local VLAN of its network.",
    next: &[&TABLE, &learn_from_tun::TABLE],
    flows,
};

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    tun_to_lv::flows(&TABLE, EncapType::Gre, subject, flows);
}
