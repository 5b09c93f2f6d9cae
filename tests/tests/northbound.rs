//! Several hosts on one northbound database.

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::cluster::{hosts_with_rule, with_rule};
use labs::quickstart::{NETWORK, OFPORTS};
use labs::{Host, Lab, Machine, Northbound, PATIENCE, cluster, probe, wait_for};
use tests::{ALONE, brint, reaches};

/// The quickstart, whose agents follow a northbound database that has been told of it. They know it
/// by a flag, or by the database of their host.
fn quickstart(name: &str, by_flag: bool) -> anyhow::Result<(Lab, Northbound)> {
    let brint = brint()?;
    let mut lab = Lab::build(name, NETWORK, &brint)?;
    let northbound = Northbound::start(lab.directory(), &brint)?;
    let remote = northbound.remote();
    if by_flag {
        lab.start_agents_of(&["agent".as_ref(), "--remote".as_ref(), remote.as_ref()])?;
    } else {
        for host in lab.hosts() {
            let setting = format!("external_ids:brint-remote={remote}");
            host.ovs().vsctl(&format!("set Open_vSwitch . {setting}"))?;
        }
        lab.start_agents_of(&["agent".as_ref()])?;
    }
    lab.wait_for_bridges()?;
    let changes = northbound.apply(NETWORK, "")?;
    ensure!(changes.contains("+ port a1 ("), "{changes}");
    lab.plug_machines(&OFPORTS)?;
    lab.wait_until_bound()?;
    Ok((lab, northbound))
}

#[test]
fn what_is_applied_reaches_every_host() -> anyhow::Result<()> {
    let (lab, northbound) = quickstart("t-nb", true)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    reaches(lab.machine("b2")?, lab.machine("b1")?)?;

    // Each agent has said what it has.
    let plugged = lab.machines().len();
    let mut ports = Vec::new();
    let active = wait_for("every port is active", PATIENCE, || {
        ports = northbound.rows("Port", "host name status")?;
        let active = ports.iter().filter(|row| row.ends_with(",ACTIVE")).count();
        Ok((active == plugged).then_some(()))
    });
    active.with_context(|| format!("{ports:#?}"))?;
    let hosts = northbound.rows("Host_State", "name nb_cfg")?;
    ensure!(hosts == ["host1,1", "host2,1"], "{hosts:?}");

    // What was waited for is there, at once.
    let changes = northbound.apply(&with_rule(4242)?, "--wait=hosts")?;
    ensure!(changes.contains("): rules\n"), "{changes}");
    let count = hosts_with_rule(&lab, 4242)?;
    ensure!(count > 0, "no host has the flow");
    let nothing = northbound.apply(&with_rule(4242)?, "--wait=hosts")?;
    ensure!(nothing.is_empty(), "{nothing}");

    // A port that is taken out is down.
    let host = lab.host("host1")?;
    let a1 = lab
        .description()
        .ports
        .iter()
        .find(|port| port.name == "a1");
    let interface = a1.context("no port a1")?.interface();
    host.ovs().vsctl(&format!("del-port {interface}"))?;
    wait_for("the port is down", PATIENCE, || {
        let ports = northbound.rows("Port", "name status")?;
        Ok(ports.iter().any(|row| row == "a1,DOWN").then_some(()))
    })
}

#[test]
fn a_description_goes_into_the_database_and_comes_back() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let northbound = Northbound::start(directory.path(), &brint()?)?;
    let planned = northbound.apply(NETWORK, "--dry-run")?;
    ensure!(northbound.rows("Port", "name")?.is_empty());
    let done = northbound.apply(NETWORK, "")?;
    ensure!(planned == done, "{planned}\n{done}");
    ensure!(!northbound.rows("Port", "name")?.is_empty());
    let file = directory.path().join("applied.yaml");
    northbound.brint(&format!("diff --file {}", file.display()))?;
    let exported = northbound.brint("export")?;
    let same = northbound.apply(&exported, "--dry-run")?;
    ensure!(same.is_empty(), "{same}");
    // One object can be looked at, and deleted if nothing names it.
    let shown = northbound.brint("port show a1 -f value -c fixed_ips -c status")?;
    ensure!(
        shown.contains("ip_address=10.0.0.18") && shown.ends_with("\nDOWN\n"),
        "{shown}"
    );
    let networks = northbound.brint("network list -f value -c name")?;
    ensure!(networks.lines().any(|name| name == "flat"), "{networks}");
    ensure!(
        northbound.brint("network delete flat").is_err(),
        "a network in use is gone"
    );
    let ports = northbound.brint("port list -f value -c name")?;
    northbound.brint(&format!("port delete {}", ports.replace('\n', " ")))?;
    northbound.brint("network delete flat")?;
    ensure!(
        northbound.brint("network show flat").is_err(),
        "what was deleted is shown"
    );
    northbound.brint(&format!("delete -f {}", file.display()))?;
    ensure!(northbound.rows("Network", "name")?.is_empty());
    let differs = northbound.brint(&format!("diff --file {}", file.display()));
    ensure!(differs.is_err(), "what is gone is no difference");
    Ok(())
}

#[test]
fn objects_are_made_and_changed_by_hand() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let northbound = Northbound::start(directory.path(), &brint()?)?;
    let brint = |arguments: &str| northbound.brint(arguments);
    brint("network create net1 provider:network_type=vxlan provider:segmentation_id=77")?;
    brint("subnet create sub1 network_id=net1 ip_version=4 cidr=10.3.0.0/24")?;
    brint("security-group create web")?;
    brint(
        "security-group-rule create security_group_id=web direction=ingress protocol=tcp \
         port_range_min=80 port_range_max=80 remote_group_id=web",
    )?;
    // What would be done is said, and what would be refused, and nothing is done.
    let planned = brint("network create trial mtu=1400 --dry-run")?;
    ensure!(planned == "+ network trial: mtu\n", "{planned}");
    ensure!(!brint("network list -f value")?.contains("trial"));
    let refused = brint("subnet create network_id=net1 ip_version=4 cidr=nowhere --dry-run");
    ensure!(refused.is_err(), "{refused:?}");
    let planned = brint("network set net1 description=x --dry-run")?;
    ensure!(planned == "~ network net1: description\n", "{planned}");
    let planned = brint("network delete net1 --dry-run")?;
    ensure!(planned == "- network net1\n", "{planned}");
    brint("address-group create hosts addresses=[\"198.51.100.0/24\"]")?;
    let port = brint("port create vm1 network_id=net1 security_groups=web -f value -c fixed_ips")?;
    ensure!(port.contains("ip_address=10.3.0."), "{port}");
    brint("router create r1")?;

    // What was made by hand is what a file would have said.
    let exported = brint("export")?;
    for said in [
        "vm1",
        "77",
        "10.3.0.0/24",
        "remote_group",
        "198.51.100.0/24",
    ] {
        ensure!(exported.contains(said), "no {said} in\n{exported}");
    }
    brint("port set vm1 binding:host_id=host1 description=mine")?;
    let ports = brint("port list name=vm1 -f json -c binding:host_id -c description")?;
    let ports: serde_json::Value = serde_json::from_str(&ports)?;
    let expected = serde_json::json!([{"binding:host_id": "host1", "description": "mine"}]);
    ensure!(ports == expected, "{ports}");
    let rules = brint("security-group-rule list protocol=tcp -f value -c port_range_min")?;
    ensure!(rules == "80\n", "{rules}");
    let routers = brint("router list -f value -c name")?;
    ensure!(routers == "r1\n", "{routers}");

    let planned = brint("router do r1 add_router_interface subnet_id=sub1 --dry-run")?;
    ensure!(
        planned == "~ router r1: add_router_interface\n",
        "{planned}"
    );
    let subnet = brint("subnet show sub1 -f value -c id")?;
    let joined = "router do r1 add_router_interface subnet_id=sub1 -f value -c subnet_id";
    ensure!(brint(joined)? == subnet);
    let ports = brint("port list device_owner=network:router_interface -f value -c device_owner")?;
    ensure!(ports == "network:router_interface\n", "{ports}");
    brint("router do r1 remove_router_interface subnet_id=sub1")?;
    let far =
        "address-group do hosts add_addresses addresses=[\"192.0.2.0/24\"] -f value -c addresses";
    let far = brint(far)?;
    ensure!(far == "192.0.2.0/24,198.51.100.0/24\n", "{far}");
    let wrong = brint("router do r1 fly").expect_err("no action");
    ensure!(wrong.to_string().contains("could not be found"), "{wrong}");

    // Where a host is, only people know.
    northbound.apply("hosts:\n  - {name: host1, encap_ip: 192.0.2.1}\n", "")?;
    brint("host set host1 --availability-zone east --gateway-priority 3")?;
    let host = brint("host show host1 -f value -c availability_zone -c gateway_priority")?;
    ensure!(host == "east\n3\n", "{host}");
    brint("host set host1 --preemptive true")?;
    let host = brint("host show host1 -f value -c gateway_priority -c preemptive")?;
    ensure!(host == "3\ntrue\n", "{host}");
    brint("network create net2 availability_zone_hints=[\"east\"]")?;
    brint("network delete net2")?;

    // A mistake is told in the API's words, and changes nothing.
    let wrong = brint("network set net1 mtu=many").expect_err("no number");
    ensure!(wrong.to_string().contains("mtu"), "{wrong}");
    let unknown = brint("port create network_id=nowhere").expect_err("no network");
    ensure!(
        unknown.to_string().contains("there is no network nowhere"),
        "{unknown}"
    );
    brint("port delete vm1 --wait=hosts")?;
    brint("network delete net1")?;
    ensure!(brint("network list -f value")?.is_empty());
    Ok(())
}

#[test]
fn an_agent_is_alive_that_answers_whatever_its_clock_says() -> anyhow::Result<()> {
    let (mut lab, northbound) = quickstart("t-nbalive", true)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    let say = |host: &str, alive_at: i64| -> anyhow::Result<()> {
        let update = format!(
            r#"["Brint_Northbound",{{"op":"update","table":"Host_State","where":[["name","==","{host}"]],"row":{{"alive_at":{alive_at}}}}}]"#
        );
        let mut client = Command::new("ovsdb-client");
        let output = client
            .args(["transact", &northbound.remote(), &update])
            .output()?;
        let answer = String::from_utf8(output.stdout)?;
        ensure!(answer.contains(r#""count":1"#), "{answer}");
        Ok(())
    };
    let alive = || -> anyhow::Result<Vec<String>> {
        let list = northbound.brint("host list -f value -c name -c alive")?;
        let mut hosts: Vec<_> = list.lines().map(str::to_owned).collect();
        hosts.sort();
        Ok(hosts)
    };
    wait_for("both agents answer", PATIENCE, || {
        Ok((alive()? == ["host1 true", "host2 true"]).then_some(()))
    })?;
    // A clock of 1970: it is waited for, and programs what is waited for.
    say("host1", 1)?;
    northbound.apply(&with_rule(4244)?, "--wait=hosts")?;
    ensure!(hosts_with_rule(&lab, 4244)? > 0, "no host has the flow");
    say("host1", 1)?;
    let hosts = alive()?;
    ensure!(hosts == ["host1 true", "host2 true"], "{hosts:?}");
    // An agent that was killed is not alive, though its row says that it will be for ever.
    lab.host_mut("host2")?.kill_agent()?;
    say("host2", i64::MAX)?;
    let hosts = alive()?;
    ensure!(hosts == ["host1 true", "host2 false"], "{hosts:?}");
    let output = northbound
        .applying(&with_rule(4245)?, "--wait=hosts --timeout 25")?
        .output()?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(output.status.success(), "{told}");
    ensure!(told.contains("no agent answers on host2"), "{told}");
    ensure!(hosts_with_rule(&lab, 4245)? > 0, "no host has the flow");
    Ok(())
}

#[test]
fn a_database_that_is_killed_is_survived() -> anyhow::Result<()> {
    let (lab, mut northbound) = quickstart("t-nbdies", false)?;
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    reaches(a2, a1)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    northbound.kill()?;
    wait_for("the agent notices", PATIENCE, || {
        let log = lab.host("host1")?.read_agent_log()?;
        Ok(log
            .contains("northbound Brint_Northbound is not connected")
            .then_some(()))
    })?;
    let answered = probe::ping(a2.namespace(), a1.ipv4()?, Duration::from_secs(5))?;
    ensure!(answered, "nothing passes without the database");
    northbound.serve()?;
    northbound.apply(&with_rule(4243)?, "--wait=hosts")?;
    ensure!(hosts_with_rule(&lab, 4243)? > 0, "no host has the flow");
    reaches(a2, a1)
}

#[test]
fn the_hosts_follow_a_cluster_whose_leaders_are_killed() -> anyhow::Result<()> {
    let (lab, mut northbound) = cluster::start("t-nbraft", &brint()?)?;
    let checks = cluster::check(&lab, &mut northbound)?;
    ensure!(checks.all_hold(), "{checks}");
    Ok(())
}

/// What is killed while a change is being applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Command,
    Database,
    Agent,
    AgentAndDatabase,
}

/// The quickstart with a rule and a network with a port of its own.
fn with_network(round: u16) -> anyhow::Result<String> {
    let text = with_rule(4300 + round)?;
    let network = format!(
        "networks:\n  - {{name: n{round}, network_type: vxlan, segmentation_id: {}, \
         subnets: [{{cidr: 10.9.{round}.0/24}}]}}\n",
        3000 + round
    );
    let port = format!(
        "ports:\n  - {{id: 76000000-bcad-4032-8ad1-f095060000{round:02}, name: p{round}, \
         network: n{round}, mac_address: \"fa:16:3e:01:00:{round:02}\", \
         fixed_ips: [10.9.{round}.2], host: host1}}\n"
    );
    let text = text.replacen("networks:\n", &network, 1);
    Ok(text.replacen("\nports:\n", &format!("\n{port}"), 1))
}

#[test]
fn nothing_is_half_done_whatever_is_killed() -> anyhow::Result<()> {
    let (mut lab, mut northbound) = quickstart("t-nbkill", true)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    let victims = [
        Victim::Command,
        Victim::Database,
        Victim::Agent,
        Victim::AgentAndDatabase,
    ];
    for (round, victim) in (0_u16..12).zip(victims.into_iter().cycle()) {
        let next = with_network(round)?;
        let planned = northbound.apply(&next, "--dry-run")?;
        ensure!(planned.contains(&format!("+ port p{round} (")), "{planned}");
        let mut applying = northbound.applying(&next, "")?.spawn()?;
        // The moment is another one each time, from before the first word to after the last.
        thread::sleep(Duration::from_millis(u64::from(round / 4) * 20));
        kill(victim, &mut lab, &mut northbound, &mut applying)?;
        northbound.serve()?;
        applying.wait()?;

        let left = northbound.apply(&next, "--dry-run")?;
        let whole = left == planned || left.is_empty();
        ensure!(whole, "round {round}, {victim:?}: left is\n{left}");
        northbound.apply(&next, "--wait=hosts")?;
        let hosts = hosts_with_rule(&lab, 4300 + round)?;
        ensure!(hosts == 2, "round {round}, {victim:?}: {hosts} hosts");
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    reaches(lab.machine("b2")?, lab.machine("b1")?)
}

/// Kills it, and starts an agent that was killed again.
fn kill(
    victim: Victim,
    lab: &mut Lab,
    northbound: &mut Northbound,
    applying: &mut Child,
) -> anyhow::Result<()> {
    match victim {
        // One that is done already is fine too.
        Victim::Command => drop(applying.kill()),
        Victim::Database => northbound.kill()?,
        Victim::Agent => restart(lab, northbound)?,
        Victim::AgentAndDatabase => {
            northbound.kill()?;
            applying.kill()?;
            let told = complaints(lab)?;
            restart(lab, northbound)?;
            wait_for("the agent misses the database", PATIENCE, || {
                Ok((complaints(lab)? > told).then_some(()))
            })?;
            // It knows no network, and must not take that for an empty one.
            let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
            let answered = probe::ping(a2.namespace(), a1.ipv4()?, Duration::from_secs(5))?;
            ensure!(answered, "nothing passes without the database");
        }
    }
    Ok(())
}

/// Kills the agent of the first host, and starts it again.
fn restart(lab: &mut Lab, northbound: &Northbound) -> anyhow::Result<()> {
    let (brint, remote) = (lab.brint().to_owned(), northbound.remote());
    let host = lab.host_mut("host1")?;
    host.kill_agent()?;
    let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
    host.start_agent_of(&brint, &source)
}

/// How often the first host's agent has said that the database is away.
fn complaints(lab: &Lab) -> anyhow::Result<usize> {
    let log = lab.host("host1")?.read_agent_log()?;
    Ok(log.matches("Brint_Northbound is not connected").count())
}

#[test]
fn one_command_runs_a_host_alone() -> anyhow::Result<()> {
    let brint = brint()?;
    let mut lab = Lab::build("t-nbrun", ALONE, &brint)?;
    lab.start_agents_of(&["run".as_ref()])?;
    let file = lab.network().display().to_string();
    let apply = format!("apply -f {file} --wait=hosts");
    let host = lab.host("host1")?;
    wait_for("the database is served", PATIENCE, || {
        Ok(host.ask_agent(&brint, &apply).ok())
    })?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let (one, two) = (lab.machine("one")?.clone(), lab.machine("two")?.clone());
    answers(&one, &two)?;

    // A server that is started again does not know the database by itself.
    lab.host_mut("host1")?.kill_database()?;
    lab.host_mut("host1")?.start_database()?;
    let host = lab.host("host1")?;
    wait_for("the database is served again", PATIENCE, || {
        Ok(host.ask_agent(&brint, &apply).ok())
    })?;
    answers(&two, &one)
}

/// Two machines of a host that serves its own database, which reach each other.
fn alone(name: &str) -> anyhow::Result<(Lab, Machine, Machine)> {
    let brint = brint()?;
    let mut lab = Lab::build(name, ALONE, &brint)?;
    lab.start_agents_of(&["run".as_ref()])?;
    let apply = format!("apply -f {} --wait=hosts", lab.network().display());
    let host = lab.host("host1")?;
    wait_for("the database is served", PATIENCE, || {
        Ok(host.ask_agent(&brint, &apply).ok())
    })?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let (one, two) = (lab.machine("one")?.clone(), lab.machine("two")?.clone());
    answers(&one, &two)?;
    Ok((lab, one, two))
}

#[test]
fn no_value_cuts_a_running_machine() -> anyhow::Result<()> {
    let brint = brint()?;
    let (lab, one, two) = alone("t-nbvalue")?;
    let host = lab.host("host1")?;
    let status = || host.ask_agent(&brint, "status");
    let subnets = request(host, "GET", "/v2.0/subnets?fields=id", "")?;
    let subnet = subnets.split_once(r#""id":""#).context("no subnet")?.1;
    let (subnet, _) = subnet.split_once('"').context("no end of an id")?;

    // A router outside the block is one that this network can have.
    let outside = r#"{"subnet": {"gateway_ip": "10.250.0.1"}}"#;
    let changed = request(host, "PUT", &format!("/v2.0/subnets/{subnet}"), outside)?;
    ensure!(changed.starts_with("HTTP/1.1 200"), "{changed}");
    host.ask_agent(&brint, "network create other --wait=hosts")?;
    answers(&one, &two)?;
    ensure!(!status()?.contains("without"), "{}", status()?);

    // What the API refuses, somebody else may write.
    let port = "/v2.0/ports/75000002-bcad-4032-8ad1-f0950600b737";
    let many = r#"{"port": {"mac_address": "01:00:5e:00:00:01"}}"#;
    let refused = request(host, "PUT", port, many)?;
    ensure!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let transaction = r#"["Brint_Northbound",
        {"op": "update", "table": "Port", "where": [["name", "==", "two"]],
            "row": {"mac_address": "01:00:5e:00:00:01", "revision_number": 77}},
        {"op": "update", "table": "Port", "where": [["name", "==", "one"]],
            "row": {"allowed_address_pairs": "224.0.0.18", "revision_number": 77}}]"#;
    let mut client = host.ovs().command("ovsdb-client");
    let output = client.args(["transact", transaction]).output()?;
    ensure!(output.status.success(), "{output:?}");
    for said in [
        "without the change of port two, which stays as it was: mac_address",
        "without allowed_address_pairs[0] of port one: 224.0.0.18/32 overlaps 224.0.0.0/4",
    ] {
        wait_for("the status to say so", PATIENCE, || {
            Ok(status()?.contains(said).then_some(()))
        })
        .with_context(|| format!("no {said} in {}", status().unwrap_or_default()))?;
    }
    answers(&one, &two)?;
    answers(&two, &one)
}

#[test]
fn what_the_api_changes_reaches_the_switch() -> anyhow::Result<()> {
    let (lab, one, two) = alone("t-nbapi")?;
    let host = lab.host("host1")?;
    let port = "/v2.0/ports/75000002-bcad-4032-8ad1-f0950600b737";
    let shown = wait_for("a port that works", PATIENCE, || {
        let shown = request(host, "GET", port, "")?;
        Ok(shown.contains(r#""status":"ACTIVE""#).then_some(shown))
    })?;
    let groups = shown.split_once(r#""security_groups":"#);
    let (_, groups) = groups.context("a port without groups")?;
    let (groups, _) = groups.split_once(']').context("groups without an end")?;

    // Without its group nobody may reach the port, until it has it back.
    let none = r#"{"port": {"security_groups": []}}"#;
    let changed = request(host, "PUT", port, none)?;
    ensure!(changed.starts_with("HTTP/1.1 200"), "{changed}");
    wait_for("silence", PATIENCE, || {
        let answered = probe::ping(one.namespace(), two.ipv4()?, Duration::from_secs(1))?;
        Ok((!answered).then_some(()))
    })?;
    let back = format!(r#"{{"port": {{"security_groups": {groups}]}}}}"#);
    request(host, "PUT", port, &back)?;
    answers(&one, &two)
}

/// What the API of a host answers.
fn request(host: &Host, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut command = host.namespace().command("bash");
    command.args([
        "-c",
        "exec 3<>/dev/tcp/127.0.0.1/9696; printf %s \"$0\" >&3; cat <&3",
        &request,
    ]);
    let output = command.output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn an_older_database_is_brought_up_to_date() -> anyhow::Result<()> {
    let brint = brint()?;
    let mut lab = Lab::build("t-nbold", ALONE, &brint)?;
    let ovs = lab.host("host1")?.ovs().clone();
    let run = |program: &str, arguments: &[&str]| -> anyhow::Result<String> {
        let output = ovs.command(program).args(arguments).output()?;
        ensure!(output.status.success(), "{program}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    };
    let schema = run(
        brint.to_str().context("a path that is no text")?,
        &["schema"],
    )?;
    let lines = schema
        .lines()
        .filter(|line| !line.contains("\"is_default\""));
    let older: String = lines.map(|line| format!("{line}\n")).collect();
    let older = older.replace("\"version\": \"1.", "\"version\": \"0.");
    ensure!(older != schema, "the schema looks otherwise");
    let file = |name: &str| ovs.directory().join(name).display().to_string();
    std::fs::write(file("older"), older)?;
    let database = file("brint_northbound.db");
    run("ovsdb-tool", &["create", &database, &file("older")])?;
    run(
        "ovs-appctl",
        &["-t", "ovsdb-server", "ovsdb-server/add-db", &database],
    )?;
    let remote = format!("unix:{}", file("db.sock"));
    let insert = r#"["Brint_Northbound",{"op":"insert","table":"Network","row":{"name":"kept"}}]"#;
    run("ovsdb-client", &["transact", &remote, insert])?;

    lab.start_agents_of(&["run".as_ref()])?;
    let export = || lab.host("host1")?.ask_agent(&brint, "export");
    let exported = wait_for("the database is converted", PATIENCE, || Ok(export().ok()))?;
    ensure!(exported.contains("kept"), "{exported}");
    let version = run(
        "ovsdb-client",
        &["get-schema-version", &remote, "Brint_Northbound"],
    )?;
    ensure!(version.starts_with("1."), "{version}");
    Ok(())
}

/// Waits until a machine gets an answer from another, on IPv4.
fn answers(from: &Machine, to: &Machine) -> anyhow::Result<()> {
    wait_for("an answer", PATIENCE, || {
        let answered = probe::ping(from.namespace(), to.ipv4()?, Duration::from_secs(1))?;
        Ok(answered.then_some(()))
    })
}
