//! Asking the network what it lets through: pings, connections and single frames.
//!
//! A probe says what happened and judges nothing.

mod frame;
mod ping;
mod tcp;

pub use frame::{Ear, Frame, Mouth, send};
pub use ping::{Pinging, Pings, ping};
pub use tcp::{Answer, Listening, connect, listen, serve};
