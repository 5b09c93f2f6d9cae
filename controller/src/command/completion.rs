//! `brint completion` and `brint man`: what shells and people are told of the commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Brint;
use super::answer::write;

/// Prints a script that completes commands and options in a shell
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes a manual page for each command into a directory
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The directory, which has to exist
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Prints the script.
pub(crate) fn complete(arguments: &Completion) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Brint::command(), "brint", &mut script);
    write(&String::from_utf8(script).context("a script that is no text")?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the pages.
pub(crate) fn man(arguments: &Man) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    clap_mangen::generate_to(Brint::command(), directory)
        .with_context(|| format!("writing to {}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_with_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Brint::command(), "brint", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Brint::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
            }
        }
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let directory = tempfile::tempdir().unwrap();
        let arguments = Man {
            directory: directory.path().to_owned(),
        };
        man(&arguments).unwrap();
        for page in ["brint.1", "brint-apply.1", "brint-network-list.1"] {
            let text = std::fs::read_to_string(directory.path().join(page)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
        }
    }
}
