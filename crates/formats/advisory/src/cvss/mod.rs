//! Base scores of CVSS vectors, versions 2.0, 3.0, 3.1 and 4.0.
//!
//! ```
//! let score = advisory::cvss::base_score("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H");
//! assert_eq!(score, Some(10.0));
//! ```

mod v2;
mod v3;
mod v4;

use crate::record::{Cvss, Severity};

/// The longest vector that is read, in bytes; a vector with every metric of 4.0 has about 190.
const MAX_VECTOR_BYTES: usize = 512;

/// The score of a vector, 0.0 to 10.0: the base score of versions 2 and 3 (temporal and environmental metrics are
/// checked and left out), the score of version 4 with the threat and environmental metrics it carries, as FIRST defines
/// it. `None` when the vector is not valid.
#[must_use]
pub fn base_score(vector: &str) -> Option<f64> {
    let metrics = Metrics::parse(vector)?;
    match metrics.version {
        "2.0" => v2::base_score(&metrics),
        "4.0" => v4::score(&metrics),
        version => v3::base_score(&metrics, version == "3.1"),
    }
}

/// The version that a vector names: `2.0` when it has no prefix.
#[must_use]
pub fn version(vector: &str) -> &'static str {
    match vector.get(..8) {
        Some("CVSS:3.0") => "3.0",
        Some("CVSS:3.1") => "3.1",
        Some("CVSS:4.0") => "4.0",
        _ => "2.0",
    }
}

impl Cvss {
    /// A score whose number and version are the vector's; `None` when the vector is not valid.
    #[must_use]
    pub fn from_vector(vector: &str, source: &str, kind: &str) -> Option<Self> {
        let vector = vector.trim();
        let base_score = base_score(vector)?;
        Some(Self {
            source: source.to_owned(),
            kind: kind.to_owned(),
            version: version(vector).to_owned(),
            vector: vector.to_owned(),
            base_score,
        })
    }

    /// The word for the score; version 2 knows no critical.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match Severity::from_score(self.base_score) {
            Severity::Critical if self.version == "2.0" => Severity::High,
            severity => severity,
        }
    }
}

/// A vector's metrics, each value a word of at most a few letters.
struct Metrics<'a> {
    version: &'static str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Metrics<'a> {
    fn parse(vector: &'a str) -> Option<Self> {
        if vector.len() > MAX_VECTOR_BYTES {
            return None;
        }
        let version = version(vector);
        let body = if version == "2.0" {
            vector.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(vector)
        } else {
            vector.get(9..)?
        };
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for part in body.split('/') {
            let (name, value) = part.split_once(':')?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return None;
            }
            pairs.push((name, value));
        }
        Some(Self { version, pairs })
    }

    /// A metric's value; `None` when the vector lacks it.
    fn value(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The weight of a metric that must be there.
    fn weight(&self, name: &str, weights: &[(&str, f64)]) -> Option<f64> {
        let value = self.value(name)?;
        weights.iter().find(|(word, _)| *word == value).map(|(_, weight)| *weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(vector: &str, score: f64) {
        assert_eq!(base_score(vector), Some(score), "{vector}");
    }

    #[test]
    fn scores_version_2() {
        check("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5);
        check("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", 10.0);
        check("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2);
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C", 7.8);
        check("AV:N/AC:M/Au:S/C:N/I:N/A:N", 0.0);
    }

    #[test]
    fn scores_version_3() {
        check("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.1);
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1);
        check("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 8.8);
        check("CVSS:3.1/AV:L/AC:L/PR:L/UI:R/S:U/C:N/I:N/A:N", 0.0);
        check("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:C/C:H/I:H/A:H/E:P", 6.8);
    }

    #[test]
    fn scores_version_4() {
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0);
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3);
        check("CVSS:4.0/AV:N/AC:H/AT:N/PR:N/UI:P/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N", 7.6);
        check("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3);
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0);
        check("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7);
    }

    #[test]
    fn refuses_what_is_no_vector() {
        let long = "A:B/".repeat(200);
        for vector in ["", "7.5", "CVSS:3.1", "CVSS:3.1/AV:N", "AV:N/AV:N", "CVSS:4.0/AV:X", long.as_str()] {
            assert_eq!(base_score(vector), None, "{vector}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(vector in "(CVSS:[0-9].[0-9]/)?([A-Z]{1,3}:[A-Z]/?){0,14}.{0,3}") {
            let score = base_score(&vector);
            prop_assert!(score.is_none_or(|s| (0.0..=10.0).contains(&s)));
        }

        #[test]
        fn scores_every_vector_of_version_4(
            picks in proptest::collection::vec(0usize..12, 32)
        ) {
            let names = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
            let values = ["NALP", "LH", "NP", "NLH", "NPA", "HLN", "HLN", "HLN", "HLN", "HLN", "HLN"];
            let mut vector = String::from("CVSS:4.0");
            for ((name, letters), pick) in names.iter().zip(values).zip(&picks) {
                vector.push_str(&format!("/{name}:{}", letters.chars().nth(pick % letters.len()).unwrap()));
            }
            let score = base_score(&vector).unwrap();
            prop_assert!((0.0..=10.0).contains(&score));
        }
    }
}
