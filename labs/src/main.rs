//! Builds a lab on this machine, and shows that it does what it should.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use labs::chaos::{Arena, FAULTS};
use labs::matrix::{self, Underlay};
use labs::{probe, scale, scenario};

mod kernel;
mod report;

/// Builds a lab on this machine, and shows that it does what it should
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// On a kernel that has the module openvswitch: in a virtual machine, where this one has not
    #[arg(long, global = true)]
    kernel: bool,
    /// The release of the kernel and of Open vSwitch: own, or a release of Debian such as trixie
    #[arg(long, global = true, default_value = "own", requires = "kernel")]
    system: String,
    #[command(subcommand)]
    lab: Choice,
}

#[derive(Debug, Subcommand)]
enum Choice {
    /// Two hosts, two tenants with the same addresses, and two provider networks
    Quickstart(Quickstart),
    /// The lab of a directory, as labs/topologies/two-hosts: who reaches whom
    Run(Run),
    /// Every segment type on many hosts: who hears whose frames
    Matrix(Matrix),
    /// The quickstart on a cluster of three northbound servers, whose leaders are killed
    Cluster(Cluster),
    /// How long a new port takes to reach the flows of many hosts
    Fleet(Fleet),
    /// What one busy host costs as it grows, beside ovs-ofctl
    Scale(Scale),
    /// What a security group costs as it grows, beside ovs-ofctl
    Group(Group),
    /// What routing costs beside switching, and how long the loss of a gateway host is felt
    Routing(Routing),
    /// Three hosts on which everything fails, one thing after the other, while clients write
    Chaos(Chaos),
    /// Greets whoever connects; what runs in the machines of a lab that is kept
    #[command(hide = true)]
    Serve {
        /// Where to listen
        ports: Vec<u16>,
    },
}

#[derive(Debug, clap::Args)]
struct Quickstart {
    /// Leave everything up, to play with
    #[arg(long, conflicts_with = "down")]
    keep: bool,
    /// Only remove what an earlier run left up
    #[arg(long)]
    down: bool,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The directory, with network.yaml and checks.yaml
    directory: PathBuf,
    /// Leave everything up, to play with
    #[arg(long, conflicts_with = "down")]
    keep: bool,
    /// Only remove what an earlier run left up
    #[arg(long)]
    down: bool,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Matrix {
    /// How many hosts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=i64::from(matrix::MOST_HOSTS)))]
    hosts: u8,
    /// Tunnels between IPv6 addresses
    #[arg(long)]
    ipv6: bool,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Cluster {
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Routing {
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Chaos {
    /// How many faults happen, by chance
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Each fault once, in the order of the list
    #[arg(long, conflicts_with = "rounds")]
    each: bool,
    /// Only this fault; several are separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fault: Vec<String>,
    /// Decides which faults happen, where, and for how long [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Stop at the first round in which something is wrong, and leave everything up
    #[arg(long)]
    keep: bool,
    /// Only remove what an earlier run left up
    #[arg(long)]
    down: bool,
    /// Only list the faults
    #[arg(long)]
    list: bool,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Fleet {
    /// How many hosts, each with an Open vSwitch and an agent
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    hosts: u16,
    /// How many ports are made, one after the other
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10000))]
    ports: u16,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Scale {
    /// Ports on the host; several are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "10,100,500")]
    ports: Vec<u16>,
    /// Other hosts, with a port each; several are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "10")]
    hosts: Vec<u16>,
    /// All ports in one security group, and not in one for each network
    #[arg(long)]
    one_group: bool,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Group {
    /// Members on the host; several are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "10,100,500")]
    ports: Vec<u16>,
    /// Members elsewhere; several are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "10")]
    members: Vec<u16>,
    /// Rules, four of which are those of a default group
    #[arg(long, default_value_t = 10)]
    rules: u16,
    /// The program under test [default: brint beside this program]
    #[arg(long, value_name = "PATH", env = "BRINT")]
    brint: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.lab {
        lab if arguments.kernel => kernel::run_on(&arguments.system, lab.stays()),
        Choice::Quickstart(arguments) => quickstart(&arguments),
        Choice::Run(arguments) => run(&arguments),
        Choice::Matrix(arguments) => matrix(&arguments),
        Choice::Cluster(arguments) => cluster(&arguments),
        Choice::Fleet(arguments) => fleet(&arguments),
        Choice::Scale(arguments) => scale(&arguments),
        Choice::Group(arguments) => group(&arguments),
        Choice::Routing(arguments) => routing(&arguments),
        Choice::Chaos(arguments) => chaos(&arguments),
        Choice::Serve { ports } => probe::serve(&ports).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            labs::wait_if_interrupted();
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Choice {
    /// Whether the lab is to outlive this program, or did.
    fn stays(&self) -> bool {
        match self {
            Self::Quickstart(arguments) => arguments.keep || arguments.down,
            Self::Run(arguments) => arguments.keep || arguments.down,
            _ => false,
        }
    }
}

/// Runs the quickstart; whether every check holds.
fn quickstart(arguments: &Quickstart) -> anyhow::Result<bool> {
    const NAME: &str = "quickstart";
    if arguments.down {
        labs::remove(NAME)?;
        writeln!(io::stdout(), "Nothing of the lab is left.")?;
        return Ok(true);
    }
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let mut lab = labs::quickstart::start(NAME, &brint)?;
    let checks = labs::quickstart::check(&lab)?;
    if arguments.keep {
        for machine in lab.machines() {
            let serve = [
                this.as_os_str(),
                "serve".as_ref(),
                "22".as_ref(),
                "80".as_ref(),
            ];
            lab.start_in(machine, &serve)?;
        }
        lab.keep();
    }
    report::print(&mut io::stdout().lock(), &lab, &checks, arguments.keep)?;
    Ok(checks.all_hold())
}

/// Runs the lab of a directory; whether every check holds.
fn run(arguments: &Run) -> anyhow::Result<bool> {
    let directory = &arguments.directory;
    let name = directory.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{}: expected a name", directory.display()))?;
    let mut out = io::stdout().lock();
    if arguments.down {
        labs::remove(name)?;
        writeln!(out, "Nothing of the lab is left.")?;
        return Ok(true);
    }
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let (mut lab, scenario) = scenario::start(name, directory, &brint)?;
    let checks = scenario::check(&lab, &scenario)?;
    write!(out, "{checks}")?;
    if arguments.keep {
        lab.keep();
        let namespaces = lab.hosts().iter().map(|host| host.namespace().name());
        let namespaces: Vec<_> = namespaces.collect();
        writeln!(
            out,
            "\nThe hosts are the namespaces {}.",
            namespaces.join(", ")
        )?;
    }
    Ok(checks.all_hold())
}

/// Runs the matrix; whether every frame was heard by whom it was for, and by nobody else.
fn matrix(arguments: &Matrix) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let underlay = if arguments.ipv6 {
        Underlay::Ipv6
    } else {
        Underlay::Ipv4
    };
    let lab = matrix::start("matrix", &brint, arguments.hosts, underlay)?;
    let outcome = matrix::check(&lab)?;
    let mut out = io::stdout().lock();
    for violation in &outcome.violations {
        writeln!(out, "FAIL {violation}")?;
    }
    writeln!(
        out,
        "{} machines on {} hosts: {} frames heard {} times, {} violations.",
        lab.machines().len(),
        lab.hosts().len(),
        outcome.frames,
        outcome.heard,
        outcome.violations.len()
    )?;
    Ok(outcome.violations.is_empty())
}

/// Runs the cluster; whether every check holds.
fn cluster(arguments: &Cluster) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let (lab, mut northbound) = labs::cluster::start("cluster", &brint)?;
    let checks = labs::cluster::check(&lab, &mut northbound)?;
    write!(io::stdout(), "{checks}")?;
    Ok(checks.all_hold())
}

/// Measures ports on many hosts.
fn fleet(arguments: &Fleet) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let times = labs::fleet::measure("fleet", &brint, arguments.hosts, arguments.ports)?;
    writeln!(io::stdout(), "{} hosts, {times}", arguments.hosts)?;
    Ok(true)
}

/// Measures routers.
fn routing(arguments: &Routing) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let figures = labs::routing::measure("routing", &brint)?;
    writeln!(io::stdout(), "{figures}")?;
    Ok(true)
}

/// Has faults happen, round after round; whether nothing was wrong after any.
fn chaos(arguments: &Chaos) -> anyhow::Result<bool> {
    const NAME: &str = "chaos";
    let mut out = io::stdout().lock();
    if arguments.down {
        labs::remove(NAME)?;
        writeln!(out, "Nothing of the lab is left.")?;
        return Ok(true);
    }
    if arguments.list {
        for fault in FAULTS {
            writeln!(out, "{:20} {}", fault.name, fault.about)?;
        }
        return Ok(true);
    }
    let find = |name: &String| {
        let found = FAULTS.iter().find(|fault| fault.name == name);
        found.with_context(|| format!("--fault {name}: expected one that --list shows"))
    };
    let mut faults = arguments
        .fault
        .iter()
        .map(find)
        .collect::<anyhow::Result<Vec<_>>>()?;
    if faults.is_empty() {
        faults = FAULTS.iter().collect();
    }
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let seed = arguments
        .seed
        .unwrap_or_else(|| u64::from(since.subsec_nanos()));
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let rounds = match arguments.each {
        true => u32::try_from(faults.len())?,
        false => arguments.rounds,
    };
    writeln!(out, "{rounds} rounds, seed {seed}")?;
    let mut in_order = faults.iter().copied();
    let mut arena = Some(Arena::start(NAME, &brint, seed)?);
    let mut failed = 0;
    for number in 1..=rounds {
        // What a round left behind must not be held against the next.
        let mut running = match arena.take() {
            Some(running) => running,
            None => Arena::start(NAME, &brint, seed.wrapping_add(number.into()))?,
        };
        let fault = match arguments.each {
            true => in_order.next(),
            false => running.choose(&faults),
        };
        let round = running.round(fault.context("no fault to choose")?);
        match &round {
            Ok(round) => writeln!(out, "{number:>4} {round}")?,
            Err(error) => writeln!(out, "{number:>4} FAIL {error:#}")?,
        }
        if round.is_ok_and(|round| round.wrong.is_empty()) {
            arena = Some(running);
            continue;
        }
        failed += 1;
        if arguments.keep {
            running.keep();
            writeln!(out, "The lab is left up; --down removes it.")?;
            return Ok(false);
        }
    }
    writeln!(out, "{failed} of {rounds} rounds failed.")?;
    Ok(failed == 0)
}

/// Measures every combination of sizes.
fn scale(arguments: &Scale) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", scale::HEAD)?;
    for &ports in &arguments.ports {
        for &hosts in &arguments.hosts {
            let size = scale::Size {
                ports,
                hosts,
                networks: 0,
                one_group: arguments.one_group,
            };
            writeln!(out, "{}", scale::measure("scale", &brint, size)?)?;
        }
    }
    Ok(true)
}

/// Measures a group of every combination of sizes.
fn group(arguments: &Group) -> anyhow::Result<bool> {
    let this = env::current_exe().context("finding this program")?;
    let brint = brint(arguments.brint.as_deref(), &this);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", scale::GROUP_HEAD)?;
    for &ports in &arguments.ports {
        for &members in &arguments.members {
            let group = scale::Group {
                ports,
                members,
                rules: arguments.rules,
                exists: true,
            };
            writeln!(out, "{}", scale::measure_group("group", &brint, group)?)?;
        }
    }
    Ok(true)
}

/// The program under test: the one asked for, else the one beside this program.
fn brint(wanted: Option<&Path>, this: &Path) -> PathBuf {
    wanted.map_or_else(|| this.with_file_name("brint"), Path::to_path_buf)
}
