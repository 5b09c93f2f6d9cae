//! What the tables that learn agree on.

/// How long a station is remembered, in seconds: as long as Neutron's agent does.
pub(crate) const FORGET_AFTER: u16 = 300;

/// How many stations one network, or one port, may have that the model does not know.
///
/// A machine that invents addresses must not fill the switch. Past the limit a station is looked
/// for as if it had never been seen.
pub(crate) const LIMIT: u32 = 16384;
