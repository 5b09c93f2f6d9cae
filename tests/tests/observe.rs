//! What an agent tells those who ask: people, programs, `ovs-appctl` and Prometheus.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, ensure};
use labs::{Host, Lab, PATIENCE, wait_for};
use serde_json::Value;
use tests::{BRIDGES, Flows, brint, quickstart};

/// The port of the quickstart that the tests unplug, and its interface.
const A1: (&str, &str) = ("7571157f-bcad-4032-8ad1-f0950600b737", "tap7571157f-bc");

/// What an agent logs when it ends.
const LAST_WORDS: &str = "stopped; bridges and flows stay as they are";

#[test]
fn an_agent_says_what_it_does_and_leaves_no_file_behind() -> anyhow::Result<()> {
    let mut lab = quickstart("t-says")?;
    let host = lab.host("host1")?;
    let status = status(host)?;
    let problems = &status["problems"];
    ensure!(problems == &Value::Array(Vec::new()), "{problems}");
    let ports = status["ports"].as_array().context("ports")?;
    ensure!(ports.len() == 3, "{ports:?}");
    let bound = |port: &Value| port["state"] == "bound";
    ensure!(ports.iter().all(bound), "{ports:?}");
    let table = stdout(&ask(host, "status")?);
    ensure!(table.contains("no problems"), "{table}");

    for bridge in BRIDGES {
        flows_read_as_ovs_ofctl_prints_them(host, bridge)?;
    }
    let explained = stdout(&ask(host, "flows -b br-int -t RULES_INGRESS -p a1 -e")?);
    let owner = format!("This flow is for port a1 ({}).", A1.0);
    ensure!(explained.contains(&owner), "{explained}");
    let same = ask(host, "diff")?;
    ensure!(
        same.status.code() == Some(0) && same.stdout.is_empty(),
        "{same:?}"
    );
    let unknown = ask(host, "flows -b br-none")?;
    let reason = stderr(&unknown);
    ensure!(unknown.status.code() == Some(1), "{unknown:?}");
    ensure!(
        reason.contains("br-none") && reason.contains("br-int"),
        "{reason}"
    );

    let second = ask(host, "agent --network /dev/null --host host1")?;
    let reason = stderr(&second);
    ensure!(second.status.code() == Some(1), "{reason}");
    ensure!(reason.contains("another agent runs"), "{reason}");

    appctl_works(host)?;
    wait_for("the end of the agent", PATIENCE, || {
        Ok((!lab.host_mut("host1")?.agent_runs()).then_some(()))
    })?;
    let host = lab.host("host1")?;
    let log = host.read_agent_log()?;
    ensure!(!log.contains(LAST_WORDS), "{log}");
    let left = files_of_agent(host.ovs().directory())?;
    ensure!(left.is_empty(), "{left:?}");
    let alone = ask(host, "status")?;
    let reason = stderr(&alone);
    ensure!(alone.status.code() == Some(1), "{alone:?}");
    ensure!(reason.contains("brint-agent.sock"), "{reason}");
    Ok(())
}

/// Compares `brint flows` with `ovs-ofctl`, without what stands behind as a comment.
fn flows_read_as_ovs_ofctl_prints_them(host: &Host, bridge: &str) -> anyhow::Result<()> {
    let ours = stdout(&ask(host, &format!("flows -b {bridge}"))?);
    let flow = |line: &str| line.split("  # ").next().map(|flow| flow.trim().to_owned());
    let mut ours: Vec<_> = ours.lines().skip(1).filter_map(flow).collect();
    let theirs = host.ovs().ofctl(&format!(
        "-O OpenFlow13 --names --no-stats dump-flows {bridge}"
    ))?;
    let theirs = theirs.lines().filter(|line| line.contains("actions="));
    let mut theirs: Vec<_> = theirs.map(|line| line.trim().to_owned()).collect();
    ours.sort();
    theirs.sort();
    ensure!(ours == theirs, "{bridge}:\n{ours:#?}\n{theirs:#?}");
    Ok(())
}

fn appctl_works(host: &Host) -> anyhow::Result<()> {
    let commands = appctl(host, "list-commands")?;
    for command in ["coverage/show", "exit", "flows/show", "version", "vlog/set"] {
        ensure!(commands.contains(command), "{commands}");
    }
    ensure!(appctl(host, "version")?.starts_with("brint "));
    ensure!(appctl(host, "status")?.contains("no problems"));
    ensure!(appctl(host, "flows/show br-int")?.contains("  # port a1 "));
    appctl(host, "vlog/set switch:console:dbg")?;
    let levels = appctl(host, "vlog/list")?;
    let level = |module: &str| {
        let line = levels.lines().find(|line| line.starts_with(module))?;
        line.split_whitespace().nth(1)
    };
    ensure!(level("switch") == Some("DBG"), "{levels}");
    ensure!(level("agent") == Some("INFO"), "{levels}");
    let refused = appctl(host, "no-such-command");
    ensure!(refused.is_err(), "{refused:?}");
    // The last words of an agent are no warning.
    appctl(host, "vlog/set agent:warn")?;
    appctl(host, "exit")?;
    Ok(())
}

#[test]
fn what_others_do_to_a_bridge_is_told() -> anyhow::Result<()> {
    let lab = quickstart("t-others")?;
    let host = lab.host("host1")?;
    let ovs = host.ovs();
    let flows = Flows::of(ovs, "br-int")?;

    // Somebody else's flow stays, and is shown, at once to those who watch.
    let watch = Watch::start(host)?;
    ovs.ofctl("add-flow br-int cookie=0xcafe,table=200,priority=7,actions=drop")?;
    until(host, "the foreign flow is shown", |status| {
        status["bridges"]["br-int"]["flows"]["foreign"]["0xcafe"] == 1
    })?;
    watch.sees("br-int: 1 flows with cookie 0xcafe")?;
    let shown = stdout(&ask(host, "flows -b br-int -t 200")?);
    ensure!(shown.contains("somebody else's"), "{shown}");
    ensure!(ask(host, "diff")?.status.code() == Some(0));
    ensure!(Flows::of(ovs, "br-int")?.find("table=200").is_ok());
    ovs.ofctl("del-flows br-int table=200")?;
    until(host, "the foreign flow is gone", |status| {
        status["bridges"]["br-int"]["flows"]["foreign"] == Value::Object(Default::default())
    })?;

    // A flow that is deleted or edited comes back, and is counted and logged.
    flows.find("table=71")?.delete(ovs, "br-int")?;
    repairs(host, 1)?;
    said(host, "it was deleted")?;
    ovs.ofctl("--strict mod-flows br-int table=0,priority=0,actions=normal")?;
    repairs(host, 2)?;
    said(host, "it had become")?;
    flows.are_on(ovs, "br-int", PATIENCE)?;

    // A flow that the switch does not take is a difference, and a problem; the others stay.
    let row = ovs.vsctl("get Bridge br-int flow_tables:82")?;
    ovs.vsctl(&format!("set Flow_Table {} flow_limit=1", row.trim()))?;
    flows.find("tp_dst=22")?.delete(ovs, "br-int")?;
    until(host, "the refused flow is shown", |status| {
        status["problems"][0]["kind"] == "flow"
    })?;
    let differs = ask(host, "diff -b br-int")?;
    let text = stdout(&differs);
    ensure!(differs.status.code() == Some(2), "{differs:?}");
    ensure!(
        text.lines().any(|line| line.starts_with("+cookie=0x6272")),
        "{text}"
    );
    ensure!(ask(host, "diff -b br-tun")?.status.code() == Some(0));

    // Once there is room, it comes back by itself.
    ovs.vsctl(&format!("clear Flow_Table {} flow_limit", row.trim()))?;
    flows.are_on(ovs, "br-int", PATIENCE)?;
    until(host, "nothing is wrong any more", |status| {
        status["problems"] == Value::Array(Vec::new())
    })?;
    Ok(())
}

#[test]
fn what_cannot_work_waits_alone() -> anyhow::Result<()> {
    let lab = quickstart("t-waits")?;
    let host = lab.host("host1")?;
    let (port, interface) = A1;
    // The newer of two interfaces that name a port gets it, though its number is the lower one.
    host.ovs().vsctl(&format!(
        "add-port br-int tapnew -- set Interface tapnew type=internal external_ids:iface-id={port}"
    ))?;
    let holds = |interface: &'static str| {
        move |status: &Value| {
            let mut ports = status["ports"].as_array().into_iter().flatten();
            ports.any(|port| port["name"] == "a1" && port["interface"] == interface)
        }
    };
    until(host, "the newer interface has the port", holds("tapnew"))?;
    until(host, "the older one is a problem", |status| {
        status["problems"][0]["name"] == interface && status["problems"][1].is_null()
    })?;
    host.ovs().vsctl("del-port br-int tapnew")?;
    until(host, "the older one has it again", holds(interface))?;

    // No device has this name, so the interface has the number -1.
    host.ovs().vsctl(&format!(
        "del-port br-int {interface} -- add-port br-int tapgone -- set Interface tapgone \
         external_ids:iface-id={port}"
    ))?;
    until(host, "the port waits", |status| {
        let state = |name: &str| {
            let mut ports = status["ports"].as_array().into_iter().flatten();
            let port = ports.find(|port| port["name"] == name);
            port.map(|port| port["state"].clone()).unwrap_or_default()
        };
        (state("a1"), state("b1"), state("f1"))
            == ("waiting".into(), "bound".into(), "bound".into())
    })?;
    until(host, "its interface is a problem", |status| {
        status["problems"][0]["name"] == "tapgone" && status["problems"][1].is_null()
    })?;
    said(host, "interface tapgone cannot be made")?;

    host.ovs().vsctl(
        "set Open_vSwitch . external_ids:brint-bridge-mappings=physnet1:br-ex,physnet2:br-none",
    )?;
    until(host, "the mapping is a problem", |status| {
        let mut problems = status["problems"].as_array().into_iter().flatten();
        problems.any(|problem| problem["name"] == "physnet2:br-none")
    })?;
    host.ovs()
        .vsctl("remove Open_vSwitch . external_ids brint-bridge-mappings")?;
    host.ovs().vsctl("del-port br-int tapgone")?;
    until(host, "all is well again", |status| {
        status["problems"] == Value::Array(Vec::new())
    })?;
    said(host, "no longer: bridge mapping physnet2:br-none")
}

#[test]
fn prometheus_reads_what_the_agent_counts() -> anyhow::Result<()> {
    let mut lab = quickstart("t-metrics")?;
    lab.host_mut("host1")?.stop_agent()?;
    let host = lab.host("host1")?;
    said(host, LAST_WORDS)?;
    let log = host.ovs().directory().join("metrics.log");
    let _agent = Agent::start(&lab, host, &log)?;
    let address = wait_for("the endpoint of metrics", PATIENCE, || {
        let log = fs::read_to_string(&log)?;
        let address = log.lines().find_map(|line| line.split("http://").nth(1));
        Ok(address
            .and_then(|address| address.strip_suffix("/metrics"))
            .map(str::to_owned))
    })?;
    let flows = Flows::of(host.ovs(), "br-int")?.len();
    wait_for("the flows are counted", PATIENCE, || {
        let metrics = get(&address, "/metrics")?;
        let wanted = format!("brint_flows_installed{{bridge=\"br-int\"}} {flows}");
        Ok(metrics.lines().any(|line| line == wanted).then_some(()))
    })?;
    let metrics = get(&address, "/metrics")?;
    // Nothing had changed, so nothing was sent.
    for line in [
        "HTTP/1.1 200 OK",
        "# TYPE brint_flow_mods counter",
        "brint_flow_mods_total{bridge=\"br-int\",kind=\"add\"} 0",
        "brint_connected{peer=\"database\"} 1",
        "brint_ports{state=\"bound\"} 3",
        "# EOF",
    ] {
        ensure!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
    let elsewhere = get(&address, "/")?;
    ensure!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    Ok(())
}

/// An agent that gives out metrics; it ends with the test.
struct Agent(Child);

impl Agent {
    fn start(lab: &Lab, host: &Host, log: &Path) -> anyhow::Result<Self> {
        let mut command = command(host)?;
        command
            .args([
                "agent",
                "--host",
                host.name(),
                "--metrics",
                "127.0.0.1:0",
                "--network",
            ])
            .arg(lab.network())
            .stderr(File::create(log).context("making a log")?);
        Ok(Self(command.spawn().context("starting an agent")?))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `brint status --watch`; it ends with the test.
struct Watch {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watch {
    fn start(host: &Host) -> anyhow::Result<Self> {
        let mut command = command(host)?;
        command.args(["status", "--watch"]).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting brint status --watch")?;
        let stdout = BufReader::new(child.stdout.take().context("its output")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let sent = stdout.lines().map_while(Result::ok);
            // Nobody may listen any more.
            sent.for_each(|line| drop(sender.send(line)));
        });
        Ok(Self { child, lines })
    }

    fn sees(&self, words: &str) -> anyhow::Result<()> {
        let seen = || self.lines.recv_timeout(PATIENCE);
        while !seen()
            .with_context(|| format!("{words:?}"))?
            .contains(words)
        {}
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a server answers, head and body.
fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn command(host: &Host) -> anyhow::Result<Command> {
    let mut command = Command::new(brint()?);
    command.envs(host.ovs().environment()).stdin(Stdio::null());
    Ok(command)
}

/// Runs brint on a host, with arguments separated by spaces.
fn ask(host: &Host, arguments: &str) -> anyhow::Result<Output> {
    let output = command(host)?.args(arguments.split_whitespace()).output();
    output.with_context(|| format!("brint {arguments}"))
}

fn appctl(host: &Host, arguments: &str) -> anyhow::Result<String> {
    host.ovs().appctl(&format!("-t brint-agent {arguments}"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn status(host: &Host) -> anyhow::Result<Value> {
    let output = ask(host, "status -f json")?;
    serde_json::from_slice(&output.stdout).with_context(|| stderr(&output))
}

/// Waits until the status fulfils a condition.
fn until(host: &Host, what: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let mut last = Value::Null;
    wait_for(what, PATIENCE, || {
        last = status(host)?;
        Ok(holds(&last).then_some(()))
    })
    .with_context(|| format!("{last:#}"))
}

/// Waits until so many flows of br-int were put back.
fn repairs(host: &Host, count: u64) -> anyhow::Result<()> {
    until(host, &format!("{count} repairs"), |status| {
        let flows = status.pointer("/bridges/br-int/repairs/flows");
        flows.and_then(Value::as_u64) == Some(count)
    })
}

/// Waits until the agent has logged these words.
fn said(host: &Host, words: &str) -> anyhow::Result<()> {
    wait_for(&format!("the agent says {words:?}"), PATIENCE, || {
        Ok(host.read_agent_log()?.contains(words).then_some(()))
    })
    .with_context(|| host.read_agent_log().unwrap_or_default())
}

/// The files that a running agent has in the directory of Open vSwitch's sockets.
fn files_of_agent(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for file in fs::read_dir(directory)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.starts_with("brint-agent") {
            files.push(name);
        }
    }
    Ok(files)
}
