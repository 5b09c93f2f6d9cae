//! Pages that follow packets through the tables, as the switches tell it.
//!
//! A page is written by hand, but for its traces: what `ofproto/trace` says of a packet, without
//! what differs from run to run. So a test can compare a page with a lab that runs.

use std::collections::BTreeMap;
use std::mem;

use anyhow::Context as _;

use crate::host::{Ovs, PHYSICAL_BRIDGE};
use crate::lab::Lab;

/// What opens a trace in a page; a line with the command follows.
const TRACE: &str = "```trace";
/// What stands between the host and the bridge in that line.
const COMMAND: &str = "# ovs-appctl ofproto/trace --names ";
/// What follows where the connection tracker gave a packet back.
const RESUMED: &str = ", on br-int\n";

/// A page, with its traces as the switches of a lab give them now.
///
/// # Errors
///
/// When a trace names no host, or the switch does not understand the packet.
pub fn traced(page: &str, lab: &Lab) -> anyhow::Result<String> {
    let mut now = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        now += &format!("{line}\n");
        if line == TRACE {
            let command = lines.next().context("a trace without a command")?;
            let steps = trace(lab, command).with_context(|| command.to_owned())?;
            now += &format!("{command}\n{steps}```\n");
            lines.find(|line| *line == "```").context("no end")?;
        }
    }
    Ok(now)
}

/// The way of a packet; the command names machines where a switch has interfaces.
fn trace(lab: &Lab, command: &str) -> anyhow::Result<String> {
    let (host, asked) = command.split_once(COMMAND).context("expected a trace")?;
    let host = lab.host(host)?;
    let (bridge, packet) = asked.split_once(' ').context("expected BRIDGE PACKET")?;
    let mut packet = format!("{packet},");
    for port in &lab.description().ports {
        let by_name = format!("in_port={},", port.name);
        packet = packet.replace(&by_name, &format!("in_port={},", port.interface()));
    }
    let packet = packet.trim_end_matches(',');
    let ovs = host.ovs();
    let mut names = BTreeMap::new();
    for bridge in ovs.vsctl("list-br")?.split_whitespace() {
        names.insert(bridge.to_owned(), table_names(ovs, bridge)?);
    }
    let said = ovs.appctl(&format!("ofproto/trace --names {bridge} {packet}"))?;
    Ok(steps(&said, &names))
}

/// The names that the tables of a bridge have.
type TableNames = BTreeMap<String, String>;

fn table_names(ovs: &Ovs, bridge: &str) -> anyhow::Result<TableNames> {
    let tables = ovs.vsctl(&format!("get Bridge {bridge} flow_tables"))?;
    let tables = tables.trim().trim_matches(['{', '}']);
    let numbers = tables.split(", ").filter_map(|table| table.split_once('='));
    let name = |(number, row): (&str, &str)| {
        let name = ovs.vsctl(&format!("get Flow_Table {row} name"))?;
        Ok((number.to_owned(), name.trim().trim_matches('"').to_owned()))
    };
    numbers.map(name).collect()
}

/// A trace, without what differs from run to run: cookies, and what becomes of it in the datapath.
fn steps(said: &str, names: &BTreeMap<String, TableNames>) -> String {
    let mut steps = String::new();
    let (mut bridge, mut is_resumed) = ("", false);
    for line in said.lines() {
        let trimmed = line.trim_start();
        let indent = line.strip_suffix(trimmed).unwrap_or_default();
        let step = trimmed.split_once(". ");
        let step = step.filter(|(number, _)| number.parse::<u8>().is_ok());
        if let Some(name) = trimmed.strip_prefix("bridge(\"") {
            // A packet resumes on br-int, and is told to be where it came in.
            if !mem::take(&mut is_resumed) {
                bridge = name.trim_end_matches("\")");
            }
            if bridge != PHYSICAL_BRIDGE && !steps.ends_with(RESUMED) {
                steps += &format!("{bridge}\n");
            }
        } else if let Some((_, tracked)) = line.split_once(" - resume conntrack with default ") {
            let state = tracked.split(' ').next().unwrap_or_default();
            steps += &format!("tracked, {state}{RESUMED}");
            (bridge, is_resumed) = ("br-int", true);
        } else if bridge == PHYSICAL_BRIDGE || trimmed == "thaw" {
            // Not every datapath has this bridge.
        } else if let Some((number, rest)) = step {
            let name = names.get(bridge).and_then(|names| names.get(number));
            let name = name.map_or("", String::as_str);
            let (matching, _) = rest.split_once(", cookie ").unwrap_or((rest, ""));
            steps += &format!("{indent}{number} {name}  {matching}\n");
        } else if indent.len() > 3 && !trimmed.starts_with(['-', '>']) {
            steps += &format!("{line}\n");
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
Flow: icmp,in_port=1

bridge(\"br-int\")
----------------
 0. priority 0, cookie 0x6272000000000000
    goto_table:58
71. ip,reg5=0x1, priority 65, cookie 0x62720a262cf98d16
    ct(table=72,zone=NXM_NX_REG6[0..15])
    drop
     -> A clone of the packet is forked to recirculate.

Final flow: unchanged
Datapath actions: ct(zone=1),recirc(0x5)

===============================================================================
recirc(0x5) - resume conntrack with default ct_state=trk|new (use --ct-next to customize)
===============================================================================
";

    #[test]
    fn a_trace_is_left_with_what_is_the_same_in_every_run() {
        let tables = [("0".to_owned(), "LOCAL_SWITCHING".to_owned())].into();
        let names = [("br-int".to_owned(), tables)].into();
        assert_eq!(
            steps(SAID, &names),
            "br-int\n 0 LOCAL_SWITCHING  priority 0\n    goto_table:58\n71   ip,reg5=0x1, priority 65\n    \
             ct(table=72,zone=NXM_NX_REG6[0..15])\n    drop\ntracked, ct_state=trk|new, on br-int\n",
        );
    }
}
