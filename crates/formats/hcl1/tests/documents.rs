//! What is read, and what is refused.

use hcl1::{Kind, Limits, parse, parse_within};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn values_are_what_they_are_written_as() {
    for (text, expected) in [
        (r#"a = "x\t\"\u00e9\x41\101""#, json!("x\t\"éAA")),
        (r#"a = "${x("y")} \n""#, json!("${x(\"y\")} \n")),
        ("a = 0x1F", json!(31)),
        ("a = -017", json!(-15)),
        ("a = 1.5e3", json!(1500.0)),
        ("a = true", json!(true)),
        ("a = <<X\n one\ntwo\nX\n", json!(" one\ntwo\n")),
        ("a = <<-X\n    one\n      two\n    X\n", json!("one\n  two\n")),
        ("a = <<-X\n  one\n    two\n    X\n", json!("  one\n    two\n")),
        ("a = [1, \"b\", [2],]", json!([1, "b", [2]])),
        ("a = [{ b = 1 }]", json!([{"b": 1}])),
        ("# c\na = /* d */ 1 // e\n", json!(1)),
        ("a = 1\r\nb = 2\r\n", json!(1)),
        (r#"{"a": "\ud83d\ude00\/"}"#, json!("😀/")),
        (r#"{"a": [true, 1.5, null]}"#, json!([true, 1.5, ""])),
    ] {
        let document = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(document.body().any("A").unwrap(), Some(expected), "{text}");
    }
}

#[test]
fn json_has_blocks_as_hcl_has() {
    let hcl = parse("path \"a\" { capabilities = [\"read\"] }\npath \"b\" { x = 1 }").unwrap();
    let json = parse(r#"{"path": {"a": {"capabilities": ["read"]}, "b": {"x": 1}}}"#).unwrap();
    let list = parse(r#"{"path": [{"a": {"capabilities": ["read"]}}, {"b": {"x": 1}}]}"#).unwrap();
    for document in [hcl, json, list] {
        let body = document.body();
        let blocks = body.blocks("path").unwrap();
        let labels: Vec<_> = blocks.iter().map(|block| block.labels.clone()).collect();
        assert_eq!(labels, [["a"], ["b"]]);
        assert_eq!(blocks[0].body.texts("capabilities").unwrap(), Some(vec!["read".to_owned()]));
        assert_eq!(blocks[1].body.integer("x").unwrap(), Some(1));
    }
}

#[test]
fn fields_come_together_as_the_peer_has_it() {
    let document = parse("l = [\"a\"]\nL = [\"b\"]\nn = 1\nn = \"2\"\nm { x = [1] }\nm { x = [2], y = [] }\n").unwrap();
    let body = document.body();
    assert_eq!(body.texts("l").unwrap(), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(body.integer("n").unwrap(), Some(2));
    assert_eq!(body.text("n").unwrap().as_deref(), Some("2"));
    assert_eq!(json!(body.lists("m").unwrap()), json!({"x": [1, 2], "y": []}));
    assert_eq!(body.any("none").unwrap(), None);
}

#[test]
fn errors_have_their_place() {
    for (text, expected) in [
        ("a = ]", "At 1:5: Unknown token: 1:5 RBRACK ]"),
        ("a {\n  b = 1\n", "At 3:2: object expected closing RBRACE got: EOF"),
        ("a = \"x", "At 1:7: literal not terminated"),
        ("a = \"\\q\"", "At 1:7: illegal char escape"),
        ("a = [1 2]", "At 1:8: error parsing list, expected comma or list end, got: NUMBER"),
        ("a = [{ b = ; }]", "At 1:12: illegal char"),
        (
            "a = [{ b }]",
            "At 1:6: error while trying to parse object within list: At 1:10: key 'b' expected start of object ('{') or assignment ('=')",
        ),
        ("a b = 1", "At 1:5: nested object expected: LBRACE got: ASSIGN"),
        ("= 1", "At 1:1: no object keys found!"),
        ("a = 089", "At 1:7: illegal octal number"),
        ("a = <<X\nb", "At 2:2: heredoc not terminated"),
        ("/* a", "At 1:5: comment not terminated"),
        ("a = 1 ;", "At 1:7: illegal char"),
        ("{\"a\": 1} x", "At 1:10: expected the end, found 'x'"),
        ("{\"a\" 1}", "At 1:6: expected ':', found '1'"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    let document = parse("a = [\"x\", true]").unwrap();
    assert_eq!(
        document.body().texts("a").unwrap_err().to_string(),
        "At 1:11: root.a[1]: unknown type for string *ast.LiteralType"
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = |open: &str, close: &str| format!("a = {}{}", open.repeat(65), close.repeat(65));
    let long = format!("{{\"{}\": {{{}}}}}", "k".repeat(100_000), vec!["\"a\": {}"; 1000].join(","));
    for (text, expected) in [
        (deep("[", "]"), "nested deeper than 64"),
        (deep("{ a = ", "}"), "nested deeper than 64"),
        (format!("{{\"a\": {}", "[".repeat(100_000)), "nested deeper than 64"),
        (format!("a = [{}]", "1,".repeat(100_001)), "more than 100000 items"),
        ("a ".repeat(100_001), "more than 100000 items"),
        (long, "too many objects below long keys"),
        (" ".repeat((1 << 20) + 1), "text of more than 1048576 bytes"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let limits = Limits { depth: 1, ..Limits::default() };
    assert!(parse_within("a = [1]", limits).is_ok() && parse_within("a = [[1]]", limits).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in r#"[a-c"{}\[\],=<>\\$\n#/*. 0x1-]{0,60}"#) {
        if let Ok(document) = parse(&text) {
            for item in &document.items {
                prop_assert!(!item.keys.is_empty());
                let _ = document.body().any(&item.keys[0].text);
                let _ = document.body().lists(&item.keys[0].text);
            }
        }
    }

    #[test]
    fn strings_are_read_back(text in any::<String>()) {
        let document = parse(&json!({ "a": text }).to_string()).unwrap();
        prop_assert_eq!(&document.items[0].value.kind, &Kind::Text(text));
    }
}
