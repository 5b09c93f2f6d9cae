//! Actions that send packets somewhere.

use super::hex;
use crate::action::*;
use crate::field::PortNo;
use crate::text::number;
use crate::text::subfield::{subfield, with_range};
use crate::text::token::{Fault, Pair, Pairs};
use crate::text::{Parsed, Parser};

/// The least number of bytes that a packet can be cut to: its Ethernet header.
const MIN_LENGTH: u32 = 14;

/// Reads `output`: a port, a field that holds one, or a port and a length.
pub(super) fn output<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    if text.contains("port") && text.contains("max_len") {
        return truncated(parser, text);
    }
    if let Some(port) = parser.port(text) {
        let max_len = match port {
            PortNo::CONTROLLER => Output::NO_BUFFER,
            _ => 0,
        };
        return Ok(Output { port, max_len }.into());
    }
    let Ok(source) = subfield(text) else {
        let message = format!("{text}: output to unknown port");
        return Err(Fault::new(
            text,
            "a port, or a field that holds one",
            message,
        ));
    };
    with_range(text, text, source)?;
    let max_len = u16::MAX;
    Ok(match !source.field().nxm().class.is_experimenter() {
        true => OutputReg { source, max_len }.into(),
        false => OutputReg2 { source, max_len }.into(),
    })
}

fn truncated<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    let mut output = OutputTrunc {
        port: 0,
        max_len: 0,
    };
    for Pair { key, value } in Pairs::new(text) {
        match key {
            "port" => output.port = truncate_port(parser, value)?,
            "max_len" => {
                output.max_len = number::u32(value)?;
                if output.max_len < MIN_LENGTH {
                    let length = output.max_len;
                    let limit = format!("less than the minimum value {MIN_LENGTH}");
                    let message = format!("max_len {length} is {limit}");
                    return Err(Fault::new(value, "a number from 14 on", message));
                }
            }
            _ => {
                let message = format!("invalid key '{key}' in output_trunc argument");
                return Err(Fault::new(key, "port or max_len", message));
            }
        }
    }
    Ok(output.into())
}

fn truncate_port<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, u16> {
    let Some(port) = parser
        .port(text)
        .and_then(|port| Some((port, port.to_16()?)))
    else {
        let message = format!("output to unknown truncate port: {text}");
        return Err(Fault::new(text, "a port", message));
    };
    match port {
        (PortNo::LOCAL | PortNo::IN_PORT | PortNo(0..0xff00), number) => Ok(number),
        (PortNo::MAX, number) => Ok(number),
        _ => {
            let message = format!("output to unsupported truncate port: {text}");
            Err(Fault::new(text, "a port, LOCAL or IN_PORT", message))
        }
    }
}

/// Reads `controller`: an output if only the length is said, otherwise one of the actions for it.
pub(super) fn controller(text: &str) -> Parsed<'_, Action> {
    let mut action = Controller2::default();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        action.max_len = number::u16(text, "max_len")?;
    } else {
        for pair in Pairs::new(text) {
            controller_property(&mut action, pair)?;
        }
    }
    let (max_len, controller_id, reason) = (action.max_len, action.controller_id, action.reason);
    let plain = Controller2 {
        max_len,
        ..Controller2::default()
    };
    let simple = Controller2 {
        controller_id,
        reason,
        ..plain.clone()
    };
    if action == plain {
        let port = PortNo::CONTROLLER;
        Ok(Output { port, max_len }.into())
    } else if action == simple {
        let controller = Controller {
            max_len,
            controller_id,
            reason,
        };
        Ok(controller.into())
    } else {
        Ok(action.into())
    }
}

fn controller_property<'a>(action: &mut Controller2, pair: Pair<'a>) -> Parsed<'a, ()> {
    let Pair { key, value } = pair;
    match key {
        "reason" => {
            let mut reasons = PacketInReason::NAMED.iter().copied();
            action.reason = reasons
                .find(|reason| {
                    reason
                        .name()
                        .is_some_and(|name| name.eq_ignore_ascii_case(value))
                })
                .ok_or_else(|| {
                    let message = format!("unknown reason \"{value}\"");
                    Fault::new(value, "a reason, such as no_match", message)
                })?;
        }
        "max_len" => action.max_len = number::u16(value, key)?,
        "id" => action.controller_id = number::u16(value, key)?,
        "userdata" => {
            let problem = "bad hex digit in `controller' action `userdata'";
            action.userdata = hex(value, problem)?.to_vec().into();
        }
        "pause" => action.pause = true,
        "meter_id" => action.meter = Some(number::u32(value)?),
        _ => {
            let message = format!("unknown key \"{key}\" parsing controller action");
            return Err(Fault::new(
                key,
                "reason, max_len, id, userdata, pause or meter_id",
                message,
            ));
        }
    }
    Ok(())
}

/// Reads `enqueue`, which OpenFlow 1.3 lacks: it chooses a queue, sends, and goes back.
pub(super) fn enqueue<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    list: &mut Vec<Action>,
) -> Parsed<'a, ()> {
    let start = text.trim_start_matches([':', 'q', ',']);
    let Some((name, queue)) = start
        .split_once([':', 'q', ','])
        .filter(|(_, queue)| !queue.is_empty())
    else {
        let message = "\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"";
        return Err(Fault::new(text, "PORT:QUEUE", message));
    };
    let Some(port) = parser.port(name) else {
        let message = format!("{name}: enqueue to unknown port");
        return Err(Fault::new(name, "a port", message));
    };
    if port >= PortNo::MAX && port != PortNo::IN_PORT && port != PortNo::LOCAL {
        let message = "actions are invalid with specified match (OFPBAC_BAD_OUT_PORT)";
        return Err(Fault::new(name, "a port with queues", message));
    }
    let queue = number::u32(queue)?;
    let max_len = Output::NO_BUFFER;
    list.extend([
        SetQueue { queue }.into(),
        Output { port, max_len }.into(),
        PopQueue.into(),
    ]);
    Ok(())
}

/// Reads `resubmit`: a port, a table, and `ct`, each of which may be missing.
pub(super) fn resubmit<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    let mut parts = text.splitn(4, ',');
    let port = match parts.next() {
        None | Some("") => PortNo::IN_PORT,
        Some(name) => parser.port(name).ok_or_else(|| {
            let message = format!("{name}: resubmit to unknown port");
            Fault::new(name, "a port", message)
        })?,
    };
    let table = match parts.next() {
        None | Some("") => u8::MAX,
        Some(name) => parser.table(name).ok_or_else(|| {
            let message = format!("{name}: resubmit to unknown table");
            Fault::new(name, "a table", message)
        })?,
    };
    let with_ct = match parts.next() {
        None | Some("") => false,
        Some("ct") => true,
        Some(other) => {
            let message = format!("{other}: unknown parameter");
            return Err(Fault::new(other, "ct", message));
        }
    };
    if port == PortNo::IN_PORT && table == u8::MAX {
        let message = "at least one \"in_port\" or \"table\" must be specified on resubmit";
        return Err(Fault::new(text, "a port or a table", message));
    }
    let port = port.to_16().unwrap_or_default();
    Ok(match with_ct {
        true => ResubmitCt { port, table }.into(),
        false => Resubmit { port, table }.into(),
    })
}
