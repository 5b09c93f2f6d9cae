//! Everything that can go wrong, one row each.
//!
//! A fault happens and is undone, but for what brint has to put right itself.

use std::fmt;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Arena;
use super::dice::Dice;
use crate::host::Cable;
use crate::patience::{PATIENCE, wait_for};

/// Whose machines may miss others while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Nobody's.
    Nothing,
    /// Those of the host that it happens to; and the way outside, as that may be its gateway host.
    Host,
}

/// Something that goes wrong.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its name, for `--fault`.
    pub name: &'static str,
    /// What happens.
    pub about: &'static str,
    /// Whom it may cost what.
    pub cost: Cost,
    run: fn(&mut Arena, &str, &mut Dice) -> anyhow::Result<()>,
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Fault {
    /// Has it happen to a host.
    pub(super) fn run(&self, arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
        (self.run)(arena, host, dice).with_context(|| format!("{} on {host}", self.name))
    }
}

const fn row(
    name: &'static str,
    about: &'static str,
    cost: Cost,
    run: fn(&mut Arena, &str, &mut Dice) -> anyhow::Result<()>,
) -> Fault {
    Fault {
        name,
        about,
        cost,
        run,
    }
}

/// Every fault.
#[rustfmt::skip]
pub const FAULTS: &[Fault] = &[
    row("agent-killed", "an agent is killed and started again", Cost::Nothing, agent_killed),
    row("agent-stopped", "an agent ends and is started again", Cost::Nothing, agent_stopped),
    row("agent-paused", "an agent does nothing for a while", Cost::Nothing, agent_paused),
    row("agents-killed", "every agent is killed at once", Cost::Nothing, agents_killed),
    row("switch-killed", "ovs-vswitchd is killed and started again", Cost::Host, switch_killed),
    row("switch-paused", "ovs-vswitchd does nothing for a while", Cost::Host, switch_paused),
    row("database-killed", "the ovsdb-server of a host is killed and started again", Cost::Host, database_killed),
    row("database-lost", "the database of a host is lost", Cost::Host, database_lost),
    row("host-down", "everything on a host is killed and started again", Cost::Host, host_down),
    row("northbound-killed", "the northbound server is killed and started again", Cost::Nothing, northbound_killed),
    row("server-killed", "the server of the API is killed and started again", Cost::Nothing, server_killed),
    row("northbound-emptied", "the northbound database is empty for a while", Cost::Nothing, northbound_emptied),
    row("northbound-older", "the northbound database is put back to an older state", Cost::Nothing, northbound_older),
    row("tunnels-cut", "a host loses the link of its tunnels", Cost::Host, tunnels_cut),
    row("tunnels-silent", "the tunnels of a host carry nothing, and have a link", Cost::Host, tunnels_silent),
    row("tunnels-one-way", "what a host sends through tunnels is lost", Cost::Host, tunnels_one_way),
    row("cut-and-killed", "a host loses the link of its tunnels, and its agent is killed", Cost::Host, cut_and_killed),
    row("uplink-cut", "a host loses the link of its provider bridge", Cost::Host, uplink_cut),
    row("clone", "another host has the name of this one", Cost::Nothing, clone),
    row("end-point-taken", "a new host has the tunnel end point of this one", Cost::Nothing, end_point_taken),
    row("end-point-changed", "somebody writes the end point of another host into this one's row", Cost::Nothing, end_point_changed),
    row("absurd-hosts", "hosts that cannot be peers, with absurd MTUs", Cost::Nothing, absurd_hosts),
    row("absurd-objects", "ports, subnets and rules that make no sense", Cost::Nothing, absurd_objects),
    row("wrong-clock", "an agent is said to have been heard in a time to come", Cost::Nothing, wrong_clock),
    row("setting-typo", "a setting of the host makes no sense", Cost::Nothing, setting_typo),
    row("flows-deleted", "every flow of a bridge is deleted", Cost::Host, flows_deleted),
    row("groups-deleted", "every group of br-int is deleted", Cost::Host, groups_deleted),
    row("foreign-flow", "somebody adds flows of types that are seldom seen, and deletes others", Cost::Host, foreign_flow),
    row("tunnel-options", "the options of a tunnel are changed", Cost::Host, tunnel_options),
    row("tunnel-type", "the type of a tunnel is changed", Cost::Host, tunnel_type),
    row("tunnel-bfd", "BFD of a tunnel is turned off", Cost::Host, tunnel_bfd),
    row("protocols", "a bridge speaks an old OpenFlow only", Cost::Host, protocols),
    row("port-config", "the ports of a bridge are told not to forward", Cost::Host, port_config),
    row("fragments", "fragments are dropped", Cost::Host, fragments),
];

/// Lets some time pass, up to `most` milliseconds and at least a quarter of that.
fn dwell(dice: &mut Dice, most: u64) {
    let least = most / 4;
    thread::sleep(Duration::from_millis(least + dice.below(most - least)));
}

/// Waits until an agent has put back what somebody else has changed.
fn is_put_back(what: &str, is_back: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    // A tool that does not get through is no answer: the switch may be starting.
    wait_for(&format!("{what} is put back"), PATIENCE, || {
        Ok(is_back().unwrap_or_default().then_some(()))
    })
}

fn agent_killed(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host_mut(host)?.kill_agent()?;
    dwell(dice, 2000);
    arena.start_agent(host)
}

fn agent_stopped(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host_mut(host)?.stop_agent()?;
    dwell(dice, 2000);
    arena.start_agent(host)
}

fn agent_paused(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let agent = arena.lab.host(host)?.agent_id().context("an agent")?;
    pause(agent, dice)
}

fn agents_killed(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    for host in Arena::HOSTS {
        arena.lab.host_mut(host)?.kill_agent()?;
    }
    dwell(dice, 2000);
    Arena::HOSTS
        .into_iter()
        .try_for_each(|host| arena.start_agent(host))
}

fn switch_killed(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host_mut(host)?.kill_switch()?;
    dwell(dice, 3000);
    arena.lab.host_mut(host)?.start_switch()
}

fn switch_paused(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let switch = arena.lab.host(host)?.switch_id().context("a switch")?;
    pause(switch, dice)
}

fn database_killed(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host_mut(host)?.kill_database()?;
    dwell(dice, 2000);
    arena.lab.host_mut(host)?.start_database()
}

fn database_lost(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host_mut(host)?.lose_database()?;
    dwell(dice, 1000);
    // Whoever sets hosts up sets this one up again, and plugs its machines in.
    arena.set_up_again(host)
}

fn host_down(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let down = arena.lab.host_mut(host)?;
    down.kill_agent()?;
    down.kill_switch()?;
    down.kill_database()?;
    dwell(dice, 3000);
    let down = arena.lab.host_mut(host)?;
    down.start_database()?;
    down.start_switch()?;
    dwell(dice, 1000);
    arena.start_agent(host)
}

fn northbound_killed(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.northbound.kill()?;
    dwell(dice, 3000);
    arena.northbound.serve()
}

fn server_killed(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.kill_server()?;
    dwell(dice, 1000);
    arena.start_server()
}

fn northbound_emptied(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.northbound.replace()?;
    dwell(dice, 4000);
    arena.northbound.restore()
}

fn northbound_older(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.northbound.save()?;
    dwell(dice, 4000);
    arena.northbound.restore()
}

fn tunnels_cut(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host(host)?.pull(Cable::Tunnels)?;
    dwell(dice, 8000);
    arena.lab.host(host)?.put_back(Cable::Tunnels)
}

fn tunnels_silent(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    drop_on_underlay(arena, host, "ip", dice)
}

fn tunnels_one_way(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    drop_on_underlay(arena, host, "in_port=LOCAL,ip", dice)
}

/// Drops what a match describes on the bridge that leads to the other hosts, for a while.
fn drop_on_underlay(arena: &Arena, host: &str, what: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let ovs = arena.lab.host(host)?.ovs();
    ovs.ofctl(&format!("add-flow br-phy priority=100,{what},actions=drop"))?;
    dwell(dice, 8000);
    ovs.ofctl(&format!("--strict del-flows br-phy priority=100,{what}"))?;
    Ok(())
}

fn cut_and_killed(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host(host)?.pull(Cable::Tunnels)?;
    arena.lab.host_mut(host)?.kill_agent()?;
    dwell(dice, 3000);
    arena.start_agent(host)?;
    dwell(dice, 3000);
    arena.lab.host(host)?.put_back(Cable::Tunnels)
}

fn uplink_cut(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.lab.host(host)?.pull(Cable::Provider("br-ex"))?;
    dwell(dice, 5000);
    arena.lab.host(host)?.put_back(Cable::Provider("br-ex"))
}

fn clone(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.start_clone(host)?;
    dwell(dice, 6000);
    arena.lab.host_mut(Arena::SPARE)?.kill_agent()
}

fn end_point_taken(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let address = arena.endpoint(host)?;
    for name in ["aaa", "zzz"] {
        arena.insert_host(name, &address, 1500)?;
    }
    dwell(dice, 4000);
    arena.delete_rows("Host", "name", &["aaa", "zzz"])
}

fn end_point_changed(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let mut others = Arena::HOSTS.into_iter().filter(|other| *other != host);
    let other = others.next_back().context("another host")?;
    let address = arena.endpoint(other)?;
    arena.transact(&format!(
        r#"{{"op":"update","table":"Host","where":[["name","==","{host}"]],"row":{{"encap_ip":"{address}"}}}}"#
    ))?;
    dwell(dice, 3000);
    Ok(())
}

fn absurd_hosts(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    arena.insert_host("far", "2001:db8::9", 1280)?;
    arena.insert_host("tiny", "192.0.2.77", 68)?;
    arena.insert_host("strange", "no address", 1500)?;
    dwell(dice, 4000);
    arena.delete_rows("Host", "name", &["far", "tiny", "strange"])
}

fn absurd_objects(arena: &mut Arena, _host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let (red, open) = (
        arena.id("Network", "red")?,
        arena.id("Security_Group", "open")?,
    );
    // Clients make no ports there, which would keep the subnet from being deleted.
    let blue = arena.id("Network", "blue")?;
    let port = |mac: &str, host: &str| {
        format!(
            r#"{{"op":"insert","table":"Port","row":{{"name":"absurd","network":["uuid","{red}"],"mac_address":"{mac}","host":"{host}","vnic_type":"normal","status":"DOWN","admin_state_up":true,"port_security_enabled":true,"security_groups":["uuid","{open}"],"allowed_address_pairs":["set",["0.0.0.0/1","224.0.0.0/4 ff:ff:ff:ff:ff:ff"]]}}}}"#
        )
    };
    let subnet = format!(
        r#"{{"op":"insert","table":"Subnet","row":{{"name":"absurd","network":["uuid","{blue}"],"cidr":"10.77.0.0/24","gateway_ip":"192.0.2.77","enable_dhcp":true}}}}"#
    );
    let rule = format!(
        r#"{{"op":"insert","table":"Security_Group_Rule","row":{{"description":"absurd","security_group":["uuid","{open}"],"direction":"ingress","ethertype":"IPv6","protocol":"no protocol","remote_ip_prefix":"10.0.0.0/99"}}}}"#
    );
    let rows = [
        port("01:00:5e:00:00:01", "host1"),
        port("ff:ff:ff:ff:ff:ff", "nowhere"),
        port("00:00:00:00:00:00", "host2"),
        subnet,
        rule,
    ];
    let taken = rows
        .iter()
        .filter(|row| arena.transact(row).is_ok())
        .count();
    ensure!(taken > 0, "no absurd row was taken, so nothing was tried");
    dwell(dice, 4000);
    arena.delete_rows("Port", "name", &["absurd"])?;
    arena.delete_rows("Subnet", "name", &["absurd"])?;
    arena.delete_rows("Security_Group_Rule", "description", &["absurd"])
}

fn wrong_clock(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    for time in ["1", "9223372036854775807"] {
        arena.transact(&format!(
            r#"{{"op":"update","table":"Host_State","where":[["name","==","{host}"]],"row":{{"alive_at":{time}}}}}"#
        ))?;
        arena
            .northbound
            .brint("network set red description=chaos --wait=hosts")?;
    }
    dwell(dice, 500);
    Ok(())
}

fn setting_typo(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let ovs = arena.lab.host(host)?.ovs();
    ovs.vsctl(
        "set Open_vSwitch . external_ids:brint-encap-ip=192.0.2 \
         external_ids:brint-bridge-mappings=physnet1=br-ex",
    )?;
    dwell(dice, 3000);
    arena.set_up(host)
}

fn flows_deleted(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let bridge = dice.choose(&["br-int", "br-tun", "br-ex"]);
    let ovs = arena.lab.host(host)?.ovs();
    ovs.ofctl(&format!("del-flows {bridge}"))?;
    Ok(())
}

fn groups_deleted(arena: &mut Arena, host: &str, _dice: &mut Dice) -> anyhow::Result<()> {
    let ovs = arena.lab.host(host)?.ovs();
    ovs.ofctl("-OOpenFlow13 del-groups br-int")?;
    Ok(())
}

fn foreign_flow(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let ovs = arena.lab.host(host)?.ovs();
    let flows = [
        "table=9,actions=load:1->in_port_oxm[]",
        "table=9,dl_type=0x894f,actions=load:1->nsh_spi[]",
    ];
    for flow in flows {
        ovs.ofctl(&format!("-OOpenFlow13 add-flow br-int {flow}"))?;
    }
    dwell(dice, 2000);
    // What is deleted beside them is put back nevertheless.
    ovs.ofctl("del-flows br-int table=71")?;
    is_put_back("table 71", || {
        let flows = ovs.flows("br-int")?;
        Ok(flows.iter().any(|flow| flow.contains("table=71")))
    })?;
    ovs.ofctl("del-flows br-int table=9")?;
    Ok(())
}

fn tunnel_options(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let (_, tunnel) = arena.tunnels(host)?;
    let option = dice.choose(&["dst_port=9999", "key=77", "out_key=7"]);
    let ovs = arena.lab.host(host)?.ovs();
    ovs.vsctl(&format!(
        "--no-wait set Interface {tunnel} options:{option}"
    ))?;
    let (key, value) = option.split_once('=').unwrap_or_default();
    is_put_back("the option", || {
        let options = ovs.vsctl(&format!("get Interface {tunnel} options"))?;
        Ok(!options.contains(&format!("{key}=\"{value}\"")))
    })
}

fn tunnel_type(arena: &mut Arena, host: &str, _dice: &mut Dice) -> anyhow::Result<()> {
    let (_, tunnel) = arena.tunnels(host)?;
    let ovs = arena.lab.host(host)?.ovs();
    ovs.vsctl(&format!("--no-wait set Interface {tunnel} type=gre"))?;
    is_put_back("the type", || {
        let tunnel = ovs.vsctl(&format!("get Interface {tunnel} type ofport"))?;
        Ok(tunnel.starts_with("vxlan\n") && !tunnel.contains("-1"))
    })
}

fn tunnel_bfd(arena: &mut Arena, host: &str, _dice: &mut Dice) -> anyhow::Result<()> {
    let (gre, vxlan) = arena.tunnels(host)?;
    let ovs = arena.lab.host(host)?.ovs();
    for tunnel in [&gre, &vxlan] {
        ovs.vsctl(&format!(
            "--no-wait set Interface {tunnel} bfd:enable=false"
        ))?;
    }
    is_put_back("BFD", || {
        let enabled = ovs.vsctl(&format!("get Interface {vxlan} bfd:enable"))?;
        Ok(enabled.contains("true"))
    })
}

fn protocols(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let bridge = dice.choose(&["br-int", "br-tun"]);
    let ovs = arena.lab.host(host)?.ovs();
    ovs.vsctl(&format!("set Bridge {bridge} protocols=OpenFlow10"))?;
    dwell(dice, 1000);
    if dice.below(2) == 0 {
        arena.lab.host_mut(host)?.kill_agent()?;
        arena.start_agent(host)?;
    }
    let ovs = arena.lab.host(host)?.ovs();
    is_put_back("OpenFlow 1.3", || {
        let protocols = ovs.vsctl(&format!("get Bridge {bridge} protocols"))?;
        Ok(protocols.contains("OpenFlow13") || protocols.trim() == "[]")
    })
}

fn port_config(arena: &mut Arena, host: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let setting = dice.choose(&["no-forward", "no-receive", "down"]);
    let ovs = arena.lab.host(host)?.ovs();
    ovs.ofctl(&format!("mod-port br-int patch-tun {setting}"))?;
    is_put_back("the port", || {
        let ports = ovs.ofctl("show br-int")?;
        let (_, port) = ports.split_once("(patch-tun)").unwrap_or_default();
        let config = port.lines().find(|line| line.contains("config:"));
        Ok(config.is_some_and(|config| config.trim() == "config:     0"))
    })
}

fn fragments(arena: &mut Arena, host: &str, _dice: &mut Dice) -> anyhow::Result<()> {
    let ovs = arena.lab.host(host)?.ovs();
    ovs.ofctl("set-frags br-int drop")?;
    is_put_back("the handling of fragments", || {
        Ok(ovs.ofctl("get-frags br-int")?.contains("nx-match"))
    })
}

/// Stops a process for a while.
fn pause(process: u32, dice: &mut Dice) -> anyhow::Result<()> {
    let id = Pid::from_raw(i32::try_from(process)?);
    kill(id, Signal::SIGSTOP).context("stopping a process")?;
    dwell(dice, 4000);
    kill(id, Signal::SIGCONT).context("letting a process go on")
}
