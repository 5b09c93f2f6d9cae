//! The files by which others find a running agent: a pidfile, and sockets beside those of Open vSwitch.
//!
//! `ovs-appctl -t brint-agent` reads the pidfile, believes it only while its process holds a lock
//! on it, and then expects the socket `brint-agent.PID.ctl`. The lock also keeps a second agent
//! away: two of them would undo each other's work for ever.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The name of the agent, as `ovs-appctl -t` takes it.
const NAME: &str = "brint-agent";

/// The socket of the command line in the directory of Open vSwitch's sockets.
pub(crate) fn control_socket(run_directory: &Path) -> PathBuf {
    run_directory.join(format!("{NAME}.sock"))
}

/// The files of this process; they go when it goes.
#[derive(Debug)]
pub(crate) struct Presence {
    run_directory: PathBuf,
    pidfile: PathBuf,
    /// It holds the lock: POSIX takes it away when the file is closed.
    _locked: File,
    sockets: Vec<PathBuf>,
}

impl Presence {
    /// Locks the pidfile.
    ///
    /// # Errors
    ///
    /// Another agent runs in this directory, or it cannot be written to.
    pub(crate) fn claim(run_directory: &Path) -> anyhow::Result<Self> {
        let pidfile = run_directory.join(format!("{NAME}.pid"));
        let mut file = loop {
            let file = open(&pidfile).with_context(|| {
                format!(
                    "opening {}: Open vSwitch makes the directory when it starts, and OVS_RUNDIR \
                     names another",
                    pidfile.display()
                )
            })?;
            lock(&file, &pidfile)?;
            // Its last owner may have removed it between the two.
            if is_at(&file, &pidfile) {
                break file;
            }
        };
        let mut left = String::new();
        let write = |file: &mut File, left: &mut String| -> io::Result<()> {
            file.read_to_string(left)?;
            file.rewind()?;
            file.set_len(0)?;
            writeln!(file, "{}", process::id())
        };
        write(&mut file, &mut left).with_context(|| format!("writing {}", pidfile.display()))?;
        if let Ok(killed) = left.trim().parse() {
            // An agent that was killed left its socket behind.
            drop(fs::remove_file(unixctl_socket(run_directory, killed)));
        }
        Ok(Self {
            run_directory: run_directory.to_owned(),
            pidfile,
            _locked: file,
            sockets: Vec::new(),
        })
    }

    /// Listens for the command line.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub(crate) fn listen_for_control(&mut self) -> anyhow::Result<UnixListener> {
        self.listen(control_socket(&self.run_directory), 0o660)
    }

    /// Listens for `ovs-appctl`.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub(crate) fn listen_for_unixctl(&mut self) -> anyhow::Result<UnixListener> {
        self.listen(unixctl_socket(&self.run_directory, process::id()), 0o770)
    }

    fn listen(&mut self, path: PathBuf, mode: u32) -> anyhow::Result<UnixListener> {
        // Whoever bound it before is gone: the lock on the pidfile says so.
        drop(fs::remove_file(&path));
        let bind = || {
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            listener.set_nonblocking(true)?;
            Ok::<_, io::Error>(listener)
        };
        let listener = bind().with_context(|| format!("listening on {}", path.display()))?;
        self.sockets.push(path);
        Ok(listener)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // The pidfile last, while it is locked: whoever comes next then finds nothing of ours.
        for path in self.sockets.iter().chain([&self.pidfile]) {
            drop(fs::remove_file(path));
        }
    }
}

fn unixctl_socket(run_directory: &Path, process: u32) -> PathBuf {
    run_directory.join(format!("{NAME}.{process}.ctl"))
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Locks the whole file for this process.
fn lock(file: &File, path: &Path) -> anyhow::Result<()> {
    let lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).context("the kind of lock")?,
        l_whence: i16::try_from(libc::SEEK_SET).context("the start of the lock")?,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_SETLK(&lock)) {
        Ok(_) => Ok(()),
        Err(Errno::EACCES | Errno::EAGAIN) => {
            let other = fs::read_to_string(path).unwrap_or_default();
            bail!(
                "another agent runs on this Open vSwitch already: process {}, says {}",
                other.trim(),
                path.display()
            )
        }
        Err(problem) => Err(problem).with_context(|| format!("locking {}", path.display())),
    }
}

/// Whether the file is still the one at the path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = || {
        let (open, named) = (file.metadata()?, fs::metadata(path)?);
        Ok::<_, io::Error>((open.dev(), open.ino()) == (named.dev(), named.ino()))
    };
    same().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn files_go_when_the_agent_goes_and_stale_ones_are_replaced() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("brint-agent.pid"), "4711\n").unwrap();
        for stale in ["brint-agent.4711.ctl", "brint-agent.sock"] {
            drop(UnixListener::bind(path(stale)).unwrap());
        }
        let mut presence = Presence::claim(directory.path()).unwrap();
        presence.listen_for_control().unwrap();
        presence.listen_for_unixctl().unwrap();
        let files = || {
            let files = fs::read_dir(directory.path()).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let own = format!("brint-agent.{}.ctl", process::id());
        assert_eq!(
            files(),
            [own.as_str(), "brint-agent.pid", "brint-agent.sock"]
        );
        let mode = fs::metadata(path("brint-agent.sock")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o660);
        drop(presence);
        assert!(files().is_empty());
    }
}
