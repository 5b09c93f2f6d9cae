//! What forwards packets on this machine.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::patience::PATIENCE;
use crate::process::run;

/// The datapath of bridges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datapath {
    /// The kernel's, from the module `openvswitch`.
    Kernel,
    /// The one inside `ovs-vswitchd`.
    Userspace,
}

impl Datapath {
    /// The kernel's datapath where there is one, else the userspace one.
    pub fn of_this_machine() -> Self {
        let module = Path::new("/sys/module/openvswitch");
        if !module.exists() {
            // Failing is an answer too: many kernels do not have it.
            drop(run(
                Command::new("modprobe").args(["-q", "openvswitch"]),
                PATIENCE,
            ));
        }
        if module.exists() {
            Self::Kernel
        } else {
            Self::Userspace
        }
    }

    /// A sentence for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Kernel => "the kernel's datapath (module openvswitch)",
            Self::Userspace => {
                "the userspace datapath (netdev), as this kernel has no module openvswitch"
            }
        }
    }
}

/// As the column `datapath_type` of a bridge wants it.
impl fmt::Display for Datapath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kernel => "system",
            Self::Userspace => "netdev",
        })
    }
}
