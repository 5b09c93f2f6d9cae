//! Switches that connect by themselves, in plain text and over TLS.

use std::net::TcpListener;
use std::time::Duration;

use openflow::message::{FlowRemoved, FlowRemovedReason, PortStatus};
use openflow::serve::{End, serve_on};
use openflow::{Application, Closed, Connection, ListenTarget, Listener, Options, Pki};
use openflow::{RequestError, Target};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::switch::Switch;

/// How long anything may take that should take a moment.
const DEADLINE: Duration = Duration::from_secs(10);

/// What an application was told.
#[derive(Debug)]
enum Told {
    Connected(u64),
    Port(String),
    FlowRemoved(FlowRemovedReason),
    Disconnected(End),
}

/// An application that passes on what it is told.
struct Witness(mpsc::UnboundedSender<Told>);

impl Witness {
    fn tell(&self, told: Told) -> Result<(), RequestError> {
        self.0.send(told).map_err(|_| RequestError::Closed)
    }
}

impl Application for Witness {
    async fn connected(&mut self, switch: &Connection) -> Result<(), RequestError> {
        switch.barrier().await?;
        self.tell(Told::Connected(switch.features().datapath_id))
    }

    async fn port_status(
        &mut self,
        _switch: &Connection,
        status: PortStatus,
    ) -> Result<(), RequestError> {
        self.tell(Told::Port(status.port.name.to_string()))
    }

    async fn flow_removed(
        &mut self,
        _switch: &Connection,
        flow: FlowRemoved,
    ) -> Result<(), RequestError> {
        self.tell(Told::FlowRemoved(flow.reason))
    }

    fn disconnected(&mut self, end: End) {
        // At the end of a test nobody listens.
        drop(self.tell(Told::Disconnected(end)));
    }
}

/// A controller, where it listens, and what its applications are told.
async fn controller(
    target: &str,
    options: Options,
) -> (ListenTarget, mpsc::UnboundedReceiver<Told>) {
    let listener = Listener::bind(&target.parse().unwrap(), options)
        .await
        .unwrap();
    let target = listener.target().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(serve_on(listener, move || Witness(sender.clone())));
    (target, receiver)
}

async fn told(receiver: &mut mpsc::UnboundedReceiver<Told>) -> Told {
    timeout(DEADLINE, receiver.recv()).await.unwrap().unwrap()
}

fn port(target: &ListenTarget) -> u16 {
    match target {
        ListenTarget::Tcp(address) | ListenTarget::Ssl(address) => address.port(),
        other => panic!("{other} has no port"),
    }
}

#[tokio::test]
async fn an_application_hears_of_its_switch_until_the_end() {
    let mut ovs = Switch::start();
    let (target, mut events) = controller("ptcp:0:127.0.0.1", Options::default()).await;
    let target = format!("tcp:127.0.0.1:{}", port(&target));
    ovs.vsctl(&["set-controller", "br0", &target]);
    let number = ovs.vsctl(&["get", "bridge", "br0", "datapath_id"]);
    let Told::Connected(id) = told(&mut events).await else {
        panic!("not connected");
    };
    assert_eq!(format!("\"{id:016x}\""), number.trim());
    ovs.add_port("p1", 1);
    assert!(matches!(told(&mut events).await, Told::Port(name) if name == "p1"));
    ovs.ofctl(&["add-flow"], &["in_port=1,send_flow_rem,actions=drop"]);
    ovs.ofctl(&["del-flows"], &["in_port=1"]);
    let removed = loop {
        match told(&mut events).await {
            // The port goes up a little later.
            Told::Port(_) => {}
            other => break other,
        }
    };
    assert!(
        matches!(removed, Told::FlowRemoved(FlowRemovedReason::DELETE)),
        "{removed:?}"
    );
    ovs.kill();
    let end = told(&mut events).await;
    assert!(matches!(end, Told::Disconnected(End::Closed(_))), "{end:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_keeps_nobody_else_waiting() {
    let ovs = Switch::start();
    let (target, mut events) = controller("ptcp:0:127.0.0.1", Options::default()).await;
    let _silent = std::net::TcpStream::connect(("127.0.0.1", port(&target))).unwrap();
    let target = format!("tcp:127.0.0.1:{}", port(&target));
    ovs.vsctl(&["set-controller", "br0", &target]);
    assert!(matches!(told(&mut events).await, Told::Connected(_)));
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_is_left() {
    use tokio::io::AsyncWriteExt as _;
    let (target, mut events) = controller("ptcp:0:127.0.0.1", Options::default()).await;
    let address = ("127.0.0.1", port(&target));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let end = told(&mut events).await;
    assert!(matches!(end, Told::Disconnected(End::Closed(_))), "{end:?}");
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_any_more_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("controller");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let target = ListenTarget::Unix(path.clone());
    let listener = Listener::bind(&target, Options::default()).await.unwrap();
    assert!(Listener::bind(&target, Options::default()).await.is_err());
    drop(listener);
    assert!(!path.exists());
}

/// Makes both authorities, and a key and certificate for each side.
fn certify(ovs: &Switch) {
    let directory = format!("--dir={}", ovs.path("pki").display());
    let log = format!("--log={}", ovs.path("pki.log").display());
    let options = [directory.as_str(), log.as_str(), "--unique"];
    ovs.run("ovs-pki", &[&options[..], &["init"]].concat());
    for (name, side) in [("sc", "switch"), ("ctl", "controller")] {
        ovs.run(
            "ovs-pki",
            &[&options[..], &["req+sign", name, side]].concat(),
        );
    }
    let files = [
        "sc-privkey.pem",
        "sc-cert.pem",
        "pki/controllerca/cacert.pem",
    ];
    let files = files.map(|file| ovs.path(file).display().to_string());
    ovs.vsctl(&["set-ssl", &files[0], &files[1], &files[2]]);
}

/// What the controller shows, and the authority that it trusts.
fn options(ovs: &Switch, authority: &str) -> Options {
    let mut options = Options::default();
    options.pki = Some(Pki {
        private_key: ovs.path("ctl-privkey.pem"),
        certificate: ovs.path("ctl-cert.pem"),
        ca_certificate: ovs.path(&format!("pki/{authority}/cacert.pem")),
    });
    options
}

#[tokio::test]
async fn both_sides_of_tls_believe_who_the_other_authority_signed() {
    let ovs = Switch::start();
    certify(&ovs);
    let (target, mut events) = controller("pssl:0:127.0.0.1", options(&ovs, "switchca")).await;
    let active = format!("ssl:127.0.0.1:{}", port(&target));
    // The port is free again at the end of the statement.
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
    let free = free.unwrap().port();
    let passive = format!("pssl:{free}:127.0.0.1");
    ovs.vsctl(&["set-controller", "br0", &active, &passive]);
    assert!(matches!(told(&mut events).await, Told::Connected(_)));
    let target: Target = format!("ssl:127.0.0.1:{free}").parse().unwrap();
    let connected = Connection::connect(&target, options(&ovs, "switchca")).await;
    connected.unwrap().0.barrier().await.unwrap();
    // The authority of controllers has signed no switch.
    let refused = Connection::connect(&target, options(&ovs, "controllerca")).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test]
async fn a_switch_of_a_strange_authority_is_refused() {
    let ovs = Switch::start();
    certify(&ovs);
    let (target, mut events) = controller("pssl:0:127.0.0.1", options(&ovs, "controllerca")).await;
    let active = format!("ssl:127.0.0.1:{}", port(&target));
    ovs.vsctl(&["set-controller", "br0", &active]);
    let end = told(&mut events).await;
    assert!(
        matches!(end, Told::Disconnected(End::Closed(Closed::Io(_)))),
        "{end:?}"
    );
}

#[tokio::test]
async fn tls_without_keys_says_what_is_missing() {
    let target = "ssl:127.0.0.1:1".parse().unwrap();
    let refused = Connection::connect(&target, Options::default()).await;
    let refused = refused.err().unwrap().to_string();
    assert_eq!(refused, "TLS needs a private key and certificates");
}
