//! Where the desired network comes from.
//!
//! Every source ends in a [`Model`](pipelines::network::Model), which is valid once built, so the
//! rest of the agent does not know which source it was.

#[allow(
    dead_code,
    reason = "the agent, the server and the commands each use a part of it"
)]
pub(crate) mod database;
pub(crate) mod embedded;
pub(crate) mod file;
pub(crate) mod followed;
pub(crate) mod source;
pub(crate) mod watch;
