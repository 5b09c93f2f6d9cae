//! What describes the networks: where it is, whether it is followed, and what it says.

use std::collections::BTreeMap;

use pipelines::network::{Model, PortId};
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
        // A host that was programmed from a file has something to lose, too.
        let programmed = external_ids.get(settings::NAME);
        let before = Followed::of(external_ids);
        let before = before.or_else(|| programmed.map(|_| Followed::a_file()));
        let before = before.filter(|_| !is_accepted(external_ids));
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

    /// Has the host remember its name, which settings were good, and which northbound database it
    /// follows.
    pub(super) fn remember(&self, plan: &mut Plan, tables: &OpenVSwitch, this: &ThisHost) {
        let (good, host) = (this.good.as_deref(), &self.settings.host);
        let change = "remember the settings of the host";
        plan.note_on_switch(tables, settings::GOOD, good, change);
        let change = format!("remember that this host is {host}");
        plan.note_on_switch(tables, settings::NAME, Some(&host.0), &change);
        if let Some(followed) = self.followed {
            plan.remember(tables, followed);
        }
        let is_in_effect =
            self.held.is_none() && self.offered.is_none() && self.troubles.source.is_none();
        if is_in_effect {
            plan.accept_no_more(tables);
        }
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

    /// Whether the agent runs under another name than before, and VMs of that name are plugged in.
    ///
    /// A mistyped `--host` would take every one of them off the network: none belongs to the new
    /// name. So nothing is changed until the name is right, or an operator accepts the new one.
    pub(super) fn is_renamed(&mut self, tables: &OpenVSwitch, model: &Model) -> bool {
        let external_ids = tables.switch().map(|switch| &switch.external_ids);
        let external_ids = external_ids.filter(|external_ids| !is_accepted(external_ids));
        let before = external_ids.and_then(|external_ids| external_ids.get(settings::NAME));
        let before = before.filter(|before| **before != self.settings.host.0);
        let is_here = |before: &&String| {
            let ids = tables.interfaces.iter();
            let mut ids = ids.filter_map(|interface| interface.external_ids.get("iface-id"));
            ids.any(|id| {
                let port = id.parse().ok().and_then(|id| model.port(PortId(id)));
                let host = port.and_then(|port| port.host.as_ref());
                host.is_some_and(|host| host.0 == **before)
            })
        };
        let renamed = before.filter(is_here).map(|before| {
            let sentence = format!(
                "is not the name that this host had, and VMs of host {before} are plugged in: \
                 expected --host {before}; the running state stays; brint accept-database on this \
                 host accepts the new name"
            );
            Problem::new(Kind::Host, &self.settings.host, sentence)
        });
        self.troubles.renamed = renamed;
        self.troubles.renamed.is_some()
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
