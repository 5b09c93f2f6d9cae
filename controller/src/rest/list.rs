//! Lists: filters, order, pages and fields, the same for every resource.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Kind, Seen, boolean};
use super::call::Call;
use super::fault::Fault;

/// An object as clients see it.
pub(super) type View = Map<String, Value>;

/// Parameters that are no filters.
const CONTROLS: &[&str] = &[
    "fields",
    "limit",
    "marker",
    "page_reverse",
    "sort_key",
    "sort_dir",
];

/// What is asked of a list.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    /// The values that an attribute may have, of which it has to have one.
    filters: BTreeMap<&'static str, (Kind, Vec<&'a str>)>,
    /// The words that objects are to have, or not to have.
    tags: Vec<(Asked, Vec<&'a str>)>,
    fields: Vec<&'a str>,
    /// What lists are filtered by, and who asks does not see.
    unseen: Vec<&'static str>,
    /// The keys, and whether each goes down.
    order: Vec<(&'static str, bool)>,
    limit: Option<usize>,
    marker: Option<&'a str>,
    reverse: bool,
}

/// Which of some words an object is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    All,
    Any,
    NotAll,
    NotAny,
}

impl Asked {
    fn of(parameter: &str) -> Option<Self> {
        match parameter {
            "tags" => Some(Self::All),
            "tags-any" => Some(Self::Any),
            "not-tags" => Some(Self::NotAll),
            "not-tags-any" => Some(Self::NotAny),
            _ => None,
        }
    }

    fn passes(self, view: &View, words: &[&str]) -> bool {
        let tags = view.get("tags").and_then(Value::as_array);
        let has = |word: &&str| tags.is_some_and(|tags| tags.iter().any(|tag| tag == word));
        match self {
            Self::All => words.iter().all(has),
            Self::Any => words.iter().any(has),
            Self::NotAll => !words.iter().all(has),
            Self::NotAny => !words.iter().any(has),
        }
    }
}

impl<'a> Query<'a> {
    /// Reads the query of a request.
    ///
    /// # Errors
    ///
    /// A filter or a key is not known, or a limit is no number.
    pub(super) fn read(call: &'a Call, attributes: &'static [Attribute]) -> Result<Self, Fault> {
        let mut query = Self {
            fields: call.values("fields").collect(),
            unseen: unseen(attributes, call.caller.is_admin).collect(),
            marker: call.values("marker").next(),
            ..Self::default()
        };
        for (name, value) in &call.query {
            if CONTROLS.contains(&name.as_str()) {
                continue;
            }
            let mut rows = attributes.iter().filter(|row| row.filter);
            if let (Some(asked), true) =
                (Asked::of(name), rows.clone().any(|row| row.name == "tags"))
            {
                query.tags.push((asked, value.split(',').collect()));
                continue;
            }
            let row = rows.find(|row| row.name == name);
            let row = row.ok_or_else(|| {
                Fault::bad_request(format!("['{name}'] is invalid attribute for filtering"))
            })?;
            let values = &mut query
                .filters
                .entry(row.name)
                .or_insert((row.kind, Vec::new()))
                .1;
            values.push(value);
        }
        if let Some(text) = call.values("page_reverse").next() {
            query.reverse = boolean(&Value::from(text)).unwrap_or(false);
        }
        if let Some(text) = call.values("limit").next() {
            let limit: usize = text.parse().map_err(|_| {
                Fault::bad_request(format!(
                    "Limit must be an integer 0 or greater and not '{text}'"
                ))
            })?;
            // Neutron's 0 is no limit.
            query.limit = Some(limit).filter(|limit| *limit > 0);
        }
        query.order = order(call, attributes)?;
        Ok(query)
    }

    /// What is asked of the objects that there are, under the name of their collection.
    ///
    /// # Errors
    ///
    /// The marker names none of them.
    pub(super) fn answer(
        &self,
        call: &Call,
        collection: &str,
        mut views: Vec<View>,
    ) -> Result<Value, Fault> {
        let marker = self.marker.map(|marker| {
            let found = views.iter().find(|view| text_of(view, "id") == marker);
            found.cloned().ok_or_else(|| {
                Fault::bad_request(format!("The marker '{marker}' could not be found"))
            })
        });
        let marker = marker.transpose()?;
        views.retain(|view| self.passes(view));
        views.sort_by(|one, other| self.compare(one, other));
        if let Some(marker) = &marker {
            views.retain(|view| match self.compare(view, marker) {
                Ordering::Less => self.reverse,
                Ordering::Equal => false,
                Ordering::Greater => !self.reverse,
            });
        }
        let Some(limit) = self.limit else {
            return Ok(json!({ collection: self.shown(views) }));
        };
        if self.reverse {
            views.drain(..views.len().saturating_sub(limit));
        } else {
            views.truncate(limit);
        }
        // As Neutron, which does not look beyond the page: one that is full may be followed.
        let is_end = views.len() < limit;
        let mut links = Vec::new();
        if self.reverse || !is_end {
            links.push(link(call, "next", views.last()));
        }
        if !self.reverse || !is_end {
            links.push(link(call, "previous", views.first()));
        }
        let mut answer = json!({ collection: self.shown(views) });
        if let (Some(answer), false) = (answer.as_object_mut(), links.is_empty()) {
            answer.insert(format!("{collection}_links"), Value::from(links));
        }
        Ok(answer)
    }

    /// Of an object, the fields that are asked for, and may be seen; all if none is.
    pub(super) fn view(&self, mut view: View) -> Value {
        for name in &self.unseen {
            view.remove(*name);
        }
        if !self.fields.is_empty() {
            view.retain(|name, _| self.fields.contains(&name.as_str()));
        }
        Value::Object(view)
    }

    fn shown(&self, views: Vec<View>) -> Vec<Value> {
        views.into_iter().map(|view| self.view(view)).collect()
    }

    fn passes(&self, view: &View) -> bool {
        let tags = self
            .tags
            .iter()
            .all(|(asked, words)| asked.passes(view, words));
        tags && self.filters.iter().all(|(name, (kind, wanted))| {
            let value = view.get(*name).unwrap_or(&Value::Null);
            wanted.iter().any(|wanted| match kind {
                Kind::Boolean => boolean(&Value::from(*wanted)) == value.as_bool(),
                _ => holds(value, wanted),
            })
        })
    }

    /// By the keys, then by the id, so that pages meet without a gap.
    fn compare(&self, one: &View, other: &View) -> Ordering {
        for (key, down) in &self.order {
            let (one, other) = (one.get(*key), other.get(*key));
            let numbers = (one.and_then(Value::as_i64), other.and_then(Value::as_i64));
            let ordering = match numbers {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => one.map(text).cmp(&other.map(text)),
            };
            let ordering = if *down { ordering.reverse() } else { ordering };
            if ordering.is_ne() {
                return ordering;
            }
        }
        text_of(one, "id").cmp(&text_of(other, "id"))
    }
}

impl Call {
    /// All values of a parameter.
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let query = self.query.iter();
        query
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The attributes that somebody does not see.
pub(super) fn unseen(
    attributes: &'static [Attribute],
    is_admin: bool,
) -> impl Iterator<Item = &'static str> {
    let unseen = attributes.iter().filter(move |row| match row.seen {
        Seen::All => false,
        Seen::Admin => !is_admin,
        Seen::Nobody => true,
    });
    unseen.map(|row| row.name)
}

/// Pairs `sort_key` and `sort_dir`, by their places.
fn order(
    call: &Call,
    attributes: &'static [Attribute],
) -> Result<Vec<(&'static str, bool)>, Fault> {
    let mut directions = call.values("sort_dir");
    let mut order = Vec::new();
    for key in call.values("sort_key") {
        let row = attributes.iter().find(|row| row.name == key && row.sort);
        let row = row.ok_or_else(|| {
            Fault::bad_request(format!("['{key}'] is invalid attribute for sort keys"))
        })?;
        let down = match directions.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => {
                return Err(Fault::bad_request(format!(
                    "'{other}' is invalid for sort_dir, expected asc or desc"
                )));
            }
        };
        order.push((row.name, down));
    }
    Ok(order)
}

/// Where the page before or after an object is; without one, the last or the first.
fn link(call: &Call, rel: &str, marker: Option<&View>) -> Value {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let kept = call.query.iter();
    for (name, value) in kept.filter(|(name, _)| name != "marker" && name != "page_reverse") {
        query.append_pair(name, value);
    }
    if let Some(marker) = marker {
        query.append_pair("marker", &text_of(marker, "id"));
    }
    if rel == "previous" {
        query.append_pair("page_reverse", "True");
    }
    let (host, path, query) = (&call.host, &call.raw_path, query.finish());
    json!({"rel": rel, "href": format!("http://{host}{path}?{query}")})
}

/// Whether a value is the one that is asked for, or a list with it. A part of an object in a list
/// is asked for as `ip_address=10.0.0.5`, and what it contains as `ip_address_substr=10.0`.
fn holds(value: &Value, wanted: &str) -> bool {
    let part = |item: &Value| {
        let Some((key, wanted)) = wanted.split_once('=') else {
            return text(item) == wanted;
        };
        match key.strip_suffix("_substr") {
            Some(key) => item
                .get(key)
                .is_some_and(|item| text(item).contains(wanted)),
            None => item.get(key).is_some_and(|item| text(item) == wanted),
        }
    };
    match value {
        Value::Array(items) => items.iter().any(part),
        value => text(value) == wanted,
    }
}

fn text_of(view: &View, name: &str) -> String {
    view.get(name).map(text).unwrap_or_default()
}

/// A value as it stands in a query.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
