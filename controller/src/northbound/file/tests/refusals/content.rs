//! Contents that are no document, and files that are none.

use super::*;

#[test]
fn what_is_not_yaml() {
    refuses("hosts: §[a", &["unclosed bracket '['"]);
    refuses(
        "hosts:\n\t§- name: a",
        &["tabs disallowed within this context (block indentation)"],
    );
    refuses("hosts: §*a", &["alias references unknown anchor"]);
    refuses("hosts: &a [§*a]", &["the anchor contains its own alias"]);
    refuses("hosts: !host §[]", &["unsupported tag `!host`"]);
    refuses(
        "hosts: []\n---\n§hosts: []",
        &["a second document begins, expected one"],
    );
}

#[test]
fn what_is_not_utf8() {
    let error = parse(Path::new("n.yaml"), b"hosts:\n- name: \xff\n").unwrap_err();
    assert_eq!(error.to_string(), "n.yaml:2:1: not UTF-8");
}

#[test]
fn an_empty_file() {
    let expected = "missing, expected a mapping with hosts, networks, address_groups, security_groups, ports, trunks, routers, floating_ips and logs";
    for text in ["", "\n", "# nothing\n", "---\n", "null\n"] {
        assert!(
            load(text).unwrap_err().to_string().ends_with(expected),
            "{text:?}"
        );
    }
    assert!(load("networks: []\n").is_ok());
}

#[test]
fn too_many_levels() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let text = format!("hosts: {}§{}\n", "[".repeat(16), nested(500));
    refuses(&text, &["recursion limit exceeded"]);
}

#[test]
fn too_many_repetitions() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, inner) in ('b'..='j').zip('a'..) {
        let aliases = vec![format!("*{inner}"); 10].join(", ");
        text.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    let message = load(&text).unwrap_err().to_string();
    let expected = "larger, or nested more deeply, than a network description may be";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn what_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let error = read(path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: not a regular file", path.display())
    );
    let absent = path.join("absent.yaml");
    let error = read(&absent).unwrap_err();
    let expected = format!(
        "{}: No such file or directory (os error 2)",
        absent.display()
    );
    assert_eq!(error.to_string(), expected);
    let long = path.join("long.yaml");
    File::create(&long).unwrap().set_len(LONGEST + 1).unwrap();
    let error = read(&long).unwrap_err();
    let expected = format!(
        "{}: 134217729 bytes long, expected at most 134217728",
        long.display()
    );
    assert_eq!(error.to_string(), expected);
}
