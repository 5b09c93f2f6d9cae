//! A throw-away Open vSwitch with the dummy datapath, which needs no root.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use openflow::flow::Flow;
use openflow::group::Group;
use openflow::message::{Header, Hello, Message};
use openflow::multipart::{MultipartFlags, MultipartRequest, ReplyBody};
use openflow::wire::Writer;
use openflow::{Connection, Events, Options, Target};
use tempfile::TempDir;

/// A running switch with the bridge `br0`. It ends when this is dropped.
pub(crate) struct Switch {
    directory: TempDir,
    daemons: Vec<Child>,
}

impl Switch {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut switch = Self {
            directory,
            daemons: Vec::new(),
        };
        let schema = "/usr/share/openvswitch/vswitch.ovsschema";
        switch.run("ovsdb-tool", &["create", "conf.db", schema]);
        switch.spawn(
            "ovsdb-server",
            &["conf.db", "--remote=punix:db.sock", "--unixctl=db.ctl"],
        );
        let dummy = [
            "--enable-dummy",
            "--disable-system",
            "--disable-system-route",
        ];
        let vswitchd = ["unix:db.sock", "--unixctl=vswitchd.ctl"];
        switch.await_file("db.sock");
        switch.vsctl(&["--no-wait", "init"]);
        switch.spawn("ovs-vswitchd", &[&vswitchd[..], &dummy].concat());
        let settings = [
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=dummy",
            "fail_mode=secure",
        ];
        switch.vsctl(&[&["add-br", "br0"][..], &settings].concat());
        switch
    }

    /// What `ovs-ofctl` prints about the bridge, over OpenFlow 1.3.
    pub(crate) fn ofctl(&self, command: &[&str], rest: &[&str]) -> String {
        let options = ["-O", "OpenFlow13", "--timeout=10", "--no-names"];
        self.run(
            "ovs-ofctl",
            &[&options[..], command, &["unix:br0.mgmt"], rest].concat(),
        )
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = UnixStream::connect(self.directory.path().join("br0.mgmt")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut client = Client { stream };
        client.send(&Hello::ours().into());
        client
    }

    /// Connects to the bridge.
    pub(crate) async fn connection(&self) -> (Connection, Events) {
        let target = Target::Unix(self.path("br0.mgmt"));
        Connection::connect(&target, Options::default())
            .await
            .unwrap()
    }

    /// Adds a port with a number.
    pub(crate) fn add_port(&self, port: &str, number: u32) {
        let number = format!("ofport_request={number}");
        let settings = ["--", "set", "interface", port, "type=dummy", &number];
        self.vsctl(&[&["add-port", "br0", port][..], &settings].concat());
    }

    /// Has a port receive a packet, in the text of the datapath.
    pub(crate) fn receive(&self, port: &str, packet: &str) {
        let socket = self.path("vswitchd.ctl");
        let target = ["--timeout=10", "-t", socket.to_str().unwrap()];
        let receive = ["netdev-dummy/receive", port, packet];
        self.run("ovs-appctl", &[target, receive].concat());
    }

    /// Has the switch end without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.daemons.last_mut().unwrap().kill().unwrap();
    }

    pub(crate) fn vsctl(&self, arguments: &[&str]) -> String {
        self.run(
            "ovs-vsctl",
            &[&["--db=unix:db.sock", "--timeout=10"], arguments].concat(),
        )
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        let here = self.directory.path();
        command
            .args(arguments)
            .current_dir(here)
            .env("OVS_RUNDIR", here)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command in the directory, and demands that it succeeds.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self
            .command(program, arguments)
            .output()
            .expect("OVS must be installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.daemons
            .push(command.spawn().expect("OVS must be installed"));
    }

    /// Waits until ports have sent as many packets as is said of each, by number.
    pub(crate) fn await_sent(&self, expected: &[(u32, u64)]) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let counters = self.ofctl(&["dump-ports"], &[]);
            let sent = |port: u32| {
                let after = counters.split(&format!("port  {port}:")).nth(1)?;
                let number = after.split("tx pkts=").nth(1)?.split(',').next()?;
                number.parse().ok()
            };
            if expected
                .iter()
                .all(|(port, count)| sent(*port) == Some(*count))
            {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "expected {expected:?}:\n{counters}"
            );
        }
    }

    pub(crate) fn await_file(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.directory.path().join(name)).is_err() {
            assert!(Instant::now() < deadline, "{name} takes no connection");
            std::thread::yield_now();
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }
}

/// A connection that does one thing after the other.
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Sends a message, and returns what the switch has against it.
    pub(crate) fn refusal(&mut self, message: &Message) -> Option<String> {
        self.send(message);
        self.send(&Message::BarrierRequest);
        let mut refusal = None;
        loop {
            match self.receive() {
                Message::BarrierReply => return refusal,
                Message::Error(error) => refusal = Some(error.code.to_string()),
                _ => {}
            }
        }
    }

    pub(crate) fn flows(&mut self) -> Vec<Flow> {
        let parts = self.multipart(MultipartRequest::all_flows());
        let flows = parts.into_iter().flat_map(|part| match part {
            ReplyBody::Flow(flows) => flows,
            part => panic!("no flows: {part:?}"),
        });
        flows.map(Flow::from).collect()
    }

    pub(crate) fn groups(&mut self) -> Vec<Group> {
        let parts = self.multipart(MultipartRequest::group_descriptions());
        let groups = parts.into_iter().flat_map(|part| match part {
            ReplyBody::GroupDesc(groups) => groups,
            part => panic!("no groups: {part:?}"),
        });
        groups.collect()
    }

    fn multipart(&mut self, request: MultipartRequest) -> Vec<ReplyBody> {
        self.send(&request.into());
        let mut parts = Vec::new();
        loop {
            match self.receive() {
                Message::MultipartReply(part) => {
                    parts.push(part.body);
                    if !part.flags.contains(MultipartFlags::MORE) {
                        return parts;
                    }
                }
                Message::Error(error) => panic!("{}", error.code),
                _ => {}
            }
        }
    }

    fn send(&mut self, message: &Message) {
        let mut out = Writer::on(BytesMut::new());
        message.encode(7, &mut out);
        self.stream.write_all(&out.finish().unwrap()).unwrap();
    }

    fn receive(&mut self) -> Message {
        let mut frame = vec![0; Header::LENGTH];
        self.stream.read_exact(&mut frame).unwrap();
        let length = Header::peek(&frame).unwrap().length;
        frame.resize(length.into(), 0);
        self.stream
            .read_exact(&mut frame[Header::LENGTH..])
            .unwrap();
        Message::decode(&Bytes::from(frame)).unwrap().1
    }
}
