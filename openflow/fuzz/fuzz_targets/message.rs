//! Whatever decodes as a message is printed, and survives a second trip.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use openflow::message::Message;
use openflow::wire::Writer;

fuzz_target!(|input: &[u8]| {
    let Ok((xid, message)) = Message::decode(&Bytes::copy_from_slice(input)) else {
        return;
    };
    assert!(!format!("{message:?}").is_empty());
    let mut out = Writer::default();
    message.encode(xid, &mut out);
    let again = out
        .finish()
        .expect("what was read is not too long")
        .freeze();
    assert_eq!(Message::decode(&again), Ok((xid, message)));
});
