//! What `ovs-ofctl` says about bytes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use openflow::wire::{Wire, Writer};

/// A text and the bytes that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn encode(value: &impl Wire) -> Vec<u8> {
    let mut out = Writer::default();
    value.encode(&mut out);
    out.finish().unwrap().to_vec()
}

/// The bytes in hexadecimal: words of four, eight words a line.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let word = |word: &[u8]| {
        word.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let line = |line: &[u8]| line.chunks(4).map(word).collect::<Vec<_>>().join(" ");
    bytes.chunks(32).map(line).collect::<Vec<_>>().join("\n")
}

/// Reads a golden file: `#` starts a text, and its bytes follow.
pub(crate) fn read(file: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in file.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            let bytes = Vec::new();
            entries.push(Entry {
                text: text.to_owned(),
                bytes,
            });
        } else {
            let digits: Vec<u8> = line.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            let bytes = digits.chunks(2).map(|pair| byte(pair).unwrap());
            entries.last_mut().unwrap().bytes.extend(bytes);
        }
    }
    entries
}

/// Runs `ovs-ofctl` and returns all that it prints.
pub(crate) fn ovs_ofctl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("ovs-ofctl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Open vSwitch must be installed");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() || !text.is_empty(),
        "ovs-ofctl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// What `ovs-ofctl` prints each action as.
///
/// It also writes the action anew; where that gives other bytes, they show in the text.
pub(crate) fn parse_actions(actions: &[Vec<u8>]) -> Vec<String> {
    let print = |action: &Vec<u8>| {
        let input = hex(action).replace('\n', " ");
        let text = ovs_ofctl(&["parse-actions", "OpenFlow13"], &format!("{input}\n"));
        let text = text.trim();
        let text = text.strip_prefix("actions=").unwrap_or(text);
        // What OpenFlow 1.3 no longer has is written as `set_field`.
        let renewed = |word: &&str| text.starts_with(*word);
        if ["mod_", "set_mpls", "set_tunnel", "set_vlan"]
            .iter()
            .any(renewed)
        {
            text.lines().next().unwrap_or_default().to_owned()
        } else {
            text.to_owned()
        }
    };
    actions.iter().map(print).collect()
}

/// What `ovs-ofctl` prints each match as.
pub(crate) fn print_matches(matches: &[Vec<u8>]) -> Vec<String> {
    let messages = matches.iter().map(|matching| hex(&flow_mod(matching, &[])));
    let message = |message: String| message.replace([' ', '\n'], "");
    messages
        .map(|bytes| {
            let text = ovs_ofctl(&["ofp-print", &message(bytes)], "");
            let text = text.trim();
            let rule = text.split_once("): ").map_or(text, |(_, rule)| rule);
            let rule = rule.strip_prefix("ADD ").unwrap_or(rule);
            rule.strip_suffix("actions=drop")
                .unwrap_or(rule)
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// A message that adds a flow: header, table 0, priority 32768, match, instructions.
pub(crate) fn flow_mod(matching: &[u8], instructions: &[u8]) -> Vec<u8> {
    let length = u16::try_from(48 + matching.len() + instructions.len()).unwrap();
    let mut bytes = vec![4, 14];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, 1]);
    bytes.extend([0; 16]);
    bytes.extend([0, 0, 0, 0, 0, 0]);
    bytes.extend(0x8000_u16.to_be_bytes());
    bytes.extend([0xff; 12]);
    bytes.extend([0; 4]);
    bytes.extend(matching);
    bytes.extend(instructions);
    bytes
}
