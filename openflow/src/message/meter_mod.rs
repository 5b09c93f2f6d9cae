//! Adds, changes and removes meters (section 7.3.4.4).

use crate::declare::{codes, wire_struct};
use crate::field::MeterId;
use crate::meter::{Meter, MeterBand, MeterFlags};

wire_struct! {
    /// Adds, changes or removes meters.
    pub struct MeterMod {
        /// What is done.
        command: MeterModCommand;
        /// The unit of the rates, and what is kept besides.
        flags: MeterFlags;
        /// The meter; [`MeterId::ALL`] to remove all.
        id: MeterId;
        /// The rates, and what becomes of packets beyond each.
        bands: Vec<MeterBand>;
    }
}

impl MeterMod {
    /// Adds a meter, which must not be there yet.
    #[must_use]
    pub fn add(meter: Meter) -> Self {
        Self::of(MeterModCommand::ADD, meter)
    }

    /// Changes a meter, which must be there.
    #[must_use]
    pub fn modify(meter: Meter) -> Self {
        Self::of(MeterModCommand::MODIFY, meter)
    }

    /// Removes a meter if it is there, and with it the flows that use it.
    #[must_use]
    pub fn delete(id: MeterId) -> Self {
        let meter = Meter {
            id,
            ..Meter::default()
        };
        Self::of(MeterModCommand::DELETE, meter)
    }

    fn of(command: MeterModCommand, meter: Meter) -> Self {
        Self {
            command,
            flags: meter.flags,
            id: meter.id,
            bands: meter.bands,
        }
    }
}

codes! {
    /// What a meter mod does (`OFPMC_*`).
    pub struct MeterModCommand(u16) {
        /// Adds a meter.
        ADD = 0, "ADD";
        /// Changes a meter.
        MODIFY = 1, "MOD";
        /// Removes a meter.
        DELETE = 2, "DEL";
    }
}
