//! All bytes are printed as `ovs-ofctl ofp-print` does, and whatever decodes as a message survives a
//! second trip.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use openflow::message::Message;
use openflow::names::Names;
use openflow::print::Frame;
use openflow::wire::Writer;

fuzz_target!(|input: &[u8]| {
    let bytes = Bytes::copy_from_slice(input);
    let names = Names::NONE;
    for verbosity in [2, 5] {
        let frame = Frame::new(&bytes, &names).verbosity(verbosity);
        assert!(!frame.to_string().is_empty());
    }
    let Ok((xid, message)) = Message::decode(&bytes) else {
        return;
    };
    assert!(!message.print(xid, &names).to_string().is_empty());
    let mut out = Writer::default();
    message.encode(xid, &mut out);
    let again = out
        .finish()
        .expect("what was read is not too long")
        .freeze();
    assert_eq!(Message::decode(&again), Ok((xid, message)));
});
