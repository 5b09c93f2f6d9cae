//! ICMP and ICMPv6 echo, by the system's `ping`.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

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
    lines: Receiver<String>,
}

/// What became of the requests of a [`Pinging`].
#[derive(Debug, PartialEq, Eq)]
pub struct Pings {
    /// How many requests were sent, without those that had no time to be answered.
    pub sent: u32,
    /// The sequence numbers, from 1, of those that were not answered.
    pub lost: Vec<u32>,
}

impl Pinging {
    /// Sends an echo request each `interval`.
    ///
    /// # Errors
    ///
    /// When `ping` cannot be started.
    pub fn start(from: &Namespace, to: IpAddr, interval: Duration) -> anyhow::Result<Self> {
        let interval = interval.as_secs_f64().to_string();
        let mut child = from
            .command("ping")
            .args(["-n", "-i", &interval])
            .arg(to.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting ping")?;
        let output = child.stdout.take().context("ping has no output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            // Nobody reads any more when the ping is given up: the rest is of no use.
            for line in lines {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Stops it; what became of the requests until now.
    ///
    /// A request that has just been sent is no loss. So this waits for the answer to a later one,
    /// and counts only up to there; where none comes, every request counts.
    ///
    /// # Errors
    ///
    /// When `ping` has ended before, or says something unknown.
    pub fn stop(mut self) -> anyhow::Result<Pings> {
        let mut answered: BTreeSet<u32> = self.lines.try_iter().filter_map(answer).collect();
        let in_flight = answered.last().copied().unwrap_or_default() + 1;
        let deadline = Instant::now() + PATIENCE;
        while answered.last() <= Some(&in_flight) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => answered.extend(answer(line)),
                Err(_) => break,
            }
        }
        let last = (answered.last().copied()).filter(|last| *last > in_flight);

        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, Signal::SIGINT).context("stopping ping")?;
        let mut transmitted = None;
        for line in self.lines.iter() {
            transmitted = transmitted.or_else(|| count(&line));
            answered.extend(answer(line));
        }
        self.child.wait().context("waiting for ping")?;
        let sent = last
            .or(transmitted)
            .context("ping ended without its statistics")?;
        Ok(Pings {
            sent,
            lost: (1..=sent).filter(|it| !answered.contains(it)).collect(),
        })
    }
}

/// The number of the request that a line like
/// `64 bytes from 10.0.0.3: icmp_seq=7 ttl=64 time=0.1 ms` answers.
fn answer(line: String) -> Option<u32> {
    let (_, rest) = line.split_once(" bytes from ")?.1.split_once("icmp_seq=")?;
    rest.split(' ').next()?.parse().ok()
}

/// How many requests `20 packets transmitted, 20 received, 0% packet loss, time 3812ms` counts.
fn count(line: &str) -> Option<u32> {
    let (count, _) = line.split_once(" packets transmitted")?;
    count.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_ping_are_read() {
        let reply = "64 bytes from fd00::3: icmp_seq=7 ttl=64 time=0.101 ms";
        assert_eq!(answer(reply.into()), Some(7));
        let refusal = "From 10.0.0.2 icmp_seq=7 Destination Host Unreachable";
        assert_eq!(answer(refusal.into()), None);
        let statistics = "20 packets transmitted, 18 received, 10% packet loss, time 3812ms";
        assert_eq!(count(statistics), Some(20));
    }
}
