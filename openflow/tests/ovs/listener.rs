//! What `ovs-ofctl` sends for a text: it is given a socket of ours instead of a switch.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use crate::oracle::hex;

/// The type of messages that carry flows.
const FLOW_MOD: u8 = 14;
/// The type of messages that ask for an answer after all before.
const BARRIER_REQUEST: u8 = 20;

/// The messages by which `ovs-ofctl` adds `flows`, the text of one in each line.
pub(crate) fn flow_mods(flows: &str) -> Vec<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("switch");
    let listener = UnixListener::bind(&socket).unwrap();
    let switch = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    let target = format!("unix:{}", socket.display());
    let mut child = Command::new("ovs-ofctl")
        .args([
            "-O",
            "OpenFlow13",
            "--timeout=10",
            "--no-names",
            "add-flows",
            &target,
            "-",
        ])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Open vSwitch must be installed");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(flows.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    switch.join().unwrap()
}

/// Answers greetings and barriers, and keeps the flows.
fn serve(mut stream: UnixStream) -> Vec<Vec<u8>> {
    let mut flows = Vec::new();
    stream.write_all(&[4, 0, 0, 8, 0, 0, 0, 0]).unwrap();
    let mut header = [0; 8];
    while stream.read_exact(&mut header).is_ok() {
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut message = header.to_vec();
        message.resize(length, 0);
        stream.read_exact(&mut message[8..]).unwrap();
        match header[1] {
            FLOW_MOD => {
                // Which transaction it was is of no interest.
                message[4..8].fill(0);
                flows.push(message);
            }
            BARRIER_REQUEST => {
                message[1] += 1;
                stream.write_all(&message).unwrap();
            }
            0 => {}
            kind => panic!("ovs-ofctl sent type {kind}: {}", hex(&message)),
        }
    }
    flows
}
