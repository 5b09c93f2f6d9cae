//! What leads out of the host, by real rows.

use super::*;

#[tokio::test]
async fn cards_of_a_bridge_are_what_leads_out_of_the_host() {
    let database = Database::start().await;
    let mut transaction = Transaction::new();
    let mut plug = |bridge: &str, interfaces: Vec<ovsdb::Values<Interface>>| {
        let mut ports = Vec::new();
        for (number, interface) in interfaces.into_iter().enumerate() {
            let name = format!("{bridge}-{number}");
            let interface = transaction.insert(interface.set(Interface::name, name.as_str()));
            ports.push(
                transaction.insert(
                    Port::values()
                        .set(Port::name, name)
                        .set(Port::interfaces, [interface]),
                ),
            );
        }
        ports
    };
    let down = || Interface::values().set(Interface::link_state, Some("down"));
    let patch = |peer: &str| {
        Interface::values()
            .set(Interface::kind, "patch")
            .set(Interface::options, [("peer", peer)])
    };
    let at_br_ex = plug(
        "br-ex",
        vec![
            down(),
            down().set(Interface::kind, "internal"),
            down().set(Interface::external_ids, [("iface-id", VM)]),
            down().set(Interface::status, [("driver_name", "tun")]),
            patch("br-up-0"),
        ],
    );
    let at_br_up = plug(
        "br-up",
        vec![
            patch("br-ex-4"),
            Interface::values()
                .set(Interface::bfd, [("enable", "true")])
                .set(
                    Interface::bfd_status,
                    [("state", "down"), ("flap_count", "2")],
                ),
        ],
    );
    let up = transaction.insert(
        Bridge::values()
            .set(Bridge::name, "br-up")
            .set(Bridge::ports, at_br_up),
    );
    let tables = database.tables();
    let br_ex = tables.bridge("br-ex").unwrap().uuid;
    transaction.mutate(br_ex, [Bridge::ports.insert(at_br_ex)]);
    transaction.mutate(
        tables.switch().unwrap().uuid,
        [Switch::bridges.insert([up])],
    );
    database.carry_out(transaction).await;
    let tables = database.tables();
    // Through the patch ports too, which lead back and forth.
    for bridge in ["br-ex", "br-up"] {
        let mut found = cards(&tables, bridge);
        found.sort_by_key(|card| card.name);
        let expected = [
            Card {
                name: "br-ex-0",
                has_link: false,
                session: None,
            },
            Card {
                name: "br-up-1",
                has_link: true,
                session: Some(Session::Down),
            },
        ];
        assert_eq!(found, expected, "{bridge}");
    }
    assert!(cards(&tables, "br-none").is_empty());
}
