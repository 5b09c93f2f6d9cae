//! Pushes and pops VLAN tags.

use std::fmt;

use super::{plain_text, words};
use crate::declare::wire_struct;
use crate::field::EthType;
use crate::field::format::Hex;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Puts a new VLAN tag, with number 0, before the others (section 7.2.4).
    pub struct PushVlan {
        /// [`EthType::VLAN`] or [`EthType::SERVICE_VLAN`].
        eth_type: EthType, pad 2;
    }
}

words! {
    /// Takes off the outer VLAN tag (section 7.2.4).
    PopVlan = "pop_vlan";
}

plain_text! {
    PushVlan |push| "push_vlan:{}", Hex(&push.eth_type.0.to_be_bytes());
}
