//! Frames into the ports of a switch, and what comes out of them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use serde_json::{Value, json};

use super::ovs::Switch;

/// The ports of one bridge, each with what it has sent out.
pub(super) struct Wires {
    control: BufReader<UnixStream>,
    captures: BTreeMap<u32, Capture>,
}

impl Wires {
    /// Adds a bridge with ports of these numbers.
    pub(super) fn plug(switch: &Switch, bridge: &str, numbers: &[u32]) -> Self {
        switch.add_bridge(bridge);
        for number in numbers {
            switch.add_port(bridge, &name(*number), *number);
            switch.record(&name(*number));
        }
        switch.look_often();
        switch.show_ports_of_first_fragments(bridge);
        switch.install(bridge, "");
        let control = UnixStream::connect(switch.path().join("vswitchd.ctl")).unwrap();
        let capture = |number: u32| {
            let file = File::open(switch.path().join(format!("{}.pcap", name(number)))).unwrap();
            Capture {
                file,
                unread: Vec::new(),
                started: false,
            }
        };
        let captures = numbers.iter().map(|number| (*number, capture(*number)));
        Self {
            captures: captures.collect(),
            control: BufReader::new(control),
        }
    }

    /// Has a port get a frame.
    pub(super) fn send(&mut self, port: u32, frame: &[u8]) {
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = json!({
            "id": 0,
            "method": "netdev-dummy/receive",
            "params": [name(port), hex],
        });
        self.control
            .get_mut()
            .write_all(request.to_string().as_bytes())
            .unwrap();
        let mut answers =
            serde_json::Deserializer::from_reader(&mut self.control).into_iter::<Value>();
        let answer = answers.next().unwrap().unwrap();
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }

    /// What has come out since the last look, with the ports.
    pub(super) fn heard(&mut self) -> Vec<(u32, Vec<u8>)> {
        let captures = self.captures.iter_mut();
        let heard = captures.flat_map(|(port, capture)| {
            let frames = capture.frames().into_iter();
            frames.map(|frame| (*port, frame))
        });
        heard.collect()
    }
}

fn name(number: u32) -> String {
    format!("p{number}")
}

/// What a port sends out, as the switch writes it to a file (pcap).
struct Capture {
    file: File,
    unread: Vec<u8>,
    started: bool,
}

impl Capture {
    /// The frames that are new and whole.
    fn frames(&mut self) -> Vec<Vec<u8>> {
        self.file.read_to_end(&mut self.unread).unwrap();
        if !self.started && self.unread.len() >= 24 {
            self.unread.drain(..24);
            self.started = true;
        }
        let mut frames = Vec::new();
        while let Some(length) = self.started.then(|| self.unread.get(8..12)).flatten() {
            let length = u32::from_ne_bytes(length.try_into().unwrap());
            let end = 16 + usize::try_from(length).unwrap();
            if self.unread.len() < end {
                break;
            }
            frames.push(self.unread.drain(..end).skip(16).collect());
        }
        frames
    }
}
