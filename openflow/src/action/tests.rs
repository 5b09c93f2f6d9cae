use bytes::Bytes;

use super::*;

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
