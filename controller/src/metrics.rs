//! Metrics: the status as numbers, for Prometheus and for `coverage/show`.
//!
//! They are derived from the status when somebody asks, so that counting costs nothing and no
//! number can differ from what `brint status` says. Each is one row of a table, from which its
//! text, its help and its documentation come.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::status::{Status, columns};

mod declared;
mod endpoint;

use declared::METRICS;

pub(crate) use endpoint::serve;

/// One metric.
struct Metric {
    /// Its name; Prometheus sees `_total` behind that of a counter.
    name: &'static str,
    /// What it counts, in one sentence.
    help: &'static str,
    /// Whether it only grows.
    kind: Kind,
    /// Its values now.
    samples: fn(&Status) -> Vec<Sample>,
}

impl Metric {
    fn put(&self, value: Value, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match (self.kind, value) {
            (Kind::Gauge, Value::Count(count)) => encoder.encode_gauge(&count),
            (Kind::Gauge, Value::Seconds(time)) => encoder.encode_gauge(&time),
            (Kind::Counter, Value::Count(count)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&count, None)
            }
            (Kind::Counter, Value::Seconds(time)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&time, None)
            }
        }
    }
}

/// Whether a number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only grows, until the agent starts anew.
    Counter,
}

/// One value, and what it is about.
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

/// A number.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// So many.
    Count(u64),
    /// So long.
    Seconds(f64),
}

impl Value {
    fn is_zero(self) -> bool {
        match self {
            Self::Count(count) => count == 0,
            Self::Seconds(seconds) => seconds <= 0.0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Seconds(seconds) => write!(f, "{seconds:.6}"),
        }
    }
}

/// Every metric in the text format of Prometheus.
pub(crate) fn text(status: &Status) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Snapshot(status.clone())));
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// Every counter that has counted something, one a line.
pub(crate) fn coverage(status: &Status) -> String {
    let counters = METRICS.iter().filter(|metric| metric.kind == Kind::Counter);
    let mut rows = Vec::new();
    for metric in counters {
        let samples = (metric.samples)(status).into_iter();
        for Sample { labels, value } in samples.filter(|sample| !sample.value.is_zero()) {
            let labels = labels.iter().map(|(name, value)| format!("{name}={value}"));
            let labels: Vec<_> = labels.collect();
            rows.push(vec![
                metric.name.to_owned(),
                labels.join(","),
                format!("total: {value}"),
            ]);
        }
    }
    columns(&rows)
}

/// Every metric as a row of a Markdown table.
#[cfg(test)]
fn markdown() -> String {
    let mut out = "| metric | kind | meaning |\n|---|---|---|\n".to_owned();
    for metric in METRICS {
        let (kind, suffix) = match metric.kind {
            Kind::Gauge => ("gauge", ""),
            Kind::Counter => ("counter", "_total"),
        };
        out += &format!("| `{}{suffix}` | {kind} | {} |\n", metric.name, metric.help);
    }
    out
}

/// A status that is to be encoded.
#[derive(Debug)]
struct Snapshot(Status);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for metric in METRICS {
            let kind = match metric.kind {
                Kind::Gauge => MetricType::Gauge,
                Kind::Counter => MetricType::Counter,
            };
            let mut encoder = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
            for Sample { labels, value } in (metric.samples)(&self.0) {
                match labels.as_slice() {
                    // Braces around nothing would be allowed, and look odd.
                    [] => metric.put(value, &mut encoder)?,
                    labels => metric.put(value, &mut encoder.encode_family(&labels)?)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
