//! What is wrong on this host: each object that is refused or waits, with a sentence.
//!
//! One bad object never holds up the others. So it must be named where people look: in the log when
//! it turns bad and when it is well again, and in the status and the metrics for as long as it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An object that is refused or waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// What kind of object it is.
    pub(crate) kind: Kind,
    /// Its name, as people know it.
    pub(crate) name: String,
    /// What is wrong, to be read behind kind and name.
    pub(crate) sentence: String,
}

impl Problem {
    /// Says of an object what is wrong.
    pub(crate) fn new(kind: Kind, name: impl fmt::Display, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.to_string(),
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.sentence)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal;)*) => {
        /// A kind of object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum Kind {$(
            $(#[$doc])*
            #[serde(rename = $text)]
            $kind,
        )*}

        impl Kind {
            /// Every kind.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];
        }

        impl fmt::Display for Kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$kind => $text,)*
                })
            }
        }
    };
}

kinds! {
    /// A database of the host.
    Database = "database";
    /// The file that describes the networks.
    File = "file";
    /// The northbound database.
    Northbound = "northbound";
    /// A setting of the host.
    Setting = "setting";
    /// A bridge.
    Bridge = "bridge";
    /// The bridge of a physical network.
    BridgeMapping = "bridge mapping";
    /// A row of the table `Port` that brint needs.
    Port = "port";
    /// A row of the table `Interface`.
    Interface = "interface";
    /// The tunnel to another host.
    Tunnel = "tunnel";
    /// Another host.
    Host = "host";
    /// A network of the description.
    Network = "network";
    /// A flow or group that the switch refuses.
    Flow = "flow";
    /// What forwards packets for the bridges: the kernel's module or `ovs-vswitchd` itself.
    Datapath = "datapath";
    /// The program `ovs-vswitchd`.
    Daemon = "daemon";
}
