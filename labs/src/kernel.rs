//! Running a lab on a kernel that has the module `openvswitch`, by the script `labs/kernel`.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The option that asks for such a kernel, and the one that says of which system.
const OPTIONS: [&str; 2] = ["--kernel", "--system"];
/// The script, beside this crate's sources.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kernel");

/// Runs this program again, without these options, on such a kernel; it does not come back.
///
/// # Errors
///
/// When the lab is to stay, which it could not in a virtual machine, and when the script cannot be
/// started.
pub(crate) fn run_on(system: &str, stays: bool) -> anyhow::Result<bool> {
    ensure!(
        !stays,
        "--kernel: a lab that is kept, or removed, would be in a virtual machine that ends with the \
         command, expected neither --keep nor --down"
    );
    let this = env::current_exe().context("finding this program")?;
    let mut arguments = Vec::new();
    let mut given = env::args_os().skip(1);
    while let Some(argument) = given.next() {
        let text = argument.to_string_lossy();
        if text == OPTIONS[1] {
            given.next();
        } else if text != OPTIONS[0] && !text.starts_with("--system=") {
            arguments.push(argument);
        }
    }
    let mut command = Command::new(SCRIPT);
    command.args([OPTIONS[1], system]).arg(this).args(arguments);
    Err(command.exec()).context(SCRIPT)
}
