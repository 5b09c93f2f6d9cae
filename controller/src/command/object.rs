//! `brint network`, `subnet`, `port` and `host`: objects of the northbound database.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use ovsdb::Uuid;
use serde_json::Value;

use super::answer::write;
use super::northbound::{Northbound, Session, Waiting};
use crate::northbound::database::plan::Plan;
use crate::northbound::database::tables::Northbound as Rows;
use crate::status::columns;
use fields::Fields;

mod fields;

/// Shows and deletes objects of the northbound database
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists all of them
    List {
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Shows one of them, with all that is known
    Show {
        /// The object
        #[arg(value_name = "NAME|UUID")]
        object: String,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Deletes some of them, all or none
    ///
    /// What is part of an object goes with it: subnets with their network, addresses with their
    /// port. It is refused if others name an object, as ports name their network.
    Delete {
        /// The objects
        #[arg(value_name = "NAME|UUID", required = true)]
        objects: Vec<String>,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
}

/// How objects are shown.
#[derive(Clone, Debug, Args)]
struct Shown {
    /// How to show them
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Only this column; may be given several times, and they come in this order
    #[arg(short, long, value_name = "COLUMN")]
    column: Vec<String>,
}

/// A layout of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
    /// Values alone, one object a line, separated by spaces.
    Value,
}

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    /// Networks.
    Network,
    /// Subnets.
    Subnet,
    /// Ports.
    Port,
    /// Hosts.
    Host,
}

/// Does what is asked with objects of a kind.
pub(crate) fn run(noun: Noun, arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List { shown, northbound } => northbound.with(async |session| {
            let mut objects = noun.all(&session.database.snapshot());
            if shown.column.is_empty() {
                objects = (objects.into_iter())
                    .map(|object| object.only(noun.short()))
                    .collect();
            }
            shown.list(&objects, noun)
        })?,
        Command::Show {
            object,
            shown,
            northbound,
        } => northbound.with(async |session| {
            let objects = noun.all(&session.database.snapshot());
            shown.show(noun.find(objects, &object)?)
        })?,
        Command::Delete {
            objects,
            waiting,
            northbound,
        } => northbound.with(async |session| delete(noun, &objects, session, &waiting).await)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete(
    noun: Noun,
    names: &[String],
    session: Session,
    waiting: &Waiting,
) -> anyhow::Result<()> {
    let rows = session.database.snapshot();
    let mut plan = Plan::default();
    for name in names {
        let object = noun.find(noun.all(&rows), name)?;
        let id: Uuid = object.text("id").parse().context("an id that is no UUID")?;
        noun.delete(&mut plan, &object.text("name"), id);
    }
    session.carry_out(plan, waiting).await
}

impl Noun {
    /// The object that a text names.
    fn find(self, objects: Vec<Fields>, text: &str) -> anyhow::Result<Fields> {
        let by_id = objects.iter().position(|object| object.text("id") == text);
        let named = objects.iter().enumerate();
        let mut named = named
            .filter(|(_, object)| object.text("name") == text)
            .map(|(index, _)| index);
        let index = by_id.or_else(|| named.next());
        let Some(index) = index else {
            bail!("there is no {} {text}", self.word());
        };
        ensure!(
            by_id.is_some() || named.next().is_none(),
            "{} {text} is not one alone, expected an id",
            self.word()
        );
        let object = objects.into_iter().nth(index);
        object.context("an object that is gone")
    }

    fn all(self, rows: &Rows) -> Vec<Fields> {
        match self {
            Self::Network => (rows.networks.iter())
                .map(|row| fields::network(rows, row))
                .collect(),
            Self::Subnet => rows.subnets.iter().map(|row| fields::subnet(row)).collect(),
            Self::Port => (rows.ports.iter())
                .map(|row| fields::port(rows, row))
                .collect(),
            Self::Host => (rows.hosts.iter())
                .map(|row| fields::host(rows, row))
                .collect(),
        }
    }
}

impl Shown {
    fn list(&self, objects: &[Fields], noun: Noun) -> anyhow::Result<()> {
        let objects: Vec<_> = objects
            .iter()
            .map(|object| self.chosen(object))
            .collect::<anyhow::Result<_>>()?;
        let text = match self.format {
            Format::Table => {
                let chosen: Vec<&str> = self.column.iter().map(String::as_str).collect();
                let head = match chosen.as_slice() {
                    [] => noun.short(),
                    chosen => chosen,
                };
                let head = head.iter().map(|column| column.to_uppercase()).collect();
                let rows = objects.iter().map(Fields::texts);
                columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
            }
            Format::Value => (objects.iter())
                .map(|object| object.texts().join(" ") + "\n")
                .collect(),
            Format::Json => serde_json::to_string_pretty(&objects).context("writing JSON")? + "\n",
            Format::Yaml => serde_saphyr::to_string(&objects).context("writing YAML")?,
        };
        write(&text)
    }

    fn show(&self, object: Fields) -> anyhow::Result<()> {
        let object = self.chosen(&object)?;
        let text = match self.format {
            Format::Table => columns(&object.pairs()),
            Format::Value => object.texts().join("\n") + "\n",
            Format::Json => serde_json::to_string_pretty(&object).context("writing JSON")? + "\n",
            Format::Yaml => serde_saphyr::to_string(&object).context("writing YAML")?,
        };
        write(&text)
    }

    /// The columns that were asked for.
    fn chosen(&self, object: &Fields) -> anyhow::Result<Fields> {
        if self.column.is_empty() {
            return Ok(object.clone());
        }
        let column = |name: &String| {
            let found = object.0.iter().find(|(column, _)| column == name);
            let known: Vec<&str> = object.0.iter().map(|(column, _)| *column).collect();
            found
                .cloned()
                .with_context(|| format!("unknown column {name}, known are {}", known.join(", ")))
        };
        let columns = self.column.iter().map(column);
        Ok(Fields(columns.collect::<anyhow::Result<_>>()?))
    }
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(plain).collect();
            values.join(",")
        }
        Value::Object(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| format!("{key}={}", plain(value)))
                .collect();
            pairs.join(",")
        }
        other => other.to_string(),
    }
}
