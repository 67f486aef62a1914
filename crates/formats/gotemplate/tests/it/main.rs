//! Templates with what Go 1.26 and sprig 3.3 made of them, one JSON object a line in `go.jsonl`.

use gotemplate::{Arguments, Function, Functions, Limits, Template, Type, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

const DATA: &str = r#"{"name":"x","null":null,"n":1,"f":2.5,"t":true,"list":["a","b","c","d","e"],"none":[],
    "map":{"a":{"q":1},"b":2,"c":"<x>"},"items":[{"x":1},{"x":2.25}]}"#;

fn last_index(given: &Arguments<'_>) -> Result<Value, String> {
    Ok(Value::int(match given.value(0) {
        Value::List(list) => list.items.len() as i64 - 1,
        _ => 0,
    }))
}

fn functions() -> Functions {
    Functions::go().with_sprig().with(&[Function::new("getLastIndex", &[Type::Any], last_index)])
}

/// What a template writes, and why it stops.
fn run(text: &str, data: &Value, limits: Limits) -> (String, String) {
    let mut out = Vec::new();
    let error = match Template::parse("t", text, &functions()) {
        Err(error) => error.to_string(),
        Ok(template) => {
            template.execute(data, limits, &mut out).err().map(|error| error.to_string()).unwrap_or_default()
        }
    };
    (String::from_utf8_lossy(&out).into_owned(), error)
}

#[test]
fn templates_give_what_go_gives() {
    let data = Value::from_json(&serde_json::from_str(DATA).unwrap());
    let mut wrong = Vec::new();
    for line in include_str!("go.jsonl").lines() {
        let want: Json = serde_json::from_str(line).unwrap();
        let field = |name: &str| want[name].as_str().unwrap_or_default().to_owned();
        let got = run(&field("template"), &data, Limits::default());
        if got != (field("output"), field("error")) {
            wrong.push(format!(
                "{}\n   want {:?} {}\n   got  {:?} {}",
                field("template"),
                field("output"),
                field("error"),
                got.0,
                got.1
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

proptest! {
    /// Any text parses or is refused, and what parses runs or stops with an error.
    #[test]
    fn nothing_panics(parts in prop::collection::vec(prop::sample::select(PARTS), 0..24)) {
        let data = Value::from_json(&serde_json::from_str(DATA).unwrap());
        run(&parts.concat(), &data, Limits { steps: 10_000, ..Limits::default() });
    }
}

const PARTS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    " -}}",
    "{{/*",
    "*/}}",
    "(",
    ")",
    "|",
    " ",
    ".",
    ".list",
    ".map",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    "if ",
    "range ",
    "with ",
    "else",
    "end",
    "define ",
    "template ",
    "block ",
    "break",
    "nil",
    "true",
    "\"a\"",
    "'c'",
    "-1",
    "1.5",
    "\"",
    "`",
    "printf ",
    "index ",
    "slice ",
    "substr ",
    "regexSplit ",
    "dig ",
    "wrap ",
    "é",
    "\n",
    "toDate ",
    "seq ",
];

#[test]
fn limits_hold() {
    let data = Value::Missing;
    let check = |text: &str, limits, want: &str| {
        let (_, error) = run(text, &data, limits);
        assert!(error.contains(want), "{text}: {error}");
    };
    let limits = Limits { output_bytes: 100, steps: 1000, ..Limits::default() };
    check(r#"{{define "R"}}{{template "R"}}{{end}}{{template "R"}}"#, Limits::default(), "maximum template depth");
    check("{{range until 100}}abcdefgh{{end}}", limits, "exceeded maximum output");
    check("{{range until 100000}}{{end}}", limits, "exceeded maximum number of steps");
    check(r#"{{repeat 100000000 "abc"}}"#, limits, "more than");
    check(&format!("{}{}", "{{if 1}}".repeat(5000), "{{end}}".repeat(5000)), limits, "max expression depth exceeded");
    check(&format!("{{{{{}1{}}}}}", "(".repeat(5000), ")".repeat(5000)), limits, "max expression depth exceeded");
    check(r#"{{$d := dict}}{{$d = set $d "d" $d}}{{$d}}{{mustToJson $d}}"#, Limits::default(), "nested too deep");
}
