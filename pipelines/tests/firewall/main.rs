//! Packets through a real switch, each verdict held against what the rules say.
//!
//! `oracle.rs` decides from rules, addresses and earlier packets alone and knows no flow. Whoever
//! changes a table changes nothing there.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "the switch is shared with other tests")]
#[path = "../ovs/mod.rs"]
mod ovs;
#[path = "../frames/random.rs"]
mod random;
#[path = "../ovs/wires.rs"]
mod wires;

mod oracle;
mod packet;
mod wire;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    iter,
};

use oracle::Oracle;
use packet::{Event, Exchange, Step};
use random::Random;
use wire::{Exit, Wire};
use world::{Group, LOCAL, World};

/// Exchanges that go on side by side in one world.
const EXCHANGES: usize = 60;
/// Packets of each exchange before the rules change, while they are changed, and after.
const ROUNDS: [usize; 3] = [4, 4, 3];

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// `BRINT_DECISIONS` asks for more packets, and `BRINT_SEED` for others.
#[test]
fn the_switch_lets_pass_what_the_rules_allow_and_nothing_else() {
    let wanted = number("BRINT_DECISIONS", 10_000);
    let first = number("BRINT_SEED", 1);
    let mut wire = Wire::start();
    let (mut made, mut allowed, mut lost) = (0, 0, 0);
    for turn in 0.. {
        let mut run = |_| world_agrees(first + turn, turn, &mut wire);
        let counts = run(()).or_else(|disagreement| {
            // A busy machine's switch was seen to lose a packet. What is wrong is so again; and what
            // passes against the rules, as it may where a packet was lost that was to cut its
            // connection, must not pass in any of several runs.
            lost += 1;
            let runs = if disagreement.is_loss { 1 } else { 5 };
            let agreed: Result<Vec<_>, _> = iter::repeat_n((), runs).map(run).collect();
            agreed.map(|counts| counts[0])
        });
        let (more, passed) = counts.unwrap_or_else(|disagreement| panic!("{}", disagreement.text));
        // What is wrong with the flows is so in more than one world of many.
        assert!(
            lost <= 1 + turn / 10,
            "packets were lost in {lost} of {turn} worlds"
        );
        made += more;
        allowed += passed;
        if made >= wanted {
            break;
        }
    }
    // A test in which nothing passes, or everything, shows little.
    assert!(
        (made / 10..made * 9 / 10).contains(&allowed),
        "{allowed} of {made} passed"
    );
}

/// The number of decisions in one world, and of those that let a packet pass.
fn world_agrees(seed: usize, turn: usize, wire: &mut Wire) -> Result<(usize, usize), Disagreement> {
    let mut random = Random::new(u64::try_from(seed).unwrap());
    let vlan = u16::try_from(turn % 4000 + 1).unwrap();
    let original = World::random(&mut random);
    let changed = original.changed(&mut random);
    // A switch takes frames from each port in turn: who of two is first is not known, so no two
    // exchanges may have one connection.
    let mut connections = BTreeSet::new();
    let exchanges: Vec<_> = (0..EXCHANGES)
        .map(|number| Exchange::random(number, &original, &mut random))
        .filter(|exchange| connections.insert(exchange.connection()))
        .collect();
    let mut oracle = Oracle::default();
    let (mut made, mut allowed) = (0, 0);
    let mut past: BTreeMap<_, Vec<String>> = BTreeMap::new();
    wire.forget_connections();
    let mut round = 0;
    for (world, rounds) in [&original, &changed, &original].into_iter().zip(ROUNDS) {
        wire.install(world, vlan);
        for _ in 0..rounds {
            let events: Vec<_> = exchanges
                .iter()
                .map(|exchange| {
                    let step = Step::random(round, &mut random);
                    let event = Event {
                        exchange,
                        step,
                        fragmented: false,
                        misdirected: None,
                    };
                    if random.percent(10) {
                        return event.misdirect(&mut random);
                    }
                    let fragmented = Oracle::judges_fragments(world, &event) && random.percent(20);
                    Event {
                        fragmented,
                        ..event
                    }
                })
                .collect();
            round += 1;
            let verdicts: Vec<_> = events
                .iter()
                .map(|event| oracle.judges(world, event))
                .collect();
            let seen = wire.exchange(world, vlan, &events);
            for ((event, verdict), seen) in events.iter().zip(verdicts).zip(seen) {
                let Some(verdict) = verdict else { continue };
                let exit = world.exit(event.ends().1);
                let first = verdict.first.then_some((exit, false));
                let later = (event.fragmented && verdict.later).then_some((exit, true));
                let expected = first.into_iter().chain(later).collect();
                let past = past.entry(event.exchange.connection()).or_default();
                if seen != expected {
                    let text = told(seed, world, event, &expected, &seen);
                    return Err(Disagreement {
                        is_loss: seen.is_subset(&expected),
                        text: format!("{text}before: {past:#?}"),
                    });
                }
                past.push(format!("{event:?}: {seen:?}"));
                made += 1;
                allowed += usize::from(verdict.first);
            }
        }
    }
    Ok((made, allowed))
}

/// A packet whose verdict is not the switch's.
struct Disagreement {
    /// Whether something was to come out and did not, and nothing else did.
    is_loss: bool,
    text: String,
}

fn told(
    seed: usize,
    world: &World,
    event: &Event<'_>,
    expected: &BTreeSet<Exit>,
    seen: &BTreeSet<Exit>,
) -> String {
    let mut text = format!(
        "BRINT_SEED={seed}: the rules say {expected:?}, the switch says {seen:?}\n{event:?}\n"
    );
    let (sender, receiver) = event.ends();
    for (role, place) in [("from", sender), ("to", receiver)] {
        let port = world.ports.get(place).unwrap();
        writeln!(text, "{role} {place} (local: {}): {port:?}", place < LOCAL).unwrap();
        for group in &port.groups {
            let Group { stateful, rules } = world.groups.get(*group).unwrap();
            writeln!(text, "  group {group}, stateful: {stateful}").unwrap();
            for rule in rules {
                writeln!(text, "    {rule:?}").unwrap();
            }
        }
    }
    text
}
