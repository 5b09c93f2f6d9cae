//! `tags`: words that an object is found by.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::attribute::text;
use super::call::Call;
use super::fault::Fault;
use super::resource::{Answer, Resource, apply, check_revision, find, own};
use crate::northbound::database::Database;
use crate::northbound::database::revised::Tagged;

/// The longest tag, in characters; Neutron's.
const LONGEST: usize = 255;

/// Answers a request for the tags of an object, or for one of them.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer<R>(
    database: &Database,
    call: &Call,
    id: &str,
    tag: Option<&str>,
) -> Result<Answer, Fault>
where
    R: Resource<Row: Tagged>,
{
    let rows = database.snapshot();
    let tags = find::<R>(call, &rows, id)?.tags();
    match (call.method.as_str(), tag) {
        ("GET", None) => Ok((StatusCode::OK, Some(json!({ "tags": tags })))),
        ("GET", Some(tag)) if tags.contains(tag) => Ok((StatusCode::NO_CONTENT, None)),
        ("GET", Some(tag)) => Err(missing(tag)),
        ("PUT", None) => {
            let wanted = read(call)?;
            change::<R>(database, call, id, |_| Ok(wanted.clone())).await?;
            Ok((StatusCode::OK, Some(json!({ "tags": wanted }))))
        }
        ("PUT", Some(tag)) => {
            let tag = checked(&Value::from(tag))?;
            change::<R>(database, call, id, |tags| {
                let mut tags = tags.clone();
                tags.insert(tag.clone());
                Ok(tags)
            })
            .await?;
            Ok((StatusCode::CREATED, None))
        }
        ("DELETE", None) => {
            change::<R>(database, call, id, |_| Ok(BTreeSet::new())).await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        ("DELETE", Some(tag)) => {
            change::<R>(database, call, id, |tags| {
                let mut tags = tags.clone();
                match tags.remove(tag) {
                    true => Ok(tags),
                    false => Err(missing(tag)),
                }
            })
            .await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        _ => Err(Fault::method()),
    }
}

async fn change<R>(
    database: &Database,
    call: &Call,
    id: &str,
    wanted: impl Fn(&BTreeSet<String>) -> Result<BTreeSet<String>, Fault>,
) -> Result<(), Fault>
where
    R: Resource<Row: Tagged>,
{
    apply(database, call, |change| {
        let row = Arc::clone(own::<R>(call, change.rows, id)?);
        check_revision::<R>(change, &row)?;
        let columns = ovsdb::Values::new().set(<R::Row as Tagged>::TAGS, wanted(row.tags())?);
        change.touch(&*row, columns);
        Ok(())
    })
    .await
}

/// The tags of a body.
fn read(call: &Call) -> Result<BTreeSet<String>, Fault> {
    let document = call.document()?;
    let Some(Value::Array(tags)) = document.get("tags") else {
        return Err(Fault::bad_request("Invalid tags body"));
    };
    tags.iter().map(checked).collect()
}

fn checked(tag: &Value) -> Result<String, Fault> {
    let tag = text(tag, LONGEST).map_err(|reason| Fault::attribute("tags", &reason))?;
    Ok(tag.to_owned())
}

fn missing(tag: &str) -> Fault {
    let message = format!("Tag {tag} could not be found.");
    Fault::new(StatusCode::NOT_FOUND, "TagNotFound", message)
}
