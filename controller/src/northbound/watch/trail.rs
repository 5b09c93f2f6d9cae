//! The names that a path leads through, and the kernel's watch on them.
//!
//! A path changes its meaning when the file is replaced, and also when a symbolic link on the way
//! is. So each of these names is watched in its directory; a name that does not exist is watched
//! where it would appear.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsString,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::sync::Notify;

/// How many links a path may have; the kernel follows as many (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// How often a path is followed again because it changed meanwhile.
const ATTEMPTS: usize = 8;

/// A watch on all that a path leads through.
#[derive(Debug)]
pub(super) struct Armed {
    changes: Arc<Notify>,
    /// It watches as long as it lives.
    _watcher: RecommendedWatcher,
}

impl Armed {
    /// Watches an absolute path as it leads now.
    ///
    /// # Errors
    ///
    /// The kernel lends no watch.
    pub(super) fn new(path: &Path) -> notify::Result<Self> {
        let mut attempts = 0..ATTEMPTS;
        loop {
            let trail = trail(path);
            let armed = Self::on(&trail);
            // What changed before the watch began was not seen by it.
            if attempts.next().is_none() || self::trail(path) == trail {
                return armed;
            }
        }
    }

    fn on(trail: &BTreeSet<PathBuf>) -> notify::Result<Self> {
        let directories: BTreeSet<_> = trail
            .iter()
            .filter_map(|name| name.parent())
            .map(Path::to_owned)
            .collect();
        // A directory tells about its own end, too.
        let names: BTreeSet<_> = trail.union(&directories).cloned().collect();
        let changes = Arc::new(Notify::new());
        let told = Arc::clone(&changes);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may have hidden a change.
            if event.as_ref().map_or(true, |event| concerns(event, &names)) {
                told.notify_one();
            }
        })?;
        for directory in &directories {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
        }
        Ok(Self {
            changes,
            _watcher: watcher,
        })
    }

    /// Waits until something happened to the path. Nothing is lost if the future is dropped.
    pub(super) async fn change(&self) {
        self.changes.notified().await;
    }
}

/// Whether an event may mean that the path leads to another content.
fn concerns(event: &Event, names: &BTreeSet<PathBuf>) -> bool {
    let happened = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        // The writer is not done; it will close the file.
        EventKind::Modify(ModifyKind::Data(_)) => false,
        _ => true,
    };
    let named = || event.paths.iter().any(|path| names.contains(path));
    event.need_rescan() || happened && named()
}

/// The names whose change changes what an absolute path leads to: every symbolic link on the way,
/// and the last name that can be reached.
fn trail(path: &Path) -> BTreeSet<PathBuf> {
    let mut trail = BTreeSet::new();
    let mut links = 0;
    let mut reached = PathBuf::from("/");
    let mut ahead = steps(path);
    while let Some(step) = ahead.pop_front() {
        if step == ".." {
            reached.pop();
            continue;
        }
        let name = reached.join(&step);
        match name.read_link() {
            Ok(target) => {
                trail.insert(name);
                links += 1;
                if links > MOST_LINKS {
                    break;
                }
                if target.is_absolute() {
                    reached = PathBuf::from("/");
                }
                let mut steps = steps(&target);
                steps.append(&mut ahead);
                ahead = steps;
            }
            Err(_) if ahead.is_empty() || !name.is_dir() => {
                trail.insert(name);
                break;
            }
            Err(_) => reached = name,
        }
    }
    trail
}

/// The names in a path, and `..`.
fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use notify::event::{CreateKind, DataChange, Flag, RemoveKind, RenameMode};

    use super::*;

    fn names(names: &[&Path]) -> BTreeSet<PathBuf> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_plain_path_leads_through_its_last_name() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let path = root.join("network.yaml");
        assert_eq!(trail(&path), names(&[&path]));
        fs::write(&path, "").unwrap();
        assert_eq!(trail(&path), names(&[&path]));
        assert_eq!(
            trail(&root.join("./x/../network.yaml")),
            names(&[&root.join("x")])
        );
    }

    #[test]
    fn a_missing_directory_is_awaited_where_it_would_appear() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        assert_eq!(
            trail(&root.join("a/b/network.yaml")),
            names(&[&root.join("a")])
        );
    }

    #[test]
    fn every_link_on_the_way_counts() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("first")).unwrap();
        fs::write(root.join("first/network.yaml"), "").unwrap();
        symlink("first", root.join("data")).unwrap();
        symlink(root.join("data/network.yaml"), root.join("network.yaml")).unwrap();
        let expected = [
            &*root.join("network.yaml"),
            &root.join("data"),
            &root.join("first/network.yaml"),
        ];
        assert_eq!(trail(&root.join("network.yaml")), names(&expected));
    }

    #[test]
    fn links_that_lead_in_a_circle_end() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        assert_eq!(
            trail(&root.join("a")),
            names(&[&root.join("a"), &root.join("b")])
        );
    }

    #[test]
    fn only_complete_changes_of_the_names_concern() {
        let path = "/d/network.yaml";
        let about = |kind, name: &str| {
            let event = Event::new(kind).add_path(PathBuf::from(name));
            concerns(&event, &names(&[Path::new(path)]))
        };
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(about(written, path));
        assert!(about(
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            path
        ));
        assert!(about(EventKind::Create(CreateKind::File), path));
        assert!(about(EventKind::Remove(RemoveKind::File), path));
        assert!(!about(written, "/d/other.yaml"));
        assert!(!about(
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            path
        ));
        assert!(!about(
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            path
        ));
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(concerns(&overflow, &BTreeSet::new()));
    }
}
