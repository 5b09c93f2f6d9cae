//! The fields that a flow matches on and that actions write.
//!
//! One row of [`table`] says everything about a field. It becomes a constant that knows the type
//! of its value, so that a MAC in an IPv4 field does not compile. Where the field is only known
//! when the program runs, as in what a switch sends, [`FieldId`] stands for it.

pub(crate) mod format;
mod header;
mod mac;
pub mod table;
pub mod value;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::LazyLock;

pub use format::Format;
pub use header::{Class, Code, Header};
pub use mac::{InvalidMac, MacAddr};
pub use table::*;
pub use value::{
    CtState, EthType, GroupId, IpFrag, IpProto, MeterId, PacketType, PortNo, TcpFlags, TunFlags,
    TunMetadata, Value, VlanVid,
};

/// A field whose values are of type `T`.
pub struct Field<T> {
    id: FieldId,
    value: PhantomData<T>,
}

impl<T> Field<T> {
    /// The field without the type of its value.
    #[must_use]
    pub const fn id(self) -> FieldId {
        self.id
    }

    const fn new(facts: &'static Facts) -> Self {
        Self {
            id: FieldId(facts),
            value: PhantomData,
        }
    }
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<T> {}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, f)
    }
}

impl<T> From<Field<T>> for FieldId {
    fn from(field: Field<T>) -> Self {
        field.id
    }
}

/// What a row of the table says.
#[derive(Debug)]
struct Facts {
    position: u8,
    size: u8,
    bits: u16,
    format: Format,
    maskable: Maskable,
    access: Access,
    needs: Need,
    /// What errors about the field in a match say was being read.
    place: &'static str,
    names: &'static [&'static str],
    codes: &'static [Code],
}

/// Whether a match can ask for some bits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maskable {
    Exact,
    Masked,
}

/// Whether actions can write the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadOnly,
    Writable,
}

/// What a packet must be for the field to mean anything.
///
/// A match on the field must ask for it, and do so first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Nothing: any packet has the field.
    Nothing,
    /// An Ethernet frame, which every packet is unless `packet_type` says otherwise.
    Ethernet,
    /// A VLAN tag.
    Vlan,
    /// An MPLS label.
    Mpls,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// IPv4 or IPv6.
    Ip,
    /// ARP or reverse ARP.
    Arp,
    /// TCP, and not a later fragment.
    Tcp,
    /// UDP, and not a later fragment.
    Udp,
    /// SCTP, and not a later fragment.
    Sctp,
    /// ICMP in IPv4.
    Icmp,
    /// ICMP in IPv6.
    Icmpv6,
    /// A neighbour solicitation or advertisement.
    Nd,
    /// A neighbour solicitation.
    NdSolicit,
    /// A neighbour advertisement.
    NdAdvert,
    /// A network service header.
    Nsh,
    /// A packet that the connection tracker knows.
    Tracked,
    /// A packet of IPv4 that the connection tracker knows.
    TrackedIpv4,
    /// A packet of IPv6 that the connection tracker knows.
    TrackedIpv6,
}

/// Every field by each of its names, those of its codes included.
static BY_NAME: LazyLock<BTreeMap<&str, FieldId>> = LazyLock::new(|| {
    let mut fields = BTreeMap::new();
    for field in ALL {
        let FieldId(facts) = field;
        let codes = facts.codes.iter().map(|code| &code.name);
        for name in facts.names.iter().chain(codes) {
            fields.entry(*name).or_insert(*field);
        }
    }
    fields
});

/// A field, whatever the type of its value.
///
/// Ordered as the table is.
#[derive(Clone, Copy)]
pub struct FieldId(&'static Facts);

impl FieldId {
    /// The field of a header, if the table has it. The header's length is not looked at.
    #[must_use]
    pub fn of_header(header: Header) -> Option<Self> {
        by_code(Class::of(header.class, header.experimenter)?, header.number)
    }

    /// The field that `ovs-ofctl` calls so: `reg0`, `NXM_NX_REG0`, `OXM_OF_IPV4_SRC`, `nw_src`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        BY_NAME.get(name).copied()
    }

    /// The name in lists of fields and in `set_field`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0.names {
            [name, ..] => name,
            [] => "",
        }
    }

    /// The name and its older forms.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        self.0.names
    }

    pub(crate) const fn place(self) -> &'static str {
        self.0.place
    }

    /// How many bytes a value has; for an option of a tunnel, how many it can have.
    #[must_use]
    pub fn size(self) -> usize {
        self.0.size.into()
    }

    pub(crate) const fn byte_size(self) -> u8 {
        self.0.size
    }

    /// How many bits of a value count, from the least significant.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0.bits
    }

    /// Whether the number of bytes of a value varies.
    #[must_use]
    pub const fn is_variable(self) -> bool {
        self.0.size > 16
    }

    /// How many bytes, from the last, say all of a value and its mask.
    ///
    /// OVS leaves out the leading zeros of an option of a tunnel, and of other fields nothing.
    pub(crate) fn significant(self, value: &[u8], mask: Option<&[u8]>) -> usize {
        if !self.is_variable() {
            return value.len();
        }
        let used = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            bytes.len() - zeros
        };
        used(value).max(mask.map_or(0, used))
    }

    /// Whether a match can ask for some bits only.
    #[must_use]
    pub fn is_maskable(self) -> bool {
        self.0.maskable == Maskable::Masked
    }

    /// Whether actions can write the field.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.0.access == Access::Writable
    }

    /// What a packet must be to have the field.
    #[must_use]
    pub const fn needs(self) -> Need {
        self.0.needs
    }

    /// How values are written in text.
    #[must_use]
    pub const fn format(self) -> Format {
        self.0.format
    }

    /// The code in matches and in `set_field`.
    #[must_use]
    pub const fn oxm(self) -> Code {
        match self.0.codes {
            [code, ..] => *code,
            [] => Code::NONE,
        }
    }

    /// The code in the Nicira actions, and its name in `load` and `move`: one of NXM, if any.
    #[must_use]
    pub fn nxm(self) -> Code {
        let codes = self.0.codes.iter();
        let nxm = codes
            .copied()
            .find(|code| matches!(code.class, Class::Nxm0 | Class::Nxm1));
        nxm.unwrap_or_else(|| self.oxm())
    }

    /// Every code: the first is [`oxm`](Self::oxm).
    #[must_use]
    pub const fn codes(self) -> &'static [Code] {
        self.0.codes
    }

    /// The bits that a value may have; for fields of at most 16 bytes.
    ///
    /// Nearly always the lowest [`bits`](Self::bits).
    #[must_use]
    pub fn allowed(self) -> u128 {
        // OVS counts the bits of a range (`vlan_vid[0..11]`) and of a value apart.
        if self == VLAN_VID.id() {
            0x1fff
        } else if self == CT_STATE.id() {
            CtState::all().bits().into()
        } else if self == IP_TOS.id() {
            0xfc
        } else if self == ARP_OP.id() {
            0xff
        } else {
            u128::MAX >> 128_u32.saturating_sub(self.0.bits.into())
        }
    }
}

impl PartialEq for FieldId {
    fn eq(&self, other: &Self) -> bool {
        self.0.position == other.0.position
    }
}

impl Eq for FieldId {}

impl PartialOrd for FieldId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.position.cmp(&other.0.position)
    }
}

impl Hash for FieldId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.position.hash(state);
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_name_leads_back_to_its_field() {
        for &field in ALL {
            for code in field.codes() {
                assert_eq!(
                    FieldId::of_header(code.header(field.size(), false)),
                    Some(field)
                );
                assert_eq!(FieldId::of_name(code.name), Some(field));
            }
            for name in field.names() {
                assert_eq!(FieldId::of_name(name), Some(field));
            }
        }
    }

    #[test]
    fn the_size_of_a_value_holds_its_bits() {
        for field in ALL {
            assert!(usize::from(field.bits()) <= 8 * field.size(), "{field}");
            assert!(field.is_variable() || field.size() <= 16, "{field}");
        }
    }
}
