//! Joins the dimensions of a conjunctive match.

use std::fmt;

use super::plain_text;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Says that the flow is one alternative in one dimension of a conjunction (`NXAST_CONJUNCTION`).
///
/// A packet that matches at least one flow in each dimension gets the number of the conjunction
/// in [`CONJ_ID`](crate::field::CONJ_ID). `n` alternatives times `m` thereby cost `n + m` flows.
///
/// ```
/// # use openflow::action::Conjunction;
/// assert_eq!(Conjunction::new(8, 1, 2).to_string(), "conjunction(8,1/2)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conjunction {
    /// The number of the conjunction.
    pub id: u32,
    /// The dimension, counted from 1.
    pub dimension: u8,
    /// How many dimensions there are: 2 to 64.
    pub dimensions: u8,
}

impl Conjunction {
    /// Dimension `dimension`, counted from 1, of `dimensions` in the conjunction `id`.
    #[must_use]
    pub const fn new(id: u32, dimension: u8, dimensions: u8) -> Self {
        Self {
            id,
            dimension,
            dimensions,
        }
    }
}

impl Wire for Conjunction {
    /// On the wire, dimensions count from 0.
    fn encode(&self, out: &mut Writer) {
        self.dimension.wrapping_sub(1).encode(out);
        self.dimensions.encode(out);
        self.id.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Conjunction.dimension");
        let [dimension, dimensions] = input.array()?;
        if !(2..=64).contains(&dimensions) || dimension >= dimensions {
            let value = u16::from_be_bytes([dimension, dimensions]).into();
            return Err(at.error(Problem::BadValue { value }));
        }
        Ok(Self {
            id: u32::decode(input)?,
            dimension: dimension + 1,
            dimensions,
        })
    }
}

plain_text! {
    Conjunction |c| "conjunction({},{}/{})", c.id, c.dimension, c.dimensions;
}
