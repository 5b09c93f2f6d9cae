//! What each register means.
//!
//! A row declares a run of bits. Two rows that share a bit, or a bit past the 32nd, do not compile.

use std::fmt::Write;

use openflow::{
    action::{Action, RegLoad, SetField, Subfield},
    field::{
        Field, REG0, REG1, REG2, REG3, REG4, REG5, REG6, REG7, REG8, REG9, REG10, REG11, REG12,
        REG13, REG14, REG15, XXREG3,
    },
    matching::Match,
};

/// A run of bits of a register.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The number of the register.
    pub number: usize,
    /// The lowest bit.
    pub first: u8,
    /// The highest bit.
    pub last: u8,
    /// What the run is called.
    pub name: &'static str,
    /// What it holds.
    pub purpose: &'static str,
    pub(crate) field: Field<u32>,
}

impl Register {
    const fn is_whole(self) -> bool {
        self.first == 0 && self.last == 31
    }

    const fn overlaps(self, other: Self) -> bool {
        self.number == other.number && self.first <= other.last && other.first <= self.last
    }

    /// Adds the condition that the run holds a value.
    pub(crate) fn matching(self, matching: Match, value: u32) -> Match {
        if self.is_whole() {
            return matching.with(self.field, value);
        }
        let mask = (u32::MAX >> (31 - self.last + self.first)) << self.first;
        matching.masked(self.field, value << self.first, mask)
    }

    /// The bits of the run.
    pub(crate) fn bits(self) -> Subfield {
        let length = self.last - self.first + 1;
        self.field.slice(self.first.into(), length.into())
    }

    /// The value in the run, of a whole register.
    pub(crate) fn of(self, whole: u32) -> u32 {
        let mask = u32::MAX >> (31 - self.last + self.first);
        (whole >> self.first) & mask
    }

    /// Writes a value into the run.
    pub(crate) fn set(self, value: u32) -> Action {
        if self.is_whole() {
            return SetField::new(self.field, value).into();
        }
        // OpenFlow 1.3 forbids a masked set_field.
        let run = self.field.slice(self.first.into(), self.last.into());
        RegLoad::new(run, value.into()).into()
    }
}

const FIELDS: [Field<u32>; 16] = [
    REG0, REG1, REG2, REG3, REG4, REG5, REG6, REG7, REG8, REG9, REG10, REG11, REG12, REG13, REG14,
    REG15,
];

/// Declares registers.
///
/// `/// The port.` and `PORT = 5[0..=31];` become the constant `PORT` and an entry of `ALL`.
macro_rules! registers {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal[$first:literal..=$last:literal];)*) => {
        $(
            $(#[doc = $doc])+
            pub const $name: Register = Register {
                number: $number,
                first: $first,
                last: $last,
                name: stringify!($name),
                purpose: concat!($($doc),+),
                field: FIELDS[$number],
            };
        )*

        /// Every run that is in use, ascending.
        pub const ALL: &[Register] = &[$($name),*];
    };
}

registers! {
    /// The table that sent a packet to the agent by ROUTER_PACKET_IN.
    ORIGIN_TABLE = 0[0..=7];
    /// Whom a multicast packet is for: 0 those who listen, 1 multicast routers only, 2 what its sender decides.
    AUDIENCE = 1[0..=1];
    /// Whether PORT listens to the group of the packet, or routes multicast: 0 nobody has asked, 1 it does, 2 it does not.
    LISTENS = 1[2..=3];
    /// The port of this host that a packet came from or goes to, by its number.
    PORT = 5[0..=31];
    /// The network of the packet, by its local VLAN; also the zone of its connections.
    NETWORK = 6[0..=31];
    /// The conjunction of the rule with a remote group that let the packet pass.
    REMOTE_GROUP = 7[0..=31];
    /// The port of a trunk that a packet came from, as PORT holds it.
    SENDER = 8[0..=31];
    /// Where the receiver of a packet was seen whom the model does not know: behind a port, as PORT holds it, or outside, all ones.
    LOCATION = 9[0..=31];
    /// The router that a packet is in, by its number; also the zone of the connections that it translates.
    ROUTER = 10[0..=31];
    /// How often the next station of a routed packet has been asked for.
    ATTEMPTS = 11[0..=30];
    /// Whether a packet is larger than the network that a router has to send it to carries.
    TOO_LARGE = 11[31..=31];
    /// The next station of a routed packet, by its address; of an IPv6 address the first quarter.
    NEXT_HOP = 12[0..=31];
    /// The second quarter of NEXT_HOP.
    NEXT_HOP_2 = 13[0..=31];
    /// The third quarter of NEXT_HOP.
    NEXT_HOP_3 = 14[0..=31];
    /// The last quarter of NEXT_HOP.
    NEXT_HOP_4 = 15[0..=31];
}

/// All quarters of [`NEXT_HOP`].
pub(crate) const NEXT_HOP_V6: Field<u128> = XXREG3;

const _: () = check(ALL);

/// The registers as Markdown.
pub fn to_markdown() -> String {
    let mut out = String::from("| register | bits | name | holds |\n|---|---|---|---|\n");
    for Register {
        number,
        first,
        last,
        name,
        purpose,
        ..
    } in ALL
    {
        // Writing to a string does not fail.
        let _ = writeln!(out, "| reg{number} | {first}-{last} | {name} |{purpose} |");
    }
    out
}

/// Fails to compile if two runs overlap or one is no run.
const fn check(left: &[Register]) {
    if let [register, rest @ ..] = left {
        assert!(
            register.first <= register.last && register.last < 32,
            "a register has 32 bits"
        );
        let mut others = rest;
        while let [other, tail @ ..] = others {
            assert!(!register.overlaps(*other), "two registers share bits");
            others = tail;
        }
        check(rest);
    }
}
