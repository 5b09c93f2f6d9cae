//! What describes the networks: where it is, whether it is followed, and what it says.

use std::collections::BTreeMap;

use tracing::info;

use super::Agent;
use super::settings::{self, ThisHost};
use crate::northbound::database::NAME;
use crate::northbound::database::identity::Origin;
use crate::northbound::followed::{Followed, is_accepted};
use crate::northbound::source::{Described, Place, Source, listed};
use crate::problem::{Kind, Problem};
use crate::vswitch::{OpenVSwitch, Plan};

impl Agent {
    /// Puts in effect what the source says, unless it is a northbound database that is to be held.
    ///
    /// Whether it is, the host's database tells, so nothing is in effect before that is there.
    pub(super) fn consider(&mut self) {
        let Some(offered) = self.offered.take() else {
            return;
        };
        let Some(origin) = offered.rows.as_deref().map(Origin::of) else {
            return self.set_model(offered);
        };
        let tables = self.client.snapshot();
        let Some(switch) = tables.switch().filter(|_| self.view.connected) else {
            self.offered = Some(offered);
            return;
        };
        let external_ids = &switch.external_ids;
        let before = Followed::of(external_ids).filter(|_| !is_accepted(external_ids));
        match Followed::then(before, origin, self.held) {
            Ok(followed) => {
                self.followed = Some(followed);
                self.held = None;
                self.set_model(offered);
            }
            Err(held) => {
                self.held = Some(held);
                self.offered = Some(offered);
                self.troubles.source = None;
            }
        }
        self.view.held = self.held.map(|held| held.to_string());
        self.troubles.held = self.view.held.as_ref().map(|reason| {
            self.source_problem(format!(
                "is held, the running state stays: {reason}; brint accept-database on this host has \
                 it followed"
            ))
        });
    }

    /// Has the host remember which northbound database it follows, and which settings were good.
    pub(super) fn remember(&self, plan: &mut Plan, tables: &OpenVSwitch, this: &ThisHost) {
        plan.note_settings(tables, this.good.as_deref());
        let Some(followed) = self.followed else {
            return;
        };
        let is_in_effect =
            self.held.is_none() && self.offered.is_none() && self.troubles.source.is_none();
        plan.remember(tables, followed, is_in_effect);
    }

    fn set_model(&mut self, described: Described) {
        let Described {
            model,
            left_out,
            digest,
            nb_cfg,
            rows,
        } = described;
        self.rows = rows;
        if self.view.digest != Some(digest) {
            info!(
                "{}: {} networks, {} ports, {} security groups, {} hosts; content {digest}",
                self.settings.source,
                model.networks().count(),
                model.ports().count(),
                model.security_groups().count(),
                model.hosts().count()
            );
        }
        // What is the same is not compared again by those who hold it.
        if self.view.model.as_ref() != Some(&model) {
            self.view.model = Some(model);
        }
        self.view.digest = Some(digest);
        self.nb_cfg = nb_cfg;
        self.troubles.source = None;
        let left_out = left_out.iter();
        self.troubles.left_out = left_out
            .map(|mistake| self.source_problem(format!("is in effect without {mistake}")))
            .collect();
    }

    /// Notes whether another agent with the name of the host writes in the place of this one.
    pub(super) fn note_displaced(&mut self, is_displaced: bool) {
        let host = &self.settings.host;
        self.troubles.double = is_displaced.then(|| {
            let sentence = "is another agent's name, which runs: expected a name that no other host \
                            has (--host); this one writes nothing to the northbound database";
            Problem::new(Kind::Host, host, sentence)
        });
    }

    pub(super) fn refuse_source(&mut self, error: &str) {
        // What was offered before may not be there any more.
        self.offered = None;
        let sentence = match self.settings.source {
            Place::File(_) => format!("is not in effect, the running state stays: {error}"),
            Place::Database { .. } => format!("is {error}; the running state stays"),
        };
        self.troubles.source = Some(self.source_problem(sentence));
    }

    pub(super) fn source_problem(&self, sentence: String) -> Problem {
        match &self.settings.source {
            Place::File(path) => Problem::new(Kind::File, path.display(), sentence),
            Place::Database { .. } => Problem::new(Kind::Northbound, NAME, sentence),
        }
    }

    /// Follows the northbound database where the host's database says that it is, unless the
    /// command line says it.
    pub(super) async fn find_northbound(&mut self, source: &Source) {
        let (Place::Database { remotes, .. }, Some(database)) =
            (&self.settings.source, source.database())
        else {
            return;
        };
        if !remotes.is_empty() || !self.view.connected {
            return;
        }
        let tables = self.client.snapshot();
        let external_ids = tables.switch().map(|switch| &switch.external_ids);
        let (remotes, problem) = settings::remotes(external_ids.unwrap_or(&BTreeMap::new()));
        self.troubles.remote = match (remotes, problem) {
            (Some(remotes), problem) => {
                if remotes != self.remotes {
                    info!("the northbound database is at {}", listed(&remotes));
                    database.set_remotes(remotes.clone()).await;
                    self.remotes = remotes;
                }
                problem
            }
            (None, None) => Some(self.source_problem(
                "is nowhere: expected --remote, --network or external_ids:brint-remote".to_owned(),
            )),
            (None, problem) => problem,
        };
    }
}
