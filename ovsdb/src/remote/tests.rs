use super::*;

#[test]
fn every_method_reads_and_prints_the_same() {
    for text in [
        "unix:/run/db.sock",
        "tcp:127.0.0.1:6640",
        "ssl:[2001:db8::1]:16640",
        "punix:/run/client.sock",
        "ptcp:6640:127.0.0.1",
        "ptcp:6640:[::1]",
        "pssl:6640:127.0.0.1",
        "pssl:6640:[::1]",
    ] {
        assert_eq!(text.parse::<Remote>().unwrap().to_string(), text);
    }
}

#[test]
fn a_passive_port_is_open_to_all_unless_it_says_otherwise() {
    for text in ["ptcp:", "ptcp:6640"] {
        assert_eq!(
            text.parse::<Remote>().unwrap().to_string(),
            "ptcp:6640:0.0.0.0"
        );
    }
}

#[test]
fn a_port_left_out_is_the_assigned_one() {
    let remote: Remote = "tcp:[::1]".parse().unwrap();
    assert_eq!(
        remote,
        Remote::Tcp {
            host: "::1".to_owned(),
            port: 6640
        }
    );
}

#[test]
fn several_remotes_are_separated_by_commas() {
    let remotes = Remote::list("unix:/a, tcp:b:1").unwrap();
    assert_eq!(remotes.len(), 2);
}

#[test]
fn bad_remotes_are_refused_with_the_reason() {
    for (text, problem) in [
        ("", "expected unix:FILE, tcp:HOST[:PORT] or ssl:HOST[:PORT]"),
        ("unix:", "the file is missing"),
        (
            "udp:a:1",
            "unknown method, expected unix, tcp, ssl, punix, ptcp or pssl",
        ),
        ("ptcp:1:host", "the address is no IP address"),
        ("tcp:::1", "an IPv6 address must stand in brackets"),
        ("tcp:[::1", "a bracket is not closed"),
        ("tcp:[::1]x", "expected :PORT after the bracket"),
        ("tcp::1", "the host is missing"),
        ("tcp:a:65536", "the port is no number from 0 to 65535"),
    ] {
        assert_eq!(
            text.parse::<Remote>().unwrap_err().problem,
            problem,
            "{text}"
        );
    }
}
