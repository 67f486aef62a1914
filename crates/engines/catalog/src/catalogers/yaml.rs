//! YAML documents, within limits.

use crate::ParseError;
use serde::de::DeserializeOwned;
use serde_saphyr::options::{DuplicateKeyPolicy, Options};

/// The largest lock file.
const MAX_BYTES: usize = 64 << 20;
/// Nodes in a document; the largest lock files seen have a million.
const MAX_NODES: usize = 8_000_000;

/// Reads one document. Keys may repeat; the last counts.
///
/// # Errors
/// Where it is malformed, of another shape, or over a limit.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError::Limit { what: "bytes in a lock file", limit: MAX_BYTES as u64 });
    }
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    if let Some(budget) = &mut options.budget {
        budget.max_events = MAX_NODES * 2;
        budget.max_nodes = MAX_NODES;
        budget.max_total_scalar_bytes = MAX_BYTES;
        budget.simple_key_max_lookahead = 1 << 16;
    }
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let message = error.to_string();
        ParseError::Malformed(format!("not the expected YAML: {}", message.lines().next().unwrap_or_default()))
    })
}

/// The documents of a stream. A separator stands alone at the start of a line, where no content of a lock file does.
pub(super) fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.trim_end() == "---" {
            documents.extend(text.get(start..at));
            start = end;
        }
        at = end;
    }
    documents.extend(text.get(start..));
    let says_something = |document: &&str| {
        document.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
    };
    documents.into_iter().filter(says_something).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams() {
        assert_eq!(documents("---\na: 1\n---\n# c\n---\r\nb: 2\n"), ["a: 1\n", "b: 2\n"]);
        assert_eq!(documents("a: 1"), ["a: 1"]);
        assert!(documents("# only\n").is_empty());
    }

    #[test]
    fn repeated_keys_and_bombs() {
        let found: std::collections::BTreeMap<String, String> = parse("a: 1\na: 2.10\n").unwrap();
        assert_eq!(found["a"], "2.10");
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..12 {
            bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(",")));
        }
        assert!(parse::<serde_json::Value>(&bomb).is_err());
    }
}
