use bytes::Bytes;
use std::net::Ipv4Addr;

use super::*;

fn decode(bytes: &[u8]) -> Result<Match, DecodeError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut input = Reader::new(&bytes);
    Match::decode_fields(&mut input, Strictness::Strict)
}

fn tcp() -> Match {
    Match::default()
        .with(ETH_TYPE, EthType::IPV4)
        .with(IP_PROTO, IpProto::TCP)
}

#[test]
fn the_order_in_which_conditions_are_added_does_not_matter() {
    let one = tcp()
        .with(TCP_DST, 22)
        .with(IN_PORT, PortNo(1))
        .with(REG0, 5);
    let other = Match::default()
        .with(REG0, 5)
        .with(TCP_DST, 22)
        .with(IP_PROTO, IpProto::TCP)
        .with(IN_PORT, PortNo(1))
        .with(ETH_TYPE, EthType::IPV4);
    assert_eq!(one, other);
    assert_eq!(one.unmet(), None);
    assert_eq!(one.to_string(), "tcp,reg0=0x5,in_port=1,tp_dst=22");
}

#[test]
fn a_condition_replaces_one_on_the_same_field() {
    assert_eq!(
        tcp().with(REG1, 1).masked(REG1, 2, 3),
        tcp().masked(REG1, 2, 3)
    );
    assert_eq!(tcp().with(REG1, 1).masked(REG1, 2, 0), tcp());
}

#[test]
fn masked_values_are_masked_and_full_masks_dropped() {
    assert_eq!(
        tcp().masked(REG1, 0xff, 0xf0),
        tcp().masked(REG1, 0xf0, 0xf0)
    );
    assert_eq!(tcp().masked(REG1, 0xff, u32::MAX), tcp().with(REG1, 0xff));
    let all = CtState::all();
    assert_eq!(
        tcp().masked(CT_STATE, CtState::EST, all),
        tcp().with(CT_STATE, CtState::EST)
    );
}

#[test]
fn views_become_what_they_are_views_of() {
    let wide = Match::default().with(XREG1, 0x0000_0001_0000_0002);
    assert_eq!(wide, Match::default().with(REG2, 1).with(REG3, 2));
    let wider = Match::default().masked(XXREG1, 7, 0xff);
    assert_eq!(wider, Match::default().masked(REG7, 7, 0xff));
    let tag = Match::default().masked(VLAN_TCI, 0x1005, 0x1fff);
    assert_eq!(tag, Match::default().with(VLAN_VID, VlanVid::tagged(5)));
    let whole = Match::default().with(VLAN_TCI, 0x7005);
    assert_eq!(whole.to_string(), "dl_vlan=5,dl_vlan_pcp=3");
    assert_eq!(
        Match::default().with(VLAN_TCI, 0).to_string(),
        "vlan_tci=0x0000/0x1fff"
    );
    let port = Match::default().with(IN_PORT_16, 0xfffe);
    assert_eq!(port, Match::default().with(IN_PORT, PortNo::LOCAL));
}

#[test]
fn registers_of_a_later_ovs_are_known_by_name_and_code() {
    let register = Match::default().masked(REG16, 0x20, 0xf0);
    let code = [0xff, 0xff, 17 << 1 | 1, 12, 0, 0, 0x23, 0x20];
    assert_eq!(register.as_bytes()[..8], code);
    assert_eq!(register.to_string(), "reg16=0x20/0xf0");
    let wide = Match::default().with(XREG15, 0x0000_0001_0000_0002);
    assert_eq!(wide, Match::default().with(REG30, 1).with(REG31, 2));
    let wider = Match::default().masked(XXREG4, 7, 0xff);
    assert_eq!(wider, Match::default().masked(REG19, 7, 0xff));
    for matching in crate::samples::newer_matches() {
        assert_eq!(decode(matching.as_bytes()).as_ref(), Ok(&matching));
        assert_eq!(matching.to_string().parse().as_ref(), Ok(&matching));
    }
    for text in [
        "xreg8=0x100000002",
        "xxreg7=0x1000000020000000300000004/0xf000000020000000300000004",
    ] {
        let matching: Match = text.parse().unwrap();
        assert_eq!(matching.to_string().parse(), Ok(matching));
    }
}

#[test]
fn nxm_and_oxm_headers_read_as_the_same_match() {
    let nxm = decode(&[0, 0, 0x06, 2, 8, 0, 0, 0, 0x0e, 4, 10, 0, 0, 1]).unwrap();
    let oxm = Match::default()
        .with(ETH_TYPE, EthType::IPV4)
        .with(IPV4_SRC, Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(nxm, oxm);
    assert_eq!(decode(oxm.as_bytes()), Ok(oxm));
}

#[test]
fn unknown_fields_survive_in_any_order() {
    let unknown = [0xff, 0xff, 0x02, 6, 0, 0, 0, 9, 1, 2];
    let register = [0, 1, 0, 4, 0, 0, 0, 5];
    let one = decode(&[&unknown[..], &register[..]].concat()).unwrap();
    let other = decode(&[&register[..], &unknown[..]].concat()).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.as_bytes(), [&register[..], &unknown[..]].concat());
    let added = one.with(REG1, 1);
    assert_eq!(added.value(REG1), Some(1));
    assert_eq!(decode(added.as_bytes()), Ok(added));
    assert!(decode(&[&unknown[..], &unknown[..]].concat()).is_err());
    let half_masked = [0x84, 0x80, 0x01, 3, 1, 2, 3];
    assert_eq!(
        decode(&half_masked).unwrap_err().to_string(),
        "Match.fields at byte 0: length 3 is not allowed here"
    );
}

#[test]
fn what_a_switch_would_refuse_is_refused() {
    let refused = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    let ip = [0x80, 0, 0x0a, 2, 8, 0];
    assert_eq!(
        refused(&[0x80, 0, 0x16, 4, 10, 0, 0, 1]),
        "Match.ip_src at byte 0: ip_src needs a match on its protocol"
    );
    assert_eq!(
        refused(&[ip, ip].concat()),
        "Match.eth_type at byte 6: eth_type is given twice"
    );
    assert_eq!(
        refused(&[0x80, 0, 0x0b, 4, 8, 0, 0xff, 0]),
        "Match.eth_type at byte 0: eth_type cannot be masked"
    );
    assert_eq!(
        refused(&[0, 1, 1, 8, 0, 0, 0, 9, 0, 0, 0, 8]),
        "Match.reg0 at byte 0: reg0 has bits outside its mask"
    );
    assert_eq!(
        refused(&[0, 1, 0, 3, 0, 0, 0]),
        "Match.reg0 at byte 0: length 3 is not allowed here"
    );
    assert_eq!(
        refused(&[0, 1, 0, 4, 0]),
        "Match.reg0 at byte 4: 3 more bytes needed"
    );
    assert_eq!(
        refused(&[0x80, 0, 0x0c, 2, 0xf0, 0]),
        "Match.vlan_vid at byte 0: value 0xf000 is not allowed here"
    );
}

#[test]
fn an_unknown_field_is_to_blame_for_what_follows_it() {
    // The second field needs a first that is not what it should be.
    let fields = [0x80, 0, 0x4a, 2, 8, 0, 0x80, 0, 0x14, 1, 6];
    assert_eq!(
        decode(&fields).unwrap_err().to_string(),
        "Match.fields at byte 0: code 0x25 is not known"
    );
    let alone = decode(&fields[6..]).unwrap_err().to_string();
    assert_eq!(
        alone,
        "Match.nw_proto at byte 0: nw_proto needs a match on its protocol"
    );
    let bytes = Bytes::copy_from_slice(&fields);
    let loose = Match::decode_fields(&mut Reader::new(&bytes), Strictness::Loose);
    assert_eq!(loose.unwrap().value(IP_PROTO), Some(IpProto::TCP));
}

#[test]
fn a_field_cannot_take_from_an_earlier_one_what_that_needs() {
    let ip = [0x80, 0, 0x0a, 2, 8, 0];
    let not_ethernet = [0x80, 0, 0x58, 4, 0, 1, 8, 6];
    let error = decode(&[&ip[..], &not_ethernet[..]].concat()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Match.eth_type at byte 14: eth_type needs a match on its protocol"
    );
}

#[test]
fn a_loose_match_needs_no_prerequisites() {
    let bytes = Bytes::from_static(&[0x80, 0, 0x16, 4, 10, 0, 0, 1]);
    let matching = Match::decode_fields(&mut Reader::new(&bytes), Strictness::Loose).unwrap();
    assert_eq!(matching.unmet(), Some(IPV4_SRC.id()));
}

#[test]
fn the_value_of_some_tunnel_fields_is_their_mask() {
    let version = Match::default().with(TUN_ERSPAN_VER, 2);
    assert_eq!(version, Match::default().masked(TUN_ERSPAN_VER, 2, 2));
    assert_eq!(Match::default().with(TUN_GTPU_FLAGS, 0), Match::default());
}

#[test]
fn an_option_of_a_tunnel_has_no_leading_zeros_and_may_have_no_bytes_at_all() {
    type Case = (
        &'static [u8],
        Option<&'static [u8]>,
        &'static str,
        &'static [u8],
    );
    let cases: [Case; 6] = [
        (
            &[0, 0xab, 0xcd],
            None,
            "tun_metadata0=0xabcd",
            &[0x50, 2, 0xab, 0xcd],
        ),
        (&[0], None, "tun_metadata0=0", &[0x50, 0]),
        (&[0], Some(&[0]), "tun_metadata0", &[0x51, 0]),
        (
            &[0, 0xef],
            Some(&[0, 0xff]),
            "tun_metadata0=0xef/0xff",
            &[0x51, 2, 0xef, 0xff],
        ),
        (
            &[0x11, 0xef],
            Some(&[0, 0xfe]),
            "tun_metadata0=0xee/0xfe",
            &[0x51, 2, 0xee, 0xfe],
        ),
        (&[1; 124], Some(&[0xff; 124]), "", &[0x50, 124]),
    ];
    for (value, mask, text, bytes) in cases {
        let mut matching = Match::default();
        matching.set(TUN_METADATA0.id(), value, mask);
        assert!(matching.as_bytes()[2..].starts_with(bytes), "{matching}");
        assert!(
            text.is_empty() || matching.to_string() == text,
            "{matching}"
        );
        let mut out = Writer::default();
        matching.encode(&mut out);
        let bytes = out.finish().unwrap().freeze();
        assert_eq!(Match::decode(&mut Reader::new(&bytes)), Ok(matching));
    }
}

#[test]
fn a_field_that_is_its_own_mask_keeps_what_both_have() {
    let mut matching = Match::default();
    matching.set(TUN_ERSPAN_HWID.id(), &[0xf], Some(&[1]));
    assert_eq!(matching.as_bytes()[8..], [1, 1]);
    matching.set(TUN_GTPU_MSGTYPE.id(), &[0xff], None);
    assert!(
        matching
            .as_bytes()
            .ends_with(&[0x20, 5, 0, 0, 0x23, 0x20, 0xff])
    );
}

#[test]
fn a_tolerant_reader_keeps_a_condition_that_it_does_not_understand() {
    // A bit of the state of connections that no version has yet.
    let mut bytes = tcp().with(CT_STATE, CtState::EST).as_bytes().to_vec();
    let state = bytes.windows(2).position(|pair| pair == [0x00, 0x01]);
    let state = state.unwrap();
    bytes[state + 5] |= 0x80;
    bytes[state + 9] |= 0x80;
    assert!(decode(&bytes).is_err());
    let wire = Bytes::copy_from_slice(&bytes);
    let matching = Match::decode_fields(&mut Reader::tolerant(&wire), Strictness::Strict).unwrap();
    assert_eq!(matching.value(IP_PROTO), Some(IpProto::TCP));
    assert_ne!(matching, tcp());
    assert_eq!(matching.as_bytes().len(), bytes.len());
    assert!(!matching.to_string().is_empty());
}

#[test]
fn whatever_a_tolerant_reader_takes_can_be_printed_and_changed() {
    let newer = crate::samples::newer_matches();
    for matching in crate::samples::matches().into_iter().chain(newer) {
        let bytes = matching.as_bytes();
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                let changed = Bytes::from(changed);
                let mut input = Reader::tolerant(&changed);
                let Ok(read) = Match::decode_fields(&mut input, Strictness::Strict) else {
                    continue;
                };
                drop(read.to_string());
                assert_eq!(read.clone().with(REG0, 7).value(REG0), Some(7), "{read}");
            }
        }
    }
}
