//! The attributes of an object, as people see them.

use anyhow::{Context as _, bail, ensure};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The attributes of one object, in order.
#[derive(Clone, Debug, Default)]
pub(in crate::command) struct Fields(Vec<(String, Value)>);

impl<K: Into<String>> FromIterator<(K, Value)> for Fields {
    fn from_iter<T: IntoIterator<Item = (K, Value)>>(pairs: T) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value));
        Self(pairs.collect())
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, value)))
    }
}

impl Fields {
    /// The one of many objects that a text names, by its `id` or its `name`.
    ///
    /// # Errors
    ///
    /// There is none, or several have the name.
    pub(in crate::command) fn find(
        objects: Vec<Self>,
        word: &str,
        text: &str,
    ) -> anyhow::Result<Self> {
        let by_id = objects.iter().position(|object| object.text("id") == text);
        let named = objects.iter().enumerate();
        let mut named = named
            .filter(|(_, object)| object.text("name") == text)
            .map(|(index, _)| index);
        let Some(index) = by_id.or_else(|| named.next()) else {
            bail!("there is no {word} {text}");
        };
        ensure!(
            by_id.is_some() || named.next().is_none(),
            "{word} {text} is not one alone, expected an id"
        );
        let object = objects.into_iter().nth(index);
        object.context("an object that is gone")
    }

    /// An attribute as text; empty where there is none.
    pub(in crate::command) fn text(&self, name: &str) -> String {
        let found = self.0.iter().find(|(column, _)| column == name);
        found.map(|(_, value)| plain(value)).unwrap_or_default()
    }

    /// Every attribute as text.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(_, value)| plain(value)).collect()
    }

    /// Every attribute with its name.
    pub(super) fn pairs(&self) -> Vec<Vec<String>> {
        let pairs = self.0.iter();
        pairs
            .map(|(column, value)| vec![column.clone(), plain(value)])
            .collect()
    }

    /// Some of the attributes, in another order.
    ///
    /// # Errors
    ///
    /// There is no such attribute.
    pub(super) fn only(&self, columns: &[&str]) -> anyhow::Result<Self> {
        let column = |name: &&str| {
            let found = self.0.iter().find(|(column, _)| column == name);
            let known: Vec<&str> = self.0.iter().map(|(column, _)| column.as_str()).collect();
            found
                .cloned()
                .with_context(|| format!("unknown column {name}, known are {}", known.join(", ")))
        };
        let columns = columns.iter().map(column);
        Ok(Self(columns.collect::<anyhow::Result<_>>()?))
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
