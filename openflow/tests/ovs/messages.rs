//! What `ovs-ofctl` makes of every message.

use std::path::PathBuf;

use openflow::message::Message;
use openflow::wire::Writer;

use crate::oracle::{hex, ovs_ofctl};

/// What `ovs-ofctl` prints `message` as.
fn print(message: &Message) -> String {
    let mut out = Writer::default();
    message.encode(1, &mut out);
    let bytes = hex(&out.finish().unwrap()).replace([' ', '\n'], "");
    ovs_ofctl(&["ofp-print", &bytes], "")
}

#[test]
fn ovs_reads_every_message_and_calls_it_by_our_name() {
    for message in Message::samples() {
        let text = print(&message);
        let name = format!("{} (OF1.3) (xid=0x1):", message.name());
        assert!(text.starts_with(&name), "{name}\n{text}");
        for complaint in ["***decode error", "unknown", "***invalid"] {
            assert!(!text.contains(complaint), "{text}");
        }
    }
}

/// The golden file is what `ovs-ofctl` prints, for people to compare with the samples. With
/// `BLESS=1` in the environment, it is written anew.
#[test]
fn ovs_reads_the_values_that_were_written() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.txt");
    let text: String = Message::samples().iter().map(print).collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (line, golden) in text.lines().zip(golden.lines()) {
        assert_eq!(line, golden, "BLESS=1 writes messages.txt anew");
    }
    assert_eq!(text.len(), golden.len(), "BLESS=1 writes messages.txt anew");
}
