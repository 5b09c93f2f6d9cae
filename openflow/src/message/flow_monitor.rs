//! Stops following flows, and tells of breaks in it.
//!
//! What follows them is a [multipart request](crate::multipart::FlowMonitorRequest). When a
//! connection is too slow, OVS pauses all of its monitors, and afterwards tells of all flows that
//! changed in between.

use crate::declare::wire_struct;

wire_struct! {
    /// Ends a flow monitor.
    pub struct FlowMonitorCancel {
        /// The number that the controller gave the monitor.
        id: u32;
    }
}
