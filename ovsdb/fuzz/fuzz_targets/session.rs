//! A session takes whatever a server sends without panicking, at whatever point.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use ovsdb::dynamic::Tables;
use ovsdb::monitor::Conditions;
use ovsdb::replica::Replica;
use ovsdb::session::{Session, SessionEvent, SessionOptions};

/// What a server does.
#[derive(Arbitrary, Debug)]
enum Deed<'a> {
    /// Sends any bytes.
    Send(&'a [u8]),
    /// Replies to the next request.
    Reply(&'a str),
    /// Refuses the next request.
    Refuse(&'a str),
    /// Tells something.
    Notify(Notification, &'a str),
    /// Sends an update of the rows.
    Update(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Notification {
    Update,
    Update2,
    Update3,
    MonitorCanceled,
    Locked,
    Stolen,
}

impl Notification {
    fn method(&self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Update2 => "update2",
            Self::Update3 => "update3",
            Self::MonitorCanceled => "monitor_canceled",
            Self::Locked => "locked",
            Self::Stolen => "stolen",
        }
    }
}

/// What a server says up to the first rows.
const OPENING: [&str; 4] = [
    "{}",
    r#"{"Database":{"00000000-0000-4000-8000-000000000001":{"initial":{
        "name":"Db","model":"clustered","connected":true,"leader":true,"index":1}}}}"#,
    r#"{"name":"Db","version":"1.0.0","tables":{"T":{"columns":{
        "i":{"type":"integer"},
        "r":{"type":{"key":"real","min":0,"max":"unlimited"}},
        "s":{"type":{"key":"string","min":0}},
        "u":{"type":{"key":{"type":"uuid","refTable":"T"},"min":0,"max":"unlimited"}},
        "m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}}}}}}"#,
    r#"[false,"00000000-0000-4000-8000-00000000000a",{"T":{
        "00000000-0000-4000-8000-000000000001":{"initial":{"i":1,"m":["map",[["a",1]]]}}}}]"#,
];

fuzz_target!(|input: (u8, Vec<Deed<'_>>)| {
    let (opening, deeds) = input;
    let options = SessionOptions {
        inactivity_probe: Duration::from_secs(5),
        max_message: 10_000,
        leader_only: false,
    };
    let now = Instant::now();
    let replica = Replica::new(Tables::new("Db", None));
    let mut session = Session::new(replica, Conditions::new(), options, now).unwrap();
    // The rows as the steps have it.
    let mut steps = session.replica().tables().clone();
    let opening = OPENING.iter().take(usize::from(opening % 5));
    let deeds = opening.map(|reply| Deed::Reply(reply)).chain(deeds);
    let mut replied = 0;
    for deed in deeds {
        let mut reply = |outcome: &str| {
            replied += 1;
            format!(r#"{{"id":{},{outcome}}}"#, replied - 1).into_bytes()
        };
        let bytes = match deed {
            Deed::Send(bytes) => bytes.to_owned(),
            Deed::Reply(result) => reply(&format!(r#""error":null,"result":{result}"#)),
            Deed::Refuse(error) => reply(&format!(r#""error":{error}"#)),
            Deed::Notify(notification, params) => {
                let method = notification.method();
                format!(r#"{{"method":"{method}","params":[{params}],"id":null}}"#).into_bytes()
            }
            Deed::Update(update) => {
                format!(r#"{{"method":"update2","params":["rows",{{"T":{update}}}]}}"#).into_bytes()
            }
        };
        session.buffers().0.extend_from_slice(&bytes);
        let before = session.replica().tables().clone();
        let handled = session.handle_received(now);
        let mut changed = false;
        while let Some(event) = session.poll_event() {
            if let SessionEvent::Synchronized(step) | SessionEvent::Changed(step) = event {
                changed = true;
                steps = Tables::clone(&step.tables);
            }
        }
        // Nothing happens to the rows that is not told.
        assert_eq!(steps.tables(), session.replica().tables().tables());
        if handled.is_err() && !changed {
            assert_eq!(before.tables(), session.replica().tables().tables());
        }
        if handled.is_err() {
            return;
        }
        session.buffers().1.clear();
    }
});
