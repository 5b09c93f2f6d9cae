use super::*;
use crate::flow::Flow;
use crate::multipart::FlowMonitorRequest;

fn encode(message: &Message) -> Bytes {
    let mut out = Writer::default();
    message.encode(0x0102_0304, &mut out);
    out.finish().unwrap().freeze()
}

fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
    Message::decode(&Bytes::copy_from_slice(bytes)).map(|(_, message)| message)
}

/// `bytes`, cut to `length`, with a length in the header that says so.
fn cut(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = bytes[..length].to_vec();
    if let Some(field) = bytes.get_mut(2..4) {
        field.copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    }
    bytes
}

#[test]
fn every_message_survives_a_round_trip() {
    for message in Message::samples() {
        let bytes = encode(&message);
        assert_eq!(
            Message::decode(&bytes),
            Ok((0x0102_0304, message.clone())),
            "{message:?}"
        );
    }
}

#[test]
fn what_decodes_of_a_truncated_message_survives_a_second_trip() {
    for message in Message::samples() {
        let bytes = encode(&message);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{message:?}");
            // Lists and payloads may end early; then they are what they then are.
            if let Ok(shorter) = decode(&cut(&bytes, length)) {
                assert_ne!(shorter, message, "cut to {length} bytes");
                assert_eq!(decode(&encode(&shorter)), Ok(shorter));
            }
        }
    }
}

#[test]
fn a_message_without_lists_cannot_be_truncated() {
    for message in [
        Message::FeaturesReply(Sample::sample()),
        Message::SetConfig(Sample::sample()),
        Message::RoleRequest(Sample::sample()),
        Message::PortStatus(Sample::sample()),
        Message::BundleControl(Sample::sample()),
        Message::FlowRemoved(Sample::sample()),
    ] {
        let bytes = encode(&message);
        for length in 0..bytes.len() {
            assert!(decode(&cut(&bytes, length)).is_err(), "{message:?}");
        }
    }
}

#[test]
fn what_decodes_of_a_changed_message_survives_a_second_trip() {
    for message in Message::samples() {
        let bytes = encode(&message);
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                let Ok(message) = decode(&changed) else {
                    continue;
                };
                assert_eq!(
                    decode(&encode(&message)),
                    Ok(message.clone()),
                    "byte {at} of {message:?}"
                );
            }
        }
    }
}

#[test]
fn an_unknown_message_is_kept_as_it_is() {
    for bytes in [
        [4, 99, 0, 12, 0, 0, 0, 1, 1, 2, 3, 4].as_slice(),
        // Of an experimenter that nobody knows, and one of Nicira's that is not declared.
        &[4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 8],
        &[4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0x23, 0x20, 0, 0, 0, 99],
    ] {
        let message = decode(bytes).unwrap();
        assert!(matches!(message, Message::Unknown(_)), "{message:?}");
        let mut out = Writer::default();
        message.encode(1, &mut out);
        assert_eq!(*out.finish().unwrap(), *bytes);
    }
}

#[test]
fn only_greetings_and_errors_may_be_of_another_version() {
    assert!(decode(&[6, 0, 0, 8, 0, 0, 0, 1]).is_ok());
    assert!(decode(&[1, 1, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0]).is_ok());
    let error = decode(&[5, 20, 0, 8, 0, 0, 0, 1]).unwrap_err();
    assert_eq!(ErrorCode::from(&error), ErrorCode::OFPBRC_BAD_VERSION);
}

#[test]
fn a_greeting_without_a_bitmap_offers_all_versions_up_to_its_own() {
    let frame = [3, 0, 0, 8, 0, 0, 0, 1];
    let Ok(Message::Hello(hello)) = decode(&frame) else {
        panic!("a greeting");
    };
    let header = Header::peek(&frame);
    assert_eq!(hello.offered(header), "0x01, 0x02, 0x03");
    assert!(!hello.speaks_1_3(header));
    assert!(Hello::ours().speaks_1_3(header));
}

#[test]
fn bundles_nest_only_so_deep() {
    let mut message = Message::BarrierRequest;
    for _ in 0..70 {
        message = BundleAdd {
            id: 1,
            flags: BundleFlags::ATOMIC,
            xid: 1,
            message: Box::new(message),
        }
        .into();
    }
    assert_eq!(
        decode(&encode(&message)).unwrap_err().problem,
        Problem::TooDeep
    );
}

#[test]
fn a_message_that_is_too_long_is_not_written() {
    let mut out = Writer::default();
    let data = Bytes::from(vec![0; 70_000]);
    Message::EchoRequest(Echo { data }).encode(1, &mut out);
    assert!(out.finish().is_err());
}

/// A flow mod with these fields in its match and these instructions.
fn flow_mod(fields: &[u8], instructions: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&FlowMod::add(&Flow::default()).into())[..48].to_vec();
    bytes.extend([0, 1, 0, u8::try_from(4 + fields.len()).unwrap()]);
    bytes.extend(fields);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(instructions);
    cut(&bytes, bytes.len())
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let ip = [0x80, 0, 0x0a, 2, 8, 0];
    let monitor = MultipartRequest::flow_monitor(FlowMonitorRequest::all(1));
    let monitor = encode(&monitor.into());
    let changed = |bytes: &[u8], place: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[place] = value;
        bytes
    };
    let longer = |bytes: &[u8]| cut(&[bytes, &[0; 8]].concat(), bytes.len() + 8);
    let apply = [0, 4, 0, 24, 0, 0, 0, 0];
    let output = [0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let drop = flow_mod(&[], &[]);
    let barrier = encode(&Message::BarrierRequest);
    let hello = [0, 4, 0, 0, 0, 0, 0, 0];
    let set_tunnel = [0, 0x19, 0, 24, 0x80, 0, 0x4c, 8, 0, 0, 0, 0, 0, 0, 0, 7, 1];
    let set_tunnel = [&apply[..2], &[0, 32, 0, 0, 0, 0], &set_tunnel, &[0; 7]].concat();
    #[rustfmt::skip]
    let cases = [
        (cut(&drop, 50), "Match.length at byte 50: 2 more bytes needed"),
        (longer(&barrier), "OFPT_BARRIER_REQUEST at byte 8: 8 bytes left over"),
        (changed(&barrier, 3, 7), "Header.length at byte 0: length 7 is not allowed here"),
        (changed(&barrier, 3, 9), "Message at byte 8: 1 more bytes needed"),
        (changed(&drop, 51, 3), "Match.length at byte 52: length 3 is not allowed here"),
        (flow_mod(&[ip, ip].concat(), &[]), "Match.eth_type at byte 58: eth_type is given twice"),
        (flow_mod(&[0x80, 0, 0x16, 4, 10, 0, 0, 1], &[]), "Match.ip_src at byte 52: ip_src needs a match on its protocol"),
        (flow_mod(&[0x80, 0, 0x0b, 4, 8, 0, 0xff, 0], &[]), "Match.eth_type at byte 52: eth_type cannot be masked"),
        (flow_mod(&[0x80, 0, 0x0a, 1, 8], &[]), "Match.eth_type at byte 52: length 1 is not allowed here"),
        (flow_mod(&[], &[0, 4, 0, 7, 0, 0, 0, 0]), "Instruction at byte 56: length 7 is not allowed here"),
        (flow_mod(&[], &[hello, hello].concat()), "Instruction at byte 56: length 0 is not allowed here"),
        (flow_mod(&[], &[apply, [0; 8], [0; 8]].concat()), "Action.length at byte 64: length 0 is not allowed here"),
        (flow_mod(&[], &[&apply[..], &output, &apply, &output].concat()), "Instruction at byte 80: code 0x4 stands twice"),
        (flow_mod(&[], &set_tunnel), "SetField.padding at byte 80: padding is not zero"),
        (changed(&monitor, 37, 1), "FlowMonitorRequest.zeros at byte 37: padding is not zero"),
    ];
    let told = cases
        .iter()
        .map(|(bytes, _)| decode(bytes).unwrap_err().to_string());
    let expected: Vec<&str> = cases.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn an_error_says_where_the_bytes_are_wrong() {
    let mut bytes = encode(&FlowMod::sample().into());
    bytes = Bytes::from(cut(&bytes, 30));
    assert_eq!(
        Message::decode(&bytes).unwrap_err().to_string(),
        "FlowMod.priority at byte 30: 2 more bytes needed"
    );
}
