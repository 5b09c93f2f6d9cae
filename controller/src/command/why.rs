//! `brint why`: why a packet passes, or does not.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::answer::{Shown, ask};
use crate::control::ControlClient as _;
use crate::why::{Answer, Question, State, Verdict};

/// Says why a packet passes, or does not
///
/// The packet is one that arrives at the port ("from"), or one that it sends ("to"):
///
///   brint why web1 tcp from 10.0.0.7 port 80
///   brint why web1 icmp to 192.0.2.1
///   brint why web1 udp/53 to dns1
///   brint why web1 tcp/80 from 10.0.0.99 to 10.0.0.7
///
/// The other side is an address, or the name or UUID of a port. With both sides, it is one that
/// arrives if "to" is the port's own address, else one that the port sends, even with an address
/// that is not its own. Further words are sport NUMBER, and for ICMP type NUMBER and code NUMBER.
///
/// A packet with a = in it is a match in the syntax of ovs-ofctl, and is sent by the port:
///
///   brint why web1 arp,arp_spa=10.0.0.99,arp_tpa=10.0.0.7
///
/// The flows that are installed decide, as `ovs-appctl ofproto/trace` follows them; no packet is
/// sent. If both ends are on this host, both have their say; else the other host's agent knows the
/// rest. Exits with 0 if the packet is allowed, with 2 if it is dropped, and with 1 after an error.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    shown: Shown,
    /// What the connection tracker says of the packet
    #[arg(short, long, value_enum, default_value_t = State::New)]
    state: State,
    /// Shows the tables that the packet meets
    #[arg(short, long, visible_alias = "verbose", short_alias = 'v')]
    explain: bool,
    /// The port
    #[arg(value_name = "NAME|UUID|INTERFACE|NUMBER")]
    port: String,
    /// The packet
    #[arg(required = true)]
    packet: Vec<String>,
}

/// What the process exits with if the packet is dropped.
const DROPPED: u8 = 2;

/// Asks and shows.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let question = Question {
        port: arguments.port,
        packet: arguments.packet.join(" "),
        state: arguments.state,
    };
    let answer = ask(async |client| client.why(question).await)?;
    let explain = arguments.explain;
    arguments
        .shown
        .show(&answer, |answer| answer.text(explain))?;
    Ok(match answer.verdict {
        Verdict::Allowed => ExitCode::SUCCESS,
        Verdict::Dropped => ExitCode::from(DROPPED),
    })
}

impl Answer {
    fn text(&self, explain: bool) -> String {
        let mut out = format!("{}\n", self.sentence);
        for note in &self.notes {
            out += &format!("note: {note}\n");
        }
        if !explain {
            return out;
        }
        if let Some(traced) = &self.traced {
            // Writing to a string does not fail.
            let _ = write!(out, "\ntraced: {traced}\n");
        }
        let mut bridge = "";
        for step in &self.steps {
            if step.bridge != bridge {
                out += &format!("\n{}\n", step.bridge);
                bridge = &step.bridge;
            }
            out += &format!("{:>3}. {}\n", step.table, step.flow);
            for action in &step.actions {
                out += &format!("     {action}\n");
            }
        }
        out
    }
}
