//! Whatever is read from text is printed, and what was printed is read as the same.
//!
//! Text can ask for what a switch refuses or reads as something else, such as bits outside of a
//! mask. Of that, the text must only be read again.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use openflow::field::{PACKET_TYPE, TUN_ERSPAN_IDX, TUN_GTPU_MSGTYPE};
use openflow::flow::Flow;
use openflow::group::Group;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::meter::Meter;
use openflow::wire::{Reader, Wire, Writer};

fn trip<T>(text: &str, is_taken: impl Fn(&T) -> bool)
where
    T: FromStr<Err: Debug> + Display + PartialEq + Debug,
{
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        let again = printed.parse::<T>().expect(&printed);
        if is_taken(&value) {
            assert_eq!(again, value, "{printed}");
            assert_eq!(again.to_string(), printed);
        }
    }
}

/// Whether a switch reads the match as it is, and `ovs-ofctl` prints all of it.
fn is_sound(matching: &Match) -> bool {
    let odd = TUN_ERSPAN_IDX.id()..=TUN_GTPU_MSGTYPE.id();
    let fields = matching.iter().filter_map(|condition| condition.field());
    let is_hidden = |field| odd.contains(&field) || field == PACKET_TYPE.id();
    if fields.into_iter().any(is_hidden) {
        return false;
    }
    let mut out = Writer::default();
    matching.encode(&mut out);
    let bytes = out.finish().map(BytesMut::freeze);
    bytes.is_ok_and(|bytes| Match::decode(&mut Reader::new(&bytes)).as_ref() == Ok(matching))
}

fuzz_target!(|text: &str| {
    trip::<Match>(text, is_sound);
    trip::<Instructions>(text, |_| true);
    trip::<Flow>(text, |flow| is_sound(&flow.matching));
    trip::<Group>(text, |_| true);
    trip::<Meter>(text, |_| true);
});
