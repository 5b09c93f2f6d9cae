//! A throw-away Open vSwitch with the dummy datapath: no root, no packets, but the real tables.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A running switch. It ends, and its folder goes, when this is dropped.
pub(crate) struct Switch {
    folder: TempDir,
    /// Bridges and ports that are not there yet: one transaction for all is much faster.
    pending: RefCell<Vec<String>>,
}

impl Switch {
    /// Starts the daemons; they are ready when this returns.
    ///
    /// # Panics
    ///
    /// When Open vSwitch is not installed or does not start.
    pub(crate) fn start() -> Self {
        let switch = Self {
            folder: tempfile::Builder::new().prefix("brint").tempdir().unwrap(),
            pending: RefCell::default(),
        };
        let schema = "/usr/share/openvswitch/vswitch.ovsschema";
        switch.run("ovsdb-tool", &["create", "conf.db", schema]);
        // A detached daemon lets its parent go only once it is ready.
        let detached = ["--detach", "--no-chdir", "--log-file", "-vconsole:off"];
        let server = [
            "conf.db",
            "--remote=punix:db.sock",
            "--pidfile=server.pid",
            "--unixctl=server.ctl",
        ];
        switch.run("ovsdb-server", &[&server[..], &detached].concat());
        switch.vsctl(&["--no-wait", "init"]);
        let dummy = [
            "--enable-dummy",
            "--disable-system",
            "--disable-system-route",
        ];
        let vswitchd = [
            "unix:db.sock",
            "--pidfile=vswitchd.pid",
            "--unixctl=vswitchd.ctl",
        ];
        switch.run("ovs-vswitchd", &[&vswitchd[..], &dummy, &detached].concat());
        switch
    }

    /// Adds a bridge that does nothing by itself.
    pub(crate) fn add_bridge(&self, bridge: &str) {
        let settings = [
            "--",
            "set",
            "bridge",
            bridge,
            "datapath_type=dummy",
            "fail_mode=secure",
        ];
        self.later(&[&["add-br", bridge][..], &settings].concat());
    }

    /// Adds a port with a number.
    pub(crate) fn add_port(&self, bridge: &str, port: &str, number: u32) {
        let number = format!("ofport_request={number}");
        let settings = ["--", "set", "interface", port, "type=dummy", &number];
        self.later(&[&["add-port", bridge, port][..], &settings].concat());
    }

    /// Has the switch look at what it caches every few milliseconds, so that to wait for it is short.
    pub(crate) fn look_often(&self) {
        self.later(&["set", "Open_vSwitch", ".", "other_config:max-idle=10"]);
    }

    /// Has flows match the ports of first fragments, as the agent does.
    pub(crate) fn show_ports_of_first_fragments(&self, bridge: &str) {
        self.settle();
        self.ofctl(&["set-frags", bridge, "nx-match"]);
    }

    /// Has what a port sends out written to a file with the port's name, ending in `.pcap`.
    pub(crate) fn record(&self, port: &str) {
        let option = format!("options:tx_pcap={port}.pcap");
        self.later(&["set", "interface", port, &option]);
    }

    /// Joins two bridges by a patch, its ends named after the bridges.
    pub(crate) fn add_patch(&self, one: (&str, u32), other: (&str, u32)) {
        let name = |from: &str, to: &str| format!("{from}-{to}");
        for ((bridge, number), (peer, _)) in [(one, other), (other, one)] {
            let port = name(bridge, peer);
            let options = format!("options:peer={}", name(peer, bridge));
            let number = format!("ofport_request={number}");
            let settings = [
                "--",
                "set",
                "interface",
                &port,
                "type=patch",
                &options,
                &number,
            ];
            self.later(&[&["add-port", bridge, &port][..], &settings].concat());
        }
    }

    /// Adds groups, then flows in one bundle, all in the text of `ovs-ofctl`.
    pub(crate) fn install(&self, bridge: &str, text: &str) {
        let (groups, flows): (Vec<_>, Vec<_>) = text
            .lines()
            .partition(|line| line.trim_start().starts_with("group_id="));
        self.settle();
        self.write("groups", &groups.join("\n"));
        self.write("flows", &flows.join("\n"));
        self.ofctl(&["add-groups", bridge, "groups"]);
        self.ofctl(&["--bundle", "add-flows", bridge, "flows"]);
    }

    /// Adds groups that are not there, and makes the flows these and no others.
    pub(crate) fn replace(&self, bridge: &str, groups: &[String], flows: &[String]) {
        self.settle();
        for group in groups {
            self.ofctl(&["--may-create", "mod-group", bridge, group]);
        }
        self.write("flows", &flows.join("\n"));
        self.ofctl(&["--bundle", "replace-flows", bridge, "flows"]);
    }

    /// Deletes one flow, told by its table, priority and match.
    pub(crate) fn delete(&self, bridge: &str, flow: &str) {
        let flow = flow.replacen(", priority", ",priority", 1);
        self.ofctl(&["--strict", "del-flows", bridge, &flow]);
    }

    /// What the bridge has, as `ovs-ofctl` writes it: groups, then flows, each sorted.
    pub(crate) fn dump(&self, bridge: &str) -> String {
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text
                .lines()
                .skip(1)
                .map(|line| line.trim().to_owned())
                .collect();
            lines.sort();
            lines
        };
        let groups = sorted(&self.ofctl(&["dump-groups", bridge]));
        let flows = self.ofctl(&["--no-stats", "dump-flows", bridge]);
        let mut flows: Vec<_> = flows.lines().map(|line| line.trim().to_owned()).collect();
        flows.sort();
        groups
            .into_iter()
            .chain(flows)
            .map(|line| line + "\n")
            .collect()
    }

    /// The ports that a packet leaves by, when the connection tracker always says `state`.
    pub(crate) fn trace(&self, bridge: &str, packet: &str, state: &str) -> BTreeSet<u32> {
        outputs(&self.trace_text(bridge, packet, state))
    }

    /// The ports that a frame in hexadecimal leaves by, as [`trace`](Self::trace) has it.
    pub(crate) fn trace_frame(
        &self,
        bridge: &str,
        port: &str,
        frame: &str,
        state: &str,
    ) -> BTreeSet<u32> {
        let next = ["--ct-next", state].repeat(8);
        let arguments = [&[bridge, port, frame][..], &next].concat();
        outputs(&self.appctl("ofproto/trace", &arguments))
    }

    /// All that `ofproto/trace` says of a packet, when the connection tracker always says `state`.
    pub(crate) fn trace_text(&self, bridge: &str, packet: &str, state: &str) -> String {
        let next = ["--ct-next", state].repeat(8);
        self.appctl("ofproto/trace", &[&[bridge, packet][..], &next].concat())
    }

    /// Has the switch handle a packet as if it had come, so that it learns from it.
    pub(crate) fn receive(&self, bridge: &str, packet: &str) {
        self.appctl("ofproto/trace", &[bridge, packet, "--generate"]);
    }

    /// What the daemon answers to a command, which is spoken in JSON-RPC.
    pub(crate) fn appctl(&self, command: &str, arguments: &[&str]) -> String {
        self.settle();
        let mut socket = UnixStream::connect(self.path().join("vswitchd.ctl")).unwrap();
        let request = json!({"id": 0, "method": command, "params": arguments});
        socket.write_all(request.to_string().as_bytes()).unwrap();
        let mut answers = serde_json::Deserializer::from_reader(socket).into_iter::<Value>();
        let answer = answers.next().unwrap().unwrap();
        match (&answer["result"], &answer["error"]) {
            (Value::String(result), Value::Null) => result.clone(),
            (_, error) => panic!("{command} {arguments:?}: {error}"),
        }
    }

    /// Adds a command of `ovs-vsctl` to the next transaction.
    fn later(&self, arguments: &[&str]) {
        let mut pending = self.pending.borrow_mut();
        pending.push("--".to_owned());
        pending.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    }

    /// Makes what is not there yet.
    fn settle(&self) {
        let pending = self.pending.take();
        if !pending.is_empty() {
            let arguments: Vec<_> = pending.iter().map(String::as_str).collect();
            self.vsctl(&arguments);
        }
    }

    fn ofctl(&self, arguments: &[&str]) -> String {
        self.run("ovs-ofctl", &[&["-O", "OpenFlow13"], arguments].concat())
    }

    fn vsctl(&self, arguments: &[&str]) -> String {
        self.run(
            "ovs-vsctl",
            &[&["--db=unix:db.sock", "--timeout=10"], arguments].concat(),
        )
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The folder of its sockets and files.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command in the switch's folder, and demands that it succeeds.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, self.path());
        }
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        let output = command
            .output()
            .unwrap_or_else(|e| panic!("{program} cannot be run: {e}"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for socket in ["vswitchd.ctl", "server.ctl"] {
            let socket = self.path().join(socket);
            // One that did not start cannot be told to end.
            let _ = Command::new("ovs-appctl")
                .arg("-t")
                .arg(socket)
                .arg("exit")
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// The ports that a trace sends the packet out of.
///
/// Patch ports are left out, as the trace goes on behind them. After the connection tracker a
/// trace does not say which bridge it is on, so ports are told apart by number alone.
fn outputs(trace: &str) -> BTreeSet<u32> {
    let lines: Vec<_> = trace
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let goes_on = |line: &str| line.starts_with("bridge(") || line.starts_with(">> skipping");
    let port = |(place, line): (usize, &&str)| {
        let port = line.strip_prefix("output:")?;
        let following = lines.get(place + 1)?;
        (!goes_on(following)).then(|| port.parse().unwrap())
    };
    lines.iter().enumerate().filter_map(port).collect()
}
