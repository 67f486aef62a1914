use super::*;

fn check(text: &str, expected: &[&str]) {
    assert_eq!(identify(text.as_bytes()), expected, "{text}");
}

const MIT: &str = "The MIT License (MIT)\n\nCopyright (c) 2020 Some Body <some@body.org>\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

const ISC: &str = "Copyright (c) Isaac and Contributors\n\nPermission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.\n";

#[test]
fn texts() {
    check(MIT, &["MIT"]);
    check(ISC, &["ISC"]);
    check(&format!("{ISC}\n----\n{MIT}"), &["ISC", "MIT"]);
    check(&MIT.to_lowercase().replace('\n', "\r\n * "), &["MIT"]);
    check("all rights reserved", &[]);
    check("", &[]);
    let half: String = MIT.chars().take(MIT.len() / 2).collect();
    check(&half, &[]);
    check(&format!("{MIT}{}", "and many other words ".repeat(20)), &[]);
}

/// Texts that are not recognised as a whole, each with the reason. May only shrink.
const NOT_ITS_OWN: &[(&str, &str)] = &[
    ("CC-BY-4.0", "the notes around the licence break it up"),
    ("CC-BY-SA-4.0", "the notes around the licence break it up"),
    ("CC-BY-NC-4.0", "the notes around the licence break it up"),
    ("CC-BY-NC-SA-4.0", "the notes around the licence break it up"),
    ("CC-BY-ND-4.0", "the notes around the licence break it up"),
    ("LGPL-2.1", "the directions for use break it up"),
    ("LPPL-1.3c", "the directions for use break it up"),
    ("Net-SNMP", "several licences in one text"),
    ("ODbL-1.0", "the notes around the licence break it up"),
    ("NASA-1.3", "not looked into"),
];

#[test]
fn every_known_text_is_its_own() {
    let entries = include_str!("texts.txt").split("\n= ").skip(1);
    let others: Vec<&str> = entries
        .filter_map(|entry| entry.split_once('\n'))
        .filter(|(name, text)| identify(text.as_bytes()) != [*name])
        .map(|(name, _)| name)
        .collect();
    assert_eq!(others, NOT_ITS_OWN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn hostile_texts_end() {
    let repeated = "permission is hereby granted free of charge to any person ".repeat(15_000);
    identify(repeated.as_bytes());
    identify("a ".repeat(500_000).as_bytes());
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        identify(&bytes);
    }
}
