//! The status as tables for people.

use std::fmt;

use super::{Bridge, Kinds, PortState, Status};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "brint {} on host {}, process {}, up {}",
            self.version,
            self.host,
            self.pid,
            age(self.now, self.started)
        )?;
        let source = &self.source;
        match source.digest {
            Some(digest) => writeln!(
                f,
                "description {}: {} networks, {} ports, {} security groups, {} hosts; content \
                 {digest}",
                source.file, source.networks, source.ports, source.security_groups, source.hosts
            )?,
            None => writeln!(f, "description {}: none in effect", source.file)?,
        }
        if let Some(reason) = &source.held {
            writeln!(f, "description {} is held: {reason}", source.file)?;
        }
        let connected = match self.database.connected {
            true => "connected",
            false => "not connected",
        };
        let (remote, changes) = (&self.database.remote, self.database.changes);
        writeln!(f, "database {remote}: {connected}; {changes} changes")?;
        let datapath = &self.datapath;
        if !datapath.kind.is_empty() {
            let answers = match datapath.flows_answer_solicitations {
                true => "flows answer",
                false => "the agent answers",
            };
            let kind = &datapath.kind;
            writeln!(
                f,
                "datapath {kind}: {answers} neighbour solicitations for routers"
            )?;
        }
        let compilation = &self.compilation;
        writeln!(
            f,
            "units: {}, of which the last change compiled {} in {} us; {} changes",
            compilation.units, compilation.recompiled, compilation.us, compilation.changes
        )?;
        f.write_str(&self.bridges())?;
        f.write_str(&self.networks())?;
        f.write_str(&self.ports())?;
        f.write_str(&self.routers())?;
        f.write_str(&self.tunnels())?;
        self.problems(f)
    }
}

impl Status {
    fn bridges(&self) -> String {
        let bridges = self.bridges.iter().map(|(name, bridge)| {
            let foreign: usize = bridge.flows.foreign.values().sum();
            vec![
                name.clone(),
                bridge.role.clone(),
                if bridge.connected { "yes" } else { "no" }.to_owned(),
                bridge.flows.desired.to_string(),
                bridge.flows.installed.to_string(),
                foreign.to_string(),
                bridge.groups.installed.to_string(),
                repairs(bridge).to_string(),
                bridge.changes.to_string(),
                last_change(bridge, self.now),
            ]
        });
        let head = [
            "BRIDGE",
            "ROLE",
            "CONNECTED",
            "DESIRED",
            "INSTALLED",
            "FOREIGN",
            "GROUPS",
            "REPAIRS",
            "CHANGES",
            "LAST CHANGE",
        ];
        let mut out = table(&head, bridges);
        for (name, bridge) in &self.bridges {
            for (cookie, count) in &bridge.flows.foreign {
                out += &format!("{name}: {count} flows with cookie {cookie} are not compiled\n");
            }
        }
        out
    }

    fn networks(&self) -> String {
        let networks = self.networks.iter().map(|network| {
            vec![
                network.name.clone(),
                network.id.to_string(),
                network.local_vlan.to_string(),
                network.segment.clone(),
                network.mtu.to_string(),
            ]
        });
        table(&["NETWORK", "ID", "LOCAL VLAN", "SEGMENT", "MTU"], networks)
    }

    fn ports(&self) -> String {
        let ports = self.ports.iter().map(|port| {
            let state = match port.state {
                PortState::Bound => "bound",
                PortState::Down => "down",
                PortState::Waiting => "waiting",
            };
            let reason = port.reason.as_ref();
            vec![
                port.name.clone(),
                port.id.to_string(),
                port.network.clone(),
                match (&port.interface, port.vlan) {
                    (Some(interface), Some(vlan)) => format!("{interface}, VLAN {vlan}"),
                    (Some(interface), None) => interface.clone(),
                    (None, _) => dash(),
                },
                port.ofport.map_or_else(dash, |ofport| ofport.to_string()),
                reason.map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}")),
            ]
        });
        let head = ["PORT", "ID", "NETWORK", "INTERFACE", "OFPORT", "STATE"];
        table(&head, ports)
    }

    fn routers(&self) -> String {
        let routers = self.routers.iter().map(|router| {
            let host = router.gateway_host.clone();
            let since = router.since.map(|since| age(self.now, since));
            vec![
                router.name.clone(),
                router.id.to_string(),
                host.unwrap_or_else(dash),
                since.unwrap_or_else(dash),
            ]
        });
        table(&["ROUTER", "ID", "GATEWAY HOST", "FOR"], routers)
    }

    fn tunnels(&self) -> String {
        let tunnels = self.tunnels.iter().map(|tunnel| {
            vec![
                tunnel.name.clone(),
                tunnel.host.clone(),
                tunnel.local.to_string(),
                tunnel.remote.to_string(),
                tunnel.ofport.map_or_else(dash, |ofport| ofport.to_string()),
                (tunnel.reason.as_ref())
                    .map_or_else(|| "up".to_owned(), |reason| format!("waiting: {reason}")),
            ]
        });
        let head = ["TUNNEL", "HOST", "LOCAL", "REMOTE", "OFPORT", "STATE"];
        table(&head, tunnels)
    }

    fn problems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.problems.is_empty() {
            return f.write_str("\nno problems\n");
        }
        writeln!(f, "\nproblems: {}", self.problems.len())?;
        for standing in &self.problems {
            let since = age(self.now, standing.since);
            writeln!(f, "- for {since}: {}", standing.problem)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} ~{} -{}", self.added, self.modified, self.deleted)
    }
}

/// Everything that was put back.
fn repairs(bridge: &Bridge) -> u64 {
    let repairs = bridge.repairs;
    repairs.flows + repairs.groups + repairs.meters + repairs.settings
}

fn last_change(bridge: &Bridge, now: u64) -> String {
    match &bridge.last_change {
        Some(change) => format!(
            "{}, diff {} us, switch {} us, {} ago",
            change.flows,
            change.diff_us,
            change.switch_us,
            age(now, change.when)
        ),
        None => dash(),
    }
}

/// How long ago something was.
fn age(now: u64, then: u64) -> String {
    let seconds = now.saturating_sub(then);
    match (seconds / 86_400, seconds / 3_600, seconds / 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// What stands where there is nothing.
fn dash() -> String {
    "-".to_owned()
}

/// A table with a blank line before it; nothing if it has no rows.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(ToString::to_string).collect();
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    match rows.len() {
        1 => String::new(),
        _ => format!("\n{}", columns(&rows)),
    }
}

/// Rows in columns, each as wide as its widest cell.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        out += line.join("  ").trim_end();
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let text = columns(&[row("PORT", "STATE"), row("a-long-name", "bound")]);
        assert_eq!(text, "PORT         STATE\na-long-name  bound\n");
    }

    #[test]
    fn an_age_has_two_units_at_most() {
        assert_eq!(age(10, 20), "0 s");
        assert_eq!(age(65, 0), "1 min 5 s");
        assert_eq!(age(3_725, 0), "1 h 2 min");
        assert_eq!(age(90_000, 0), "1 d 1 h");
    }
}
