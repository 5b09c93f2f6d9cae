//! What speaks to a switch.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use openflow::flow::{DEFAULT_PRIORITY, Flow, FlowFlags};
use openflow::matching::Match;
use openflow::message::{FlowMod, FlowModCommand, Message};
use openflow::text::Parser;
use openflow::{Connection, Options};

use crate::offline::at;
use crate::{Failure, complain, read};

/// Flows by what tells them apart.
type Flows = BTreeMap<(u8, u16, Match), Flow>;

async fn connect(target: &str) -> Result<Connection, Failure> {
    // A bridge's name stands for its socket, as for `ovs-ofctl`.
    let target = match target.contains(':') {
        true => target.to_owned(),
        false => format!("unix:/var/run/openvswitch/{target}.mgmt"),
    };
    let (switch, _events) = Connection::connect(&target.parse()?, Options::default()).await?;
    Ok(switch)
}

/// The flow mods of a file, and whether any line of it was wrong.
fn changes(file: &str, command: Option<FlowModCommand>) -> Result<(Vec<FlowMod>, bool), Failure> {
    let text = read(file)?;
    let mut wrong = false;
    let mut changes = Vec::new();
    for change in Parser::default().lenient().flow_mods(&text, command) {
        match change {
            Ok(change) => changes.push(change),
            Err(error) => {
                wrong = true;
                complain(&at(file, &error));
            }
        }
    }
    Ok((changes, wrong))
}

const fn code(failed: bool) -> ExitCode {
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

pub(crate) async fn add_flows(target: &str, file: &str, bundle: bool) -> Result<ExitCode, Failure> {
    let (changes, wrong) = changes(file, None)?;
    let switch = connect(target).await?;
    let failed = send(&switch, changes, bundle).await?;
    Ok(code(wrong || failed))
}

/// Sends flow mods, together or one by one, and says whether any was refused.
async fn send(switch: &Connection, changes: Vec<FlowMod>, bundle: bool) -> Result<bool, Failure> {
    let messages: Vec<Message> = changes.into_iter().map(Message::from).collect();
    if bundle {
        switch.bundle(messages).await?;
        return Ok(false);
    }
    for message in messages {
        switch.send(message).await?;
    }
    switch.barrier().await?;
    Ok(false)
}

pub(crate) async fn dump_flows(target: &str) -> Result<ExitCode, Failure> {
    let switch = connect(target).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for flow in switch.flows().await? {
        writeln!(out, " {}", Flow::from(flow))?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The flows of a file, and whether any line of it was wrong.
fn wanted(file: &str) -> Result<(Flows, bool), Failure> {
    let (changes, wrong) = changes(file, Some(FlowModCommand::ADD))?;
    let flows = changes.into_iter().map(Flow::from).map(|flow| Flow {
        // The other flags say how a flow is added, or what is not to be counted.
        flags: flow.flags & FlowFlags::SEND_FLOW_REM,
        ..flow
    });
    Ok((by_identity(flows), wrong))
}

/// Whether flows of one identity are the same but for their flags, as `ovs-ofctl` compares them.
fn is_same(installed: Option<&Flow>, wanted: Option<&Flow>) -> bool {
    match (installed, wanted) {
        (Some(installed), Some(wanted)) => {
            let installed = Flow {
                flags: wanted.flags,
                ..installed.clone()
            };
            installed == *wanted
        }
        (installed, wanted) => installed == wanted,
    }
}

async fn installed(switch: &Connection) -> Result<Flows, Failure> {
    let flows = switch.flows().await?;
    Ok(by_identity(flows.into_iter().map(Flow::from)))
}

fn by_identity(flows: impl Iterator<Item = Flow>) -> Flows {
    let keyed = |flow: Flow| {
        let (table, priority, matching) = flow.identity();
        ((table, priority, matching.clone()), flow)
    };
    flows.map(keyed).collect()
}

pub(crate) async fn replace_flows(
    target: &str,
    file: &str,
    bundle: bool,
) -> Result<ExitCode, Failure> {
    let (wanted, wrong) = wanted(file)?;
    let switch = connect(target).await?;
    let installed = installed(&switch).await?;
    let gone = installed
        .iter()
        .filter(|(key, _)| !wanted.contains_key(key));
    let deletions = gone.map(|(_, flow)| FlowMod::delete_strict(flow.identity()));
    let new = wanted
        .iter()
        .filter(|(key, flow)| !is_same(installed.get(key), Some(*flow)));
    let changes = new
        .map(|(_, flow)| FlowMod::add(flow))
        .chain(deletions)
        .collect();
    let failed = send(&switch, changes, bundle).await?;
    Ok(code(wrong || failed))
}

/// Prints the flows that only the switch has after `-`, and those that only the file has after `+`.
///
/// The status is 2 if there are any.
pub(crate) async fn diff_flows(target: &str, file: &str) -> Result<ExitCode, Failure> {
    let (wanted, wrong) = wanted(file)?;
    let switch = connect(target).await?;
    let installed = installed(&switch).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut differ = false;
    let keys: std::collections::BTreeSet<_> = installed.keys().chain(wanted.keys()).collect();
    for key in keys {
        let (old, new) = (installed.get(key), wanted.get(key));
        if is_same(old, new) {
            continue;
        }
        differ = true;
        for (sign, flow) in [('-', old), ('+', new)] {
            if let Some(flow) = flow {
                writeln!(out, "{sign}{}", line(flow))?;
            }
        }
    }
    out.flush()?;
    Ok(match (wrong, differ) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(2),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// A flow in the form of `ovs-ofctl diff-flows`, which has no flags.
fn line(flow: &Flow) -> String {
    let mut conditions = Vec::new();
    if flow.priority != DEFAULT_PRIORITY {
        conditions.push(format!("priority={}", flow.priority));
    }
    if !flow.matching.is_empty() {
        conditions.push(flow.matching.to_string());
    }
    let conditions = conditions.join(",");
    let table = match flow.table {
        0 => String::new(),
        table => format!("table={table} "),
    };
    let cookie = match flow.cookie {
        0 => String::new(),
        cookie => format!(" cookie={cookie:#x}"),
    };
    let timeout = |name, seconds: u16| match seconds {
        0 => String::new(),
        seconds => format!(" {name}={seconds}"),
    };
    let idle = timeout("idle_timeout", flow.idle_timeout);
    let hard = timeout("hard_timeout", flow.hard_timeout);
    let actions = &flow.instructions;
    format!("{table}{conditions}{cookie}{idle}{hard} actions={actions}")
}
