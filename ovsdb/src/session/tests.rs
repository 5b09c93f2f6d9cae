//! A session against an invented server, on an invented clock.

use std::time::{Duration, Instant};

use super::*;
use crate::jsonrpc::Incoming;
use crate::replica::Changes as _;
use crate::transaction::ErrorName;

crate::tables! {
    /// One table.
    database Db = "Db", changes DbChanges;

    /// With one column.
    table items: Item = "Item" {
        /// A number.
        number: i64;
    }
}

const ROW: &str = "00000000-0000-4000-8000-000000000001";
const TXN: &str = "00000000-0000-4000-8000-00000000000a";
const SCHEMA: &str = r#"{"name":"Db","version":"1.0.0","tables":{"Item":{"columns":{"number":{"type":"integer"}}}}}"#;

/// A session, and the server's end of its connection.
struct Pair {
    session: Session<Db>,
    server: Connection,
    now: Instant,
}

impl Pair {
    fn new(replica: Replica<Db>, leader_only: bool) -> Self {
        let now = Instant::now();
        let inactivity_probe = Duration::from_secs(5);
        let options = SessionOptions {
            inactivity_probe,
            max_message: 10_000,
            leader_only,
        };
        let session = Session::new(replica, Conditions::new(), options, now).unwrap();
        Self {
            session,
            server: Connection::new(10_000, None, now),
            now,
        }
    }

    /// What the session asks next.
    fn asked(&mut self) -> (Box<RawValue>, String, String) {
        let sent = self.session.buffers().1.split();
        self.server.buffers().0.extend_from_slice(&sent);
        match self.server.poll_incoming().unwrap() {
            Some(Incoming::Request { id, method, params }) => (id, method, params.get().to_owned()),
            other => panic!("a request, not {other:?}"),
        }
    }

    /// Answers the next request, which has to be of this method; returns its parameters.
    fn answer(&mut self, method: &str, result: &str) -> Result<String, SessionError> {
        let (id, asked, params) = self.asked();
        assert_eq!(asked, method, "{params}");
        self.server.reply(id, Ok(json(result)));
        self.deliver().map(|()| params)
    }

    /// Refuses the next request, as a server does that does not know the method.
    fn refuse(&mut self, method: &str) -> Result<(), SessionError> {
        let (id, asked, _) = self.asked();
        assert_eq!(asked, method);
        self.server.refuse_unknown_method(id);
        self.deliver()
    }

    fn tell(&mut self, method: &str, params: &str) -> Result<(), SessionError> {
        self.server.notify(method, &json(params)).unwrap();
        self.deliver()
    }

    fn deliver(&mut self) -> Result<(), SessionError> {
        let sent = self.server.buffers().1.split();
        self.session.buffers().0.extend_from_slice(&sent);
        self.session.handle_received(self.now)
    }

    /// Goes through everything up to the request for the rows.
    fn up_to_monitor(mut self, model: &str, index: u64) -> Result<Self, SessionError> {
        self.answer("set_db_change_aware", "{}")?;
        self.answer("monitor_cond", &served(model, true, true, index))?;
        self.answer("get_schema", SCHEMA)?;
        Ok(self)
    }

    fn number(&self) -> Option<i64> {
        self.session
            .replica()
            .tables()
            .items
            .iter()
            .next()
            .map(|item| item.number)
    }
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// What `_Server` says of the database.
fn served(model: &str, connected: bool, leader: bool, index: u64) -> String {
    format!(
        r#"{{"Database":{{"{ROW}":{{"initial":{{"name":"Db","model":"{model}",
        "connected":{connected},"leader":{leader},"index":{index}}}}}}}}}"#
    )
}

fn empty() -> Replica<Db> {
    Replica::new(Db::default())
}

/// A replica that has followed a cluster up to an index.
fn followed(index: u64) -> Replica<Db> {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("clustered", index)
        .unwrap();
    let rows = format!(r#"{{"Item":{{"{ROW}":{{"initial":{{"number":7}}}}}}}}"#);
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{rows}]"#))
        .unwrap();
    assert_eq!(pair.number(), Some(7));
    pair.session.into_replica()
}

#[test]
fn a_resumed_monitor_brings_only_what_happened_since() {
    let mut pair = Pair::new(followed(5), false)
        .up_to_monitor("clustered", 6)
        .unwrap();
    let rows = format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":8}}}}}}}}"#);
    let params = pair
        .answer("monitor_cond_since", &format!(r#"[true,"{TXN}",{rows}]"#))
        .unwrap();
    assert!(params.ends_with(&format!(r#","{TXN}"]"#)), "{params}");
    assert_eq!(pair.number(), Some(8));
    assert!(matches!(
        pair.session.poll_event(),
        Some(SessionEvent::Synchronized(_))
    ));
}

#[test]
fn rows_that_are_sent_again_are_no_change() {
    let mut pair = Pair::new(followed(5), false)
        .up_to_monitor("clustered", 5)
        .unwrap();
    let rows = format!(r#"{{"Item":{{"{ROW}":{{"initial":{{"number":7}}}}}}}}"#);
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{rows}]"#))
        .unwrap();
    let Some(SessionEvent::Synchronized(step)) = pair.session.poll_event() else {
        panic!("synchronized");
    };
    assert!(step.changes.is_empty());
}

#[test]
fn older_servers_are_asked_in_older_ways() {
    let mut pair = Pair::new(empty(), false);
    pair.refuse("set_db_change_aware").unwrap();
    pair.refuse("monitor_cond").unwrap();
    pair.answer("get_schema", SCHEMA).unwrap();
    pair.refuse("monitor_cond_since").unwrap();
    pair.refuse("monitor_cond").unwrap();
    pair.answer(
        "monitor",
        &format!(r#"{{"Item":{{"{ROW}":{{"new":{{"number":1}}}}}}}}"#),
    )
    .unwrap();
    assert_eq!(pair.number(), Some(1));
    let update = r#"{"old":{"number":1},"new":{"number":2}}"#;
    pair.tell(
        "update",
        &format!(r#"["rows",{{"Item":{{"{ROW}":{update}}}}}]"#),
    )
    .unwrap();
    assert_eq!(pair.number(), Some(2));
    let update = r#"{"old":{"number":2}}"#;
    pair.tell(
        "update",
        &format!(r#"["rows",{{"Item":{{"{ROW}":{update}}}}}]"#),
    )
    .unwrap();
    assert_eq!(pair.number(), None);
}

#[test]
fn a_server_whose_index_is_behind_is_stale() {
    let error = Pair::new(followed(5), false)
        .up_to_monitor("clustered", 4)
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            SessionError::Stale {
                index: 4,
                seen: 5,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        Pair::new(followed(5), false)
            .up_to_monitor("clustered", 5)
            .is_ok()
    );
    assert!(
        Pair::new(followed(5), false)
            .up_to_monitor("standalone", 0)
            .is_ok()
    );
}

#[test]
fn the_log_of_another_cluster_is_another_log() {
    let mut pair = Pair::new(followed(5), false);
    pair.answer("set_db_change_aware", "{}").unwrap();
    let other = format!(r#""cid":["uuid","{TXN}"],"index""#);
    let served = served("clustered", true, true, 1).replace("\"index\"", &other);
    pair.answer("monitor_cond", &served).unwrap();
}

#[test]
fn a_follower_will_do_unless_only_the_leader_will() {
    for (leader_only, fits) in [(false, true), (true, false)] {
        let mut pair = Pair::new(empty(), leader_only);
        pair.answer("set_db_change_aware", "{}").unwrap();
        let answered = pair.answer("monitor_cond", &served("clustered", true, false, 1));
        assert_eq!(answered.is_ok(), fits);
    }
}

#[test]
fn a_leader_that_is_deposed_is_left() {
    let mut pair = Pair::new(empty(), true)
        .up_to_monitor("clustered", 1)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{{}}]"#))
        .unwrap();
    let update = format!(r#"{{"Database":{{"{ROW}":{{"modify":{{"leader":false}}}}}}}}"#);
    let error = pair
        .tell("update2", &format!(r#"["server",{update}]"#))
        .unwrap_err();
    assert!(matches!(error, SessionError::NotLeader { .. }), "{error}");
}

#[test]
fn a_step_does_not_see_the_next_one() {
    let mut pair = Pair::new(followed(5), false)
        .up_to_monitor("clustered", 5)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[true,"{TXN}",{{}}]"#))
        .unwrap();
    pair.session.poll_event();
    for number in [8, 9] {
        let update = format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":{number}}}}}}}}}"#);
        let params = json(&format!(r#"["rows","{TXN}",{update}]"#));
        pair.server.notify("update3", &params).unwrap();
    }
    // Both arrive in one read.
    pair.deliver().unwrap();
    for number in [8, 9] {
        let Some(SessionEvent::Changed(step)) = pair.session.poll_event() else {
            panic!("a step");
        };
        let after = step.tables.items.iter().next().unwrap();
        assert_eq!(after.number, number);
        let change = step.changes.items.get(&after.uuid).unwrap();
        assert_eq!(change.after(), Some(after));
    }
}

#[test]
fn a_malformed_update_leaves_the_replica_as_it_was() {
    let other = "00000000-0000-4000-8000-000000000002";
    for update in [
        // The first row is good; it must not show.
        format!(
            r#"{{"Item":{{"{ROW}":{{"modify":{{"number":8}}}},"{other}":{{"modify":{{}}}}}}}}"#
        ),
        format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":8,"other":1}}}}}}}}"#),
        format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":"8"}}}}}}}}"#),
        format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":8}}}}}},"Other":{{}}}}"#),
        format!(r#"{{"Item":{{"{ROW}":{{"delete":null}},"x":{{"delete":null}}}}}}"#),
        format!(r#"{{"Item":{{"{ROW}":{{}}}}}}"#),
        format!(r#"{{"Item":{{"{ROW}":{{"frobnicate":null}}}}}}"#),
        "[]".to_owned(),
    ] {
        let mut pair = Pair::new(followed(5), false)
            .up_to_monitor("clustered", 5)
            .unwrap();
        pair.answer("monitor_cond_since", &format!(r#"[true,"{TXN}",{{}}]"#))
            .unwrap();
        let error = pair
            .tell("update3", &format!(r#"["rows","{TXN}",{update}]"#))
            .unwrap_err();
        assert!(
            matches!(error, SessionError::Update(_)),
            "{update}: {error}"
        );
        assert_eq!(pair.number(), Some(7), "{update}");
        // Whoever could not follow does not resume.
        assert_eq!(pair.session.into_replica().last_transaction(), None);
    }
}

#[test]
fn errors_name_the_table_and_the_column() {
    let mut pair = Pair::new(followed(5), false)
        .up_to_monitor("clustered", 5)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[true,"{TXN}",{{}}]"#))
        .unwrap();
    let update = format!(r#"{{"Item":{{"{ROW}":{{"modify":{{"number":"8"}}}}}}}}"#);
    let error = pair
        .tell("update3", &format!(r#"["rows","{TXN}",{update}]"#))
        .unwrap_err();
    let text = error.to_string();
    for part in ["table Item", "column number", "an integer was expected"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn updates_of_unknown_monitors_end_the_session() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("standalone", 0)
        .unwrap();
    let error = pair.tell("update2", r#"["rows",{}]"#).unwrap_err();
    assert!(matches!(error, SessionError::Untimely), "{error}");
}

#[test]
fn unknown_notifications_do_not_matter_and_unknown_requests_are_refused() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("standalone", 0)
        .unwrap();
    pair.tell("news", "[1]").unwrap();
    pair.asked();
    pair.server.request("frobnicate", &[1]).unwrap();
    pair.deliver().unwrap();
    let sent = pair.session.buffers().1.split();
    let expected = r#"{"result":null,"error":"unknown method","id":0}"#;
    assert_eq!(String::from_utf8_lossy(&sent), expected);
}

#[test]
fn echoes_of_the_server_are_answered() {
    let mut pair = Pair::new(empty(), false);
    pair.session.buffers().1.clear();
    let echo = br#"{"id":"echo","method":"echo","params":[1]}"#;
    pair.session.buffers().0.extend_from_slice(echo);
    pair.session.handle_received(pair.now).unwrap();
    let sent = pair.session.buffers().1.split();
    assert_eq!(
        String::from_utf8_lossy(&sent),
        r#"{"result":[1],"error":null,"id":"echo"}"#
    );
}

#[test]
fn a_silent_server_is_probed_and_then_given_up() {
    let mut pair = Pair::new(empty(), false);
    let start = pair.now;
    assert_eq!(
        pair.session.poll_timeout(),
        Some(start + Duration::from_secs(5))
    );
    pair.session
        .handle_timeout(start + Duration::from_secs(5))
        .unwrap();
    assert_eq!(
        pair.session.poll_timeout(),
        Some(start + Duration::from_secs(10))
    );
    let error = pair
        .session
        .handle_timeout(start + Duration::from_secs(10))
        .unwrap_err();
    assert!(matches!(error, SessionError::Silent(_)), "{error}");
}

#[test]
fn whoever_does_not_probe_waits_for_ever() {
    let now = Instant::now();
    let options = SessionOptions {
        inactivity_probe: Duration::ZERO,
        max_message: 10_000,
        leader_only: false,
    };
    let mut session = Session::new(empty(), Conditions::new(), options, now).unwrap();
    assert_eq!(session.poll_timeout(), None);
    session
        .handle_timeout(now + Duration::from_secs(100_000))
        .unwrap();
}

#[test]
fn a_conversion_starts_over_on_the_same_connection() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("clustered", 1)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{{}}]"#))
        .unwrap();
    assert!(pair.session.is_following());
    pair.tell("monitor_canceled", r#"["rows"]"#).unwrap();
    assert!(!pair.session.is_following());
    let wrong = SCHEMA.replace("number", "count");
    let error = pair.answer("get_schema", &wrong).unwrap_err();
    assert!(matches!(error, SessionError::Schema(_)), "{error}");
}

#[test]
fn conditions_whose_fate_is_unknown_are_not_resumed_from() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("clustered", 1)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{{}}]"#))
        .unwrap();
    let none = Conditions::new().only::<Item>([]);
    assert!(
        pair.session
            .change_conditions(none.clone())
            .unwrap()
            .is_some()
    );
    assert!(pair.session.change_conditions(none).unwrap().is_none());
    let (_, method, params) = pair.asked();
    assert_eq!(method, "monitor_cond_change");
    assert_eq!(params, r#"["rows","rows",{"Item":[{"where":[false]}]}]"#);
    assert_eq!(pair.session.into_replica().last_transaction(), None);
}

#[test]
fn other_conditions_are_not_resumed_from() {
    let replica = followed(5);
    assert!(replica.last_transaction().is_some());
    let none = Conditions::new().only::<Item>([]);
    let mut pair = Pair::new(replica, false);
    assert!(pair.session.change_conditions(none).unwrap().is_none());
    let mut pair = pair.up_to_monitor("clustered", 5).unwrap();
    let (_, method, params) = pair.asked();
    assert_eq!(method, "monitor_cond_since");
    assert!(
        params.ends_with(&format!(r#","{}"]"#, uuid::Uuid::nil())),
        "{params}"
    );
    assert!(params.contains(r#""where":[false]"#), "{params}");
}

#[test]
fn conditions_that_change_while_the_rows_are_awaited_are_sent_after() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("standalone", 0)
        .unwrap();
    let none = Conditions::new().only::<Item>([]);
    assert!(
        pair.session
            .change_conditions(none.clone())
            .unwrap()
            .is_none()
    );
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{{}}]"#))
        .unwrap();
    assert!(pair.session.awaits_conditions());
    pair.answer("monitor_cond_change", "{}").unwrap();
    assert!(!pair.session.awaits_conditions());
    assert_eq!(pair.session.into_replica().conditions(), &none);
}

#[test]
fn a_refused_transaction_keeps_the_servers_words() {
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("standalone", 0)
        .unwrap();
    pair.answer("monitor_cond_since", &format!(r#"[false,"{TXN}",{{}}]"#))
        .unwrap();
    pair.session.poll_event();
    let request = pair.session.transact(&[Operation::Abort]).unwrap();
    let (id, method, params) = pair.asked();
    assert_eq!(
        (method.as_str(), params.as_str()),
        ("transact", r#"["Db",{"op":"abort"}]"#)
    );
    let error = json(r#"{"error":"not allowed","details":"read only","syntax":"x"}"#);
    pair.server.reply(id, Err(error));
    pair.deliver().unwrap();
    let Some(SessionEvent::Replied {
        request: replied,
        outcome,
    }) = pair.session.poll_event()
    else {
        panic!("a reply");
    };
    let error = outcome.unwrap_err();
    assert_eq!((replied, &error.error), (request, &ErrorName::NOT_ALLOWED));
    assert_eq!(error.to_string(), "not allowed: read only, at x");
}

#[test]
fn results_of_the_wrong_shape_end_the_session() {
    let mut pair = Pair::new(empty(), false);
    pair.answer("set_db_change_aware", "{}").unwrap();
    pair.answer("monitor_cond", &served("standalone", true, true, 0))
        .unwrap();
    let error = pair.answer("get_schema", "[]").unwrap_err();
    assert!(
        error.to_string().contains("malformed reply to get_schema"),
        "{error}"
    );
    let mut pair = Pair::new(empty(), false)
        .up_to_monitor("standalone", 0)
        .unwrap();
    let error = pair.answer("monitor_cond_since", "[false]").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("malformed reply to monitor_cond_since"),
        "{error}"
    );
}
