use uuid::Uuid;

use super::message::Message;
use super::*;

fn takeover(term: u32, host: &str) -> Takeover {
    Takeover {
        term,
        host: host.into(),
        reason: 4711,
    }
}

fn router(number: u128) -> RouterId {
    RouterId(Uuid::from_u128(number))
}

/// What a host tells all that it knows.
fn told(host: &str, takeovers: &[(RouterId, Takeover)]) -> Vec<Message> {
    let takeovers = takeovers.iter().cloned().collect();
    Message::all(
        &host.into(),
        (&Some(BTreeSet::new()), &BTreeSet::new()),
        &takeovers,
        (true, false),
    )
}

#[test]
fn what_is_noted_is_found_again() {
    let takeovers = [
        (router(1), takeover(3, "a host")),
        (router(2), takeover(1, "b:1")),
    ];
    let takeovers = BTreeMap::from(takeovers);
    assert_eq!(read(&write(&takeovers)), takeovers);
    assert_eq!(read("no=takeover\n=\n"), BTreeMap::new());
    assert_eq!(write(&BTreeMap::new()), "");
}

#[test]
fn hosts_agree_in_whatever_order_they_hear() {
    let messages: Vec<Message> = [
        told(
            "a",
            &[(router(1), takeover(1, "a")), (router(2), takeover(1, "a"))],
        ),
        told("b", &[(router(1), takeover(2, "b"))]),
        told(
            "c",
            &[(router(1), takeover(1, "c")), (router(3), takeover(1, "c"))],
        ),
    ]
    .concat();
    let hear = |messages: Vec<&Message>| {
        let mut failures = Failures::new();
        for message in messages {
            failures.hear(message.clone(), Instant::now());
        }
        failures.takeovers
    };
    let known = hear(messages.iter().collect());
    assert_eq!(known, hear(messages.iter().rev().collect()));
    let hosts: Vec<_> = known.values().map(|it| it.host.as_str()).collect();
    assert_eq!(hosts, ["b", "a", "c"]);
}

#[test]
fn a_host_has_told_when_nothing_that_it_knows_is_missing() {
    let takeovers: Vec<_> = (0..20).map(|it| (router(it), takeover(1, "a"))).collect();
    let all = told("a", &takeovers);
    let mut failures = Failures::new();
    let host = HostName::from("a");
    for message in all.iter().skip(1) {
        assert!(!failures.has_told(&host));
        failures.hear(message.clone(), Instant::now());
    }
    // The first was lost; that nothing has changed since says nothing yet.
    let brief = Message {
        takeovers: BTreeMap::new(),
        part: (0, 0),
        ..all[0].clone()
    };
    failures.hear(brief.clone(), Instant::now());
    assert!(!failures.has_told(&host));
    failures.hear(all[0].clone(), Instant::now());
    assert!(failures.has_told(&host));
    // Who knows the same need not tell it.
    let mut other = Failures::new();
    other.takeovers = failures.takeovers.clone();
    other.hear(brief, Instant::now());
    assert!(other.has_told(&host));
}

#[test]
fn a_host_that_another_hears_is_not_gone_while_that_is_news() {
    let mut failures = Failures::new();
    let (host, witness) = (HostName::from("a"), HostName::from("b"));
    let now = Instant::now();
    let tell = |failures: &mut Failures, misses: Misses| {
        let told = told("b", &[]).into_iter();
        for message in told {
            failures.hear(
                Message {
                    misses: misses.clone(),
                    ..message
                },
                now,
            );
        }
    };
    tell(&mut failures, Some(BTreeSet::new()));
    // Who is not heard is no witness.
    assert!(!failures.is_vouched_for(&host, now));
    failures.up.insert(witness.clone(), now);
    assert!(failures.is_vouched_for(&host, now));
    // Its agent may have ended.
    assert!(!failures.is_vouched_for(&host, now + talk::FRESH));
    for misses in [Some([host.clone()].into()), None] {
        tell(&mut failures, misses);
        assert!(!failures.is_vouched_for(&host, now));
    }
}

#[test]
fn what_is_repeated_is_not_looked_at_and_counts_as_news() {
    let mut failures = Failures::new();
    let message = told("b", &[]).remove(0);
    let frame = message.frame(pipelines::site::own_mac(&"b".into()));
    let packet = |frame: &Bytes| PacketIn {
        buffer_id: u32::MAX,
        total_len: 0,
        reason: openflow::action::PacketInReason::ACTION,
        table: 0,
        cookie: 7,
        metadata: openflow::matching::Match::default(),
        data: frame.clone(),
    };
    let before = Instant::now();
    let receive = |failures: &mut Failures, frame: &Bytes| {
        failures.receive(Some(packet(frame)));
        std::mem::take(&mut failures.pending).len()
    };
    assert_eq!(receive(&mut failures, &frame), 1);
    failures.frames.insert(7, ("b".into(), frame.clone()));
    failures.hear(message, before);
    assert_eq!(receive(&mut failures, &frame), 0);
    assert!(failures.told[&"b".into()].at > Some(before));
    let other = [&frame[..], b"more"].concat().into();
    assert_eq!(receive(&mut failures, &other), 1);
    // After a failure the same may mean something else.
    let told = failures.told.get_mut(&"b".into());
    told.unwrap().expire();
    assert_eq!(receive(&mut failures, &frame), 1);
}
