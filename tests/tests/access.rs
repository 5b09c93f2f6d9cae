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

/// Keys and certificates as the README makes them: one authority vouches for servers, another for
/// hosts.
struct Authority {
    directory: PathBuf,
}

impl Authority {
    fn new(directory: &Path) -> anyhow::Result<Self> {
        let directory = directory.to_owned();
        let authority = Self { directory };
        authority.run(&["init"])?;
        // The common name of a certificate is the name and nothing else.
        authority.run(&["--unique", "req+sign", "server", "controller"])?;
        for name in ["host1", "host2"] {
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

    /// Whether whoever believes one of the authorities believes a certificate.
    fn believes(&self, authority: &str, name: &str) -> anyhow::Result<bool> {
        let output = Command::new("openssl")
            .current_dir(&self.directory)
            .args(["verify", "-CAfile", &format!("pki/{authority}/cacert.pem")])
            .arg(format!("{name}-cert.pem"))
            .output()?;
        Ok(output.status.success())
    }

    /// The options of a server that shows the certificate of this name.
    fn server(&self, name: &str) -> [String; 3] {
        self.options(name, "switchca")
    }

    /// The options of an agent or command that shows the certificate of this name.
    fn client(&self, name: &str) -> [String; 3] {
        self.options(name, "controllerca")
    }

    /// The options that name the files of one side, and the authority that vouches for the other.
    fn options(&self, name: &str, authority: &str) -> [String; 3] {
        let option = |option: &str, file: &str| {
            format!("--{option}={}", self.directory.join(file).display())
        };
        [
            option("private-key", &format!("{name}-privkey.pem")),
            option("certificate", &format!("{name}-cert.pem")),
            option("ca-cert", &format!("pki/{authority}/cacert.pem")),
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

/// Has the server listen for TLS, with the options that say what it shows; the port.
fn listen(northbound: &mut Northbound, options: [String; 3], role: &str) -> anyhow::Result<String> {
    northbound.kill()?;
    let connections = "--remote=db:Brint_Northbound,NB_Global,connections".to_owned();
    northbound.set_arguments(options.into_iter().chain([connections]));
    northbound.serve()?;
    northbound.brint(&format!("connection add pssl:0:127.0.0.1 {role}"))?;
    wait_for("the server listens", PATIENCE, || {
        let list = northbound.brint("connection list")?;
        let bound = list.split_once("bound_port=");
        let port = bound.and_then(|(_, rest)| rest.split([',', '\n', ' ']).next());
        Ok(port.map(str::to_owned))
    })
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

/// Holds what the certificate of host 1 lets write against the end of host 2's tunnels.
fn tunnels_of_others_stay(
    host: &Host,
    brint: &Path,
    northbound: &Northbound,
    transact: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    // Host 2 has claimed its own.
    let claim = r#"["Brint_Northbound",{"op":"insert","table":"Endpoint","row":{"host":"host2","ip_address":"192.0.2.2"}}]"#;
    let mut client = Command::new("ovsdb-client");
    let output = client
        .args(["transact", &northbound.remote(), claim])
        .output()?;
    ensure!(output.status.success(), "{output:?}");
    wait_for("host 1 has claimed its own", PATIENCE, || {
        let endpoints = northbound.rows("Endpoint", "host ip_address")?;
        let mut endpoints = endpoints.iter().map(|row| row.replace('"', ""));
        Ok(endpoints.any(|row| row == "host1,192.0.2.1").then_some(()))
    })?;
    for (forbidden, reason) in [
        (
            r#"{"op":"update","table":"Endpoint","where":[["host","==","host1"]],"row":{"ip_address":"192.0.2.2"}}"#,
            "constraint violation",
        ),
        (
            r#"{"op":"delete","table":"Endpoint","where":[["host","==","host2"]]}"#,
            "permission error",
        ),
        (
            r#"{"op":"insert","table":"Endpoint","row":{"host":"host2","ip_address":"192.0.2.9"}}"#,
            "permission error",
        ),
    ] {
        let answer = transact(forbidden)?;
        ensure!(answer.contains(reason), "{forbidden}: {answer}");
    }
    // What a host says of itself without a right to it changes nothing.
    let wish = r#"{"op":"update","table":"Host","where":[["name","==","host1"]],"row":{"encap_ip":"192.0.2.2"}}"#;
    let answer = transact(wish)?;
    ensure!(!answer.contains("error"), "{answer}");
    wait_for("the host says again what it may say", PATIENCE, || {
        let hosts = northbound.rows("Host", "encap_ip name")?;
        let mut hosts = hosts.iter().map(|row| row.replace('"', ""));
        Ok(hosts.any(|row| row == "192.0.2.1,host1").then_some(()))
    })?;
    let status = host.ask_agent(brint, "status")?;
    ensure!(!status.contains("without host host2"), "{status}");
    Ok(())
}

#[test]
fn an_agent_writes_of_its_own_host_only() -> anyhow::Result<()> {
    let brint = brint()?;
    let lab = Lab::build_part("t-nbrole", NETWORK, &brint, |host| host == "host1")?;
    let authority = Authority::new(lab.directory())?;
    let mut northbound = Northbound::start(lab.directory(), &brint)?;
    let port = listen(&mut northbound, authority.server("server"), "--role agent")?;
    northbound.apply(NETWORK, "")?;

    let host = lab.host("host1")?;
    let remote = format!("ssl:127.0.0.1:{port}");
    let mut options = vec!["--remote".to_owned(), remote.clone()];
    options.extend(authority.client("host1"));
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
            .args(authority.client("host1"))
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

    // Nor can the end of another host's tunnels be taken.
    tunnels_of_others_stay(host, &brint, &northbound, transact)?;
    // A host's certificate does not pass for a server's, nor the other way round.
    for (authority_of, name, believes) in [
        ("controllerca", "server", true),
        ("controllerca", "host1", false),
        ("switchca", "host1", true),
        ("switchca", "server", false),
    ] {
        let is_believed = authority.believes(authority_of, name)?;
        ensure!(
            is_believed == believes,
            "{authority_of} {name}: {is_believed}"
        );
    }
    Ok(())
}

#[test]
fn a_host_cannot_pass_for_the_server() -> anyhow::Result<()> {
    let brint = brint()?;
    let lab = Lab::build_part("t-rogue", NETWORK, &brint, |host| host == "host2")?;
    let authority = Authority::new(lab.directory())?;
    let mut northbound = Northbound::start(lab.directory(), &brint)?;
    northbound.apply(NETWORK, "")?;
    let host = lab.host("host2")?;
    let start = |port: &str| {
        let mut options = vec!["--remote".to_owned(), format!("ssl:127.0.0.1:{port}")];
        options.extend(authority.client("host2"));
        agent(host, &brint, &options)
    };
    let port = listen(&mut northbound, authority.server("host1"), "")?;
    let refusing = start(&port)?;
    wait_for("the agent refuses the certificate", PATIENCE, || {
        let log = host.read_agent_log()?;
        let refused = log.contains("not connected") && log.contains("certificate");
        Ok(refused.then_some(()))
    })
    .with_context(|| host.read_agent_log().unwrap_or_default())?;
    ensure!(!host.read_agent_log()?.contains("1 networks"));
    drop(refusing);

    let port = listen(&mut northbound, authority.server("server"), "")?;
    let _agent = start(&port)?;
    wait_for("the agent follows the database", PATIENCE, || {
        Ok(host.read_agent_log()?.contains("1 networks").then_some(()))
    })
}
