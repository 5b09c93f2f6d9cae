//! Whether the other end of a tunnel is heard.

use std::collections::BTreeMap;

use pipelines::network::HostName;

use super::{Configuration, Interface, Link, OpenVSwitch};

/// What BFD says of a tunnel. Of several tunnels to one host the greatest says what is known of the
/// host: one that is heard through one of them is there, one that was heard through one is gone,
/// though another tunnel has never been up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Session {
    /// The other end has not been heard yet.
    NeverUp,
    /// The other end was heard, and is heard no more.
    Down,
    /// The other end is heard, and hears this one.
    Up,
}

/// The setting without which there are no heartbeats.
pub(super) const ENABLE: &str = "enable";

/// The settings of BFD: heartbeats every 200 ms, of which three may be missed. Intervals that somebody
/// has set stay.
pub(super) fn settings() -> BTreeMap<String, String> {
    let settings = [(ENABLE, "true"), ("min_rx", "200"), ("min_tx", "200")];
    let settings = settings.into_iter();
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

impl Session {
    /// What the switch says; `None` if it does not watch the interface.
    pub(super) fn of(interface: &Interface) -> Option<Self> {
        let status: &BTreeMap<String, String> = &interface.bfd_status;
        let flaps = status.get("flap_count").map_or("0", String::as_str);
        match (status.get("state")?.as_str(), flaps) {
            ("up", _) => Some(Self::Up),
            (_, "0") => Some(Self::NeverUp),
            _ => Some(Self::Down),
        }
    }
}

/// A tunnel whose other end the switch watches, as it matters to others that it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched<'a> {
    /// The host at the other end.
    pub(crate) host: &'a HostName,
    /// The name of the interface.
    pub(crate) interface: &'a str,
    /// What BFD says; `None` if the switch does not watch it yet.
    pub(crate) session: Option<Session>,
}

impl Configuration {
    /// The tunnels that were heard through and are not any more, and where they lead to.
    pub(crate) fn silent<'a>(
        &'a self,
        tables: &'a OpenVSwitch,
    ) -> impl Iterator<Item = (&'a str, &'a HostName)> {
        let watched = self.watched(tables);
        let silent = watched.filter(|tunnel| tunnel.session == Some(Session::Down));
        silent.map(|tunnel| (tunnel.interface, tunnel.host))
    }

    /// The tunnels that the switch watches.
    pub(crate) fn watched<'a>(
        &'a self,
        tables: &'a OpenVSwitch,
    ) -> impl Iterator<Item = Watched<'a>> {
        let ports = self.bridges.values().flat_map(|bridge| &bridge.ports);
        ports.filter_map(|(name, link)| match link {
            Link::Tunnel {
                host,
                is_watched: true,
                ..
            } => {
                let interface = tables.interfaces.index().by_name.get(name);
                Some(Watched {
                    host,
                    interface: name,
                    session: interface.and_then(|interface| Session::of(interface)),
                })
            }
            _ => None,
        })
    }
}
