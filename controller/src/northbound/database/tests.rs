//! The schema and the data layer on a real server.

use std::path::Path;
use std::process::{Child, Command};

use tempfile::TempDir;

use super::tables::{Address, Network, Port, Status, Subnet};
use super::*;

mod random;
mod round_trip;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with an empty northbound database, which ends with the test.
pub(crate) struct Server {
    directory: TempDir,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("the server runs");
        self.process.wait().expect("the server ends");
    }
}

fn run(program: &str, arguments: &[&Path]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.expect("Open vSwitch is installed").success());
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("schema"), SCHEMA).unwrap();
        run(
            "ovsdb-tool",
            &["create".as_ref(), &path("db"), &path("schema")],
        );
        let process = Command::new("ovsdb-server")
            .arg(format!("--remote=punix:{}", path("sock").display()))
            .arg(format!("--unixctl={}", path("ctl").display()))
            .arg("--no-chdir")
            .arg(path("db"))
            .spawn()
            .expect("Open vSwitch is installed");
        Self { directory, process }
    }

    pub(crate) async fn open(&self) -> Database {
        let remote = Remote::Unix(self.directory.path().join("sock"));
        let opened = Database::open(vec![remote], Options::default(), PATIENCE).await;
        opened.expect("the server answers")
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

const NETWORK: u128 = 1;
const SUBNET: u128 = 2;

/// A network with a subnet.
async fn network(database: &Database) {
    let mut transaction = Transaction::new();
    transaction.insert_as(id(NETWORK), Network::values().set(Network::name, "private"));
    let subnet = Subnet::values()
        .set(Subnet::network, id(NETWORK))
        .set(Subnet::cidr, "10.0.0.0/24");
    transaction.insert_as(id(SUBNET), subnet);
    database.transact(transaction).await.unwrap();
}

/// A port with an address.
fn port(uuid: u128, mac_address: &str, ip_address: &str) -> Transaction<Northbound> {
    let mut transaction = Transaction::new();
    let port = Port::values()
        .set(Port::network, id(NETWORK))
        .set(Port::mac_address, mac_address)
        .set(Port::status, Status::Down)
        .set(Port::vnic_type, "normal");
    transaction.insert_as(id(uuid), port);
    let address = Address::values()
        .set(Address::network, id(NETWORK))
        .set(Address::subnet, id(SUBNET))
        .set(Address::port, id(uuid))
        .set(Address::ip_address, ip_address);
    transaction.insert(address);
    transaction
}

#[tokio::test]
async fn the_declared_tables_are_those_of_the_schema() {
    let server = Server::start();
    let database = server.open().await;
    database.prepare().await.unwrap();
    database.prepare().await.unwrap();
    assert_eq!(database.snapshot().global.len(), 1);
}

#[tokio::test]
async fn two_servers_cannot_give_one_address() {
    let server = Server::start();
    let (one, other) = (server.open().await, server.open().await);
    network(&one).await;
    let (first, second) = tokio::join!(
        one.transact(port(10, "fa:16:3e:00:00:0a", "10.0.0.7")),
        other.transact(port(11, "fa:16:3e:00:00:0b", "10.0.0.7")),
    );
    let refused = match (first, second) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        both => panic!("exactly one has to succeed: {both:?}"),
    };
    let WriteError::Taken { table, columns, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(table, "Address");
    assert_eq!(columns, ["network", "ip_address"]);
    // The port that came with the address is gone with it.
    assert_eq!(server.open().await.snapshot().ports.len(), 1);
}

#[tokio::test]
async fn a_mac_address_is_once_in_a_network_and_the_error_names_who_has_it() {
    let server = Server::start();
    let database = server.open().await;
    network(&database).await;
    let mac = "fa:16:3e:00:00:0a";
    database.transact(port(10, mac, "10.0.0.7")).await.unwrap();
    let refused = database.transact(port(11, mac, "10.0.0.8")).await;
    let taken = WriteError::Taken {
        table: "Port".to_owned(),
        columns: vec!["network".to_owned(), "mac_address".to_owned()],
        by: id(10),
    };
    assert_eq!(refused.unwrap_err(), taken);
}

#[tokio::test]
async fn what_is_in_use_stays_and_what_is_missing_cannot_be_named() {
    let server = Server::start();
    let database = server.open().await;
    let refused = database
        .transact(port(10, "fa:16:3e:00:00:0a", "10.0.0.7"))
        .await;
    assert!(
        matches!(refused, Err(WriteError::Missing { .. })),
        "{refused:?}"
    );
    network(&database).await;
    let mut transaction = Transaction::new();
    transaction.delete::<Network>(id(NETWORK));
    let in_use = WriteError::InUse {
        table: "Network".to_owned(),
        row: id(NETWORK),
    };
    assert_eq!(database.transact(transaction).await.unwrap_err(), in_use);
}

#[tokio::test]
async fn who_wrote_from_an_old_state_is_told_and_who_repeats_too() {
    let server = Server::start();
    let database = server.open().await;
    network(&database).await;
    let mut transaction = Transaction::new();
    transaction.verify(id(NETWORK), Network::revision_number, &7);
    assert_eq!(
        database.transact(transaction).await.unwrap_err(),
        WriteError::Stale
    );
    let create = port(10, "fa:16:3e:00:00:0a", "10.0.0.7");
    database.transact(create.clone()).await.unwrap();
    assert_eq!(
        database.transact(create).await.unwrap_err(),
        WriteError::Exists
    );
}

#[tokio::test]
async fn a_value_that_the_schema_lacks_is_invalid() {
    let server = Server::start();
    let database = server.open().await;
    let mut transaction = Transaction::new();
    transaction.insert(Network::values().set(Network::mtu, Some(0)));
    let refused = database.transact(transaction).await;
    assert!(
        matches!(refused, Err(WriteError::Invalid(_))),
        "{refused:?}"
    );
}
