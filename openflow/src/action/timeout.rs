//! Lets a flow age faster.

use std::fmt;

use crate::declare::wire_struct;
use crate::names::{Names, Text};

wire_struct! {
    /// Shortens the timeouts of the flow once a TCP packet with FIN or RST passes
    /// (`NXAST_FIN_TIMEOUT`).
    pub struct FinTimeout {
        /// The new idle timeout in seconds, or 0 to leave it.
        idle_timeout: u16;
        /// The new hard timeout in seconds, or 0 to leave it.
        hard_timeout: u16, zero 2;
    }
}

impl Text for FinTimeout {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fin_timeout(")?;
        match (self.idle_timeout, self.hard_timeout) {
            (0, 0) => {}
            (idle, 0) => write!(f, "idle_timeout={idle}")?,
            (0, hard) => write!(f, "hard_timeout={hard}")?,
            (idle, hard) => write!(f, "idle_timeout={idle},hard_timeout={hard}")?,
        }
        f.write_str(")")
    }
}
