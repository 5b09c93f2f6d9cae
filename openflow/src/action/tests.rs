use bytes::Bytes;

use super::*;
use crate::field::*;

fn encode(value: &impl Wire) -> Bytes {
    let mut out = Writer::default();
    value.encode(&mut out);
    out.finish().unwrap().freeze()
}

fn decode(bytes: &[u8]) -> Result<Action, DecodeError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut input = Reader::new(&bytes);
    let action = Action::decode(&mut input)?;
    input.finish("test")?;
    Ok(action)
}

#[test]
fn every_action_survives_a_round_trip() {
    for action in Action::samples() {
        let bytes = encode(&action);
        assert_eq!(bytes.len() % 8, 0, "{action}");
        assert_eq!(decode(&bytes), Ok(action));
    }
}

#[test]
fn every_truncation_is_an_error() {
    for action in Action::samples() {
        let bytes = encode(&action);
        for length in 0..bytes.len() {
            assert!(
                decode(&bytes[..length]).is_err(),
                "{action} cut to {length} bytes"
            );
        }
    }
}

#[test]
fn what_decodes_of_a_changed_action_survives_a_second_trip() {
    for action in Action::samples() {
        let bytes = encode(&action);
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                let Ok(action) = decode(&changed) else {
                    continue;
                };
                assert_eq!(decode(&encode(&action)), Ok(action.clone()), "{action}");
            }
        }
    }
}

#[test]
fn an_unknown_action_is_kept_as_it_is() {
    for bytes in [
        [0x00, 0x63, 0, 8, 1, 2, 3, 4].as_slice(),
        &[0xff, 0xff, 0, 16, 0, 0, 0, 1, 9, 8, 7, 6, 5, 4, 3, 2],
        &[0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20, 9, 8, 7, 6, 5, 4, 3, 2],
    ] {
        let action = decode(bytes).unwrap();
        assert!(matches!(action, Action::Unknown(_)), "{action}");
        assert_eq!(encode(&action), bytes);
    }
}

#[test]
fn an_error_says_where_the_bytes_are_wrong() {
    let error = decode(&[0, 0, 0, 16, 0, 0]).unwrap_err();
    assert_eq!(error.to_string(), "Action at byte 4: 10 more bytes needed");
    let error = decode(&[0, 0, 0, 7, 0, 0, 0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Action.length at byte 0: length 7 is not allowed here"
    );
    let error = decode(&[0, 0, 0, 8, 0, 0, 0, 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Output.max_len at byte 8: 2 more bytes needed"
    );
}

#[test]
fn actions_nest_only_so_deep() {
    let mut action: Action = CtClear.into();
    for _ in 0..70 {
        let actions = vec![action];
        action = CloneActions { actions }.into();
    }
    assert_eq!(
        decode(&encode(&action)).unwrap_err().problem,
        Problem::TooDeep
    );
}

fn decode_tolerant(bytes: &[u8]) -> Result<Action, DecodeError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut input = Reader::tolerant(&bytes);
    let action = Action::decode(&mut input)?;
    input.finish("test")?;
    Ok(action)
}

#[test]
fn a_tolerant_reader_keeps_an_action_that_it_does_not_understand() {
    let mut bytes = encode(&Action::from(RegLoad::new(REG0.whole(), 1)));
    let mut changed = bytes.to_vec();
    // A register of a later version.
    changed[12..16].copy_from_slice(&0x0001_fc04_u32.to_be_bytes());
    bytes = changed.into();
    assert!(decode(&bytes).is_err());
    let action = decode_tolerant(&bytes).unwrap();
    assert!(matches!(action, Action::Unknown(_)), "{action}");
    assert_eq!(encode(&action), bytes);

    // Within another action, the other is still understood.
    let clone = CloneActions {
        actions: vec![action, Output::to(PortNo(1)).into()],
    };
    let bytes = encode(&Action::from(clone.clone()));
    assert!(decode(&bytes).is_err());
    assert_eq!(decode_tolerant(&bytes), Ok(clone.into()));
}

#[test]
fn what_a_tolerant_reader_takes_of_a_changed_action_survives_a_second_trip() {
    for action in Action::samples() {
        let bytes = encode(&action);
        assert_eq!(decode_tolerant(&bytes), Ok(action.clone()));
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                if let Ok(action) = decode_tolerant(&changed) {
                    assert_eq!(
                        decode_tolerant(&encode(&action)),
                        Ok(action.clone()),
                        "{action}"
                    );
                } else {
                    assert!((2..4).contains(&at), "byte {at} of {action:?}");
                }
            }
        }
    }
}

#[test]
fn loads_into_fields_that_are_matched_exactly_are_understood() {
    let load = RegLoad::new(IN_PORT.whole(), 1);
    let text = "load:0x1->OXM_OF_IN_PORT[]";
    let of_nsh = |mask| RegLoad2::new(NSH_SPI, 1, mask);
    for (action, text) in [
        (Action::from(load), text),
        (of_nsh(0xff_ffff).into(), "set_field:0x1/0xffffff->nsh_spi"),
        (of_nsh(3).into(), "set_field:0x1/0x3->nsh_spi"),
        (
            RegLoad2::new(NSH_SI, 1, 3).into(),
            "set_field:1/0x3->nsh_si",
        ),
        (
            RegLoad2::new(NSH_TTL, 64, 0x7f).into(),
            "set_field:64/0x7f->nsh_ttl",
        ),
    ] {
        assert_eq!(action.to_string(), text);
        assert_eq!(decode(&encode(&action)), Ok(action));
    }
}
