//! `brint network`, `subnet`, `port` and the other nouns: objects of the northbound database.
//!
//! They are what the API serves, by the same code: attributes have Neutron's names and rules, and
//! what is not said is chosen as a server would choose it, addresses included.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use form_urlencoded::Serializer;
use hyper::Method;
use ovsdb::Uuid;
use serde_json::{Map, Value, json};

use super::answer::write;
use super::northbound::{Northbound, Session, Waiting};
use crate::northbound::database::Database;
use crate::northbound::database::plan::Plan;
use crate::rest::{ask, check};

mod fields;
pub(super) mod noun;
mod shown;

pub(super) use fields::Fields;
use noun::Noun;
pub(super) use shown::Shown;

/// The objects
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists those that have these attributes, or all
    List {
        /// What they have to have, as name=web or project_id=demo
        #[arg(value_name = "KEY=VALUE")]
        filters: Vec<String>,
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
    /// Makes one, and shows it
    ///
    /// Attributes have the names of Neutron's API. Numbers, true, false, null, lists and objects are
    /// written as in JSON, everything else is text. Other objects go by their name or UUID:
    /// network_id=private, security_groups=web,default.
    Create {
        /// Its name, and other attributes
        #[arg(value_name = "NAME|KEY=VALUE", required = true)]
        attributes: Vec<String>,
        /// The project that it is made for
        #[arg(long, default_value = "", value_name = "PROJECT")]
        project: String,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        trial: Trial,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Changes attributes of one, which are written as for create
    Set {
        /// The object
        #[arg(value_name = "NAME|UUID")]
        object: String,
        /// What changes
        #[arg(value_name = "KEY=VALUE", required = true)]
        attributes: Vec<String>,
        #[command(flatten)]
        trial: Trial,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Does with one what is no attribute of it, and shows what comes of that
    ///
    /// Actions have the names of Neutron's API: add_router_interface and remove_router_interface of
    /// routers, add_subports of trunks, add_addresses of address groups, add_prefixes of subnet
    /// pools. What they need is written as for create: subnet_id=private-v4.
    Do {
        /// The object
        #[arg(value_name = "NAME|UUID")]
        object: String,
        /// The action
        action: String,
        /// What it needs
        #[arg(value_name = "KEY=VALUE")]
        attributes: Vec<String>,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        trial: Trial,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Deletes some of them, one after the other
    ///
    /// It is refused if others name an object, as ports name their network.
    Delete {
        /// The objects
        #[arg(value_name = "NAME|UUID", required = true)]
        objects: Vec<String>,
        #[command(flatten)]
        trial: Trial,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
}

/// Whether something is done at all.
#[derive(Clone, Copy, Debug, Args)]
struct Trial {
    /// Tells what would be done, or why it would be refused, and does nothing
    #[arg(long)]
    dry_run: bool,
}

/// Does what is asked with objects of a kind.
pub(crate) fn run(noun: &'static Noun, arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List {
            filters,
            shown,
            northbound,
        } => northbound.with(async |session| {
            shown.list(&list(noun, &session.database, &filters).await?, noun.short)
        })?,
        Command::Show {
            object,
            shown,
            northbound,
        } => northbound
            .with(async |session| shown.show(&find(noun, &session.database, &object).await?))?,
        Command::Create {
            attributes,
            project,
            shown,
            trial,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            let given = (attributes.as_slice(), project.as_str());
            create(noun, session, given, (&shown, trial, &waiting)).await
        })?,
        Command::Set {
            object,
            attributes,
            trial,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            let path = path(noun, &session.database, &object).await?;
            let given = attributes_of(&session.database, &attributes, false).await?;
            let columns: Vec<String> = given.keys().cloned().collect();
            let body = json!({ noun.name: given });
            if trial.dry_run {
                check(&session.database, Method::PUT, &path, ("", &body)).await?;
                return told('~', noun, &object, &columns);
            }
            ask(&session.database, Method::PUT, &path, ("", &body)).await?;
            finish(session, &waiting).await
        })?,
        Command::Do {
            object,
            action,
            attributes,
            shown,
            trial,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            let asked = (object.as_str(), action.as_str(), attributes.as_slice());
            act(noun, session, asked, (&shown, trial, &waiting)).await
        })?,
        Command::Delete {
            objects,
            trial,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            for object in &objects {
                let path = path(noun, &session.database, object).await?;
                if trial.dry_run {
                    let nothing = ("", &Value::Null);
                    check(&session.database, Method::DELETE, &path, nothing).await?;
                    told('-', noun, object, &[])?;
                    continue;
                }
                ask(&session.database, Method::DELETE, &path, ("", &Value::Null)).await?;
            }
            match trial.dry_run {
                true => Ok(()),
                false => finish(session, &waiting).await,
            }
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes an object of a project, with these attributes.
async fn create(
    noun: &Noun,
    session: Session,
    (attributes, project): (&[String], &str),
    (shown, trial, waiting): (&Shown, Trial, &Waiting),
) -> anyhow::Result<()> {
    let object = attributes_of(&session.database, attributes, true).await?;
    let name = object.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    let columns = object.keys().filter(|key| *key != "name").cloned();
    let columns = columns.collect::<Vec<_>>();
    let body = json!({ noun.name: object });
    let made = (project, &body);
    if trial.dry_run {
        check(&session.database, Method::POST, noun.collection, made).await?;
        return told('+', noun, &name, &columns);
    }
    let mut made = ask(&session.database, Method::POST, noun.collection, made).await?;
    shown.show(&fields(taken(&mut made, noun.name)))?;
    finish(session, waiting).await
}

/// Does with an object what is no attribute of it.
async fn act(
    noun: &Noun,
    session: Session,
    (object, action, attributes): (&str, &str, &[String]),
    (shown, trial, waiting): (&Shown, Trial, &Waiting),
) -> anyhow::Result<()> {
    let path = path(noun, &session.database, object).await?;
    let path = format!("{path}/{action}");
    let body = json!(attributes_of(&session.database, attributes, false).await?);
    if trial.dry_run {
        check(&session.database, Method::PUT, &path, ("", &body)).await?;
        return told('~', noun, object, &[action.to_owned()]);
    }
    let mut done = ask(&session.database, Method::PUT, &path, ("", &body)).await?;
    // Some actions name the object that they show.
    let done = match done.get_mut(noun.name) {
        Some(object) => object.take(),
        None => done,
    };
    shown.show(&fields(done))?;
    finish(session, waiting).await
}

/// Says what would be done, in the way of `diff`.
fn told(sign: char, noun: &Noun, name: &str, columns: &[String]) -> anyhow::Result<()> {
    let mut line = format!("{sign} {}", noun.word);
    if !name.is_empty() {
        line += &format!(" {name}");
    }
    if !columns.is_empty() {
        line += &format!(": {}", columns.join(", "));
    }
    write(&(line + "\n"))
}

/// Waits as asked for what was written.
async fn finish(session: Session, waiting: &Waiting) -> anyhow::Result<()> {
    session.carry_out(|_| Plan::default(), waiting).await
}

async fn list(noun: &Noun, database: &Database, filters: &[String]) -> anyhow::Result<Vec<Fields>> {
    let mut query = Serializer::new(String::new());
    for filter in filters {
        let (key, value) = pair(filter)?;
        query.append_pair(key, value);
    }
    let path = format!("{}?{}", noun.collection, query.finish());
    let mut answer = ask(database, Method::GET, &path, ("", &Value::Null)).await?;
    let Value::Array(objects) = taken(&mut answer, noun.names) else {
        return Ok(Vec::new());
    };
    Ok(objects.into_iter().map(fields).collect())
}

/// The object that a text names.
async fn find(noun: &Noun, database: &Database, text: &str) -> anyhow::Result<Fields> {
    Fields::find(list(noun, database, &[]).await?, noun.word, text)
}

/// Where the API has the object that a text names.
async fn path(noun: &Noun, database: &Database, text: &str) -> anyhow::Result<String> {
    let object = find(noun, database, text).await?;
    Ok(format!("{}/{}", noun.collection, object.text("id")))
}

/// What an answer holds under a name.
fn taken(answer: &mut Value, name: &str) -> Value {
    let value = answer.get_mut(name).map(Value::take);
    value.unwrap_or_default()
}

fn fields(object: Value) -> Fields {
    match object {
        Value::Object(object) => object.into_iter().collect(),
        _ => Fields::default(),
    }
}

/// Attributes as the API takes them. One that has no key is the name.
async fn attributes_of(
    database: &Database,
    texts: &[String],
    may_name: bool,
) -> anyhow::Result<Map<String, Value>> {
    let mut attributes = Map::new();
    for text in texts {
        let (key, value) = match pair(text) {
            Ok((key, value)) => (key, named(database, key, value).await?),
            Err(_) if may_name => ("name", json!(text)),
            Err(error) => return Err(error),
        };
        let twice = attributes.insert(key.to_owned(), value).is_some();
        ensure!(!twice, "{key} is given twice");
    }
    Ok(attributes)
}

/// The value of an attribute, with UUIDs in place of names.
async fn named(database: &Database, key: &str, text: &str) -> anyhow::Result<Value> {
    let value = value(text);
    let (Some(noun), Value::String(names)) = (Noun::of_attribute(key), &value) else {
        return Ok(value);
    };
    let mut ids = Vec::new();
    for name in names.split(',') {
        ids.push(match name.parse::<Uuid>() {
            Ok(id) => id.to_string(),
            Err(_) => find(noun, database, name).await?.text("id"),
        });
    }
    match key {
        "security_groups" => Ok(json!(ids)),
        _ => Ok(json!(ids.join(","))),
    }
}

fn pair(text: &str) -> anyhow::Result<(&str, &str)> {
    let pair = text.split_once('=');
    pair.with_context(|| format!("{text}: expected KEY=VALUE"))
}

/// A value as JSON, if it can be nothing else.
fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_or_text() {
        assert_eq!(value("1450"), json!(1450));
        assert_eq!(value("true"), json!(true));
        assert_eq!(value("\"1450\""), json!("1450"));
        assert_eq!(value("10.0.0.0/24"), json!("10.0.0.0/24"));
        let fixed = r#"[{"ip_address":"10.0.0.5"}]"#;
        assert_eq!(value(fixed), json!([{"ip_address": "10.0.0.5"}]));
    }
}
