//! The commands of `examples/ofctl` that need no switch, beside those of `ovs-ofctl`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use openflow::message::ErrorCode;

use crate::examples::example;

/// What a command prints, and whether it succeeds.
fn outcome(command: &mut Command, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn compare(arguments: &[&str], input: &str) {
    let ours = outcome(&mut example("ofctl"), arguments, input);
    let theirs = outcome(&mut Command::new("ovs-ofctl"), arguments, input);
    assert_eq!(ours, theirs, "{arguments:?} {input}");
}

#[test]
fn fields_are_kept_as_far_as_packets_have_them() {
    for fields in [
        "OXM_OF_IN_PORT(00000001), OXM_OF_ETH_TYPE(0800), OXM_OF_IP_PROTO(06)",
        "NXM_OF_IP_TOS(f0)",
        "NXM_OF_VLAN_TCI(0123)",
        "NXM_OF_VLAN_TCI_W(0000/e000)",
        "NXM_NX_COOKIE_W(84200000abcdef01/84200000FFFFFFFF), NXM_NX_REG0(00000001)",
        "NXM_OF_IN_PORT(0001), NXM_OF_IN_PORT(0002)",
        "# a comment",
    ] {
        let input = format!("{fields}\n");
        compare(&["parse-oxm", "OpenFlow13"], &input);
        compare(&["--strict", "parse-oxm", "OpenFlow13"], &input);
    }
}

#[test]
fn actions_are_written_as_they_are_sent() {
    for actions in [
        "0000 0010 00000001 ffff 000000000000",
        "0000 0010 ffffffff ffff 000000000000",
        "0019 0010 8000 0c02 1123 000000000000",
        "ffff 0010 00002320 000e fff8 46 000000",
        "ffff 0010 00002320 7777 000000000000",
        "ffff 0010 00000001 0000 000000000000",
        "0000",
    ] {
        compare(&["parse-actions", "OpenFlow13"], &format!("{actions}\n"));
    }
}

#[test]
fn instructions_lead_to_later_tables() {
    for instructions in [
        "0001 0008 01 000000",
        "5,0001 0008 05 000000",
        "5,0001 0008 06 000000",
        "0004 0018 00000000 0000 0010 00000001 0000 000000000000",
        "ffff 0008 00000001",
    ] {
        compare(
            &["parse-instructions", "OpenFlow13"],
            &format!("{instructions}\n"),
        );
    }
}

#[test]
fn a_flow_says_which_protocols_can_carry_it() {
    for flow in [
        "table=3,tcp,tp_dst=22,actions=resubmit(,4),ct(commit,nat(src=10.0.0.1))",
        "actions=dec_ttl",
        "ip,actions=nat(src=10.0.0.1)",
        "priority=5,cookie=7,in_port=1,vlan_tci=0x1123/0x3fff,actions=mod_vlan_vid:9,normal",
        "table=3,actions=goto_table:3",
    ] {
        compare(&["-O", "OpenFlow13", "parse-flow", flow], "");
    }
}

#[test]
fn errors_have_their_numbers_in_every_version() {
    let known = ErrorCode::NAMED.iter().filter_map(|code| code.name());
    let elsewhere = ["OFPTFFC_TOO_MANY", "OFPFMFC_UNSUPPORTED", "OFPXXFC_NONE"];
    for name in known.chain(elsewhere) {
        compare(&["print-error", name], "");
    }
}
