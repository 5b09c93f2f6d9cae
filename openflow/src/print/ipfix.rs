//! What the exporters of flow samples counted.

use std::fmt::{self, Formatter};

use super::pieces::Counter;
use crate::multipart::IpfixStats;

pub(super) fn bridge(stats: &IpfixStats, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("\n  bridge ipfix: ")?;
    counters(stats, 16, f)
}

pub(super) fn flows(flows: &[IpfixStats], f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " {} ids", flows.len())?;
    for stats in flows {
        write!(f, "  id {:3}: ", stats.collector_set_id)?;
        counters(stats, 10, f)?;
    }
    Ok(())
}

fn counters(stats: &IpfixStats, indent: usize, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "flows={}, current flows={}, sampled pkts={}, ipv4 ok={}, ipv6 ok={}, tx pkts={}",
        Counter(stats.total_flows),
        Counter(stats.current_flows),
        Counter(stats.pkts),
        Counter(stats.ipv4_pkts),
        Counter(stats.ipv6_pkts),
        Counter(stats.tx_pkts),
    )?;
    writeln!(
        f,
        "{:indent$}pkts errs={}, ipv4 errs={}, ipv6 errs={}, tx errs={}",
        "",
        Counter(stats.error_pkts),
        Counter(stats.ipv4_error_pkts),
        Counter(stats.ipv6_error_pkts),
        Counter(stats.tx_errors),
    )
}
