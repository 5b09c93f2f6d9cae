//! ICMP and ICMPv6 echo, by the system's `ping`.

use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::namespace::Namespace;
use crate::patience::PATIENCE;
use crate::process::run;

/// Sends echo requests until one is answered; true when that happens within `limit`, which is
/// rounded up to seconds.
///
/// One request would not do: the userspace datapath loses the packet that makes it look for the
/// other end of a tunnel.
///
/// # Errors
///
/// When `ping` cannot be started.
pub fn ping(from: &Namespace, to: IpAddr, limit: Duration) -> anyhow::Result<bool> {
    let seconds = limit.as_secs_f64().ceil().to_string();
    let mut command = from.command("ping");
    command.args([
        "-n",
        "-q",
        "-i",
        "0.2",
        "-c",
        "1",
        "-w",
        &seconds,
        &to.to_string(),
    ]);
    Ok(run(&mut command, limit + PATIENCE)?.success)
}

/// A ping that goes on until it is stopped.
#[derive(Debug)]
pub struct Pinging {
    child: Child,
}

impl Pinging {
    /// Sends an echo request each `interval`.
    ///
    /// # Errors
    ///
    /// When `ping` cannot be started.
    pub fn start(from: &Namespace, to: IpAddr, interval: Duration) -> anyhow::Result<Self> {
        let interval = interval.as_secs_f64().to_string();
        let child = Command::new("ip")
            .args([
                "netns",
                "exec",
                from.name(),
                "ping",
                "-n",
                "-q",
                "-i",
                &interval,
            ])
            .arg(to.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting ping")?;
        Ok(Self { child })
    }

    /// Stops it; how many requests were sent and how many were answered.
    ///
    /// # Errors
    ///
    /// When `ping` has ended before, or says something unknown.
    pub fn stop(self) -> anyhow::Result<(u32, u32)> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, Signal::SIGINT).context("stopping ping")?;
        let output = self.child.wait_with_output().context("waiting for ping")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        counts(&text).with_context(|| format!("what ping said: {text}"))
    }
}

/// Reads `20 packets transmitted, 20 received, 0% packet loss, time 3812ms`.
fn counts(text: &str) -> Option<(u32, u32)> {
    let line = text
        .lines()
        .find(|line| line.contains("packets transmitted"))?;
    let mut parts = line.split(", ");
    let mut number = || parts.next()?.split(' ').next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_ping_are_read() {
        let text = "--- ::1 ping statistics ---\n\
                    20 packets transmitted, 18 received, 10% packet loss, time 3812ms\n";
        assert_eq!(counts(text), Some((20, 18)));
        assert_eq!(counts("ping: connect: Network is unreachable"), None);
    }
}
