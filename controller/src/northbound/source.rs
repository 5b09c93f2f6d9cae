//! The source of the desired network: a file, or the northbound database.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ovsdb::client::Event;
use ovsdb::pki::Pki;
use ovsdb::{Events, Options, Remote};
use pipelines::network::Model;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::database::objects::describe_after;
use super::database::tables::Northbound;
use super::database::{Database, NAME, agent_conditions, digest};
use super::embedded::Embedded;
use super::file::FileError;
use super::watch::Watch;

/// Which source, as the settings say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// The northbound database.
    Database {
        /// Its servers; empty while the host's own database is to say them.
        remotes: Vec<Remote>,
        /// Keys and certificates, for `ssl:`.
        pki: Option<Pki>,
        /// The host's own server, if that is to serve it.
        embedded: Option<Embedded>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Database { remotes, .. } => {
                f.write_str(NAME)?;
                match remotes.is_empty() {
                    true => Ok(()),
                    false => write!(f, " at {}", listed(remotes)),
                }
            }
        }
    }
}

/// Servers as people write them.
pub(crate) fn listed(remotes: &[Remote]) -> String {
    let remotes: Vec<_> = remotes.iter().map(ToString::to_string).collect();
    remotes.join(",")
}

/// A network that a source describes.
#[derive(Debug)]
pub(crate) struct Described {
    /// The network.
    pub(crate) model: Arc<Model>,
    /// What it has to do without.
    pub(crate) left_out: Vec<String>,
    /// Derived from the content: equal contents have equal digests, on every host.
    pub(crate) digest: Uuid,
    /// The number of the latest change that somebody waits for.
    pub(crate) nb_cfg: i64,
    /// The rows that it comes from, if it does not come from a file.
    pub(crate) rows: Option<Arc<Northbound>>,
}

/// A source that is followed.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file.
    File(Watch),
    /// The northbound database.
    Database(Follow),
}

impl Source {
    /// Begins to follow a source, which need not be there yet.
    ///
    /// # Errors
    ///
    /// A file cannot be watched.
    pub(crate) fn start(place: &Place, host: &str) -> Result<Self, FileError> {
        Ok(match place {
            Place::File(path) => Self::File(Watch::start(path)?),
            Place::Database {
                remotes,
                pki,
                embedded,
            } => {
                let mut follow = Follow::start(remotes.clone(), pki.clone(), host);
                follow.embedded.clone_from(embedded);
                Self::Database(follow)
            }
        })
    }

    /// What the source describes next, or why it describes nothing; nothing is lost if the future
    /// is dropped before it is ready.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for people. The next may be right again.
    pub(crate) async fn next(&mut self) -> Result<Described, String> {
        match self {
            Self::File(watch) => {
                let loaded = watch.next().await.map_err(|error| error.to_string())?;
                Ok(Described {
                    model: Arc::new(loaded.model),
                    left_out: loaded.left_out.iter().map(ToString::to_string).collect(),
                    digest: loaded.digest,
                    nb_cfg: 0,
                    rows: None,
                })
            }
            Self::Database(follow) => follow.next().await,
        }
    }

    /// Reads the source again, and tells the outcome even if it is the same.
    pub(crate) fn reload(&mut self) {
        match self {
            Self::File(watch) => watch.reload(),
            Self::Database(follow) => follow.told = None,
        }
    }

    /// The database, if it is one.
    pub(crate) fn database(&self) -> Option<&Database> {
        match self {
            Self::File(_) => None,
            Self::Database(follow) => Some(&follow.database),
        }
    }
}

/// Follows the northbound database.
#[derive(Debug)]
pub(crate) struct Follow {
    database: Database,
    events: Events<Northbound>,
    connected: bool,
    /// The rows that were told last.
    told: Option<Arc<Northbound>>,
    /// The network that they described.
    in_effect: Arc<Model>,
    /// The host's own server, if that is to serve the database.
    embedded: Option<Embedded>,
    /// Makes sure that it does.
    serving: Option<JoinHandle<()>>,
    /// Why it does not yet, and what is told of that.
    obstacle: watch::Sender<Option<String>>,
    obstacles: watch::Receiver<Option<String>>,
}

impl Follow {
    fn start(remotes: Vec<Remote>, pki: Option<Pki>, host: &str) -> Self {
        let mut options = Options::default();
        options.pki = pki;
        options.conditions = agent_conditions(host);
        let (database, events) = Database::follow(remotes, options);
        let (obstacle, obstacles) = watch::channel(None);
        Self {
            database,
            events,
            connected: false,
            told: None,
            in_effect: Arc::default(),
            embedded: None,
            serving: None,
            obstacle,
            obstacles,
        }
    }

    /// Makes sure that the host's own server serves the database, if it is to.
    fn serve(&mut self) {
        let busy = self
            .serving
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if let Some(embedded) = self.embedded.clone().filter(|_| !busy) {
            self.serving = Some(tokio::spawn(embedded.serve(self.obstacle.clone())));
        }
    }

    async fn next(&mut self) -> Result<Described, String> {
        loop {
            let rows = self.database.snapshot();
            // A replica that is not complete must not look like a database that is empty.
            let known = self
                .told
                .as_ref()
                .is_some_and(|told| Arc::ptr_eq(told, &rows));
            if self.connected && !known {
                self.told = Some(Arc::clone(&rows));
                let described = describe_after(&rows, &self.in_effect);
                self.in_effect = Arc::new(described.model);
                return Ok(Described {
                    model: Arc::clone(&self.in_effect),
                    left_out: described.left_out,
                    digest: digest(&rows),
                    nb_cfg: rows.nb_cfg(),
                    rows: Some(rows),
                });
            }
            let event = tokio::select! {
                event = self.events.next() => event,
                // The sender is in this value too.
                _ = self.obstacles.changed() => {
                    let reason = self.obstacles.borrow_and_update().clone();
                    match reason.filter(|_| !self.connected) {
                        Some(reason) => return Err(format!("not served: {reason}")),
                        None => continue,
                    }
                }
            };
            match event {
                Some(Event::Connected { .. }) => {
                    self.connected = true;
                    self.told = None;
                }
                Some(Event::Disconnected(reason)) => {
                    self.connected = false;
                    self.serve();
                    return Err(match &*self.obstacle.borrow() {
                        Some(obstacle) => format!("not served: {obstacle}"),
                        None => format!("not connected: {reason}; trying until it answers"),
                    });
                }
                Some(_) => {}
                None => return Err("the client of the database has ended".to_owned()),
            }
        }
    }
}
