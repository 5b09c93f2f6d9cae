//! Whether this host is in contact with the others, as it has to be to lead routers outside.
//!
//! A host that hears nobody cannot tell whether the others are gone or itself is cut off; where it
//! is cut off, another host has taken over, and two would answer for one address. So it stands back,
//! as in OVN. It is in contact again when it hears another host, and knows of its takeovers.
//!
//! Of two hosts each hears nobody when the other fails. There the link of the own tunnels decides.

use crate::vswitch::Session;

/// What a host hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hearing {
    /// How many other hosts there are whose tunnels are watched.
    pub(super) watched: usize,
    /// How many of them are heard.
    pub(super) up: usize,
    /// How many were heard since the switch started, and are not any more.
    pub(super) down: usize,
    /// How many were not heard yet and have not had time to be.
    pub(super) awaited: usize,
    /// Whether those that are heard have all told what they know, or had the time to.
    pub(super) is_told: bool,
    /// Whether tunnels leave by a card with a link, where that is known.
    pub(super) link: Option<bool>,
    /// Whether that has been so, or somebody has been heard, for as long as others may take to be
    /// heard again.
    pub(super) is_settled: bool,
}

/// Whether the host may lead routers outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// It may.
    Made,
    /// It stands back.
    Lost,
}

impl Hearing {
    /// Counts another host, by the best that BFD says of its tunnels.
    pub(super) fn count(&mut self, session: Option<Session>) {
        self.watched += 1;
        match session {
            Some(Session::Up) => self.up += 1,
            Some(Session::Down) => self.down += 1,
            Some(Session::NeverUp) | None => {}
        }
    }
}

impl Contact {
    /// What follows from what is heard now.
    pub(super) fn next(self, hearing: Hearing) -> Self {
        let is_made = match (self, hearing) {
            (_, Hearing { watched: 0, .. }) => true,
            (Self::Made, Hearing { up: 1.., .. }) => true,
            // A host that comes back waits until it knows who leads, and does not take those for
            // gone that are about to be heard again.
            (Self::Lost, Hearing { up: 1.., down, .. }) => {
                hearing.is_told && (down == 0 || hearing.is_settled)
            }
            (_, Hearing { down: 1, .. }) => {
                hearing.link == Some(true) && (self == Self::Made || hearing.is_settled)
            }
            (_, Hearing { down: 2.., .. }) => false,
            // Hosts that never were there, as far as is known, are no reason to stop.
            (Self::Made, _) => true,
            (Self::Lost, _) => hearing.awaited == 0 && hearing.link != Some(false),
        };
        if is_made { Self::Made } else { Self::Lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(up: usize, down: usize) -> Hearing {
        Hearing {
            watched: 3,
            up,
            down,
            is_told: true,
            is_settled: true,
            link: Some(true),
            ..Hearing::default()
        }
    }

    #[test]
    fn a_host_that_hears_nobody_stands_back_until_it_is_told_who_leads() {
        let contact = Contact::Made.next(heard(1, 1));
        assert_eq!(contact, Contact::Made);
        let contact = contact.next(heard(0, 2));
        assert_eq!(contact, Contact::Lost);
        let untold = Hearing {
            is_told: false,
            ..heard(1, 1)
        };
        assert_eq!(contact.next(untold), Contact::Lost);
        let early = |hearing| Hearing {
            is_settled: false,
            ..hearing
        };
        assert_eq!(contact.next(early(heard(1, 1))), Contact::Lost);
        assert_eq!(contact.next(early(heard(2, 0))), Contact::Made);
        assert_eq!(contact.next(heard(1, 1)), Contact::Made);
        // Who is in contact hears more of others later.
        assert_eq!(Contact::Made.next(untold), Contact::Made);
    }

    #[test]
    fn of_two_hosts_the_one_with_a_link_leads() {
        for contact in [Contact::Made, Contact::Lost] {
            assert_eq!(contact.next(heard(0, 1)), Contact::Made);
            let early = Hearing {
                is_settled: false,
                ..heard(0, 1)
            };
            assert_eq!(contact.next(early), contact);
            for link in [Some(false), None] {
                let cut_off = Hearing {
                    link,
                    ..heard(0, 1)
                };
                assert_eq!(contact.next(cut_off), Contact::Lost);
            }
        }
    }

    #[test]
    fn hosts_that_never_were_there_keep_nobody_from_leading() {
        assert_eq!(Contact::Made.next(heard(0, 0)), Contact::Made);
        assert_eq!(Contact::Lost.next(heard(0, 0)), Contact::Made);
        // A host that starts gives them their time, and does not take a cut cable for silence.
        let starts = Hearing {
            awaited: 1,
            ..heard(0, 0)
        };
        assert_eq!(Contact::Lost.next(starts), Contact::Lost);
        let cut_off = Hearing {
            link: Some(false),
            ..heard(0, 0)
        };
        assert_eq!(Contact::Lost.next(cut_off), Contact::Lost);
        assert_eq!(Contact::Lost.next(Hearing::default()), Contact::Made);
    }
}
