//! The log: one line an event, on standard error, in the layout of Open vSwitch's own logs.
//!
//! `2026-11-23T01:52:19.123Z|00001|switch|INFO|br-int: connected`: time, running number, module,
//! level, message. Tools that read the logs of `ovs-vswitchd` read these as well.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends events that pass `filter` to standard error, from now on.
///
/// # Errors
///
/// When `filter` is not a list of levels.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let targets: Targets = filter
        .parse()
        .with_context(|| format!("--log {filter}: expected a level such as info or debug"))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(io::stderr)
        .event_format(Vlog::default());
    tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .init();
    Ok(())
}

/// The layout of Open vSwitch's module `vlog`.
#[derive(Default)]
struct Vlog {
    events: AtomicU64,
}

impl<S, N> FormatEvent<S, N> for Vlog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let number = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        let module = metadata.target().rsplit("::").next().unwrap_or_default();
        let level = match *metadata.level() {
            Level::ERROR => "ERR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DBG",
        };
        SystemTime.format_time(&mut out)?;
        write!(out, "|{number:05}|{module}|{level}|")?;
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                write!(out, "{fields}: ")?;
            }
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
