//! What requests do with objects, the same for every kind of them: lists, one object, and changes,
//! each a single transaction.
//!
//! A change is built from a snapshot. If somebody else was faster, the database refuses it, and it
//! is built anew from what there is then: what was free when it was chosen may be taken when it is
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use ipnet::IpNet;
use ovsdb::table::{Row as _, Table};
use ovsdb::{Transaction, Uuid};
use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Doing, Values};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View, unseen};
use super::new::time;
use crate::northbound::database::revised::Revised;
use crate::northbound::database::tables::Northbound;
use crate::northbound::database::{Database, WriteError, now};

/// How often a change is built anew because somebody else was faster.
const ATTEMPTS: usize = 100;

/// The status and the document of an answer.
pub(super) type Answer = (StatusCode, Option<Value>);

/// A change that is being built.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// The request.
    pub(super) call: &'a Call,
    /// What there is.
    pub(super) rows: &'a Northbound,
    /// What is written.
    pub(super) transaction: Transaction<Northbound>,
    /// The rows that this change changes.
    touched: BTreeSet<Uuid>,
    /// The addresses that this change gives, with their networks.
    pub(super) addresses: BTreeSet<(Uuid, IpAddr)>,
    /// The blocks that this change gives, with their networks.
    pub(super) blocks: Vec<(Uuid, IpNet)>,
    /// The blocks that this change cuts from subnet pools.
    pub(super) cut: Vec<(Uuid, IpNet)>,
    /// The default security groups that this change makes, by their projects.
    pub(super) default_groups: BTreeMap<String, Uuid>,
    /// The rules that this change makes: the group, the project, and what they say.
    pub(super) rules: BTreeSet<(Uuid, String, String)>,
    /// How many objects of a resource this change makes in a project.
    pub(super) made: BTreeMap<(&'static str, String), i64>,
    /// What to say when something unique in a table turns out to be taken.
    pub(super) taken: BTreeMap<&'static str, Fault>,
}

impl Change<'_> {
    /// Whether it changes a row already.
    pub(super) fn touches(&self, row: Uuid) -> bool {
        self.touched.contains(&row)
    }

    /// Writes columns of a row, and that it was changed; only if nobody else has changed it.
    pub(super) fn touch<R: Revised>(&mut self, row: &R, columns: ovsdb::Values<R>) {
        let revision = row.revision();
        if self.touched.insert(row.uuid()) {
            self.transaction.verify(row.uuid(), R::REVISION, &revision);
        }
        let columns = columns
            .set(R::REVISION, revision.saturating_add(1))
            .set(R::UPDATED, now());
        self.transaction.update(row.uuid(), columns);
    }
}

/// A kind of object.
pub(super) trait Resource {
    /// Its row.
    type Row: Revised;
    /// What bodies call one.
    const NAME: &'static str;
    /// What bodies call several.
    const COLLECTION: &'static str;
    /// What it has.
    const ATTRIBUTES: &'static [Attribute];

    /// Where its rows are.
    fn table(rows: &Northbound) -> &Table<Self::Row>;

    /// The fault where there is no object of this identity.
    fn missing(id: &str) -> Fault;

    /// The project that it belongs to; without one only an admin sees it.
    fn project(row: &Self::Row) -> Option<&str>;

    /// Whether it shows that it is shared.
    const SHOWS_SHARED: bool = false;

    /// Whether who only may use it is told that there is none to change.
    const IS_HIDDEN_FROM_GUESTS: bool = false;

    /// Whether another project may use it.
    fn is_shared(rows: &Northbound, row: &Self::Row, project: &str) -> bool {
        let _ = (rows, row, project);
        false
    }

    /// Whether another project sees it.
    fn is_seen(rows: &Northbound, row: &Self::Row, project: &str) -> bool {
        Self::is_shared(rows, row, project)
    }

    /// The project that it is a guest of, which sees it and may delete it.
    fn landlord<'a>(rows: &'a Northbound, row: &Self::Row) -> Option<&'a str> {
        let _ = (rows, row);
        None
    }

    /// Whether it is part of what the path names.
    fn is_of(call: &Call, row: &Self::Row) -> bool {
        let _ = (call, row);
        true
    }

    /// An object as clients see it, without what all have in common.
    fn view(rows: &Northbound, row: &Self::Row) -> View;

    /// An object as clients see it.
    fn shown(rows: &Northbound, row: &Self::Row) -> View {
        let mut view = Self::view(rows, row);
        view.insert("id".to_owned(), json!(row.uuid()));
        add_history(&mut view, row);
        view
    }

    /// Puts right what only the answer says that an object was made.
    fn add_made(view: &mut View) {
        let _ = view;
    }

    /// Puts right what only the answer says that an object was changed.
    fn add_changed(view: &mut View) {
        let _ = view;
    }

    /// Makes an object, and says which.
    ///
    /// # Errors
    ///
    /// What the client is told instead.
    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault>;

    /// The columns of an object that change. What else changes with it is written here.
    ///
    /// # Errors
    ///
    /// What the client is told instead.
    fn update(
        change: &mut Change<'_>,
        row: &Arc<Self::Row>,
        values: &Values,
    ) -> Result<ovsdb::Values<Self::Row>, Fault>;

    /// Deletes an object, and what is part of it.
    ///
    /// # Errors
    ///
    /// What the client is told instead.
    fn delete(change: &mut Change<'_>, row: &Arc<Self::Row>) -> Result<(), Fault>;
}

/// Answers a request for objects, or for the one with an `id`.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer<R: Resource>(
    database: &Database,
    call: &Call,
    id: Option<&str>,
) -> Result<Answer, Fault> {
    match (call.method.as_str(), id) {
        ("GET", None) => {
            let query = Query::read(call, R::ATTRIBUTES)?;
            let rows = database.snapshot();
            let seen = R::table(&rows)
                .iter()
                .filter(|row| sees::<R>(call, &rows, row));
            let views = seen.map(|row| whole::<R>(call, &rows, row)).collect();
            let answer = query.answer(call, R::COLLECTION, views)?;
            Ok((StatusCode::OK, Some(answer)))
        }
        ("GET", Some(id)) => {
            let query = Query::read(call, R::ATTRIBUTES)?;
            let rows = database.snapshot();
            let object = query.view(whole::<R>(call, &rows, find::<R>(call, &rows, id)?));
            Ok((StatusCode::OK, Some(json!({ R::NAME: object }))))
        }
        ("POST", None) => create::<R>(database, call).await,
        ("PUT", Some(id)) => {
            let object = update::<R>(database, call, id).await?;
            Ok((StatusCode::OK, Some(json!({ R::NAME: object }))))
        }
        ("DELETE", Some(id)) => {
            apply(database, call, |change| {
                let row = Arc::clone(own::<R>(call, change.rows, id)?);
                check_revision::<R>(change, &row)?;
                R::delete(change, &row)
            })
            .await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        _ => Err(Fault::method()),
    }
}

/// Makes one object, or several together.
async fn create<R: Resource>(database: &Database, call: &Call) -> Result<Answer, Fault> {
    let several = call.objects(R::NAME, R::COLLECTION)?;
    let bulk = several.is_some();
    let objects = match several {
        Some(objects) => objects,
        None => vec![call.object(R::NAME)?],
    };
    let read = |object: &Map<String, Value>| {
        Values::read(R::ATTRIBUTES, object, Doing::Create, &call.caller)
    };
    let objects: Vec<Values> = objects.iter().map(read).collect::<Result<_, _>>()?;
    let made = apply(database, call, |change| {
        let made = objects.iter().map(|values| R::insert(change, values));
        made.collect::<Result<Vec<_>, _>>()
    })
    .await?;
    if call.is_trial {
        return Ok((StatusCode::CREATED, None));
    }
    let rows = database.snapshot();
    let mut views = Vec::new();
    for id in &made {
        let row = R::table(&rows).get(id);
        let row = row.ok_or_else(|| R::missing(&id.to_string()))?;
        let mut view = shown::<R>(call, &rows, row);
        R::add_made(&mut view);
        views.push(Value::Object(view));
    }
    let answer = match (bulk, views.pop()) {
        (false, Some(object)) => json!({ R::NAME: object }),
        (_, last) => {
            views.extend(last);
            json!({ R::COLLECTION: views })
        }
    };
    Ok((StatusCode::CREATED, Some(answer)))
}

async fn update<R: Resource>(database: &Database, call: &Call, id: &str) -> Result<Value, Fault> {
    let object = call.object(R::NAME)?;
    let values = Values::read(R::ATTRIBUTES, &object, Doing::Update, &call.caller)?;
    apply(database, call, |change| {
        let row = Arc::clone(own::<R>(call, change.rows, id)?);
        check_revision::<R>(change, &row)?;
        let columns = R::update(change, &row, &values)?;
        change.touch(&*row, columns);
        Ok(())
    })
    .await?;
    let rows = database.snapshot();
    let mut view = shown::<R>(call, &rows, find::<R>(call, &rows, id)?);
    R::add_changed(&mut view);
    Ok(Value::Object(view))
}

/// Adds how often and when an object was changed.
pub(super) fn add_history(view: &mut View, row: &impl Revised) {
    let history = [
        ("revision_number", json!(row.revision())),
        ("created_at", json!(time(row.created()))),
        ("updated_at", json!(time(row.updated()))),
    ];
    for (name, value) in history {
        view.insert(name.to_owned(), value);
    }
}

/// What every new row has.
pub(super) fn stamped<R: Revised>(columns: ovsdb::Values<R>) -> ovsdb::Values<R> {
    let now = now();
    columns
        .set(R::REVISION, 1)
        .set(R::CREATED, now)
        .set(R::UPDATED, now)
}

/// Builds a change and has it applied, and again if somebody else was faster.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn apply<T>(
    database: &Database,
    call: &Call,
    build: impl Fn(&mut Change<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut refusal = Fault::from(WriteError::Stale);
    for _ in 0..ATTEMPTS {
        let rows = database.snapshot();
        let mut change = Change {
            call,
            rows: &rows,
            transaction: Transaction::new(),
            touched: BTreeSet::new(),
            addresses: BTreeSet::new(),
            blocks: Vec::new(),
            cut: Vec::new(),
            default_groups: BTreeMap::new(),
            rules: BTreeSet::new(),
            made: BTreeMap::new(),
            taken: BTreeMap::new(),
        };
        let built = build(&mut change)?;
        if call.is_trial {
            return Ok(built);
        }
        let Err(error) = database.transact(change.transaction).await else {
            return Ok(built);
        };
        let known = match &error {
            WriteError::Taken { table, .. } => change.taken.remove(table.as_str()),
            WriteError::Stale | WriteError::InUse { .. } | WriteError::Missing { .. } => None,
            _ => return Err(error.into()),
        };
        refusal = known.unwrap_or_else(|| error.into());
    }
    Err(refusal)
}

/// An object by its id; a name is not one, and clients rely on this being told as 404. So is what
/// who asks does not see.
pub(super) fn find<'a, R: Resource>(
    call: &Call,
    rows: &'a Northbound,
    id: &str,
) -> Result<&'a Arc<R::Row>, Fault> {
    let uuid: Option<Uuid> = id.parse().ok();
    let row = uuid.and_then(|uuid| R::table(rows).get(&uuid));
    let row = row.filter(|row| sees::<R>(call, rows, row));
    row.ok_or_else(|| R::missing(id))
}

/// An object by its id that who asks may change.
pub(super) fn own<'a, R: Resource>(
    call: &Call,
    rows: &'a Northbound,
    id: &str,
) -> Result<&'a Arc<R::Row>, Fault> {
    let row = find::<R>(call, rows, id)?;
    let caller = &call.caller;
    if caller.is_admin || R::project(row) == Some(&caller.project) {
        return Ok(row);
    }
    if R::IS_HIDDEN_FROM_GUESTS {
        return Err(R::missing(id));
    }
    let what = match call.method == Method::DELETE {
        true if R::landlord(rows, row) == Some(&caller.project) => return Ok(row),
        true => "delete",
        false => "update",
    };
    Err(Fault::forbidden(&format!("{what}_{}", R::NAME)))
}

/// Whether who asks sees an object.
fn sees<R: Resource>(call: &Call, rows: &Northbound, row: &R::Row) -> bool {
    let caller = &call.caller;
    let project = caller.project.as_str();
    let is_own = || R::project(row) == Some(project) || R::landlord(rows, row) == Some(project);
    R::is_of(call, row) && (caller.is_admin || is_own() || R::is_seen(rows, row, project))
}

/// What who asks sees of an object.
pub(super) fn shown<R: Resource>(call: &Call, rows: &Northbound, row: &R::Row) -> View {
    let mut view = whole::<R>(call, rows, row);
    for name in unseen(R::ATTRIBUTES, call.caller.is_admin) {
        view.remove(name);
    }
    view
}

/// The same, with what lists are only filtered by.
fn whole<R: Resource>(call: &Call, rows: &Northbound, row: &R::Row) -> View {
    let mut view = R::shown(rows, row);
    if R::SHOWS_SHARED {
        let shared = R::is_shared(rows, row, &call.caller.project);
        view.insert("shared".to_owned(), json!(shared));
    }
    view
}

/// Refuses a change that is meant for another revision.
pub(super) fn check_revision<R: Resource>(
    change: &mut Change<'_>,
    row: &R::Row,
) -> Result<(), Fault> {
    let Some(wanted) = change.call.if_match else {
        return Ok(());
    };
    let revision = row.revision();
    change
        .transaction
        .verify(row.uuid(), <R::Row as Revised>::REVISION, &revision);
    if wanted == revision {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::PRECONDITION_FAILED,
        "RevisionNumberConstraintFailed",
        format!("Constrained to {wanted}, but current revision is {revision}"),
    ))
}

/// Fields by their names.
pub(super) fn fields<const N: usize>(fields: [(&'static str, Value); N]) -> View {
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}
