//! What a lab leaves on the machine, and how it is taken away again.
//!
//! A lab is known by a directory and the namespaces that the directory lists. Whatever runs inside
//! one of these namespaces belongs to the lab, and every interface ends with its namespace. So no
//! process ids are kept, and removing needs no memory: it works after a crash, and from another
//! program than the one that built the lab.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::interrupt;
use crate::namespace::Namespace;
use crate::patience::{PATIENCE, wait_for};
use crate::process::{Daemon, succeed};

/// Where the labs of a machine keep their directories.
const LABS: &str = "/run/brint-lab";

/// Everything that one lab has on the machine.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
    /// Held while something is made, so that nothing is made while the lab is being removed.
    open: Mutex<bool>,
    /// Locked as long as a program works on the lab.
    _lock: File,
}

impl State {
    /// Takes a name that no other program is using, and removes what an earlier lab left there.
    ///
    /// # Errors
    ///
    /// Without root, and when another program holds the name.
    pub(crate) fn create(name: &str) -> anyhow::Result<Arc<Self>> {
        ensure!(
            Uid::effective().is_root(),
            "network namespaces need root: try again with sudo"
        );
        let directory = directory(name);
        remove(name)?;
        fs::create_dir_all(namespaces(&directory))
            .with_context(|| format!("making {}", directory.display()))?;
        let lock = lock(&directory)?;
        let state = Arc::new(Self {
            directory,
            open: Mutex::new(true),
            _lock: lock,
        });
        interrupt::remove_on_signal(&state)?;
        Ok(state)
    }

    /// The directory that holds everything of the lab that is a file.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a namespace with its loopback up and without IPv6 address detection, which would
    /// only cost a second.
    pub(crate) fn add_namespace(&self, name: &str) -> anyhow::Result<Namespace> {
        let namespace = Namespace::new(name);
        let guard = self.open()?;
        // Noted first: what is noted and missing can be removed, the other way round it cannot.
        File::create(namespaces(&self.directory).join(name)).context("noting a namespace")?;
        succeed(Command::new("ip").args(["netns", "add", name]))?;
        drop(guard);
        namespace.sysctl("ipv6/conf/default/accept_dad", "0")?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Starts a program in the background; it must be one that runs inside a namespace of the lab.
    pub(crate) fn start(&self, command: &mut Command, log: &Path) -> anyhow::Result<Daemon> {
        let _guard = self.open()?;
        Daemon::start(command, log)
    }

    fn open(&self) -> anyhow::Result<MutexGuard<'_, bool>> {
        let guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(*guard, "{} is being removed", self.directory.display());
        Ok(guard)
    }

    /// Removes everything, for good.
    pub(crate) fn close(&self) -> anyhow::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *open, false) {
            remove_directory(&self.directory)?;
        }
        Ok(())
    }
}

/// Removes whatever there is of a lab; nothing is fine too.
///
/// # Errors
///
/// When another program is working on the lab, or something refuses to go.
pub(crate) fn remove(name: &str) -> anyhow::Result<()> {
    let directory = directory(name);
    if directory.exists() {
        let _lock = lock(&directory)?;
        remove_directory(&directory)?;
    }
    Ok(())
}

fn directory(name: &str) -> PathBuf {
    Path::new(LABS).join(name)
}

fn namespaces(directory: &Path) -> PathBuf {
    directory.join("namespaces")
}

fn lock(directory: &Path) -> anyhow::Result<File> {
    let file = File::open(directory).with_context(|| format!("opening {}", directory.display()))?;
    if file.try_lock().is_err() {
        bail!("{} is in use by another program", directory.display());
    }
    let locked = file.metadata().map(|metadata| identity_of(&metadata));
    // Who has removed the lab in between has left a lock on nothing.
    ensure!(
        locked.ok() == identity(directory),
        "{} is being removed by another program",
        directory.display()
    );
    Ok(file)
}

fn remove_directory(directory: &Path) -> anyhow::Result<()> {
    let mut names = Vec::new();
    match fs::read_dir(namespaces(directory)) {
        Ok(entries) => {
            for entry in entries {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context("reading the list of namespaces"),
    }
    let namespaces: Vec<_> = names.iter().map(|name| Namespace::new(name)).collect();
    kill_everything_in(&namespaces)?;
    for namespace in namespaces
        .iter()
        .filter(|namespace| namespace.path().exists())
    {
        succeed(Command::new("ip").args(["netns", "del", namespace.name()]))?;
    }
    fs::remove_dir_all(directory).with_context(|| format!("removing {}", directory.display()))?;
    // Other labs may still be there.
    drop(fs::remove_dir(LABS));
    Ok(())
}

fn kill_everything_in(namespaces: &[Namespace]) -> anyhow::Result<()> {
    let identities = namespaces
        .iter()
        .filter_map(|namespace| identity(&namespace.path()));
    let identities: BTreeSet<_> = identities.collect();
    // A process may start another one before it is killed, hence again and again.
    wait_for("the end of the lab's processes", PATIENCE, || {
        let processes = processes_in(&identities)?;
        for process in &processes {
            match kill(*process, Signal::SIGKILL) {
                // It has ended meanwhile.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error).context("killing a process of the lab"),
            }
        }
        Ok(processes.is_empty().then_some(()))
    })
}

/// What the kernel knows a namespace, or a directory, by.
fn identity(path: &Path) -> Option<(u64, u64)> {
    Some(identity_of(&fs::metadata(path).ok()?))
}

fn identity_of(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The processes whose namespace is one of these. A process that has ended has none.
fn processes_in(identities: &BTreeSet<(u64, u64)>) -> anyhow::Result<Vec<Pid>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        let entry = entry?;
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let inside = identity(&entry.path().join("ns/net"))
            .is_some_and(|identity| identities.contains(&identity));
        if inside && id != process::id() {
            processes.push(Pid::from_raw(i32::try_from(id)?));
        }
    }
    Ok(processes)
}
