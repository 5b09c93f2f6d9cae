use super::*;

#[test]
fn a_session_starts_with_a_hello() {
    let mut session = Session::new(Options::default(), Instant::now());
    let (_, hello) = Message::decode(&session.poll_output().unwrap()).unwrap();
    assert_eq!(hello, Hello::ours().into());
}
