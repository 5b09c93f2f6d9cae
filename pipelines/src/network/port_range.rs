//! Ranges of ports, and the masks that match them.

use super::{InvalidField, Problem};

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Reads `port_range_min` and `port_range_max`.
    ///
    /// # Errors
    ///
    /// One of them is missing, 0, or above 65535, or they are reversed.
    pub fn new(bounds: (Option<u32>, Option<u32>)) -> Result<Self, InvalidField> {
        let port = |value: u32, field| match u16::try_from(value) {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(Problem::OutOfRange {
                value,
                least: 1,
                most: 65535,
            }
            .of(field)),
        };
        match bounds {
            (Some(least), Some(most)) => {
                let first = port(least, "port_range_min")?;
                let last = port(most, "port_range_max")?;
                if first > last {
                    return Err(Problem::Reversed { least, most }.of("port_range_min"));
                }
                Ok(Self { first, last })
            }
            (None, _) => Err(Problem::HalfRange.of("port_range_min")),
            (_, None) => Err(Problem::HalfRange.of("port_range_max")),
        }
    }

    /// The first port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The last port.
    pub fn last(self) -> u16 {
        self.last
    }

    /// The fewest pairs of value and mask that together match the range, ascending.
    ///
    /// Each pair is the largest aligned block that starts where the last one ended.
    pub fn masks(self) -> Vec<(u16, u16)> {
        let mut masks = Vec::new();
        let mut next = Some(self.first);
        while let Some(start) = next.filter(|start| *start <= self.last) {
            let fits = |wild: &u16| start & wild == 0 && self.last - start >= *wild;
            // A range starts at 1 or later, so at least one bit is exact.
            let wild = (1..16)
                .map(|exact| u16::MAX >> exact)
                .find(fits)
                .unwrap_or(0);
            masks.push((start, !wild));
            next = (start | wild).checked_add(1);
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masks(first: u32, last: u32) -> Vec<(u16, u16)> {
        PortRange::new((Some(first), Some(last))).unwrap().masks()
    }

    #[test]
    fn one_port_is_one_exact_mask() {
        assert_eq!(masks(22, 22), [(22, 0xffff)]);
        assert_eq!(masks(65535, 65535), [(65535, 0xffff)]);
    }

    #[test]
    fn the_full_range_is_sixteen_masks() {
        assert_eq!(masks(1, 65535).len(), 16);
        assert_eq!(masks(1, 65535).last(), Some(&(0x8000, 0x8000)));
    }

    #[test]
    fn an_aligned_block_is_one_mask() {
        assert_eq!(masks(2000, 2007), [(0x7d0, 0xfff8)]);
    }

    proptest! {
        #[test]
        fn masks_match_the_range_and_nothing_else(first in 1u32..=65535, length in 0u32..3000) {
            let last = (first + length).min(65535);
            let masks = masks(first, last);
            for port in 0..=u16::MAX {
                let matches = masks.iter().filter(|(value, mask)| port & mask == *value).count();
                let inside = (first..=last).contains(&u32::from(port));
                prop_assert_eq!(matches, usize::from(inside), "port {}", port);
            }
        }
    }
}
