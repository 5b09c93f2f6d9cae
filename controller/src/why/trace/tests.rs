use openflow::field::REG5;

use super::*;

/// As Open vSwitch 3.1 prints it, shortened.
const PASSES: &str = r#"Flow: tcp,in_port=2,dl_vlan=1,tp_dst=22

bridge("br-int")
----------------
 0. in_port=2, priority 3, cookie 0x6272000000000000
    goto_table:81
81. ct_state=-trk,ip,reg5=0x2b, priority 90, cookie 0x62727571157fbcad
    ct(table=82,zone=NXM_NX_REG6[0..15])
    drop
     -> A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table 82.

Final flow: unchanged
Megaflow: recirc_id=0,eth,tcp,in_port=2
Datapath actions: pop_vlan,ct(zone=1),recirc(0x10)

===============================================================================
recirc(0x10) - resume conntrack with ct_state=new|trk
===============================================================================

Flow: recirc_id=0x10,ct_state=new|trk

bridge("br-int")
----------------
    thaw
        Resuming from table 82
82. ct_state=+new-est,tcp,reg5=0x2b,tp_dst=22, priority 77, cookie 0x62727571157fbcad
    ct(commit,zone=NXM_NX_REG6[0..15])
    output:43
    resubmit(,92)
92. priority 0, cookie 0x6272000000000000
    drop

Final flow: unchanged
Megaflow: recirc_id=0x10,eth,tcp,in_port=2
Datapath actions: ct(commit,zone=1),9
"#;

#[test]
fn each_table_is_a_step_with_its_flow_and_what_it_does() {
    let trace = Trace::read(PASSES);
    let tables: Vec<_> = trace.steps.iter().map(|step| step.table).collect();
    assert_eq!(tables, [0, 81, 82, 92]);
    assert!(trace.sent);
    let rule = &trace.steps[2];
    assert_eq!(rule.bridge, "br-int");
    assert_eq!(rule.outputs().collect::<Vec<_>>(), [43]);
    let flow = rule.matched().unwrap();
    assert_eq!((flow.priority, flow.cookie), (77, 0x6272_7571_157f_bcad));
    assert_eq!(flow.matching.value(REG5), Some(0x2b));
    let miss = trace.steps[3].matched().unwrap();
    assert!(miss.matching.is_empty());
}

#[test]
fn what_only_goes_to_the_connection_tracker_is_not_sent() {
    assert!(!sends("pop_vlan,ct(zone=1),recirc(0x10)"));
    assert!(!sends("drop"));
    assert!(sends("ct(commit,zone=1),9"));
    assert!(sends(
        "ct(commit,zone=1),tnl_push(tnl_port(7),out_port(2)),1"
    ));
    assert!(sends("push_vlan(vid=3,pcp=0),2"));
    // What the agent is shown is not sent; what a branch sends is.
    let shown =
        "sample(sample=100.0%,actions(meter(0),userspace(pid=0,controller(reason=1,id=9))))";
    assert!(!sends(shown));
    let large = format!("check_pkt_len(size=1464,gt({shown}),le(set(ipv4(ttl=63)),");
    assert!(!sends(&format!("{large}ct(zone=1),recirc(0x2)))")));
    assert!(sends(&format!(
        "{large}tnl_push(tnl_port(6),out_port(2)),1))"
    )));
    assert!(sends("clone(push_vlan(vid=3,pcp=0),2),recirc(0x2)"));
}

#[test]
fn who_sends_a_packet_does_not_get_it_back() {
    let back = "bridge(\"br-x\")\n 1. priority 0\n output:43\n >> skipping output to input port\n \
                output:44\n";
    let trace = Trace::read(back);
    assert_eq!(trace.steps[0].outputs().collect::<Vec<_>>(), [44]);
}

#[test]
fn a_table_without_a_flow_is_a_step_too() {
    let trace = Trace::read("bridge(\"br-x\")\n 7. No match.\n    drop\n");
    assert_eq!(trace.steps[0].matched(), None);
    assert_eq!(trace.steps[0].actions, ["drop"]);
}
