//! What several messages hold, in the forms of `ovs-ofctl`: durations, counters, sets of bits.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Seconds and an `s`: without decimals, with three, or with as many as it takes.
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        match nanos {
            0 => write!(f, "{seconds}s"),
            _ if nanos.is_multiple_of(1_000_000) => {
                write!(f, "{seconds}.{:03}s", nanos / 1_000_000)
            }
            _ => {
                let decimals = format!("{nanos:09}");
                write!(f, "{seconds}.{}s", decimals.trim_end_matches('0'))
            }
        }
    }
}

/// The duration that stands for one that is not known: all ones in its seconds.
pub(super) fn is_known(duration: Duration) -> bool {
    duration.as_secs() < u64::from(u32::MAX)
}

/// A counter, of which all ones say that it is not kept.
pub(super) struct Counter(pub(super) u64);

impl Display for Counter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            u64::MAX => f.write_str("?"),
            count => count.fmt(f),
        }
    }
}

/// The names of the bits that are set, lowest first, with a separator between them; what has no
/// name stands last, as a number.
pub(super) struct BitNames<'a> {
    /// The bits.
    pub(super) bits: u32,
    /// Each named bit.
    pub(super) names: &'a [(u32, &'static str)],
    /// What stands between two names.
    pub(super) separator: char,
}

impl<'a> BitNames<'a> {
    /// The names with blanks between them.
    pub(super) const fn blank(bits: u32, names: &'a [(u32, &'static str)]) -> Self {
        Self {
            bits,
            names,
            separator: ' ',
        }
    }
}

impl Display for BitNames<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.bits == 0 {
            return f.write_str("0");
        }
        let mut unnamed = self.bits;
        let mut first = true;
        let mut next = |f: &mut Formatter<'_>| match std::mem::take(&mut first) {
            true => Ok(()),
            false => write!(f, "{}", self.separator),
        };
        for (bit, name) in self.names.iter().filter(|(bit, _)| self.bits & bit != 0) {
            next(f)?;
            f.write_str(name)?;
            unnamed &= !bit;
        }
        match unnamed {
            0 => Ok(()),
            bits => {
                next(f)?;
                write!(f, "{bits:#x}")
            }
        }
    }
}

/// A number in hexadecimal: `0x1f`, but `0`, as the flag `#` of the language C has it.
pub(super) struct Sharp(pub(super) u64);

impl Display for Sharp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.pad("0"),
            number => f.pad(&format!("{number:#x}")),
        }
    }
}
