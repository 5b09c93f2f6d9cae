use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;
use crate::message::{
    Capabilities, Echo, Header, Hello, PortConfig, PortFeatures, PortReason, PortState, PortStatus,
};
use crate::wire::{Text, Writer};

/// How long to wait for what is not to happen.
const MOMENT: Duration = Duration::from_millis(50);

/// The other end, which says and hears what a test makes it.
struct Switch(DuplexStream);

impl Switch {
    async fn say(&mut self, xid: Xid, message: &Message) {
        let mut out = Writer::on(BytesMut::new());
        message.encode(xid, &mut out);
        self.0.write_all(&out.finish().unwrap()).await.unwrap();
    }

    async fn hear(&mut self) -> (Xid, Message) {
        let mut frame = vec![0; Header::LENGTH];
        self.0.read_exact(&mut frame).await.unwrap();
        let length = Header::peek(&frame).unwrap().length;
        frame.resize(length.into(), 0);
        let body = &mut frame[Header::LENGTH..];
        self.0.read_exact(body).await.unwrap();
        Message::decode(&Bytes::from(frame)).unwrap()
    }

    /// Hears a request, and says the answer.
    async fn answer(&mut self, answer: &Message) {
        let (xid, _) = self.hear().await;
        self.say(xid, answer).await;
    }
}

/// Connects to a switch through a pipe that holds so many bytes.
async fn connect(options: Options, pipe: usize) -> (Switch, Connection, Events) {
    let (ours, theirs) = duplex(pipe);
    let mut switch = Switch(theirs);
    let greeting = async {
        switch.answer(&Hello::ours().into()).await;
        let features = Features {
            datapath_id: 1,
            n_buffers: 0,
            n_tables: 254,
            auxiliary_id: 0,
            capabilities: Capabilities::empty(),
            reserved: 0,
        };
        switch.answer(&Message::FeaturesReply(features)).await;
    };
    let (connected, ()) = tokio::join!(Connection::on(ours, options), greeting);
    let (connection, events) = connected.unwrap();
    (switch, connection, events)
}

fn port_status(number: u32) -> Message {
    let port = Port {
        port_no: crate::field::PortNo(number),
        hw_addr: crate::field::MacAddr::ZERO,
        name: Text::new("p"),
        config: PortConfig::empty(),
        state: PortState::empty(),
        curr: PortFeatures::empty(),
        advertised: PortFeatures::empty(),
        supported: PortFeatures::empty(),
        peer: PortFeatures::empty(),
        curr_speed: 0,
        max_speed: 0,
    };
    let reason = PortReason::ADD;
    PortStatus { reason, port }.into()
}

#[tokio::test]
async fn a_request_without_an_answer_ends_in_time_and_spoils_nothing() {
    let options = Options {
        request_timeout: MOMENT,
        ..Options::default()
    };
    let (mut switch, connection, mut events) = connect(options, 1 << 16).await;
    let late = connection.barrier().await;
    assert!(matches!(late, Err(RequestError::Timeout(_))), "{late:?}");
    let (first, _) = switch.hear().await;
    let (answered, ()) = tokio::join!(connection.barrier(), async {
        let (second, _) = switch.hear().await;
        switch.say(first, &Message::BarrierReply).await;
        switch.say(second, &Message::BarrierReply).await;
    });
    answered.unwrap();
    // The late answer is no event.
    drop(switch);
    let event = events.next().await;
    assert!(matches!(event, Some(Event::Closed(_))), "{event:?}");
}

#[tokio::test]
async fn a_slow_application_loses_events_and_no_replies() {
    let options = Options {
        events: 4,
        ..Options::default()
    };
    let (mut switch, connection, mut events) = connect(options, 1 << 16).await;
    for number in 0..100 {
        switch.say(0, &port_status(number)).await;
    }
    let (answered, ()) = tokio::join!(connection.barrier(), switch.answer(&Message::BarrierReply));
    answered.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        match events.next().await {
            Some(Event::Message {
                message: Message::PortStatus(status),
                ..
            }) => {
                heard.push(status.port.port_no.0);
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(heard, [0, 1, 2, 3]);
    switch.say(0, &port_status(100)).await;
    let event = events.next().await;
    assert!(
        matches!(event, Some(Event::Overflow { dropped: 96 })),
        "{event:?}"
    );
    let event = events.next().await;
    assert!(matches!(event, Some(Event::Message { .. })), "{event:?}");
}

#[tokio::test]
async fn a_switch_that_does_not_read_makes_senders_wait() {
    let session = session::Options {
        output_buffer: 1000,
        ..session::Options::default()
    };
    let options = Options {
        session,
        ..Options::default()
    };
    let (mut switch, connection, _events) = connect(options, 1000).await;
    let data = Bytes::from_static(&[7; 92]);
    let echo = Message::EchoReply(Echo { data });
    let mut sent = 0;
    while timeout(MOMENT, connection.send(echo.clone())).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "memory is not bounded");
    }
    // The pipe, the bytes on their way into it, and the buffer.
    assert!((20..40).contains(&sent), "{sent}");
    let (_, ()) = tokio::join!(connection.send(echo.clone()), async {
        for _ in 0..sent {
            assert_eq!(switch.hear().await.1, echo);
        }
    });
}

#[tokio::test]
async fn what_was_sent_arrives_although_the_connection_is_dropped() {
    let (mut switch, connection, events) = connect(Options::default(), 100).await;
    let data = Bytes::from_static(&[7; 1000]);
    let echo = Message::EchoReply(Echo { data });
    connection.send(echo.clone()).await.unwrap();
    drop((connection, events));
    assert_eq!(switch.hear().await.1, echo);
    assert_eq!(switch.0.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_malformed_reply_fails_its_request_and_the_connection_goes_on() {
    let (mut switch, connection, _events) = connect(Options::default(), 1 << 16).await;
    let asked = connection.clone();
    let asked = tokio::spawn(async move { asked.barrier().await });
    let (xid, _) = switch.hear().await;
    let xid = xid.to_be_bytes();
    let frame = [&[4, 21, 0, 9][..], &xid, &[0]].concat();
    switch.0.write_all(&frame).await.unwrap();
    let failed = asked.await.unwrap();
    assert!(
        matches!(failed, Err(RequestError::Malformed(_))),
        "{failed:?}"
    );
    let (told, _) = switch.hear().await;
    assert_eq!(told.to_be_bytes(), xid);

    let asked = tokio::spawn(async move { connection.barrier().await });
    let (xid, _) = switch.hear().await;
    switch.say(xid, &Message::BarrierReply).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_switch_is_told_why_it_is_left() {
    let (mut switch, connection, mut events) = connect(Options::default(), 1 << 16).await;
    switch
        .0
        .write_all(&[1, 21, 0, 8, 0, 0, 0, 5])
        .await
        .unwrap();
    let (xid, told) = switch.hear().await;
    assert!(matches!((xid, &told), (5, Message::Error(_))), "{told:?}");
    let event = events.next().await;
    assert!(
        matches!(event, Some(Event::Closed(Closed::Peer(_)))),
        "{event:?}"
    );
    assert!(matches!(
        connection.barrier().await,
        Err(RequestError::Closed)
    ));
}
