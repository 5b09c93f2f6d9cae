//! However a stream is cut, the same messages are in it, and each decodes or is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ovsdb::jsonrpc::{Framer, Message};

fn messages<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let mut framer = Framer::new(1000);
    let mut messages = Vec::new();
    for chunk in chunks {
        framer.buffer().extend_from_slice(chunk);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let whole = messages([stream]);
    let cut = messages(stream.chunks(usize::from(size) + 1));
    assert_eq!(whole, cut);
    for message in whole.0 {
        if let Ok(message) = Message::decode(&message) {
            let again = Message::decode(message.to_json().as_bytes());
            assert!(again.is_ok(), "{message:?}");
        }
    }
});
