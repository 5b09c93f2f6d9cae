//! Servers of the API, while they and the servers of the database are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Northbound, PATIENCE, wait_for};
use serde_json::{Value, json};
use tests::brint;

/// How often somebody is killed.
const ROUNDS: u64 = 9;
/// Clients that make ports all the while.
const CLIENTS: usize = 3;

/// A server of the API. It is killed when this is dropped.
struct Server {
    address: SocketAddr,
    process: Child,
}

impl Server {
    fn start(northbound: &Northbound, address: SocketAddr) -> anyhow::Result<Self> {
        let process = spawn(northbound, address)?;
        Ok(Self { address, process })
    }

    /// Kills it, and starts it again.
    fn restart(&mut self, northbound: &Northbound) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = spawn(northbound, self.address)?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is fine too.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(northbound: &Northbound, address: SocketAddr) -> anyhow::Result<Child> {
    let mut command = northbound.command(&format!("server --listen {address}"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// Addresses of loopback that nobody listens at.
fn free_addresses() -> anyhow::Result<[SocketAddr; 2]> {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0"));
    let [one, other] = listeners;
    Ok([one?.local_addr()?, other?.local_addr()?])
}

/// What a server answers to a request; none if it is killed meanwhile.
///
/// A server that says nothing for long hangs, and that is an error of the test.
fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<Option<(u16, Value)>> {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let Ok(mut stream) = TcpStream::connect_timeout(&server, Duration::from_secs(1)) else {
        return Ok(None);
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = Vec::new();
    let read = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer));
    if let Err(error) = read {
        let waited = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
        ensure!(!waited.contains(&error.kind()), "{method} {path}: {error}");
        return Ok(None);
    }
    let answer = String::from_utf8(answer)?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    // An answer may end in the middle, with its server.
    let body = match body {
        "" => Value::Null,
        body => match serde_json::from_str(body) {
            Ok(body) => body,
            Err(_) => return Ok(None),
        },
    };
    Ok(Some((status, body)))
}

/// What the servers answer once they can: with success.
fn insist(servers: &[Server], method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let mut last = None;
    let mut servers = servers.iter().cycle();
    let answered = wait_for(&format!("{method} {path}"), PATIENCE, || {
        let server = servers.next().context("no server")?;
        last = ask(server.address, method, path, &body)?;
        Ok(last
            .clone()
            .filter(|(status, _)| (200..300).contains(status)))
    });
    let (_, answer) = answered.with_context(|| format!("{last:?}"))?;
    Ok(answer)
}

/// A part of an answer.
fn part<'a>(whole: &'a Value, name: &str) -> anyhow::Result<&'a Value> {
    whole
        .get(name)
        .with_context(|| format!("no {name} in {whole}"))
}

/// Makes ports until it is told to stop; what was made, by its id, with its address.
fn make_ports(
    client: usize,
    servers: [SocketAddr; 2],
    network: &Value,
    stop: &AtomicBool,
) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut made = BTreeMap::new();
    for (count, server) in servers.into_iter().cycle().enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("port-{client}-{count}");
        let body = json!({"port": {"network_id": network, "name": name}});
        match ask(server, "POST", "/v2.0/ports", &body.to_string())? {
            Some((201, answer)) => {
                let port = part(&answer, "port")?;
                let id = part(port, "id")?.as_str().context("no id")?;
                made.insert(id.to_owned(), part(port, "fixed_ips")?.clone());
            }
            // Who cannot reach the database says so, and blames nobody's request.
            Some((status, answer)) => {
                ensure!(matches!(status, 409 | 503), "{name}: {status} {answer}")
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
    Ok(made)
}

#[test]
fn a_port_is_made_whole_or_not_at_all_whoever_is_killed() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let mut northbound = Northbound::cluster(directory.path(), &brint()?)?;
    let addresses = free_addresses()?;
    let mut servers = Vec::new();
    for address in addresses {
        servers.push(Server::start(&northbound, address)?);
    }
    let network = json!({"network": {"name": "net"}});
    let network = insist(&servers, "POST", "/v2.0/networks", &network)?;
    let id = part(part(&network, "network")?, "id")?.clone();
    let subnet = json!({"subnet": {"network_id": id, "cidr": "10.0.0.0/16", "ip_version": 4}});
    insist(&servers, "POST", "/v2.0/subnets", &subnet)?;

    let stop = AtomicBool::new(false);
    let made: BTreeMap<String, Value> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn({
                    let (id, stop) = (&id, &stop);
                    move || make_ports(client, addresses, id, stop)
                })
            })
            .collect();
        let killed = kill_in_turn(&mut northbound, &mut servers);
        stop.store(true, Ordering::Relaxed);
        let mut made = BTreeMap::new();
        for client in clients {
            let own = client
                .join()
                .map_err(|_| anyhow::anyhow!("a client died"))?;
            made.extend(own?);
        }
        killed.map(|()| made)
    })?;
    ensure!(made.len() > 10, "only {} ports were made", made.len());

    // A server that was cut off follows the database again, in a moment.
    let list = wait_for("every port that was made is listed", PATIENCE, || {
        let list = insist(&servers, "GET", "/v2.0/ports", &Value::Null)?;
        let text = list.to_string();
        Ok(made.keys().all(|id| text.contains(id)).then_some(list))
    })?;
    let ports = part(&list, "ports")?.as_array().context("no ports")?;
    let mut addresses = BTreeSet::new();
    for port in ports {
        let fixed_ips = part(port, "fixed_ips")?
            .as_array()
            .context("no fixed_ips")?;
        ensure!(fixed_ips.len() == 1, "half a port: {port}");
        let address = fixed_ips
            .iter()
            .map(|ip| ip.get("ip_address").map(Value::to_string));
        ensure!(
            addresses.insert(address.collect::<Vec<_>>()),
            "twice: {port}"
        );
        let groups = part(port, "security_groups")?
            .as_array()
            .context("no groups")?;
        ensure!(groups.len() == 1, "half a port: {port}");
    }
    for (id, fixed_ips) in &made {
        let kept = (ports.iter()).find(|port| port.get("id").is_some_and(|own| own == id.as_str()));
        let kept = kept.with_context(|| format!("port {id} was made, and is gone"))?;
        ensure!(part(kept, "fixed_ips")? == fixed_ips, "{kept}: {fixed_ips}");
    }
    Ok(())
}

/// Kills a server of the API, the leader of the database, and all of the database, in turn.
fn kill_in_turn(northbound: &mut Northbound, servers: &mut [Server]) -> anyhow::Result<()> {
    for round in 0..ROUNDS {
        // The moment is another one each time.
        thread::sleep(Duration::from_millis(150 + round * 37));
        match round % 3 {
            0 => {
                let place = usize::try_from(round / 3 % 2)?;
                let server = servers.get_mut(place).context("no server")?;
                server.restart(northbound)?;
            }
            1 => northbound.kill_leader()?,
            _ => northbound.kill()?,
        }
        northbound.serve()?;
    }
    // What was begun comes to its end.
    thread::sleep(Duration::from_millis(300));
    Ok(())
}
