//! What the API answers 2xx to, every agent can do: the model takes it, whole.

use ovsdb::{Transaction, Uuid};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use requests::request;
use serde_json::{Value, json};

use super::ask;
use super::ports::make;
use crate::northbound::database::Database;
use crate::northbound::database::objects::describe;
use crate::northbound::database::tables::{EncapType, Host};
use crate::northbound::database::tests::Server;

mod requests;
mod values;

/// A request by its kind, and the numbers that its values are chosen with.
type Step = (u8, [u8; 8]);

/// How many kinds of requests there are.
const KINDS: u8 = 24;

/// Two hosts, one of which maps a physical network.
async fn hosts(database: &Database) {
    let mut transaction = Transaction::new();
    for (number, name) in [(7, "hv1"), (8, "hv2")] {
        let host = Host::values()
            .set(Host::name, name)
            .set(Host::encap_ip, Some(format!("192.0.2.{number}")))
            .set(
                Host::encap_types,
                [EncapType::Vxlan, EncapType::Gre, EncapType::Geneve],
            )
            .set(Host::mtu, 1500)
            .set(
                Host::bridge_mappings,
                [("physnet1".to_owned(), "br-ex".to_owned())],
            );
        transaction.insert_as(Uuid::from_u128(number), host);
    }
    database.transact(transaction).await.unwrap();
}

/// Networks, a router between them and to the outside, ports, and a floating IP, to begin with.
async fn begin(database: &Database) {
    hosts(database).await;
    let outside = json!({"router:external": true, "provider:network_type": "flat",
        "provider:physical_network": "physnet1"});
    let outside = make(database, "network", outside).await;
    let block = |network: &Value, cidr: &str| {
        let version = if cidr.contains(':') { 6 } else { 4 };
        json!({"network_id": network["id"], "cidr": cidr, "ip_version": version})
    };
    make(database, "subnet", block(&outside, "203.0.113.0/24")).await;
    let router = json!({"external_gateway_info": {"network_id": outside["id"]}});
    let router = make(database, "router", router).await;
    for (cidr, more) in [("10.0.0.0/24", "fd00::/64"), ("10.0.1.0/24", "fd00:1::/64")] {
        let network = make(database, "network", json!({})).await;
        make(database, "subnet", block(&network, more)).await;
        let subnet = make(database, "subnet", block(&network, cidr)).await;
        let path = "/v2.0/routers/ID/add_router_interface";
        let path = path.replace("ID", router["id"].as_str().unwrap());
        let body = json!({"subnet_id": subnet["id"]}).to_string();
        assert_eq!(ask(database, "PUT", &path, &body).await.0, 200);
        for host in ["hv1", "ironic1"] {
            let port = json!({"network_id": network["id"], "binding:host_id": host});
            make(database, "port", port).await;
        }
    }
    make(
        database,
        "floatingip",
        json!({"floating_network_id": outside["id"]}),
    )
    .await;
}

/// Has a random history pass, and says what agents cannot do of what was answered 2xx.
async fn play(steps: &[Step], taken: &mut usize) -> Result<(), String> {
    let server = Server::start();
    let database = server.open().await;
    begin(&database).await;
    let mut history = Vec::new();
    for step in steps {
        let (method, path, body) = request(&database.snapshot(), *step);
        let path = format!("/v2.0/{path}");
        let (status, answer) = ask(&database, method, &path, &body.to_string()).await;
        if status >= 500 {
            return Err(format!("{method} {path} {body}: {status} {answer}"));
        }
        if status >= 300 {
            continue;
        }
        *taken += 1;
        history.push(format!("{method} {path} {body}"));
        let left_out = describe(&database.snapshot()).left_out;
        if !left_out.is_empty() {
            return Err(format!("{left_out:#?} after\n{}", history.join("\n")));
        }
    }
    Ok(())
}

#[test]
fn what_is_answered_with_success_the_model_takes_whole() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = std::env::var("BRINT_HISTORIES").map_or(24, |text| text.parse().unwrap());
    let steps = prop::collection::vec((0..KINDS, any::<[u8; 8]>()), 40..160);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    });
    let taken = std::cell::Cell::new(0);
    let done = runner.run(&steps, |steps| {
        let mut count = 0;
        let played = runtime.block_on(play(&steps, &mut count));
        taken.set(taken.get() + count);
        played.map_err(TestCaseError::fail)
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    // A third of the requests makes sense, or the test says little.
    assert!(
        taken.get() > 10 * usize::try_from(cases).unwrap(),
        "{taken:?}"
    );
}
