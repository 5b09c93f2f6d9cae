//! What is read, printed and read again is the same: values that print alike are equal.

use openflow::field::*;
use openflow::flow::Flow;
use openflow::matching::Match;
use openflow::samples;
use openflow::text::Parser;
use proptest::prelude::*;
use proptest::sample::Index;

/// Reads a flow as `ovs-ofctl` does.
fn read(text: &str) -> Result<Flow, String> {
    let parser = Parser::default().lenient();
    parser
        .flow(text)
        .map_err(|error| format!("{text}: {error}"))
}

/// Reads a flow, and what is printed for it.
fn read_twice(text: &str) -> (Flow, Flow) {
    let once = read(text).expect("a flow");
    let again = read(&once.to_string()).expect("what was printed is read");
    (once, again)
}

#[test]
fn texts_that_say_the_same_in_several_ways_become_one_value() {
    for text in [
        "actions=enqueue:123:456",
        "actions=enqueue:IN_PORT:4",
        "ip,actions=ct(commit,nat(dst=1.2.3.4:10000-10000))",
        "ip,actions=ct(commit,nat(dst=1.2.3.4-1.2.3.4))",
        "ip,actions=ct(commit,nat(src=0.0.0.0))",
        "ipv6,actions=ct(commit,nat(dst=fe80::1-fe80::1))",
        "ipv6,actions=ct(commit,nat(dst=[fe80::1]:7-7))",
        "tun_gbp_flags=0/0x1,actions=drop",
        "tun_gbp_flags=0x8/0x18,actions=drop",
        "tun_gbp_flags=0x8,actions=drop",
        "tun_metadata1=0xef/0xff,actions=drop",
        "tun_metadata1=0xef,actions=drop",
        "tun_metadata1,actions=drop",
        "actions=load:0x5->tun_metadata1",
        "actions=load:0x5->tun_metadata1[0..7]",
        "actions=set_field:5->tun_metadata1",
        "actions=set_field:5/0xff->tun_metadata1",
        "dl_type=0x894f,actions=load:5->nsh_si",
        "dl_type=0x894f,actions=load:5->nsh_spi",
        "dl_type=0x894f,actions=load:5->nsh_c1",
        "ct_tp_src=5,actions=drop",
        "ct_state=+trk,ip,ct_tp_src=5/0xff,actions=drop",
        "ct_state=+trk,ip,ct_nw_proto=6,ct_tp_src=5,ct_tp_dst=7,actions=drop",
        "tun_erspan_idx=5/0xf,actions=drop",
        "tun_erspan_ver=2,tun_erspan_idx=5,tun_erspan_dir=1,actions=drop",
        "tun_erspan_ver=1,tun_erspan_dir=1,tun_erspan_hwid=3,actions=drop",
        "dl_type=0x894f,nsh_c1=5,nsh_c4=0x10/0x30,actions=drop",
        "dl_type=0x894f,nsh_mdtype=2,nsh_c2=5,actions=drop",
        "eth,actions=drop",
        "dl_vlan_pcp=5,actions=drop",
        "vlan_tci=0x2000/0x2000,actions=drop",
        "vlan_tci=0x3000/0xf000,actions=drop",
        "packet_type=(1,0x800),ip_src=1.2.3.4,actions=drop",
        "ip,actions=learn(table=1,eth_type=0x800,nw_src=nw_dst,load:0x105->reg0,output:in_port)",
        "actions=controller(max_len=65535)",
        "actions=resubmit:5",
        "actions=output(port=5,max_len=100)",
        "actions=sample(probability=1,sampling_port=65535)",
        "actions=push_vlan:0x8100,set_field:0x1005->vlan_vid",
        "actions=mod_vlan_vid:5,mod_vlan_pcp:3",
    ] {
        let (once, again) = read_twice(text);
        assert_eq!(once, again, "{text}: {once}");
    }
}

#[test]
fn what_ovs_ofctl_sends_is_printed_as_the_same_value() {
    let golden = include_str!("../golden/flows.txt");
    let flows: Vec<&str> = golden
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    assert!(flows.len() > 3);
    for flow in flows {
        let (once, again) = read_twice(flow);
        assert_eq!(once, again, "{flow}");
    }
}

#[test]
fn every_match_is_read_as_it_is_printed() {
    let newer = samples::newer_matches();
    for matching in samples::matches().into_iter().chain(newer) {
        assert_eq!(matching.to_string().parse().as_ref(), Ok(&matching));
    }
}

/// A condition to be: which field, and the bits of its value and mask.
type Draft = (Index, u128, Option<u128>);

/// A match on what the first draft needs, and on as many of the others as go with that.
fn build((first, drafts): (Index, Vec<Draft>)) -> Match {
    let mut matching = samples::with_needs(*first.get(ALL));
    for (index, value, mask) in drafts {
        let field = *index.get(ALL);
        if matching.condition(field).is_some() || !matching.meets(field) || decides(field) {
            continue;
        }
        let size = if field.is_variable() { 8 } else { field.size() };
        let bytes = |of: u128| -> Vec<u8> {
            let bytes = of.to_be_bytes();
            bytes.get(16 - size..).unwrap_or_default().to_vec()
        };
        let value = bytes(value & field.allowed());
        let mask = mask.filter(|_| field.is_maskable()).map(bytes);
        matching.set(field, &value, mask.as_deref());
    }
    while let Some(field) = matching.unmet() {
        matching.remove(field);
    }
    // Without a protocol, a switch forgets the ports.
    if matching.value(CT_NW_PROTO).unwrap_or_default() == IpProto::default() {
        matching.remove(CT_TP_SRC.id());
        matching.remove(CT_TP_DST.id());
    }
    matching
}

/// Whether other fields need this one, so that only what needs it sets it, or few values are
/// allowed.
fn decides(field: FieldId) -> bool {
    [
        PACKET_TYPE.id(),
        ETH_TYPE.id(),
        IP_PROTO.id(),
        IP_FRAG.id(),
        ICMPV6_TYPE.id(),
        VLAN_VID.id(),
        VLAN_TCI.id(),
        CT_STATE.id(),
        NSH_MDTYPE.id(),
        NSH_TTL.id(),
        IN_PORT.id(),
        ACTSET_OUTPUT.id(),
    ]
    .contains(&field)
}

fn matches() -> impl Strategy<Value = Match> {
    let draft = (any::<Index>(), any::<u128>(), any::<Option<u128>>());
    (any::<Index>(), prop::collection::vec(draft, 0..12)).prop_map(build)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_matches_are_read_as_they_are_printed(matching in matches()) {
        prop_assert_eq!(matching.to_string().parse(), Ok(matching));
    }
}
