//! A group: several ways for a packet to go, one, some or all of which it takes.

use std::fmt;

use crate::action::Action;
use crate::declare::codes;
use crate::field::{GroupId, PortNo};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A group of a switch (section 5.6).
///
/// ```
/// # use openflow::{action::Output, field::*, group::*};
/// let flood = Group {
///     id: GroupId(1),
///     kind: GroupType::ALL,
///     buckets: vec![Bucket::of([Output::to(PortNo(1)).into()]), Bucket::of([])],
/// };
/// assert_eq!(flood.to_string(), "group_id=1,type=all,bucket=actions=output:1,bucket=actions=drop");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The number.
    pub id: GroupId,
    /// Which buckets a packet takes.
    pub kind: GroupType,
    /// The ways to go.
    pub buckets: Vec<Bucket>,
}

codes! {
    /// Which buckets of a group a packet takes (section 7.3.4.2, `OFPGT_*`).
    #[derive(Default)]
    pub struct GroupType(u8) {
        /// All of them.
        ALL = 0, "all";
        /// One of them, chosen by a hash and the weights.
        SELECT = 1, "select";
        /// The only one.
        INDIRECT = 2, "indirect";
        /// The first whose port or group is alive.
        FF = 3, "ff";
    }
}

/// One of the ways that a packet can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The share of the packets that come here; only in a group of type `select`.
    pub weight: u16,
    /// The port that must be up; only in a group of type `ff`.
    pub watch_port: PortNo,
    /// The group that must be alive; only in a group of type `ff`.
    pub watch_group: GroupId,
    /// What is done with the packet.
    pub actions: Vec<Action>,
}

impl Bucket {
    /// A bucket that runs `actions`, for a group of type `all` or `indirect`.
    #[must_use]
    pub fn of(actions: impl Into<Vec<Action>>) -> Self {
        Self {
            weight: 0,
            watch_port: PortNo::ANY,
            watch_group: GroupId::ANY,
            actions: actions.into(),
        }
    }
}

impl Wire for Bucket {
    /// Writes the bucket as section 7.3.4.2 has it.
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 8, |out| {
            0_u16.encode(out);
            self.weight.encode(out);
            self.watch_port.encode(out);
            self.watch_group.encode(out);
            out.zeros(4);
            self.actions.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Bucket.length");
        let length = u16::decode(input).map_err(|e| e.reading("Bucket.length"))?;
        let length = usize::from(length);
        let problem = Problem::BadLength { length };
        let Some(size @ 14..) = length.checked_sub(2) else {
            return Err(at.error(problem));
        };
        let mut body = input.sub(size, "Bucket")?;
        let weight = u16::decode(&mut body)?;
        let watch_port = PortNo::decode(&mut body)?;
        let watch_group = GroupId::decode(&mut body)?;
        body.skip(4)?;
        Ok(Self {
            weight,
            watch_port,
            watch_group,
            actions: Wire::decode(&mut body)?,
        })
    }
}

impl Text for Group {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.name().unwrap_or("unknown");
        write!(f, "group_id={},type={kind}", self.id.0)?;
        for bucket in &self.buckets {
            f.write_str(",bucket=")?;
            let usual = u16::from(self.kind == GroupType::SELECT);
            if bucket.weight != usual {
                write!(f, "weight:{},", bucket.weight)?;
            }
            bucket.text(names, f)?;
        }
        Ok(())
    }
}

impl Text for Bucket {
    /// Writes all but the weight.
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.watch_port != PortNo::ANY {
            write!(f, "watch_port:{},", names.port(self.watch_port))?;
        }
        if self.watch_group != GroupId::ANY {
            write!(f, "watch_group:{},", self.watch_group.0)?;
        }
        write!(f, "actions={}", names.show(self.actions.as_slice()))
    }
}

impl Group {
    /// The text of the group, with ports and tables by the names that `names` gives them.
    #[must_use]
    pub const fn display_with<'a>(&'a self, names: &'a Names) -> impl fmt::Display + 'a {
        names.show(self)
    }
}

impl fmt::Display for Group {
    /// Writes the group as `ovs-ofctl dump-groups` does over OpenFlow 1.3.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(&Names::NONE, f)
    }
}
