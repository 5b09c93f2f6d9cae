use super::*;

#[test]
fn a_short_read_says_where_and_how_much_is_missing() {
    let bytes = Bytes::from_static(&[0, 1, 2]);
    let mut input = Reader::new(&bytes);
    assert_eq!(u16::decode(&mut input), Ok(1));
    let error = u32::decode(&mut input)
        .unwrap_err()
        .reading("Example.field");
    assert_eq!(
        error.to_string(),
        "Example.field at byte 2: 3 more bytes needed"
    );
}

#[test]
fn a_length_that_does_not_fit_is_reported_at_the_end() {
    let mut out = Writer::default();
    out.sized(2, 8, |out| out.zeros(70_000));
    assert_eq!(out.finish(), Err(TooLong { length: 70_000 }));
}

#[test]
fn a_stored_length_counts_the_padding_only_when_asked() {
    let mut out = Writer::default();
    out.sized(0, 8, |out| out.zeros(3));
    out.sized_then_padded(0, 8, |out| out.zeros(3));
    assert_eq!(
        *out.finish().unwrap(),
        [0, 8, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn nesting_is_bounded() {
    let bytes = Bytes::from_static(&[0; 8]);
    let mut input = Reader::new(&bytes);
    let error = loop {
        match input.sub(8, "nest") {
            Ok(inner) => input = inner,
            Err(error) => break error,
        }
    };
    assert_eq!(error.problem, Problem::TooDeep);
}

#[test]
fn a_text_is_cut_and_ends_at_its_first_zero() {
    assert_eq!(Text::<4>::new("bridge").to_string(), "bri");
}
