//! A session takes whatever a server sends without panicking.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use ovsdb::dynamic::Tables;
use ovsdb::monitor::Conditions;
use ovsdb::replica::Replica;
use ovsdb::session::{Session, SessionOptions};

fuzz_target!(|chunks: Vec<&[u8]>| {
    let options = SessionOptions {
        inactivity_probe: Duration::from_secs(5),
        max_message: 1000,
        leader_only: false,
    };
    let now = Instant::now();
    let replica = Replica::new(Tables::new("Db", None));
    let mut session = Session::new(replica, Conditions::new(), options, now).unwrap();
    for chunk in chunks {
        session.buffers().0.extend_from_slice(chunk);
        if session.handle_received(now).is_err() {
            return;
        }
        while session.poll_event().is_some() {}
        session.buffers().1.clear();
    }
});
