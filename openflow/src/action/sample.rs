//! Samples packets for IPFIX.

use std::fmt;

use crate::declare::{codes, wire_struct};
use crate::field::PortNo;
use crate::names::{Names, Text};

wire_struct! {
    /// Samples some packets (`NXAST_SAMPLE`).
    pub struct Sample {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
    }
}

wire_struct! {
    /// [`Sample`] at a port (`NXAST_SAMPLE2`).
    pub struct Sample2 {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
        /// The port, in 16 bits.
        sampling_port: u16, pad 6;
    }
}

wire_struct! {
    /// [`Sample2`] in a direction (`NXAST_SAMPLE3`).
    pub struct Sample3 {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
        /// The port, in 16 bits.
        sampling_port: u16;
        /// Whether the packet comes or goes there.
        direction: SampleDirection, zero 5;
    }
}

codes! {
    /// Whether a sampled packet comes or goes.
    #[derive(Default)]
    pub struct SampleDirection(u8) {
        /// As the port says.
        DEFAULT = 0, "";
        /// It comes.
        INGRESS = 1, ",ingress";
        /// It goes.
        EGRESS = 2, ",egress";
    }
}

/// In 16 bits: no port.
const NONE: u16 = 0xffff;

impl Text for Sample {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Sample3 {
            probability: self.probability,
            collector_set_id: self.collector_set_id,
            obs_domain_id: self.obs_domain_id,
            obs_point_id: self.obs_point_id,
            sampling_port: NONE,
            direction: SampleDirection::DEFAULT,
        };
        plain.text(names, f)
    }
}

impl Text for Sample2 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Sample3 {
            probability: self.probability,
            collector_set_id: self.collector_set_id,
            obs_domain_id: self.obs_domain_id,
            obs_point_id: self.obs_point_id,
            sampling_port: self.sampling_port,
            direction: SampleDirection::DEFAULT,
        };
        plain.text(names, f)
    }
}

impl Text for Sample3 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}",
            self.probability, self.collector_set_id, self.obs_domain_id, self.obs_point_id
        )?;
        if self.sampling_port != NONE {
            let port = names.port(PortNo::from_16(self.sampling_port));
            write!(f, ",sampling_port={port}")?;
        }
        write!(f, "{})", self.direction)
    }
}
