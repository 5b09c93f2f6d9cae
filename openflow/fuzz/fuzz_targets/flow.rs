//! Whatever decodes as a match or as instructions is printed, and survives a second trip.

#![no_main]

use std::fmt::{Debug, Display};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use openflow::group::Bucket;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::wire::{Reader, Wire, Writer};

/// The value at the front of the bytes, if there is one, after a second trip.
fn trip<T: Wire + PartialEq + Debug>(bytes: &Bytes) -> Option<T> {
    let value = T::decode(&mut Reader::new(bytes)).ok()?;
    let mut out = Writer::default();
    value.encode(&mut out);
    let again = out
        .finish()
        .expect("what was read is not too long")
        .freeze();
    assert_eq!(T::decode(&mut Reader::new(&again)), Ok(value));
    T::decode(&mut Reader::new(bytes)).ok()
}

fn print(value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = value.to_string();
    }
}

fuzz_target!(|input: &[u8]| {
    let bytes = Bytes::copy_from_slice(input);
    print(trip::<Match>(&bytes));
    print(trip::<Instructions>(&bytes));
    let bucket: Option<Bucket> = trip(&bytes);
    print(bucket.map(|bucket| Instructions::apply(bucket.actions)));
});
