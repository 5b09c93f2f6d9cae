//! Brings a condition into the one form that a match holds.

use smallvec::{SmallVec, smallvec};

use crate::field::format::number;
use crate::field::*;
use crate::wire::Problem;

/// A condition on a field that is no view of another.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) field: FieldId,
    value: Bits,
    mask: Option<Bits>,
}

/// The bits of a value or mask; an option of a tunnel has many.
type Bits = SmallVec<[u8; 16]>;

impl Base {
    fn new(field: FieldId, value: &[u8], mask: Option<&[u8]>) -> Self {
        Self {
            field,
            value: value.into(),
            mask: mask.map(Into::into),
        }
    }

    fn integer<T: Value>(field: Field<T>, value: T, mask: T) -> Self {
        Self::new(
            field.id(),
            value.to_bytes().as_ref(),
            Some(mask.to_bytes().as_ref()),
        )
    }

    /// The header, the masked value and the mask, unless the mask leaves nothing to match.
    pub(super) fn tlv(&self) -> Option<SmallVec<[u8; 64]>> {
        let mask = match canonical_mask(self.field, self.mask.as_deref()) {
            Mask::Nothing => return None,
            Mask::Everything => None,
            Mask::Some(mask) => Some(mask),
        };
        // What the mask leaves out is zero, and leading zeros may be left out.
        let value: Bits = match &mask {
            None => self.value.clone(),
            Some(mask) => {
                let pairs = self.value.iter().zip(mask);
                pairs.map(|(value, mask)| value & mask).collect()
            }
        };
        let size = self.field.significant(&value, mask.as_deref());
        let header = self.field.oxm().header(size, mask.is_some());
        let (bytes, length) = header.to_bytes();
        let mut tlv: SmallVec<[u8; 64]> = bytes.into_iter().take(length).collect();
        tlv.extend_from_slice(last(&value, size));
        if let Some(mask) = &mask {
            tlv.extend_from_slice(last(mask, size));
        }
        Some(tlv)
    }
}

/// The last `size` bytes.
fn last(bytes: &[u8], size: usize) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(size)..)
        .unwrap_or_default()
}

/// What a mask leaves to match.
enum Mask {
    Nothing,
    Everything,
    Some(Bits),
}

/// The one mask that asks for the same as `mask` does.
fn canonical_mask(field: FieldId, mask: Option<&[u8]>) -> Mask {
    match mask {
        // An option without any bit to compare still has to be there.
        Some(mask) if field.is_variable() => match is_whole(field, mask) {
            true => Mask::Everything,
            false => Mask::Some(mask.into()),
        },
        Some(mask) if is_zero(mask) => Mask::Nothing,
        Some(mask) if is_own_mask(field) && is_full(mask) => Mask::Everything,
        None if !is_always_masked(field) => Mask::Everything,
        _ if !field.is_maskable() => Mask::Everything,
        _ => {
            let allowed = field.allowed();
            let mask = mask.map_or(allowed, |mask| number(mask) & allowed);
            let bytes = mask.to_be_bytes();
            let bytes = bytes.get(bytes.len() - field.size()..).unwrap_or_default();
            match mask {
                0 => Mask::Nothing,
                _ if mask == allowed && !is_always_masked(field) => Mask::Everything,
                _ => Mask::Some(bytes.into()),
            }
        }
    }
}

/// Whether OVS gives the field a mask even if that leaves nothing out.
fn is_always_masked(field: FieldId) -> bool {
    field == CT_STATE.id() || field == TUN_FLAGS.id() || is_own_mask(field)
}

/// Whether OVS 3.1 takes the value of the field for its mask, whatever mask is given.
///
/// It then matches only the bits that are set, and a value of 0 matches everything.
fn is_own_mask(field: FieldId) -> bool {
    [
        TUN_ERSPAN_VER.id(),
        TUN_ERSPAN_DIR.id(),
        TUN_ERSPAN_HWID.id(),
        TUN_GTPU_FLAGS.id(),
        TUN_GTPU_MSGTYPE.id(),
    ]
    .contains(&field)
}

/// Resolves views: the conditions on other fields that together say the same.
pub(super) fn fold(field: FieldId, value: &[u8], mask: Option<&[u8]>) -> SmallVec<[Base; 1]> {
    let low = |shift: u32| number(value) >> shift;
    if is_own_mask(field) {
        let masked = mask.map(|mask| value.iter().zip(mask).map(|(v, m)| v & m).collect());
        let value: Bits = masked.unwrap_or_else(|| value.into());
        smallvec![Base::new(field, &value, Some(&value))]
    } else if field < IN_PORT_16.id() {
        smallvec![Base::new(field, value, mask)]
    } else if field == IN_PORT_16.id() {
        let port = u16::from_bytes(value)
            .map(PortNo::from_16)
            .unwrap_or_default();
        let any = mask.is_some_and(is_zero);
        smallvec![Base::integer(
            IN_PORT,
            port,
            PortNo(if any { 0 } else { u32::MAX })
        )]
    } else if field == IP_TOS.id() {
        let dscp = u8::try_from(low(2)).unwrap_or_default();
        let any = mask.is_some_and(is_zero);
        smallvec![Base::integer(IP_DSCP, dscp, if any { 0 } else { u8::MAX })]
    } else if field == VLAN_TCI.id() {
        vlan(value, mask)
    } else {
        registers(field, value, mask)
    }
}

/// A tag as number and priority, where these can say as much.
fn vlan(value: &[u8], mask: Option<&[u8]>) -> SmallVec<[Base; 1]> {
    const PRIORITY: u16 = 0xe000;
    let mask = mask.and_then(u16::from_bytes).unwrap_or(u16::MAX);
    let tci = u16::from_bytes(value).unwrap_or_default() & mask;
    let number = Base::integer(
        VLAN_VID,
        VlanVid(tci & !PRIORITY),
        VlanVid(mask & !PRIORITY),
    );
    let priority = u8::try_from(tci >> 13).unwrap_or_default();
    match mask & PRIORITY {
        0 => smallvec![number],
        PRIORITY if VlanVid(tci).is_tagged() => {
            smallvec![number, Base::integer(VLAN_PCP, priority, u8::MAX)]
        }
        // Without a tag there is no priority to look at.
        PRIORITY if tci == 0 && mask == u16::MAX => smallvec![number],
        _ => smallvec![Base::integer(VLAN_TCI, tci, mask)],
    }
}

/// A wide register as the registers that it is made of.
fn registers(field: FieldId, value: &[u8], mask: Option<&[u8]>) -> SmallVec<[Base; 1]> {
    let words = value.len() / 4;
    let mask = mask
        .map(<[u8]>::to_vec)
        .unwrap_or_else(|| vec![0xff; value.len()]);
    // The views of one width stand together, in the order of what they are views of.
    let views = if words == 2 { XREG0.id() } else { XXREG0.id() };
    let place = ALL
        .iter()
        .skip_while(|view| **view != views)
        .position(|view| *view == field);
    let first = words * place.unwrap_or_default();
    let registers = ALL
        .iter()
        .skip_while(|field| **field != REG0.id())
        .skip(first)
        .take(words);
    registers
        .zip(value.chunks(4).zip(mask.chunks(4)))
        .map(|(register, (value, mask))| Base::new(*register, value, Some(mask)))
        .collect()
}

/// Whether a condition as it was read is the form that a match holds.
pub(super) fn is_canonical(field: FieldId, header: Header, mask: Option<&[u8]>) -> bool {
    let is_canonical_mask = |mask: &[u8]| {
        let (mask, allowed) = (number(mask), field.allowed());
        mask != 0 && mask & !allowed == 0 && (mask != allowed || is_always_masked(field))
    };
    header == field.oxm().header(header.size(), header.masked)
        && field < IN_PORT_16.id()
        && !field.is_variable()
        && !is_own_mask(field)
        && mask.map_or_else(|| !is_always_masked(field), is_canonical_mask)
}

/// Whether `value` has bits that `mask` ignores.
pub(crate) fn is_outside(value: &[u8], mask: &[u8]) -> bool {
    let mut bytes = value.iter().zip(mask);
    bytes.any(|(value, mask)| value & !mask != 0)
}

/// Refuses what a switch would: values and masks that the field cannot have.
pub(crate) fn check(field: FieldId, value: &[u8], mask: Option<&[u8]>) -> Result<(), Problem> {
    if let Some(mask) = mask {
        if is_outside(value, mask) {
            return Err(Problem::BadMask {
                field: field.name(),
            });
        }
        if !field.is_maskable() && !is_zero(mask) && !is_full(mask) {
            return Err(Problem::Unmaskable {
                field: field.name(),
            });
        }
    }
    let bits = number(value);
    let any = field.is_variable() || field == TUN_ERSPAN_IDX.id();
    let small = any || bits & !field.allowed() == 0;
    let port = field != IN_PORT.id() && field != ACTSET_OUTPUT.id()
        || PortNo::from_bytes(value).is_some_and(|port| port.to_16().is_some());
    let zero = mask.is_some_and(is_zero);
    let nsh = match bits {
        0..=2 if field == NSH_MDTYPE.id() => zero || bits != 0,
        64.. if field == NSH_TTL.id() => false,
        _ if field == NSH_MDTYPE.id() => false,
        _ => true,
    };
    if small && port && nsh {
        Ok(())
    } else {
        Err(Problem::BadValue {
            value: u64::try_from(bits).unwrap_or(u64::MAX),
        })
    }
}

fn is_zero(mask: &[u8]) -> bool {
    mask.iter().all(|byte| *byte == 0)
}

fn is_full(mask: &[u8]) -> bool {
    mask.iter().all(|byte| *byte == 0xff)
}

/// Whether a mask leaves out nothing of a field of any length: it has all its bytes.
fn is_whole(field: FieldId, mask: &[u8]) -> bool {
    mask.len() == field.size() && is_full(mask)
}
