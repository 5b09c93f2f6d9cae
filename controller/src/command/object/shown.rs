//! How objects are shown.

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::fields::Fields;
use crate::command::answer::write;
use crate::status::columns;

/// How objects are shown.
#[derive(Clone, Debug, Args)]
pub(in crate::command) struct Shown {
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

impl Shown {
    /// Shows objects, with these columns if none are asked for.
    pub(in crate::command) fn list(
        &self,
        objects: &[Fields],
        short: &[&str],
    ) -> anyhow::Result<()> {
        let chosen: Vec<&str> = match self.column.as_slice() {
            [] => short.to_vec(),
            columns => columns.iter().map(String::as_str).collect(),
        };
        let objects = objects.iter().map(|object| object.only(&chosen));
        let objects = objects.collect::<anyhow::Result<Vec<_>>>()?;
        let text = match self.format {
            Format::Table => {
                let head = chosen.iter().map(|column| column.to_uppercase()).collect();
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

    /// Shows one object.
    pub(in crate::command) fn show(&self, object: &Fields) -> anyhow::Result<()> {
        let chosen: Vec<&str> = self.column.iter().map(String::as_str).collect();
        let object = match chosen.as_slice() {
            [] => object.clone(),
            chosen => object.only(chosen)?,
        };
        let text = match self.format {
            Format::Table => columns(&object.pairs()),
            Format::Value => object.texts().join("\n") + "\n",
            Format::Json => serde_json::to_string_pretty(&object).context("writing JSON")? + "\n",
            Format::Yaml => serde_saphyr::to_string(&object).context("writing YAML")?,
        };
        write(&text)
    }
}
