//! What the datapath of this host can do, as `ovs-vswitchd` has probed it.
//!
//! `ovs-appctl dpif/show-dp-features BRIDGE` prints a line for each feature. Flows are compiled for
//! what the datapath can do. What it lacks and brint has no other way for is a problem of the host,
//! named in the log, in `brint status` and in the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pipelines::site::Features;
use tracing::info;

use crate::problem::{Kind, Problem};
use crate::unixctl::call;
use crate::vswitch::OpenVSwitch;

/// The daemon that owns the datapath.
const DAEMON: &str = "ovs-vswitchd";
/// That flows can write the flags and the options' types of neighbour discovery messages.
const ND_EXTENSIONS: &str = "IPv6 ND Extension";
/// The datapath in user space, and that of tests, as in `Bridge.datapath_type`.
const USERSPACE: [&str; 2] = ["netdev", "dummy"];

/// What brint cannot do without a feature, by the feature's name.
const NEEDED: [(&str, &str); 7] = [
    ("Recirc", "security groups and routers do not work"),
    ("CT state", "security groups do not work"),
    ("CT zone", "networks share their connections"),
    ("CT mark", "connections outlive the rule that allowed them"),
    ("CT state NAT", "routers translate no addresses"),
    ("Conntrack clear", "routed packets may meet the wrong rules"),
    (
        "Check pkt length action",
        "routers do not tell senders of packets that are too large",
    ),
];

/// The datapath of the integration bridge, as far as it was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Datapath {
    /// Its type, as in `Bridge.datapath_type`: `system` for the kernel's.
    pub(crate) kind: String,
    /// What it says of each feature: `Yes`, `No` or a number.
    pub(crate) features: BTreeMap<String, String>,
    /// The process that was asked.
    process: Option<String>,
    /// Why it was not answered.
    unanswered: Option<String>,
}

impl Datapath {
    /// Asks `ovs-vswitchd` about the datapath of a bridge, unless it is the process that was asked
    /// before, and the datapath is the same.
    pub(crate) async fn probe(&mut self, directory: &Path, tables: &OpenVSwitch, bridge: &str) {
        let Some(row) = tables.bridge(bridge) else {
            return;
        };
        let kind = match row.datapath_type.as_str() {
            "" => "system",
            kind => kind,
        };
        let process = fs::read_to_string(directory.join(format!("{DAEMON}.pid"))).ok();
        if self.kind == kind && self.process == process && self.unanswered.is_none() {
            return;
        }
        let answer = call(directory, DAEMON, "dpif/show-dp-features", &[bridge]).await;
        let (features, unanswered) = match answer {
            Ok(text) => (read(&text), None),
            Err(reason) => (BTreeMap::new(), Some(reason)),
        };
        *self = Self {
            kind: kind.to_owned(),
            features,
            process,
            unanswered,
        };
        match self.features().nd_extensions {
            true => info!("datapath {kind}: flows answer neighbour solicitations for routers"),
            false => {
                info!("datapath {kind}: the agent answers neighbour solicitations for routers")
            }
        }
    }

    /// What flows may use.
    pub(crate) fn features(&self) -> Features {
        let nd_extensions = match self.features.get(ND_EXTENSIONS) {
            Some(answer) => answer == "Yes",
            None => USERSPACE.contains(&self.kind.as_str()),
        };
        Features { nd_extensions }
    }

    /// What brint needs and the datapath lacks.
    pub(crate) fn problems(&self) -> BTreeSet<Problem> {
        let lacks = |feature: &str| self.features.get(feature).is_some_and(|has| has == "No");
        let lacking = NEEDED.into_iter().filter(|(feature, _)| lacks(feature));
        let lacking = lacking.map(|(feature, without)| {
            let sentence =
                format!("lacks \"{feature}\" (ovs-appctl dpif/show-dp-features): {without}");
            Problem::new(Kind::Datapath, &self.kind, sentence)
        });
        let unanswered = self.unanswered.iter().map(|reason| {
            let sentence = format!("is not described, so its usual features are assumed: {reason}");
            Problem::new(Kind::Datapath, &self.kind, sentence)
        });
        lacking.chain(unanswered).collect()
    }
}

/// Reads one feature a line: `CT zone: Yes`.
fn read(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(feature, answer)| (feature.trim().to_owned(), answer.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datapath(kind: &str, text: &str) -> Datapath {
        Datapath {
            kind: kind.to_owned(),
            features: read(text),
            ..Datapath::default()
        }
    }

    #[test]
    fn the_kernel_leaves_solicitations_to_the_agent() {
        let kernel = datapath("system", "CT zone: Yes\nIPv6 ND Extension: No\n");
        assert!(!kernel.features().nd_extensions);
        let userspace = datapath("netdev", "CT zone: Yes\nIPv6 ND Extension: Yes\n");
        assert!(userspace.features().nd_extensions);
        assert!(kernel.problems().is_empty() && userspace.problems().is_empty());
    }

    #[test]
    fn a_datapath_that_does_not_say_is_taken_by_its_type() {
        assert!(!datapath("system", "").features().nd_extensions);
        assert!(datapath("netdev", "").features().nd_extensions);
    }

    #[test]
    fn a_feature_that_is_needed_and_lacking_is_a_problem() {
        let old = datapath("system", "CT state NAT: No\nSample nesting: 10\n");
        let problems: Vec<_> = old.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "datapath system lacks \"CT state NAT\" (ovs-appctl dpif/show-dp-features): \
                 routers translate no addresses"
            ]
        );
    }
}
