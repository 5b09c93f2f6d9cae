//! Other programs: run to their end within a limit, or in the background until they are killed.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::patience::PATIENCE;

/// What a program did that ran to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

/// Runs a program to its end, which must come within `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    let deadline = Instant::now() + limit;
    let mut child = command
        // An interrupt from the terminal is for this program alone, which then ends the others.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    // Both end when the program does, so waiting for them is waiting for it.
    let text = |pipe: Option<mpsc::Receiver<String>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        pipe.map_or(Ok(String::new()), |pipe| pipe.recv_timeout(left))
    };
    let (Ok(stdout), Ok(stderr)) = (text(stdout), text(stderr)) else {
        child
            .kill()
            .with_context(|| format!("killing {command:?}"))?;
        child
            .wait()
            .with_context(|| format!("killing {command:?}"))?;
        bail!("{command:?}: did not end within {limit:?}");
    };
    let status = child.wait().with_context(|| format!("{command:?}"))?;
    Ok(Finished {
        success: status.success(),
        stdout,
        stderr,
    })
}

fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth having.
        drop(pipe.read_to_end(&mut bytes));
        drop(sender.send(String::from_utf8_lossy(&bytes).into_owned()));
    });
    receiver
}

/// Runs a program that must succeed, and gives back what it printed.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<String> {
    let finished = run(command, PATIENCE)?;
    if !finished.success {
        bail!("{command:?}: {}", finished.stderr.trim());
    }
    Ok(finished.stdout)
}

/// A program that runs in the background until it is killed.
///
/// It outlives this value, and an interrupt from the terminal does not reach it: a lab may stay
/// when the program that built it has gone.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts it; what it prints is added to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        let errors = log.try_clone().context("opening the log twice")?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Self { child })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it as `kill -9` does, and waits for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be killed.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().context("killing a process")?;
        self.child.wait().context("waiting for a killed process")?;
        Ok(())
    }

    /// Asks it to end with a signal, and waits until it has.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn end(mut self, signal: Signal) -> anyhow::Result<()> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, signal).with_context(|| format!("sending {signal}"))?;
        crate::wait_for("the end of a process", PATIENCE, || {
            Ok(self.child.try_wait()?)
        })?;
        Ok(())
    }
}
