//! Connections that others announce, as those of FTP and TFTP do, need no rule of their own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use labs::quickstart::NETWORK;
use labs::{Machine, PATIENCE, wait_for};
use tests::quickstart;

/// How long what must not pass is waited for; a packet that passes takes a hundredth of it.
const REFUSED: Duration = Duration::from_millis(700);
/// The ports of FTP and TFTP servers.
const FTP: u16 = 21;
const TFTP: u16 = 69;

#[test]
fn ftp_and_tftp_need_rules_for_their_first_connections_only() -> anyhow::Result<()> {
    let lab = quickstart("t-announced")?;
    let mut announcing = NETWORK.to_owned();
    // What a client is let out to is also what may then come in.
    for (group, direction) in [("allow-ssh", "ingress"), ("visitors", "egress")] {
        let group = format!("  - name: {group}\n    project: tenant-a\n    rules:\n");
        let mut rules = group.clone();
        for ethertype in ["IPv4", "IPv6"] {
            for (protocol, port) in [("tcp", FTP), ("udp", TFTP)] {
                rules += &format!(
                    "      - {{direction: {direction}, ethertype: {ethertype}, \
                     protocol: {protocol}, port_range_min: {port}, port_range_max: {port}}}\n"
                );
            }
        }
        announcing = announcing.replace(&group, &rules);
    }
    fs::write(lab.network(), announcing).context("writing another description")?;
    // The server is on another host, and the client lets nobody in.
    let (server, client) = (lab.machine("a1")?, lab.machine("visitor")?);
    for addresses in [
        (server.ipv4()?, client.ipv4()?),
        (server.ipv6()?, client.ipv6()?),
    ] {
        ftp((server, addresses.0), (client, addresses.1))?;
        tftp((server, addresses.0), (client, addresses.1))?;
    }
    Ok(())
}

/// The client announces where the server is to connect to, then the other way round (RFC 959,
/// RFC 2428).
fn ftp(
    (server, server_ip): (&Machine, IpAddr),
    (client, client_ip): (&Machine, IpAddr),
) -> anyhow::Result<()> {
    let control = listen(server, FTP)?;
    let mut commands = wait_for("FTP is let in", PATIENCE, || {
        connect(client, (server_ip, FTP).into())
    })?;
    let (mut replies, _) = control.accept()?;
    // The kernel's helper reads lines that follow another one in their direction.
    say(&mut replies, &mut commands, "220 ready\r\n")?;
    say(&mut commands, &mut replies, "USER anonymous\r\n")?;
    say(&mut replies, &mut commands, "230 logged in\r\n")?;

    let active = listen(client, 0)?;
    let at = SocketAddr::new(client_ip, active.local_addr()?.port());
    ensure!(connect(server, at)?.is_none(), "{at} was not announced");
    let said = match client_ip {
        IpAddr::V4(_) => format!("PORT {}\r\n", with_commas(at)),
        IpAddr::V6(address) => format!("EPRT |2|{address}|{}|\r\n", at.port()),
    };
    say(&mut commands, &mut replies, &said)?;
    converse(connect(server, at)?, &active, at)?;

    let passive = listen(server, 0)?;
    let at = SocketAddr::new(server_ip, passive.local_addr()?.port());
    ensure!(connect(client, at)?.is_none(), "{at} was not announced");
    let said = match server_ip {
        IpAddr::V4(_) => format!("227 Entering Passive Mode ({}).\r\n", with_commas(at)),
        IpAddr::V6(_) => format!("229 Entering Extended Passive Mode (|||{}|)\r\n", at.port()),
    };
    say(&mut replies, &mut commands, &said)?;
    converse(connect(client, at)?, &passive, at)
}

/// The server answers from a port of its own (RFC 1350).
fn tftp(
    (server, server_ip): (&Machine, IpAddr),
    (client, client_ip): (&Machine, IpAddr),
) -> anyhow::Result<()> {
    let (requests, answers) = (bind(server, TFTP)?, bind(server, 0)?);
    let (asking, silent) = (bind(client, 0)?, bind(client, 0)?);
    let mut heard = [0; 64];
    asking.send_to(b"\0\x01file\0octet\0", (server_ip, TFTP))?;
    requests
        .recv(&mut heard)
        .context("the request is not heard")?;
    answers.send_to(
        b"\0\x03\0\x01data",
        (client_ip, silent.local_addr()?.port()),
    )?;
    ensure!(silent.recv(&mut heard).is_err(), "nobody had asked there");
    answers.send_to(
        b"\0\x03\0\x01data",
        (client_ip, asking.local_addr()?.port()),
    )?;
    asking.recv(&mut heard).context("the answer is not heard")?;
    asking.send_to(b"\0\x04\0\x01", (server_ip, answers.local_addr()?.port()))?;
    answers
        .recv(&mut heard)
        .context("what follows is not heard")?;
    Ok(())
}

/// An address and a port as FTP writes them.
fn with_commas(at: SocketAddr) -> String {
    let [high, low] = at.port().to_be_bytes();
    format!("{},{high},{low}", at.ip().to_string().replace('.', ","))
}

/// Listens for TCP, on both versions of IP.
fn listen(at: &Machine, port: u16) -> anyhow::Result<TcpListener> {
    at.namespace()
        .enter(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).context("listening"))
}

/// A socket of UDP that does not listen for long.
fn bind(at: &Machine, port: u16) -> anyhow::Result<UdpSocket> {
    let bind = || UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).context("binding a socket");
    let socket = at.namespace().enter(bind)?;
    socket.set_read_timeout(Some(REFUSED))?;
    Ok(socket)
}

/// Connects; `None` if nothing comes back.
fn connect(from: &Machine, to: SocketAddr) -> anyhow::Result<Option<TcpStream>> {
    from.namespace()
        .enter(|| match TcpStream::connect_timeout(&to, REFUSED) {
            Ok(stream) => Ok(Some(stream)),
            Err(_) => Ok(None),
        })
}

/// One side says something, and the other hears it.
fn say(from: &mut TcpStream, to: &mut TcpStream, words: &str) -> anyhow::Result<()> {
    to.set_read_timeout(Some(PATIENCE))?;
    from.write_all(words.as_bytes())?;
    let mut heard = vec![0; words.len()];
    to.read_exact(&mut heard)
        .with_context(|| format!("{words:?} is not heard"))
}

/// Both sides of a connection that was announced are heard.
fn converse(
    stream: Option<TcpStream>,
    listener: &TcpListener,
    at: SocketAddr,
) -> anyhow::Result<()> {
    let Some(mut opener) = stream else {
        bail!("{at} was announced, and nobody gets there");
    };
    let (mut other, _) = listener.accept()?;
    say(&mut opener, &mut other, "one way")?;
    say(&mut other, &mut opener, "the other way")
}
