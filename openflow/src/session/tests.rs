use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::action::Note;
use crate::flow::Flow;
use crate::group::Group;
use crate::instruction::Instructions;
use crate::message::{BundleControlKind, ErrorCode, FlowMod, VERSION};
use crate::multipart::{MultipartFlags, MultipartReply, MultipartRequest, ReplyBody};

/// Both ends of a connection, on an invented clock: a session, and a switch that says and hears
/// what a test makes it.
struct Link {
    session: Session,
    now: Instant,
    heard: BytesMut,
}

impl Link {
    fn new(options: Options) -> Self {
        let now = Instant::now();
        let session = Session::new(options, now);
        Self {
            session,
            now,
            heard: BytesMut::new(),
        }
    }

    /// A connection whose handshake is over.
    fn ready() -> Self {
        Self::ready_with(Options::default())
    }

    fn ready_with(options: Options) -> Self {
        let mut link = Self::new(options);
        assert_eq!(link.hear(), [(1, Hello::ours().into())]);
        link.say(1, &Hello::ours().into()).unwrap();
        assert_eq!(link.hear(), [(2, Message::FeaturesRequest)]);
        link.say(2, &Message::FeaturesReply(features())).unwrap();
        assert!(
            matches!(link.session.poll_event(), Some(Event::Ready(told)) if told == features())
        );
        link
    }

    /// The switch says something.
    fn say(&mut self, xid: Xid, message: &Message) -> Result<(), PeerError> {
        let bytes = encode(message, xid).unwrap();
        self.session.handle_bytes(&bytes, self.now)
    }

    /// What the switch hears.
    fn hear(&mut self) -> Vec<(Xid, Message)> {
        let mut messages = Vec::new();
        while let Some(bytes) = self.session.poll_output() {
            self.heard.extend_from_slice(&bytes);
            while let Some(header) = Header::peek(&self.heard) {
                let frame = self.heard.split_to(header.length.into()).freeze();
                messages.push(Message::decode(&frame).unwrap());
            }
        }
        messages
    }

    fn wait(&mut self, time: Duration) -> Result<(), PeerError> {
        self.now += time;
        self.session.handle_timeout(self.now)
    }
}

fn features() -> Features {
    Features {
        datapath_id: 0x1234,
        n_buffers: 0,
        n_tables: 254,
        auxiliary_id: 0,
        capabilities: crate::message::Capabilities::FLOW_STATS,
        reserved: 0,
    }
}

fn flow(cookie: u64) -> Message {
    let flow = Flow {
        cookie,
        ..Flow::default()
    };
    FlowMod::add(&flow).into()
}

/// A flow whose actions are longer than the length of a message can say.
fn too_long() -> Message {
    let note = Note::new(&[7; 60_000]);
    let flow = Flow {
        instructions: Instructions::apply([note.clone().into(), note.into()]),
        ..Flow::default()
    };
    FlowMod::add(&flow).into()
}

fn groups(first: u32, flags: MultipartFlags) -> Message {
    let group = Group {
        id: crate::field::GroupId(first),
        ..Group::default()
    };
    let body = ReplyBody::GroupDesc(vec![group]);
    MultipartReply { flags, body }.into()
}

fn error(code: ErrorCode) -> Error {
    Error {
        code,
        data: Bytes::new(),
    }
}

/// The answer to a step of the bundle `first`.
fn answer(first: Xid, kind: BundleControlKind) -> Message {
    let flags = crate::message::BundleFlags::ATOMIC | crate::message::BundleFlags::ORDERED;
    crate::message::BundleControl {
        id: first,
        kind,
        flags,
    }
    .into()
}

#[test]
fn bytes_may_come_one_at_a_time() {
    let mut link = Link::ready();
    let xid = link.session.request(&Message::BarrierRequest).unwrap();
    for byte in encode(&Message::BarrierReply, xid).unwrap() {
        assert!(link.session.poll_event().is_none());
        link.session.handle_bytes(&[byte], link.now).unwrap();
    }
    let Some(Event::Reply { result, .. }) = link.session.poll_event() else {
        panic!("no reply");
    };
    assert_eq!(result, Ok(vec![Message::BarrierReply]));
}

#[test]
fn a_hello_without_a_bitmap_offers_all_versions_up_to_its_own() {
    for (version, accepted) in [(1, false), (3, false), (4, true), (6, true)] {
        let mut link = Link::new(Options::default());
        link.hear();
        let greeted = link
            .session
            .handle_bytes(&[version, 0, 0, 8, 0, 0, 0, 1], link.now);
        assert_eq!(greeted.is_ok(), accepted, "{version}");
    }
}

#[test]
fn without_a_common_version_both_sides_are_told() {
    let mut link = Link::new(Options::default());
    link.hear();
    let versions = Some(1 << 1 | 1 << 6);
    let refused = link.say(9, &Hello { versions }.into());
    let offered = "0x01, 0x06".to_owned();
    assert_eq!(refused, Err(PeerError::Version { offered }));
    let [(9, Message::Error(told))] = &link.hear()[..] else {
        panic!("the switch is not told");
    };
    assert_eq!(told.code, ErrorCode::OFPHFC_INCOMPATIBLE);
    assert_eq!(link.say(9, &Message::BarrierReply), Err(PeerError::Closed));
}

#[test]
fn a_switch_that_refuses_the_handshake_is_quoted() {
    let mut link = Link::new(Options::default());
    link.hear();
    let incompatible = Error::incompatible("only 1.0 here");
    let refused = link.say(1, &incompatible.clone().into());
    assert_eq!(refused, Err(PeerError::Refused(incompatible)));
}

#[test]
fn parts_of_replies_are_put_together_by_request() {
    let mut link = Link::ready();
    let ask = MultipartRequest::group_descriptions().into();
    let one = link.session.request(&ask).unwrap();
    let other = link.session.request(&ask).unwrap();
    for (xid, group, flags) in [
        (one, 1, MultipartFlags::MORE),
        (other, 2, MultipartFlags::MORE),
        (one, 3, MultipartFlags::empty()),
        (other, 4, MultipartFlags::empty()),
    ] {
        link.say(xid, &groups(group, flags)).unwrap();
    }
    for (asked, [first, second]) in [(one, [1, 3]), (other, [2, 4])] {
        let Some(Event::Reply { xid, result }) = link.session.poll_event() else {
            panic!("no reply");
        };
        let [more, last] = [MultipartFlags::MORE, MultipartFlags::empty()];
        assert_eq!(xid, asked);
        assert_eq!(result, Ok(vec![groups(first, more), groups(second, last)]));
    }
}

#[test]
fn a_reply_that_never_ends_ends_the_session() {
    let options = Options {
        max_reply: 1000,
        ..Options::default()
    };
    let mut link = Link::ready_with(options);
    let ask = MultipartRequest::group_descriptions().into();
    let xid = link.session.request(&ask).unwrap();
    let part = groups(1, MultipartFlags::MORE);
    let parts = (0..100).map(|_| link.say(xid, &part));
    let ends: Vec<_> = parts.filter_map(Result::err).collect();
    assert_eq!(ends.first(), Some(&PeerError::Endless(1000)));
}

#[test]
fn a_reply_that_nobody_waits_for_is_dropped() {
    let mut link = Link::ready();
    let ask = MultipartRequest::group_descriptions().into();
    let xid = link.session.request(&ask).unwrap();
    link.session.abandon(xid);
    link.say(xid, &groups(1, MultipartFlags::MORE)).unwrap();
    link.say(xid, &groups(2, MultipartFlags::empty())).unwrap();
    assert!(link.session.poll_event().is_none());
}

#[test]
fn an_error_answers_the_request_that_it_is_about() {
    let mut link = Link::ready();
    let xid = link.session.request(&Message::BarrierRequest).unwrap();
    let told = error(ErrorCode::OFPBRC_EPERM);
    link.say(xid, &told.clone().into()).unwrap();
    let Some(Event::Reply { result, .. }) = link.session.poll_event() else {
        panic!("no reply");
    };
    assert_eq!(result, Err(NoReply::Refused(told.clone())));
    link.say(xid, &told.clone().into()).unwrap();
    let Some(Event::Message { message, .. }) = link.session.poll_event() else {
        panic!("an error about nothing known is lost");
    };
    assert_eq!(message, told.into());
}

#[test]
fn an_echo_is_answered_with_its_payload() {
    let mut link = Link::ready();
    let echo = Echo {
        data: Bytes::from_static(b"ping"),
    };
    link.say(77, &Message::EchoRequest(echo.clone())).unwrap();
    assert_eq!(link.hear(), [(77, Message::EchoReply(echo))]);
    assert!(link.session.poll_event().is_none());
}

#[test]
fn a_switch_that_asks_and_does_not_read_takes_no_memory() {
    let options = Options {
        output_buffer: 1000,
        ..Options::default()
    };
    let mut link = Link::ready_with(options);
    let echo = Message::EchoRequest(Echo {
        data: Bytes::from_static(&[7; 92]),
    });
    for xid in 0..1000 {
        link.say(xid, &echo).unwrap();
    }
    assert_eq!(link.hear().len(), 10);
}

#[test]
fn a_silent_switch_is_asked_once_and_then_left() {
    let mut link = Link::ready();
    let probe = Options::default().inactivity_probe;
    let almost = probe - Duration::from_millis(1);
    link.wait(almost).unwrap();
    assert_eq!(link.hear(), []);
    link.wait(Duration::from_millis(1)).unwrap();
    link.wait(almost).unwrap();
    let [(_, Message::EchoRequest(_))] = &link.hear()[..] else {
        panic!("the switch is not asked");
    };
    assert_eq!(
        link.session.poll_deadline(),
        link.now.checked_add(Duration::from_millis(1))
    );
    let left = link.wait(Duration::from_millis(1));
    assert_eq!(left, Err(PeerError::Silent(probe * 2)));
}

#[test]
fn a_session_can_wait_for_ever() {
    let mut link = Link::ready_with(Options {
        inactivity_probe: Duration::MAX,
        ..Options::default()
    });
    assert_eq!(link.session.poll_deadline(), None);
    link.wait(Duration::from_secs(1 << 30)).unwrap();
    assert_eq!(link.hear(), []);
}

#[test]
fn a_switch_that_answers_is_asked_again_later() {
    let mut link = Link::ready();
    let probe = Options::default().inactivity_probe;
    for _ in 0..3 {
        link.wait(probe).unwrap();
        let [(xid, Message::EchoRequest(echo))] = &link.hear()[..] else {
            panic!("the switch is not asked");
        };
        link.say(*xid, &Message::EchoReply(echo.clone())).unwrap();
        assert!(link.session.poll_event().is_none());
    }
}

/// A barrier reply with a byte too many.
const MALFORMED: [u8; 9] = [4, 21, 0, 9, 0, 0, 0, 5, 0];

/// The same as an answer to `xid`.
fn malformed(xid: Xid) -> Vec<u8> {
    let mut frame = MALFORMED.to_vec();
    frame[4..8].copy_from_slice(&xid.to_be_bytes());
    frame
}

#[test]
fn a_malformed_message_is_an_event_and_the_session_goes_on() {
    // The second is a port status that ends after its reason.
    for frame in [MALFORMED, [4, 12, 0, 9, 0, 0, 0, 5, 0]] {
        let mut link = Link::ready();
        link.session.handle_bytes(&frame, link.now).unwrap();
        let event = link.session.poll_event();
        assert!(
            matches!(event, Some(Event::Unreadable { xid: 5, .. })),
            "{event:?}"
        );
        let [(5, Message::Error(told))] = &link.hear()[..] else {
            panic!("the switch is not told");
        };
        let expected = (ErrorCode::OFPBRC_BAD_LEN, &frame[..]);
        assert_eq!((told.code, &told.data[..]), expected);
        assert!(link.session.is_ready());
    }
}

#[test]
fn a_malformed_reply_fails_its_request_and_no_other() {
    let mut link = Link::ready();
    let ask = MultipartRequest::group_descriptions().into();
    let [one, other] = [(); 2].map(|()| link.session.request(&ask).unwrap());
    // A part whose group is cut short, with more parts after it.
    let mut part = encode(&groups(1, MultipartFlags::MORE), one).unwrap();
    part.truncate(part.len() - 1);
    part[3] -= 1;
    link.session.handle_bytes(&part, link.now).unwrap();
    for (xid, flags) in [
        (one, MultipartFlags::MORE),
        (other, MultipartFlags::empty()),
        (one, MultipartFlags::empty()),
    ] {
        link.say(xid, &groups(2, flags)).unwrap();
    }
    let Some(Event::Reply { xid, result }) = link.session.poll_event() else {
        panic!("no reply");
    };
    assert!(matches!(result, Err(NoReply::Malformed(_))), "{result:?}");
    assert_eq!(xid, one);
    let Some(Event::Reply { xid, result }) = link.session.poll_event() else {
        panic!("no other reply");
    };
    assert_eq!((xid, result.is_ok()), (other, true));
    assert!(link.session.poll_event().is_none());
}

#[test]
fn a_malformed_answer_to_a_bundle_fails_the_bundle() {
    let mut link = Link::ready();
    let first = link.session.bundle(vec![flow(1)]);
    let sent = link.hear();
    let (_, commit) = sent.get(2).unwrap();
    let frame = malformed(first + 1);
    link.session.handle_bytes(&frame, link.now).unwrap();
    link.say(first + 2, commit).unwrap();
    assert!(link.session.poll_event().is_none());
    link.say(first + 3, &Message::BarrierReply).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    assert!(
        matches!(result, Err(BundleError::Malformed(_))),
        "{result:?}"
    );

    let first = link.session.bundle(vec![flow(1)]);
    link.hear();
    let frame = malformed(first + 3);
    link.session.handle_bytes(&frame, link.now).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    assert!(
        matches!(result, Err(BundleError::Malformed(_))),
        "{result:?}"
    );
}

#[test]
fn a_message_whose_end_is_not_known_ends_the_session() {
    let frames: [(&[u8], ErrorCode); 2] = [
        // OpenFlow 1.0 in the middle of a session.
        (&[1, 19, 0, 8, 0, 0, 0, 5], ErrorCode::OFPBRC_BAD_VERSION),
        // A length that leaves no room for the header.
        (&[4, 21, 0, 7, 0, 0, 0, 5], ErrorCode::OFPBRC_BAD_LEN),
    ];
    for (frame, code) in frames {
        let mut link = Link::ready();
        let refused = link.session.handle_bytes(frame, link.now);
        assert!(
            matches!(refused, Err(PeerError::Malformed(_))),
            "{refused:?}"
        );
        let [(5, Message::Error(told))] = &link.hear()[..] else {
            panic!("the switch is not told");
        };
        assert_eq!((told.code, &told.data[..]), (code, frame));
        assert!(!link.session.is_ready());
    }
}

#[test]
fn an_unknown_message_is_an_event() {
    let mut link = Link::ready();
    let frame = [VERSION, 99, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4];
    link.session.handle_bytes(&frame, link.now).unwrap();
    let Some(Event::Message { message, .. }) = link.session.poll_event() else {
        panic!("no event");
    };
    assert!(matches!(message, Message::Unknown(_)), "{message:?}");
}

#[test]
fn a_bundle_is_opened_filled_and_committed_in_one_go() {
    let mut link = Link::ready();
    let first = link.session.bundle(vec![flow(1), flow(2)]);
    let heard = link.hear();
    let xids: Vec<_> = heard.iter().map(|(xid, _)| *xid).collect();
    assert_eq!(xids, [first, first + 1, first + 2, first + 3, first + 4]);
    let [
        (_, open),
        (_, Message::BundleAdd(add)),
        _,
        (_, commit),
        (_, barrier),
    ] = &heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(*open, answer(first, BundleControlKind::OPEN_REQUEST));
    assert_eq!((add.xid, &*add.message), (first + 1, &flow(1)));
    assert_eq!(*commit, answer(first, BundleControlKind::COMMIT_REQUEST));
    assert_eq!(*barrier, Message::BarrierRequest);
    link.say(first, &answer(first, BundleControlKind::OPEN_REPLY))
        .unwrap();
    assert!(link.session.poll_event().is_none());
    link.say(first + 3, &answer(first, BundleControlKind::COMMIT_REPLY))
        .unwrap();
    assert!(link.session.poll_event().is_none());
    link.say(first + 4, &Message::BarrierReply).unwrap();
    let ended = link.session.poll_event();
    assert!(
        matches!(&ended, Some(Event::Bundle { xid, result: Ok(()) }) if *xid == first),
        "{ended:?}"
    );
}

#[test]
fn the_first_refused_message_of_a_bundle_is_the_culprit() {
    let mut link = Link::ready();
    let first = link.session.bundle((0..5_u32).map(u64::from).map(flow));
    link.hear();
    let culprit = error(ErrorCode::OFPBAC_BAD_OUT_GROUP);
    for (xid, told) in [
        (first + 3, &culprit),
        (first + 5, &error(ErrorCode::OFPFMFC_TABLE_FULL)),
        (first + 6, &error(ErrorCode::OFPBFC_MSG_FAILED)),
    ] {
        assert!(link.session.poll_event().is_none());
        link.say(xid, &told.clone().into()).unwrap();
    }
    assert!(link.session.poll_event().is_none());
    link.say(first + 7, &Message::BarrierReply).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    let refused = Refused {
        index: 2,
        error: culprit,
    };
    assert_eq!(result, Err(BundleError::Refused(refused)));
}

#[test]
fn what_a_bundle_was_carried_out_without_is_told() {
    let mut link = Link::ready();
    let first = link.session.bundle((0..5_u32).map(u64::from).map(flow));
    let sent = link.hear();
    let told = error(ErrorCode::OFPBAC_BAD_SET_ARGUMENT);
    for step in [2, 4] {
        link.say(first + step, &told.clone().into()).unwrap();
    }
    let (_, commit) = sent.get(6).unwrap();
    link.say(first + 6, commit).unwrap();
    link.say(first + 7, &Message::BarrierReply).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    let left_out = [1, 3].map(|index| Refused {
        index,
        error: told.clone(),
    });
    assert_eq!(result, Err(BundleError::LeftOut(left_out.into())));
}

#[test]
fn a_switch_without_bundles_refuses_them_as_such() {
    let mut link = Link::ready();
    let first = link.session.bundle(vec![flow(1)]);
    link.hear();
    let told = error(ErrorCode::OFPBRC_BAD_VENDOR);
    for step in 0..3 {
        link.say(first + step, &told.clone().into()).unwrap();
    }
    link.say(first + 3, &Message::BarrierReply).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    assert_eq!(result, Err(BundleError::Bundle(told)));
    assert!(link.session.poll_event().is_none());
}

#[test]
fn a_message_that_is_too_long_discards_its_bundle() {
    let mut link = Link::ready();
    let first = link.session.bundle(vec![flow(1), too_long(), flow(2)]);
    let heard = link.hear();
    let [_, _, (xid, discard), (barrier, _)] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(*discard, answer(first, BundleControlKind::DISCARD_REQUEST));
    link.say(*xid, &answer(first, BundleControlKind::DISCARD_REPLY))
        .unwrap();
    link.say(*barrier, &Message::BarrierReply).unwrap();
    let Some(Event::Bundle { result, .. }) = link.session.poll_event() else {
        panic!("the bundle does not end");
    };
    assert!(
        matches!(result, Err(BundleError::TooLong { index: 1, .. })),
        "{result:?}"
    );
}

#[test]
fn a_message_that_is_too_long_is_not_sent() {
    let mut link = Link::ready();
    assert!(link.session.send(&too_long()).is_err());
    assert!(link.session.request(&too_long()).is_err());
    assert_eq!(link.hear(), []);
}

#[test]
fn a_long_bundle_is_made_and_encoded_as_the_switch_takes_it() {
    let options = Options {
        output_buffer: 4096,
        ..Options::default()
    };
    let mut link = Link::ready_with(options);
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let messages = (0..10_000_u32).map(move |number| {
        counter.fetch_add(1, Ordering::Relaxed);
        flow(number.into())
    });
    link.session.bundle(messages);
    assert_eq!(made.load(Ordering::Relaxed), 0);
    let mut most = 0;
    let mut all = 0;
    let mut before = 0;
    while let Some(bytes) = link.session.poll_output() {
        most = most.max(bytes.len());
        all += bytes.len();
        let now = made.load(Ordering::Relaxed);
        // A message has 64 bytes and more.
        assert!(now - before <= 4096 / 64 + 1, "{before} {now}");
        before = now;
    }
    assert!(most < 4096 + 200, "{most}");
    assert!(all > 10_000 * 64, "{all}");
}

#[test]
fn a_bundle_of_fewer_messages_than_announced_is_still_committed() {
    struct Short(u32);
    impl Iterator for Short {
        type Item = Message;

        fn next(&mut self) -> Option<Message> {
            self.0 = self.0.checked_sub(1)?;
            Some(flow(self.0.into()))
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (5, Some(5))
        }
    }
    impl ExactSizeIterator for Short {}
    let mut link = Link::ready();
    let first = link.session.bundle(Short(2));
    let sent = link.hear();
    let xids: Vec<_> = sent.iter().map(|(xid, _)| xid - first).collect();
    assert_eq!(xids, [0, 1, 2, 6, 7]);
}

#[test]
fn what_is_sent_meanwhile_overtakes_a_bundle() {
    let options = Options {
        output_buffer: 4096,
        ..Options::default()
    };
    let mut link = Link::ready_with(options);
    link.session.bundle((0..1000_u32).map(u64::from).map(flow));
    drop(link.session.poll_output());
    let barrier = link.session.send(&Message::BarrierRequest).unwrap();
    let next = link.session.poll_output().unwrap();
    assert_eq!(Header::peek(&next).unwrap().xid, barrier);
}

#[test]
fn numbers_in_use_are_not_given_twice() {
    let mut link = Link::ready();
    let barrier = link.session.request(&Message::BarrierRequest).unwrap();
    let first = link.session.bundle(vec![flow(1), flow(2)]);
    link.session.next_xid = u32::MAX - 1;
    let given: Vec<_> = (0..8)
        .map(|_| link.session.send(&Message::BarrierRequest).unwrap())
        .collect();
    let used = [barrier, first, first + 1, first + 2, first + 3, first + 4];
    assert!(
        given.iter().all(|xid| *xid != 0 && !used.contains(xid)),
        "{given:?} {used:?}"
    );
}
