//! What routing costs beside switching, and what each failure of a gateway host costs.
//!
//! The same machines talk within one network and between two, on one host and over two. The figures
//! are of one run on one machine: their ratios say something, they themselves little.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::host::Cable;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::patience::{PATIENCE, wait_for};
use crate::probe;

/// The lab of routers and floating IPs over two hosts.
const NETWORK: &str = include_str!("../topologies/two-hosts/network.yaml");
/// One machine more, in web1's network and on its host.
const WEB3: &str = "ports:\n  - {id: 75500005-bcad-4032-8ad1-f0950600b737, name: web3, network: web, \
    mac_address: \"fa:16:3e:50:01:13\", fixed_ips: [10.0.1.13], host: host1}\n";
/// One host more, without machines.
const HOST3: &str =
    "  - {name: host3, encap_ip: 192.0.2.3, bridge_mappings: {physnet1: br-ex}}\n\nnetworks:\n";
/// An address that is behind the router outside.
const WORLD: &str = "198.51.100.99";
/// What the gateway host of the router has in its flows, and no other.
const LEADS: &str = "nat(src=203.0.113.101)";
/// How long a stream is measured.
const STREAM: Duration = Duration::from_secs(3);
/// How often a packet is sent while a gateway host fails.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long that is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// What was measured.
#[derive(Clone, Debug)]
pub struct Figures {
    ways: Vec<Way>,
    outages: Vec<(&'static str, Duration)>,
}

/// A way between two machines.
#[derive(Clone, Copy, Debug)]
struct Way {
    name: &'static str,
    /// Megabits in a second.
    rate: f64,
    /// Of a connection, when the first packet finds nothing cached.
    first: Duration,
    /// Of one right after.
    next: Duration,
}

/// Measures every way.
///
/// # Errors
///
/// When the lab does not start, or something that has to pass does not.
pub fn measure(name: &str, brint: &Path) -> anyhow::Result<Figures> {
    let mut lab = Lab::build(name, &network(0), brint)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let ways = [
        ("switched, one host", "web1", "web3"),
        ("routed, one host", "web1", "data1"),
        ("switched, two hosts", "web1", "web2"),
        ("routed, two hosts", "web1", "data2"),
    ];
    let ways = ways.into_iter().map(|(name, from, to)| {
        let (from, to) = (lab.machine(from)?, lab.machine(to)?);
        way(name, from.namespace(), (to.namespace(), to.ipv4()?))
    });
    let ways = ways.collect::<anyhow::Result<_>>()?;
    let outages = fail(&mut lab)?;
    Ok(Figures { ways, outages })
}

/// The hosts of the lab and what is on them; host2 leads outside if it has the greatest priority,
/// and host1 comes next.
fn network(priority: u16) -> String {
    let prefer = |text: String, host: &str, priority| {
        let first = format!("{{name: {host}, ");
        text.replace(&first, &format!("{first}gateway_priority: {priority}, "))
    };
    let text = NETWORK.replace("ports:\n", WEB3);
    let text = text.replacen("\nnetworks:\n", HOST3, 1);
    prefer(prefer(text, "host1", 1), "host2", priority)
}

/// Measures one way.
fn way(name: &'static str, from: &Namespace, to: (&Namespace, IpAddr)) -> anyhow::Result<Way> {
    let bind = || TcpListener::bind((to.1, 0)).context("listening");
    let listener = to.0.enter(bind)?;
    let address = listener.local_addr()?;
    let connect = || {
        from.enter(|| {
            let started = Instant::now();
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            Ok((stream, started.elapsed()))
        })
    };
    // What the switches look up once for all packets, they have looked up.
    wait_for("the other machine answers", PATIENCE, || {
        Ok(probe::ping(from, to.1, Duration::from_secs(1))?.then_some(()))
    })?;
    let ((_, first), (stream, next)) = (connect()?, connect()?);
    let _first = listener.accept()?;
    let (heard, _) = listener.accept()?;
    let rate = stream_over(stream, heard)?;
    Ok(Way {
        name,
        rate,
        first,
        next,
    })
}

/// The megabits in a second that arrive over a connection.
fn stream_over(mut from: TcpStream, mut to: TcpStream) -> anyhow::Result<f64> {
    let sender = thread::spawn(move || {
        let data = vec![0; 1 << 16];
        let end = Instant::now() + STREAM;
        while Instant::now() < end && from.write_all(&data).is_ok() {}
    });
    let started = Instant::now();
    let mut data = vec![0; 1 << 16];
    let mut bytes = 0_u32;
    let mut megabytes = 0_u32;
    loop {
        let length = to.read(&mut data)?;
        if length == 0 {
            break;
        }
        bytes += u32::try_from(length)?;
        megabytes += bytes / 1_000_000;
        bytes %= 1_000_000;
    }
    let took = started.elapsed();
    sender.join().map_err(|_| anyhow!("the sender panicked"))?;
    Ok(8.0 * f64::from(megabytes) / took.as_secs_f64())
}

/// Has a gateway host fail in every way, and return; how long nothing arrives each time.
fn fail(lab: &mut Lab) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let outside = lab.outside().namespace();
    outside.ip("link set lo up")?;
    outside.ip(&format!("address add {WORLD} dev lo"))?;
    let socket = talk_to_world(lab)?;
    let mut outages = Vec::new();
    let cables = [
        ("its uplink fails", Cable::Provider("br-ex")),
        ("its tunnels fail", Cable::Tunnels),
    ];
    for (priority, (name, cable)) in (2..).zip(cables) {
        prefer_host2(lab, priority)?;
        outages.push((name, outage(&socket, || lab.host("host2")?.pull(cable))?));
        wait_until(lab, "host1", true)?;
        let returns = outage(&socket, || lab.host("host2")?.put_back(cable))?;
        outages.push(("it returns", returns));
    }
    prefer_host2(lab, 4)?;
    let dies = outage(&socket, || lab.host_mut("host2")?.kill_switch())?;
    outages.push(("it dies", dies));
    wait_until(lab, "host1", true)?;
    let returns = outage(&socket, || lab.host_mut("host2")?.start_switch())?;
    outages.push(("it returns", returns));
    Ok(outages)
}

/// Has host2 lead outside, as an operator does.
fn prefer_host2(lab: &Lab, priority: u16) -> anyhow::Result<()> {
    // Hosts take each other for gone only after they have heard each other.
    wait_for("the hosts hear each other", PATIENCE, || {
        let heard = lab.host("host1")?.ovs();
        let heard = heard.vsctl("--columns=bfd_status list Interface")?;
        let up = heard.matches(" state=up").count();
        Ok((up > 0 && heard.matches(" state=").count() == up).then_some(()))
    })?;
    lab.describe(&network(priority))?;
    wait_until(lab, "host2", true)?;
    wait_until(lab, "host1", false)
}

/// Waits until a host leads outside, or does not.
fn wait_until(lab: &Lab, host: &str, leads: bool) -> anyhow::Result<()> {
    let ovs = lab.host(host)?.ovs();
    wait_for(&format!("{host} leads outside: {leads}"), PATIENCE, || {
        let flows = ovs.flows("br-int")?;
        let found = flows.iter().any(|flow| flow.contains(LEADS));
        Ok((found == leads).then_some(()))
    })
}

/// A socket of a machine whose packets the world sends back.
fn talk_to_world(lab: &Lab) -> anyhow::Result<UdpSocket> {
    let world: IpAddr = WORLD.parse()?;
    let machine = lab.machine("data1")?.namespace().clone();
    wait_for("the world answers", PATIENCE, || {
        Ok(probe::ping(&machine, world, Duration::from_secs(1))?.then_some(()))
    })?;
    let echo = || UdpSocket::bind((world, 7)).context("the world's echo");
    let echo = lab.outside().namespace().enter(echo)?;
    echo.set_read_timeout(Some(10 * PATIENCE))?;
    thread::spawn(move || {
        let mut data = [0; 64];
        while let Ok((length, from)) = echo.recv_from(&mut data) {
            let said = data.get(..length).unwrap_or_default();
            // What is lost is what is measured.
            let _sent = echo.send_to(said, from);
        }
    });
    machine.enter(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").context("a socket")?;
        socket
            .connect(SocketAddr::new(world, 7))
            .context("the world")?;
        Ok(socket)
    })
}

/// How long nothing arrives when something happens.
fn outage(
    socket: &UdpSocket,
    happen: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let ear = socket.try_clone()?;
    ear.set_read_timeout(Some(INTERVAL))?;
    let heard = thread::spawn(move || {
        let mut data = [0; 64];
        let mut longest = Duration::ZERO;
        let (started, mut last) = (Instant::now(), Instant::now());
        while started.elapsed() < WATCHED {
            // An error of an earlier packet is no answer, nor is silence.
            if ear.recv(&mut data).is_ok() {
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        }
        longest.max(last.elapsed())
    });
    let started = Instant::now();
    let mut happen = Some(happen);
    while started.elapsed() < WATCHED {
        // An error of an earlier packet says that it was lost.
        let _sent = socket.send(b"here");
        if started.elapsed() > WATCHED / 4
            && let Some(happen) = happen.take()
        {
            happen()?;
        }
        thread::sleep(INTERVAL);
    }
    heard.join().map_err(|_| anyhow!("the listener panicked"))
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:20} {:>12} {:>10} {:>10}", "", "rate", "first", "next")?;
        for way in &self.ways {
            writeln!(
                f,
                "{:20} {:>7.0} Mbit/s {:>7} us {:>7} us",
                way.name,
                way.rate,
                way.first.as_micros(),
                way.next.as_micros()
            )?;
        }
        for pair in self.ways.chunks(2) {
            if let [switched, routed] = pair {
                let ratio = switched.rate / routed.rate;
                writeln!(
                    f,
                    "{} costs {ratio:.2} times {}",
                    routed.name, switched.name
                )?;
            }
        }
        writeln!(f, "what a gateway host costs, as nothing arrives:")?;
        for (name, lost) in &self.outages {
            writeln!(f, "{name:20} {:>7} ms", lost.as_millis())?;
        }
        Ok(())
    }
}
