//! The flows of one port, word for word as engineers know them from Neutron.

use crate::check::Checks;
use crate::lab::Lab;

/// The flows that let ssh into the port with ofport 43, without statistics and cookies.
pub const QUOTED_FLOWS: [&str; 2] = [
    "table=82, priority=77,ct_state=+est-rel-rpl,tcp,reg5=0x2b,tp_dst=22 actions=output:43",
    "table=82, priority=77,ct_state=+new-est,tcp,reg5=0x2b,tp_dst=22 \
     actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:43,resubmit(,92)",
];

/// What `ovs-ofctl` prints about a flow that is no part of it.
const STATISTICS: [&str; 7] = [
    "cookie=",
    "duration=",
    "n_packets=",
    "n_bytes=",
    "idle_age=",
    "hard_age=",
    "idle_timeout=",
];

pub(super) fn check(lab: &Lab) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    let flows = lab.host("host1")?.ovs().flows("br-int")?;
    let flows: Vec<_> = flows.iter().map(|flow| without_statistics(flow)).collect();
    for quoted in QUOTED_FLOWS {
        let what = if quoted.contains("+new") {
            "new"
        } else {
            "established"
        };
        let there = flows.iter().any(|flow| flow == quoted);
        let happened = if there {
            "there, word for word"
        } else {
            "missing"
        };
        let name = format!("the flow for {what} ssh connections to port 43");
        checks.add(&name, "there, word for word", Ok(happened));
    }
    Ok(checks)
}

/// A line of `ovs-ofctl dump-flows` without cookie, age and counters.
///
/// ```
/// # use labs::quickstart::without_statistics;
/// let line = " cookie=0x7, duration=1.5s, table=0, n_packets=0, n_bytes=0, priority=1 actions=drop";
/// assert_eq!(without_statistics(line), "table=0, priority=1 actions=drop");
/// ```
pub fn without_statistics(line: &str) -> String {
    let parts = line.trim().split(", ");
    let kept = parts.filter(|part| !STATISTICS.iter().any(|name| part.starts_with(name)));
    kept.collect::<Vec<_>>().join(", ")
}
