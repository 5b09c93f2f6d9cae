//! `brint host`: the hosts that agents run on.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use ovsdb::Uuid;
use serde_json::json;

use super::northbound::{Northbound, Waiting};
use super::object::{Fields, Shown};
use crate::northbound::database::now;
use crate::northbound::database::plan::Plan;
use crate::northbound::database::tables::{Endpoint, Host, HostState, Northbound as Rows};

/// The columns of a list.
const SHORT: [&str; 5] = ["id", "name", "alive", "encap_ip", "nb_cfg"];

/// Shows hosts of the northbound database, says where they are, and deletes those that are gone
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
        /// The host
        #[arg(value_name = "NAME|UUID")]
        host: String,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Says of one what people know and its agent does not
    Set {
        /// The host
        #[arg(value_name = "NAME|UUID")]
        host: String,
        /// Where it is; networks can be asked for that are there
        #[arg(
            long,
            value_name = "ZONE",
            required_unless_present_any = ["gateway_priority", "preemptive"]
        )]
        availability_zone: Option<String>,
        /// Routers lead outside by the hosts with the greatest
        #[arg(long, value_name = "NUMBER")]
        gateway_priority: Option<u16>,
        /// Whether it takes back the routers that it led outside when it returns after a failure
        #[arg(long, value_name = "BOOLEAN")]
        preemptive: Option<bool>,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Deletes some of them, all or none
    Delete {
        /// The hosts
        #[arg(value_name = "NAME|UUID", required = true)]
        hosts: Vec<String>,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        northbound: Northbound,
    },
}

/// Does what is asked.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List { shown, northbound } => northbound.with(async |mut session| {
            session.probe().await?;
            shown.list(&all(&session.database.snapshot()), &SHORT)
        })?,
        Command::Show {
            host,
            shown,
            northbound,
        } => northbound.with(async |mut session| {
            session.probe().await?;
            let hosts = all(&session.database.snapshot());
            shown.show(&Fields::find(hosts, "host", &host)?)
        })?,
        Command::Set {
            host,
            availability_zone,
            gateway_priority,
            preemptive,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            let hosts = all(&session.database.snapshot());
            let host = Fields::find(hosts, "host", &host)?;
            let id: Uuid = host.text("id").parse().context("an id")?;
            let plan = |_: &Rows| {
                let mut plan = Plan::default();
                let mut columns = Host::values().set(Host::updated_at, now());
                if let Some(zone) = &availability_zone {
                    columns = columns.set(Host::availability_zone, zone.as_str());
                }
                if let Some(priority) = gateway_priority {
                    columns = columns.set(Host::gateway_priority, i64::from(priority));
                }
                if let Some(preemptive) = preemptive {
                    columns = columns.set(Host::preemptive, preemptive);
                }
                plan.transaction.update(id, columns);
                let revision = Host::revision_number.plus(1);
                plan.transaction.mutate(id, [revision]);
                plan
            };
            session.carry_out(plan, &waiting).await
        })?,
        Command::Delete {
            hosts,
            waiting,
            northbound,
        } => northbound.with(async |session| {
            let rows = session.database.snapshot();
            let hosts = hosts.iter().map(|text| {
                let host = Fields::find(all(&rows), "host", text)?;
                Ok((host.text("name"), host.text("id").parse().context("an id")?))
            });
            let hosts = hosts.collect::<anyhow::Result<Vec<(String, Uuid)>>>()?;
            let plan = |_: &Rows| {
                let mut plan = Plan::default();
                for (name, id) in &hosts {
                    plan.transaction
                        .delete(HostState::name.equals(name.as_str()));
                    plan.transaction
                        .delete(Endpoint::host.equals(name.as_str()));
                    plan.delete::<Host>("host", name, *id);
                }
                plan
            };
            session.carry_out(plan, &waiting).await
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

fn all(rows: &Rows) -> Vec<Fields> {
    rows.hosts.iter().map(|row| fields(rows, row)).collect()
}

/// Whether an agent has answered the probe of this command.
fn has_answered(rows: &Rows, host: &str) -> bool {
    let state = rows.host_states.index().by_name.get(host);
    state.is_some_and(|state| !state.has_ended() && state.answered >= rows.probe())
}

fn fields(rows: &Rows, row: &Host) -> Fields {
    let state = rows.host_states.index().by_name.get(row.name.as_str());
    let encap_types: Vec<_> = row.encap_types.iter().map(|kind| kind.as_str()).collect();
    let fields = [
        ("id", json!(row.uuid)),
        ("name", json!(row.name)),
        ("alive", json!(has_answered(rows, &row.name))),
        ("encap_ip", json!(row.encap_ip)),
        ("encap_types", json!(encap_types)),
        ("bridge_mappings", json!(row.bridge_mappings)),
        ("mtu", json!(row.mtu)),
        ("gateway_priority", json!(row.gateway_priority)),
        ("preemptive", json!(row.preemptive)),
        ("availability_zone", json!(row.availability_zone)),
        ("nb_cfg", json!(state.map(|state| state.nb_cfg))),
        ("version", json!(state.map(|state| state.version.as_str()))),
        ("description", json!(row.description)),
    ];
    fields.into_iter().collect()
}
