//! What is installed in bridges, read anew.
//!
//! Each bridge is read on a connection of its own: the tasks that program are not disturbed, and
//! the answer is what the switch says, not what they believe.

use std::time::Duration;

use pipelines::flow_set::FlowSet;
use tokio::time::timeout;

use crate::board::Knowledge;
use crate::switch;

/// How long a bridge may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bridge of this name, or every bridge that the agent programs, with what is installed.
///
/// # Errors
///
/// There is no such bridge, or it does not answer; in words for people.
pub(crate) async fn installed(
    knowledge: &Knowledge,
    bridge: Option<&str>,
) -> Result<Vec<(String, FlowSet)>, String> {
    let view = &knowledge.view;
    let known = view.flows.keys();
    let bridges: Vec<_> = known
        .clone()
        .filter(|name| bridge.is_none_or(|bridge| bridge == *name))
        .collect();
    if bridges.is_empty() {
        let known: Vec<_> = known.map(String::as_str).collect();
        return Err(match bridge {
            Some(bridge) => format!(
                "the agent does not program a bridge {bridge}, but these: {}",
                known.join(", ")
            ),
            None => "the agent programs no bridge yet; brint status says why".to_owned(),
        });
    }
    let mut installed = Vec::new();
    for name in bridges {
        let flows = timeout(PATIENCE, switch::read(name, &view.settings.run_directory))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
            .map_err(|reason| format!("bridge {name}: {reason}"))?;
        installed.push((name.clone(), flows));
    }
    Ok(installed)
}
