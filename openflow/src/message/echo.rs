//! Asks whether the peer is alive (sections 7.5.2 and 7.5.3).

use bytes::Bytes;

use crate::declare::wire_struct;

wire_struct! {
    /// A question whether the peer is alive, or its answer, which repeats the payload.
    #[derive(Default)]
    pub struct Echo {
        /// Whatever the asker likes, such as a time stamp.
        data: Bytes;
    }
}
