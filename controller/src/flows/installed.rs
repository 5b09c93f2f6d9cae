//! What is installed in bridges, read anew.
//!
//! Each bridge is read on a connection of its own: the tasks that program are not disturbed, and
//! the answer is what the switch says, not what they believe.

use std::time::Duration;

use openflow::multipart::FlowStats;
use pipelines::flow_set::FlowSet;
use tokio::time::timeout;

use crate::board::{Knowledge, View};
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
        let flows = patiently(name, switch::read(name, &view.settings.run_directory)).await?;
        installed.push((name.clone(), flows));
    }
    Ok(installed)
}

/// The flows of the integration bridge, with what they have seen; none before the agent programs it.
///
/// # Errors
///
/// It does not answer; in words for people.
pub(crate) async fn counters(view: &View) -> Result<Vec<FlowStats>, String> {
    let bridge = view.settings.integration_bridge.as_str();
    if !view.flows.contains_key(bridge) {
        return Ok(Vec::new());
    }
    let counters = switch::counters(bridge, &view.settings.run_directory);
    patiently(bridge, counters).await
}

/// What a bridge answers, if it does in time.
async fn patiently<T>(
    bridge: &str,
    answer: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
        .map_err(|reason| format!("bridge {bridge}: {reason}"))
}
