//! The log: one line an event, on standard error, in the layout of Open vSwitch's own logs.
//!
//! `2026-11-23T01:52:19.123Z|00001|switch|INFO|br-int: connected`: time, running number, module,
//! level, message. Tools that read the logs of `ovs-vswitchd` read these as well, and levels can be
//! changed while the agent runs, in the words of `ovs-appctl vlog/set`.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The modules that log, by the targets of their events.
const MODULES: [&str; 10] = [
    "brint::agent",
    "brint::command",
    "brint::control",
    "brint::listeners",
    "brint::metrics",
    "brint::northbound",
    "brint::security_group_log",
    "brint::switch",
    "brint::unixctl",
    "jsonrpsee",
];

/// What is logged, while it can still be changed.
#[derive(Clone, Debug)]
pub(crate) struct Levels(reload::Handle<Targets, Registry>);

/// Sends events that pass `filter` to standard error, from now on.
///
/// # Errors
///
/// When `filter` is not a list of levels.
pub(crate) fn start(filter: &str) -> anyhow::Result<Levels> {
    let targets: Targets = filter
        .parse()
        .with_context(|| format!("--log {filter}: expected a level such as info or debug"))?;
    let (targets, levels) = reload::Layer::new(targets);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(io::stderr)
        .event_format(Vlog::default());
    tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .init();
    Ok(Levels(levels))
}

impl Levels {
    /// The level of each module, in the layout of `vlog/list`; standard error is the only place
    /// that events go to.
    pub(crate) fn list(&self) -> String {
        let targets = self.0.clone_current().unwrap_or_default();
        let mut out = "                 console    syslog    file\n".to_owned();
        out += "                 -------    ------    ------\n";
        for target in MODULES {
            let mut levels = [
                ("DBG", Level::DEBUG),
                ("INFO", Level::INFO),
                ("WARN", Level::WARN),
                ("ERR", Level::ERROR),
            ]
            .into_iter();
            let level = levels.find(|(_, level)| targets.would_enable(target, level));
            let level = level.map_or("OFF", |(name, _)| name);
            out += &format!("{:<16}  {level:4}       OFF        OFF\n", module(target));
        }
        out
    }

    /// Carries out `vlog/set SPEC...`, where a SPEC is a level, or `MODULE:LEVEL`, or
    /// `MODULE:DESTINATION:LEVEL`.
    ///
    /// # Errors
    ///
    /// The first SPEC that makes no sense; those before it have taken effect.
    pub(crate) fn set(&self, specs: &[String]) -> Result<(), String> {
        specs.iter().try_for_each(|spec| self.set_one(spec))
    }

    fn set_one(&self, spec: &str) -> Result<(), String> {
        let mut level = None;
        let mut target = None;
        let words = spec.split([':', ',', ' ']).filter(|word| !word.is_empty());
        for word in words {
            let lower = word.to_ascii_lowercase();
            match lower.as_str() {
                "any" | "console" => {}
                "off" => level = Some(LevelFilter::OFF),
                "emer" | "err" => level = Some(LevelFilter::ERROR),
                "warn" => level = Some(LevelFilter::WARN),
                "info" => level = Some(LevelFilter::INFO),
                "dbg" => level = Some(LevelFilter::DEBUG),
                "syslog" | "file" => {
                    return Err(format!("{word}: events go to the console only"));
                }
                _ => {
                    let mut modules = MODULES.into_iter();
                    let known = modules.find(|target| module(target) == lower);
                    target =
                        Some(known.ok_or_else(|| {
                            format!("no destination, level, or module \"{word}\"")
                        })?);
                }
            }
        }
        // Open vSwitch takes a missing level for the most talkative one.
        let level = level.unwrap_or(LevelFilter::DEBUG);
        let change = |targets: &mut Targets| {
            *targets = match target {
                Some(target) => std::mem::take(targets).with_target(target, level),
                None => Targets::new().with_default(level),
            };
        };
        self.0.modify(change).map_err(|error| error.to_string())
    }
}

/// What a module is called in the log: by the name of the topmost one of the program's, or by that
/// of its library.
fn module(target: &str) -> &str {
    let mut path = target.split("::");
    match (path.next(), path.next()) {
        (Some("brint"), Some(module)) => module,
        (library, _) => library.unwrap_or_default(),
    }
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
        let module = module(metadata.target());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_change_in_the_words_of_vlog() {
        // The layer holds the filter that the handle changes.
        let (_layer, handle) = reload::Layer::new("info".parse().unwrap());
        let levels = Levels(handle);
        let set = |spec: &str| levels.set(&[spec.to_owned()]);
        let line = |module: &str| {
            let list = levels.list();
            let line = list.lines().find(|line| line.starts_with(module)).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(line("switch"), "INFO");
        set("switch:console:dbg").unwrap();
        assert_eq!(
            (line("switch"), line("agent")),
            ("DBG".to_owned(), "INFO".to_owned())
        );
        set("ANY:ANY:warn").unwrap();
        assert_eq!(
            (line("switch"), line("agent")),
            ("WARN".to_owned(), "WARN".to_owned())
        );
        assert_eq!(
            set("nonsense:dbg"),
            Err("no destination, level, or module \"nonsense\"".to_owned())
        );
    }
}
