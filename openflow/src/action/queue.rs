//! Chooses the queue that the packet waits in.

use std::fmt;

use super::{plain_text, words};
use crate::declare::wire_struct;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Chooses the queue of the outputs that follow (section 7.2.4).
    pub struct SetQueue {
        /// The queue, by its number within the port.
        queue: u32;
    }
}

words! {
    /// Goes back to the queue that the packet had at first (`NXAST_POP_QUEUE`).
    PopQueue = "pop_queue";
}

plain_text! {
    SetQueue |set| "set_queue:{}", set.queue;
}
