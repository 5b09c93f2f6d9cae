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
    Message::all(&host.into(), &BTreeSet::new(), &takeovers, (true, false))
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
            failures.hear(message.clone());
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
        failures.hear(message.clone());
    }
    // The first was lost; that nothing has changed since says nothing yet.
    let brief = Message {
        takeovers: BTreeMap::new(),
        part: (0, 0),
        ..all[0].clone()
    };
    failures.hear(brief.clone());
    assert!(!failures.has_told(&host));
    failures.hear(all[0].clone());
    assert!(failures.has_told(&host));
    // Who knows the same need not tell it.
    let mut other = Failures::new();
    other.takeovers = failures.takeovers.clone();
    other.hear(brief);
    assert!(other.has_told(&host));
}
