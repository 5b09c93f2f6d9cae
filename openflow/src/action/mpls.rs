//! Pushes, pops and ages MPLS labels.

use std::fmt;

use super::{plain_text, words};
use crate::declare::wire_struct;
use crate::field::EthType;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Puts a new label before the others (section 7.2.4).
    pub struct PushMpls {
        /// [`EthType::MPLS`] or [`EthType::MPLS_MULTICAST`].
        eth_type: EthType, pad 2;
    }
}

wire_struct! {
    /// Takes off the outer label (section 7.2.4).
    pub struct PopMpls {
        /// What the packet is underneath, if that was the last label.
        eth_type: EthType, pad 2;
    }
}

words! {
    /// Takes one off the outer label's time to live (section 7.2.4).
    DecMplsTtl = "dec_mpls_ttl";
}

plain_text! {
    PushMpls |push| "push_mpls:{}", push.eth_type;
    PopMpls |pop| "pop_mpls:{}", pop.eth_type;
}
