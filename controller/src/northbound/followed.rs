//! Which northbound database the host has followed, as its own database remembers it.
//!
//! A disk that was replaced, a wrong address, a server that was made anew: what then answers has no
//! networks, or others, and whoever obeys it cuts every running VM off. So another database than the
//! one that was followed is held, and so is an empty one where there were ports: the running state
//! stays, until the old one is back or an operator accepts the new one.

use std::collections::BTreeMap;
use std::fmt;

use ovsdb::Uuid;

use super::database::identity::Origin;

/// Key of the switch's `external_ids`: the identity of the database.
pub(crate) const IDENTITY: &str = "brint-northbound-id";
/// Key of the switch's `external_ids`: whether the database described ports.
pub(crate) const HAD_PORTS: &str = "brint-northbound-ports";
/// Key of the switch's `external_ids`: an operator accepts whichever database comes next.
pub(crate) const ACCEPTED: &str = "brint-northbound-accepted";

/// A database that has been followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    /// Its identity, if it had one.
    identity: Option<Uuid>,
    /// Whether it described ports.
    had_ports: bool,
}

/// Why a database is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is another one.
    Another {
        /// Its identity, if it has one.
        this: Option<Uuid>,
        /// The one that was followed.
        followed: Uuid,
    },
    /// It describes nothing, and it did.
    Empty,
}

impl Followed {
    /// What the host remembers.
    pub(crate) fn of(external_ids: &BTreeMap<String, String>) -> Option<Self> {
        let identity = external_ids.get(IDENTITY)?;
        Some(Self {
            // What cannot be read is no identity, but there was a database.
            identity: identity
                .parse()
                .ok()
                .filter(|identity: &Uuid| !identity.is_nil()),
            had_ports: is_true(external_ids, HAD_PORTS),
        })
    }

    /// What counts as followed where a file was: any database that describes something may come next.
    pub(crate) fn a_file() -> Self {
        Self {
            identity: None,
            had_ports: true,
        }
    }

    /// Whether it is the one with this identity.
    pub(crate) fn is(&self, identity: Option<Uuid>) -> bool {
        self.identity.is_none() || self.identity == identity
    }

    /// What the host is to remember.
    pub(crate) fn external_ids(self) -> BTreeMap<String, String> {
        let identity = self.identity.unwrap_or_default().to_string();
        let had_ports = self.had_ports.to_string();
        let pairs = [(IDENTITY, identity), (HAD_PORTS, had_ports)];
        let pairs = pairs.into_iter();
        pairs.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Whether a database may be followed after this one, and what is then to be remembered.
    ///
    /// `held` is why it was held before: an empty one is not obeyed because of its first network.
    ///
    /// # Errors
    ///
    /// It is to be held.
    pub(crate) fn then(
        before: Option<Self>,
        origin: Origin,
        held: Option<Held>,
    ) -> Result<Self, Held> {
        let next = Self {
            identity: origin.identity,
            had_ports: origin.has_ports,
        };
        let Some(before) = before else {
            return Ok(next);
        };
        if let Some(followed) = before.identity
            && origin.identity != Some(followed)
        {
            let this = origin.identity;
            return Err(Held::Another { this, followed });
        }
        let is_empty = origin.is_empty || held == Some(Held::Empty) && !origin.has_ports;
        match before.had_ports && is_empty && !origin.is_emptied {
            true => Err(Held::Empty),
            false => Ok(next),
        }
    }
}

/// Whether an operator accepts whichever database comes next.
pub(crate) fn is_accepted(external_ids: &BTreeMap<String, String>) -> bool {
    is_true(external_ids, ACCEPTED)
}

fn is_true(external_ids: &BTreeMap<String, String>, key: &str) -> bool {
    external_ids.get(key).is_some_and(|value| value == "true")
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identity {
            Some(identity) => write!(f, "database {identity}")?,
            None => f.write_str("a database without identity")?,
        }
        match self.had_ports {
            true => f.write_str(", which had ports"),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Held {
    /// Writes what is to be read behind "is held: ".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Another {
                this: Some(this),
                followed,
            } => write!(f, "it is {this}, and this host has followed {followed}"),
            Self::Another {
                this: None,
                followed,
            } => write!(
                f,
                "it has no identity, and this host has followed {followed}"
            ),
            Self::Empty => f.write_str("it is empty, and this host had ports"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Option<Uuid> {
        Some(Uuid::from_u128(number))
    }

    /// A database with networks and ports.
    fn full(identity: Option<Uuid>) -> Origin {
        Origin {
            identity,
            has_ports: true,
            ..Origin::default()
        }
    }

    fn empty(identity: Option<Uuid>) -> Origin {
        Origin {
            identity,
            is_empty: true,
            ..Origin::default()
        }
    }

    fn followed(origin: Origin) -> Option<Followed> {
        Some(Followed::then(None, origin, None).unwrap())
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        for origin in [full(id(7)), empty(id(7)), full(None)] {
            let followed = followed(origin);
            let external_ids = followed.unwrap().external_ids();
            assert_eq!(Followed::of(&external_ids), followed);
        }
        assert_eq!(Followed::of(&BTreeMap::new()), None);
    }

    #[test]
    fn after_a_file_any_database_is_followed_that_is_not_empty() {
        let file = Some(Followed::a_file());
        assert!(Followed::then(file, full(id(7)), None).is_ok());
        let held = Followed::then(file, empty(id(7)), None);
        assert_eq!(held, Err(Held::Empty));
        assert!(Followed::then(file, full(id(7)), held.err()).is_ok());
    }

    #[test]
    fn the_first_database_is_followed_whatever_it_is() {
        for origin in [full(id(7)), empty(id(7)), full(None), empty(None)] {
            assert!(Followed::then(None, origin, None).is_ok());
        }
    }

    #[test]
    fn another_database_is_held_and_the_old_one_is_followed_again() {
        let before = followed(full(id(7)));
        for other in [full(id(8)), empty(id(8)), full(None), empty(None)] {
            let held = Followed::then(before, other, None).unwrap_err();
            assert!(matches!(held, Held::Another { .. }), "{held}");
            assert!(Followed::then(before, full(id(7)), Some(held)).is_ok());
        }
        // One that had no ports had nothing to lose, but is another one all the same.
        let before = followed(empty(id(7)));
        assert!(Followed::then(before, full(id(8)), None).is_err());
    }

    #[test]
    fn an_empty_database_is_held_where_there_were_ports() {
        for identity in [None, id(7)] {
            let before = followed(full(identity));
            let held = Followed::then(before, empty(identity), None);
            assert_eq!(held, Err(Held::Empty));
            // A network alone does not bring the ports back.
            let network = Origin {
                identity,
                ..Origin::default()
            };
            assert_eq!(
                Followed::then(before, network, held.err()),
                Err(Held::Empty)
            );
            assert!(Followed::then(before, full(identity), held.err()).is_ok());
        }
        // One without identity may get one.
        assert!(Followed::then(followed(full(None)), full(id(7)), None).is_ok());
        assert!(Followed::then(followed(full(None)), empty(id(7)), None).is_err());
    }

    #[test]
    fn a_database_is_emptied_port_by_port_or_on_purpose() {
        let before = followed(full(id(7)));
        let without_ports = Origin {
            identity: id(7),
            ..Origin::default()
        };
        let between = Followed::then(before, without_ports, None).unwrap();
        assert!(Followed::then(Some(between), empty(id(7)), None).is_ok());
        let emptied = Origin {
            is_emptied: true,
            ..empty(id(7))
        };
        assert!(Followed::then(before, emptied, None).is_ok());
        assert!(Followed::then(before, emptied, Some(Held::Empty)).is_ok());
    }
}
