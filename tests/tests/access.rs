//! What the certificate of an agent lets it write.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use labs::{Host, Lab, Northbound, PATIENCE, wait_for};
use tests::brint;

/// A port of each host, and one of none.
const NETWORK: &str = "
networks:
  - {name: net, network_type: local, subnets: [{cidr: 10.0.0.0/24}]}
ports:
  - {id: 77000001-bcad-4032-8ad1-f0950600b737, name: mine, network: net, mac_address: \"fa:16:3e:00:00:01\", fixed_ips: [10.0.0.1], host: host1}
  - {id: 77000002-bcad-4032-8ad1-f0950600b737, name: theirs, network: net, mac_address: \"fa:16:3e:00:00:02\", fixed_ips: [10.0.0.2], host: host2}
  - {id: 77000003-bcad-4032-8ad1-f0950600b737, name: free, network: net, mac_address: \"fa:16:3e:00:00:03\", fixed_ips: [10.0.0.3]}
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
  - {name: host2, encap_ip: 192.0.2.2}
";

/// Keys and certificates by an authority of their own.
struct Authority {
    directory: PathBuf,
}

impl Authority {
    fn new(directory: &Path) -> anyhow::Result<Self> {
        let directory = directory.to_owned();
        let authority = Self { directory };
        authority.run(&["init"])?;
        // The common name of a certificate is the name and nothing else.
        for name in ["server", "host1"] {
            authority.run(&["--unique", "req+sign", name, "switch"])?;
        }
        Ok(authority)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("ovs-pki");
        command
            .current_dir(&self.directory)
            .arg(format!("--dir={}", self.directory.join("pki").display()))
            .arg(format!("--log={}", self.directory.join("log").display()))
            .args(arguments);
        let output = command.output()?;
        ensure!(output.status.success(), "{command:?}: {output:?}");
        Ok(())
    }

    /// The options that name the files of one side.
    fn options(&self, name: &str) -> [String; 3] {
        let option = |option: &str, file: &str| {
            format!("--{option}={}", self.directory.join(file).display())
        };
        [
            option("private-key", &format!("{name}-privkey.pem")),
            option("certificate", &format!("{name}-cert.pem")),
            option("ca-cert", "pki/switchca/cacert.pem"),
        ]
    }
}

/// An agent that ends with the test. It runs where the servers can be reached by TCP.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn agent(host: &Host, brint: &Path, options: &[String]) -> anyhow::Result<Agent> {
    let log = std::fs::File::create(host.agent_log())?;
    let mut command = host.ovs().command(brint);
    command
        .args(["agent", "--host", host.name()])
        .args(options)
        .stdin(Stdio::null())
        .stderr(log);
    Ok(Agent(command.spawn()?))
}

/// Plugs a port in, without a machine.
fn plug(host: &Host, port: u8) -> anyhow::Result<()> {
    let id = format!("7700000{port}-bcad-4032-8ad1-f0950600b737");
    host.ovs().vsctl(&format!(
        "add-port br-int p{port} -- set Interface p{port} type=internal \
         external_ids:iface-id={id} external_ids:attached-mac=fa:16:3e:00:00:0{port}"
    ))?;
    Ok(())
}

#[test]
fn an_agent_writes_of_its_own_host_only() -> anyhow::Result<()> {
    let brint = brint()?;
    let lab = Lab::build_part("t-nbrole", NETWORK, &brint, |host| host == "host1")?;
    let authority = Authority::new(lab.directory())?;
    let mut northbound = Northbound::start(lab.directory(), &brint)?;
    northbound.kill()?;
    let connections = "--remote=db:Brint_Northbound,NB_Global,connections".to_owned();
    northbound.set_arguments(authority.options("server").into_iter().chain([connections]));
    northbound.serve()?;
    northbound.brint("connection add pssl:0:127.0.0.1 --role agent")?;
    northbound.apply(NETWORK, "")?;
    let port = wait_for("the server listens", PATIENCE, || {
        let list = northbound.brint("connection list")?;
        let bound = list.split_once("bound_port=");
        let port = bound.and_then(|(_, rest)| rest.split([',', '\n', ' ']).next());
        Ok(port.map(str::to_owned))
    })?;

    let host = lab.host("host1")?;
    let remote = format!("ssl:127.0.0.1:{port}");
    let mut options = vec!["--remote".to_owned(), remote.clone()];
    options.extend(authority.options("host1"));
    let _agent = agent(host, &brint, &options)?;
    host.wait_for_bridges()?;
    (1..=3).try_for_each(|port| plug(host, port))?;
    northbound.apply(NETWORK, "--wait=hosts")?;

    // Its own port works; one that names no host is not taken, and that is told.
    let ports = || northbound.rows("Port", "host name status");
    let told = wait_for("the refusal is told", PATIENCE, || {
        let log = host.read_agent_log()?;
        Ok(log
            .contains("ports that name no host stay so")
            .then_some(()))
    });
    told.with_context(|| host.read_agent_log().unwrap_or_default())?;
    wait_for("the port is active", PATIENCE, || {
        let active = ports()?.contains(&"host1,mine,ACTIVE".to_owned());
        Ok(active.then_some(()))
    })?;
    let rows = ports()?;
    ensure!(rows.contains(&"host2,theirs,DOWN".to_owned()), "{rows:?}");
    ensure!(rows.contains(&"[],free,DOWN".to_owned()), "{rows:?}");

    // With the same certificate, nobody else's row can be written by hand.
    let transact = |operation: &str| -> anyhow::Result<String> {
        let operations = format!("[\"Brint_Northbound\",{operation}]");
        let mut client = Command::new("ovsdb-client");
        client
            .args(authority.options("host1"))
            .args(["transact", &remote, &operations]);
        let output = client.output()?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let active = |name: &str| {
        format!(
            r#"{{"op":"update","table":"Port","where":[["name","==","{name}"]],"row":{{"status":"ERROR"}}}}"#
        )
    };
    for forbidden in [
        active("theirs"),
        active("free"),
        r#"{"op":"delete","table":"Network","where":[]}"#.to_owned(),
        r#"{"op":"insert","table":"Host_State","row":{"name":"host2"}}"#.to_owned(),
    ] {
        let answer = transact(&forbidden)?;
        ensure!(answer.contains("permission error"), "{forbidden}: {answer}");
    }
    let allowed = transact(&active("mine"))?;
    ensure!(!allowed.contains("error"), "{allowed}");
    Ok(())
}
