use std::time::{Duration, Instant};

use super::*;

fn messages(chunks: &[&[u8]]) -> Result<Vec<String>, FrameError> {
    let mut framer = Framer::new(100);
    let mut messages = Vec::new();
    for chunk in chunks {
        framer.buffer().extend_from_slice(chunk);
        while let Some(message) = framer.next_message()? {
            messages.push(String::from_utf8(message.to_vec()).unwrap());
        }
    }
    Ok(messages)
}

#[test]
fn messages_are_found_however_the_stream_is_cut() {
    let stream = r#"{"a":"}\"{"} {"b":[1,{"c":"ü\\"}]}{}"#.as_bytes();
    let whole = messages(&[stream]).unwrap();
    assert_eq!(whole, [r#"{"a":"}\"{"}"#, r#"{"b":[1,{"c":"ü\\"}]}"#, "{}"]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(messages(&bytes).unwrap(), whole);
    for cut in 0..stream.len() {
        let (first, second) = stream.split_at(cut);
        assert_eq!(messages(&[first, second]).unwrap(), whole);
    }
}

#[test]
fn a_message_that_never_ends_is_refused() {
    let endless = vec![b'['; 101];
    let error = messages(&[b"{\"a\":", &endless]).unwrap_err();
    assert_eq!(error, FrameError::TooLong { max_message: 100 });
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(
        messages(&[b"{} 7"]).unwrap_err(),
        FrameError::NoObject { byte: b'7' }
    );
}

#[test]
fn errors_are_told_from_results_whether_null_or_left_out() {
    for (json, ok) in [
        (r#"{"id":1,"error":null,"result":[]}"#, true),
        (r#"{"id":1,"result":[]}"#, true),
        (r#"{"id":1,"result":null,"error":"unknown method"}"#, false),
        (r#"{"id":1,"error":{"error":"syntax error"}}"#, false),
    ] {
        let Message::Reply { outcome, .. } = Message::decode(json.as_bytes()).unwrap() else {
            panic!("{json} is a reply");
        };
        assert_eq!(outcome.is_ok(), ok, "{json}");
    }
}

#[test]
fn malformed_messages_are_refused() {
    for json in [
        &b"{}"[..],
        br#"{"id":1,"method":"x"}"#,
        br#"{"id":1,"method":"x","params":{}}"#,
        br#"{"id":1,"method":"x","params":[],"result":1}"#,
        br#"{"id":1,"method":7,"params":[]}"#,
        b"{\"id\":1,\"result\":\"\xff\"}",
    ] {
        assert!(
            Message::decode(json).is_err(),
            "{}",
            String::from_utf8_lossy(json)
        );
    }
}

fn deliver(from: &mut Connection, to: &mut Connection, now: Instant) {
    let bytes = from.buffers().1.split();
    to.buffers().0.extend_from_slice(&bytes);
    to.handle_received(now);
}

#[test]
fn replies_find_their_requests() {
    let now = Instant::now();
    let (mut client, mut server) = (
        Connection::new(1000, None, now),
        Connection::new(1000, None, now),
    );
    let first = client.request("a", &[1]).unwrap();
    let second = client.request("b", &[2]).unwrap();
    deliver(&mut client, &mut server, now);
    let mut requests = Vec::new();
    while let Some(Incoming::Request { id, method, .. }) = server.poll_incoming().unwrap() {
        requests.push((id, method));
    }
    for (id, method) in requests.into_iter().rev() {
        server.reply(id, Ok(to_json(&method).unwrap()));
    }
    deliver(&mut server, &mut client, now);
    for (expected, method) in [(second, "\"b\""), (first, "\"a\"")] {
        let Some(Incoming::Reply { id, outcome }) = client.poll_incoming().unwrap() else {
            panic!("a reply is there");
        };
        assert_eq!((id, outcome.unwrap().get()), (expected, method));
    }
}

#[test]
fn a_late_reply_to_a_canceled_request_is_dropped() {
    let now = Instant::now();
    let mut client = Connection::new(1000, None, now);
    let id = client.request("a", &[1]).unwrap();
    client.buffers().1.clear();
    client.cancel(id);
    let sent = client.buffers().1.split();
    assert_eq!(&sent[..], br#"{"method":"cancel","params":[0],"id":null}"#);
    client
        .buffers()
        .0
        .extend_from_slice(br#"{"id":0,"error":"canceled"}"#);
    assert!(client.poll_incoming().unwrap().is_none());
    client
        .buffers()
        .0
        .extend_from_slice(br#"{"id":1,"result":1}"#);
    assert!(matches!(
        client.poll_incoming(),
        Err(ProtocolError::UnknownReply(_))
    ));
}

#[test]
fn silence_is_probed_and_then_given_up() {
    let second = Duration::from_secs(1);
    let start = Instant::now();
    let mut client = Connection::new(1000, Some(5 * second), start);
    let mut server = Connection::new(1000, None, start);
    assert_eq!(client.poll_timeout(), Some(start + 5 * second));
    assert!(!client.handle_timeout(start + 5 * second));
    assert!(!client.handle_timeout(start + 9 * second));
    deliver(&mut client, &mut server, start);
    assert!(server.poll_incoming().unwrap().is_none());
    deliver(&mut server, &mut client, start + 9 * second);
    assert!(client.poll_incoming().unwrap().is_none());
    assert!(!client.handle_timeout(start + 14 * second));
    assert!(client.handle_timeout(start + 19 * second));
}

#[test]
fn whoever_asks_without_reading_the_replies_is_refused() {
    let mut connection = Connection::new(usize::MAX, None, Instant::now());
    let echo = format!(
        r#"{{"id":1,"method":"echo","params":["{}"]}}"#,
        "x".repeat(1000)
    );
    // What is sent in time may be any amount, and so may requests of one's own.
    connection.request("a", &["x".repeat(2 << 20)]).unwrap();
    for _ in 0..2000 {
        connection.buffers().0.extend_from_slice(echo.as_bytes());
        assert!(connection.poll_incoming().unwrap().is_none());
        let sent = connection.buffers().1;
        let _ = sent.split_to(sent.len() - 500_000);
    }
    let error = (0..2000).find_map(|_| {
        connection.buffers().0.extend_from_slice(echo.as_bytes());
        connection.poll_incoming().err()
    });
    let Some(ProtocolError::RepliesUnread { bytes }) = error else {
        panic!("not {error:?}");
    };
    assert!(((1 << 20)..(1 << 20) + 2000).contains(&bytes), "{bytes}");
}
