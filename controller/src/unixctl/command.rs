//! The commands of the unixctl socket.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::board::Board;
use crate::flows::{BridgeFlows, Query, installed};
use crate::log::Levels;
use crate::metrics;
use crate::status::Status;

/// What commands work on.
#[derive(Debug)]
pub(crate) struct Commands {
    /// What the agent knows.
    pub(crate) board: Board,
    /// What is logged.
    pub(crate) levels: Levels,
    /// Told when the agent is to end.
    pub(crate) exit: Arc<Notify>,
}

/// One command.
struct Command {
    name: &'static str,
    /// The arguments it takes, as `list-commands` shows them.
    usage: &'static str,
    /// How many arguments it takes at least and at most.
    arguments: (usize, usize),
    does: Does,
}

/// What a command does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Coverage,
    Exit,
    Flows,
    List,
    Metrics,
    Status,
    Version,
    VlogList,
    VlogSet,
}

const ANY: usize = usize::MAX;

/// Every command, by name.
#[rustfmt::skip]
const COMMANDS: [Command; 9] = [
    Command { name: "coverage/show", usage: "", arguments: (0, 0), does: Does::Coverage },
    Command { name: "exit", usage: "", arguments: (0, 0), does: Does::Exit },
    Command { name: "flows/show", usage: "[BRIDGE]", arguments: (0, 1), does: Does::Flows },
    Command { name: "list-commands", usage: "", arguments: (0, 0), does: Does::List },
    Command { name: "metrics/show", usage: "", arguments: (0, 0), does: Does::Metrics },
    Command { name: "status", usage: "", arguments: (0, 0), does: Does::Status },
    Command { name: "version", usage: "", arguments: (0, 0), does: Does::Version },
    Command { name: "vlog/list", usage: "", arguments: (0, 0), does: Does::VlogList },
    Command { name: "vlog/set", usage: "{SPEC | MODULE[:console][:LEVEL]}...", arguments: (1, ANY), does: Does::VlogSet },
];

impl Commands {
    /// Carries out a command.
    ///
    /// # Errors
    ///
    /// A sentence that says why it was not.
    pub(super) async fn run(&self, name: &str, arguments: &[String]) -> Result<String, String> {
        let command = find(name).ok_or_else(|| format!("\"{name}\" is not a valid command (use \"list-commands\" to see a list of valid commands)"))?;
        let (least, most) = command.arguments;
        if arguments.len() < least {
            return Err(format!(
                "\"{name}\" command requires at least {least} arguments"
            ));
        }
        if arguments.len() > most {
            return Err(format!("\"{name}\" command takes at most {most} arguments"));
        }
        match command.does {
            Does::Coverage => Ok(metrics::coverage(&self.status())),
            Does::Exit => Ok(String::new()),
            Does::Flows => self.flows(arguments.first()).await,
            Does::List => Ok(list()),
            Does::Metrics => Ok(metrics::text(&self.status())),
            Does::Status => Ok(self.status().to_string()),
            Does::Version => Ok(format!("brint {}", env!("CARGO_PKG_VERSION"))),
            Does::VlogList => Ok(self.levels.list()),
            Does::VlogSet => self.levels.set(arguments).map(|()| String::new()),
        }
    }

    /// Learns that the answer to a command is sent.
    pub(super) fn replied(&self, name: &str) {
        if find(name).is_some_and(|command| command.does == Does::Exit) {
            self.exit.notify_one();
        }
    }

    fn status(&self) -> Status {
        Status::of(&self.board.read())
    }

    async fn flows(&self, bridge: Option<&String>) -> Result<String, String> {
        let knowledge = self.board.read();
        let installed = installed(&knowledge, bridge.map(String::as_str)).await?;
        let flows = BridgeFlows::all(&knowledge.view, installed, &Query::default())?;
        Ok(flows.iter().map(ToString::to_string).collect())
    }
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn list() -> String {
    let mut out = "The available commands are:\n".to_owned();
    for command in &COMMANDS {
        let line = format!("  {:<23} {}", command.name, command.usage);
        out += line.trim_end();
        out.push('\n');
    }
    out
}
