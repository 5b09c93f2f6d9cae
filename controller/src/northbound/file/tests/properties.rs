//! Whatever a file says, the answer is a network or a list of mistakes.

use proptest::prelude::*;

use super::*;

/// Pieces that make texts which look like the format.
fn pieces() -> impl Strategy<Value = String> {
    let keys = "hosts|networks|security_groups|ports|rules|subnets|name|id|network|cidr|project";
    let values = r#"[a-z]{1,3}|10\.0\.0\.[0-9]{1,2}(/24)?|[0-9]{1,5}|"[a-z]*"|~|true|\*a|&a x"#;
    let piece = format!(
        r"(\n {{0,6}}(- )?({keys}): ?({values})?|\{{|\[|, |\}}|\]|<<: \*a|({keys}): |({values}))"
    );
    let piece = proptest::string::string_regex(&piece).unwrap();
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = load(&text);
    }

    #[test]
    fn any_text_of_the_format_is_answered(text in pieces()) {
        if let Err(error) = load(&text) {
            prop_assert!(error.to_string().lines().all(|line| line.starts_with("n.yaml:")));
        }
    }

    #[test]
    fn any_change_of_a_good_file_is_answered(at in 0..3000usize, octet in any::<u8>()) {
        let mut content = include_bytes!("everything.yaml").to_vec();
        let length = content.len();
        content[at % length] = octet;
        let _ = parse(Path::new("n.yaml"), &content);
    }
}
