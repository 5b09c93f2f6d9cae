//! Follows a network file: tells every content, as soon as it is complete.
//!
//! The kernel says when a name in a directory changes (inotify); nothing is polled. What it says
//! is only taken as a reason to look: the path is followed again, watched again and read again, in
//! this order, so that no change falls between. Editors that rename over the file, orchestrators
//! that swap a symbolic link, and files that vanish and return therefore need no case of their
//! own.

use std::{
    panic,
    path::{self, Path, PathBuf},
    time::Duration,
};

use pipelines::network::Model;
use tokio::{
    task::{self, JoinHandle},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::file::{self, FileError, Mistake};
use trail::Armed;

mod trail;

/// How long nothing may happen before the file is read: a change may take several steps.
const QUIET: Duration = Duration::from_millis(50);

/// How long the file may stay unread while changes follow each other.
const PATIENCE: Duration = Duration::from_secs(1);

/// The namespace of digests.
const DIGEST: Uuid = Uuid::from_u128(0x0dbb_53a0_a54f_4e29_9b8f_5e6b_1e1c_6d0b);

/// A network that a file describes.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The network.
    pub(crate) model: Model,
    /// What it has to do without.
    pub(crate) left_out: Vec<Mistake>,
    /// Derived from the content: equal contents have equal digests, on every host.
    pub(crate) digest: Uuid,
}

/// The contents of a file, one after the other.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    armed: Armed,
    state: State,
    /// What was told last.
    told: Option<Seen>,
}

#[derive(Debug)]
enum State {
    /// Nothing has happened.
    Idle,
    /// Something has happened, and more may follow, but not past this instant.
    Settling(Instant),
    /// The file is watched anew, and shall be read.
    Due,
    /// The file is being read.
    Reading(JoinHandle<Option<News>>),
}

/// Enough of an outcome to know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// A content, valid or not.
    Content(Uuid),
    /// No content, and why.
    Nothing(String),
}

/// An outcome that was not told yet.
type News = (Seen, Result<Loaded, FileError>);

impl Watch {
    /// Begins to follow a file, which need not exist yet.
    ///
    /// # Errors
    ///
    /// The path is relative and the working directory is gone, or the kernel lends no watch.
    pub(crate) fn start(path: &Path) -> Result<Self, FileError> {
        let path = path.to_owned();
        let armed = arm(&path)?;
        Ok(Self {
            path,
            armed,
            state: State::Due,
            told: None,
        })
    }

    /// The next content, or why there is none; at first, what is there at the start.
    ///
    /// What was told last is not told again, be it a content or an error. Nothing is lost if the
    /// future is dropped before it is ready.
    ///
    /// # Errors
    ///
    /// What is wrong with the file. The one after may be right again.
    pub(crate) async fn next(&mut self) -> Result<Loaded, FileError> {
        loop {
            match &mut self.state {
                State::Idle => {
                    self.armed.change().await;
                    self.state = State::Settling(Instant::now() + PATIENCE);
                }
                State::Settling(latest) => {
                    let latest = *latest;
                    let quiet = latest.min(Instant::now() + QUIET);
                    let more = timeout_at(quiet, self.armed.change()).await;
                    if more.is_err() || Instant::now() >= latest {
                        // If no new watch is lent, the old one stays, and the file is read still.
                        self.state = State::Due;
                        self.armed = arm(&self.path)?;
                    }
                }
                State::Due => {
                    let (path, told) = (self.path.clone(), self.told.clone());
                    // A large file takes longer than other tasks should wait.
                    let reading = task::spawn_blocking(move || look(&path, told.as_ref()));
                    self.state = State::Reading(reading);
                }
                State::Reading(reading) => {
                    let news = reading.await;
                    self.state = State::Idle;
                    match news {
                        Ok(None) => {}
                        Ok(Some((seen, outcome))) => {
                            self.told = Some(seen);
                            return outcome;
                        }
                        Err(error) => panic::resume_unwind(error.into_panic()),
                    }
                }
            }
        }
    }

    /// Reads the file again, and tells the outcome even if it is the same.
    ///
    /// For those who ask, and for file systems whose changes the kernel does not see.
    pub(crate) fn reload(&mut self) {
        self.told = None;
        self.state = State::Settling(Instant::now());
    }
}

fn arm(path: &Path) -> Result<Armed, FileError> {
    let unreadable = |problem| FileError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    let absolute = path::absolute(path).map_err(unreadable)?;
    Armed::new(&absolute).map_err(|problem| FileError::Unwatched {
        path: path.to_owned(),
        problem,
    })
}

/// Reads the file, unless the outcome is the one that was told.
fn look(path: &Path, told: Option<&Seen>) -> Option<News> {
    let content = match file::read(path) {
        Ok(content) => content,
        Err(error) => {
            let seen = Seen::Nothing(error.to_string());
            return (told != Some(&seen)).then_some((seen, Err(error)));
        }
    };
    let digest = Uuid::new_v5(&DIGEST, &content);
    let seen = Seen::Content(digest);
    (told != Some(&seen)).then(|| {
        let loaded = file::parse(path, &content).map(|described| Loaded {
            model: described.model,
            left_out: described.left_out,
            digest,
        });
        (seen, loaded)
    })
}

#[cfg(test)]
mod tests;
