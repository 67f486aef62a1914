use crate::core::Core;
use crate::namespace::Namespace;
use crate::token::random;
use logical::{Error, StorageExt as _};
use zeroize::Zeroizing;

/// A rule for passwords: a length and sets of characters, each with the least number of them.
#[derive(Debug)]
pub(crate) struct PasswordPolicy {
    length: usize,
    rules: Vec<(Vec<char>, usize)>,
}

/// The policy that holds where none is named: 20 characters (`DefaultPasswordPolicy` of the peer's sdk/helper/random).
const DEFAULT: &str = r#"
length = 20
rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" min-chars = 1 }
rule "charset" { charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" min-chars = 1 }
rule "charset" { charset = "0123456789" min-chars = 1 }
rule "charset" { charset = "-" min-chars = 1 }
"#;

const MAX_CHARSET: usize = 4096;
const MAX_LENGTH: i64 = 1024;
const MAX_TRIES: usize = 10_000;

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PasswordPolicyError(String);

impl PasswordPolicy {
    /// Reads HCL or JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, PasswordPolicyError> {
        let refuse = |text: String| PasswordPolicyError(text);
        let document = hcl1::parse(text).map_err(|error| refuse(error.to_string()))?;
        let body = document.body();
        let length = body.integer("length").map_err(|error| refuse(error.to_string()))?.unwrap_or(0);
        if length < 4 {
            return Err(refuse("minimum password length must be 4".to_owned()));
        }
        if length > MAX_LENGTH {
            return Err(refuse(format!("password length must not be greater than {MAX_LENGTH}")));
        }
        let mut rules = Vec::new();
        for block in body.blocks("rule").map_err(|error| refuse(error.to_string()))? {
            if block.labels.first().is_none_or(|label| *label != "charset") {
                return Err(refuse("unsupported rule: only charset is known".to_owned()));
            }
            let charset = block.body.text("charset").map_err(|error| refuse(error.to_string()))?.unwrap_or_default();
            let mut charset: Vec<char> = charset.chars().collect();
            charset.sort_unstable();
            charset.dedup();
            if charset.is_empty() || charset.len() > MAX_CHARSET {
                return Err(refuse("charset must have characters, and not too many".to_owned()));
            }
            if charset.iter().any(|letter| letter.is_control()) {
                return Err(refuse("non-printable character in charset".to_owned()));
            }
            let least = ["min-chars", "min_chars"].into_iter().find(|name| block.body.has(name)).unwrap_or("min-chars");
            let least = block.body.integer(least).map_err(|error| refuse(error.to_string()))?.unwrap_or(0);
            rules.push((charset, usize::try_from(least).unwrap_or(0)));
        }
        if rules.is_empty() {
            return Err(refuse("no charsets specified".to_owned()));
        }
        let length = usize::try_from(length).unwrap_or(4);
        if rules.iter().map(|(_, least)| *least).fold(0, usize::saturating_add) > length {
            return Err(refuse(
                "password policy cannot be fulfilled: more characters are required than there are".to_owned(),
            ));
        }
        Ok(Self { length, rules })
    }

    /// A password: characters of all sets, drawn evenly, anew until each rule is fulfilled.
    pub(crate) fn generate(&self) -> Result<Zeroizing<String>, Error> {
        let mut all: Vec<char> = self.rules.iter().flat_map(|(charset, _)| charset.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        for _ in 0..MAX_TRIES {
            let password = draw(&all, self.length)?;
            let count = |charset: &[char]| password.chars().filter(|letter| charset.contains(letter)).count();
            if self.rules.iter().all(|(charset, least)| count(charset) >= *least) {
                return Ok(password);
            }
        }
        Err(Error::invalid("unable to generate password: the policy is too hard to fulfil"))
    }
}

fn draw(all: &[char], length: usize) -> Result<Zeroizing<String>, Error> {
    let bound = u32::try_from(all.len()).map_err(Error::internal)?;
    // Numbers beyond the greatest multiple are drawn again: each character is equally likely.
    let limit = u32::MAX - u32::MAX % bound;
    let mut password = Zeroizing::new(String::with_capacity(length * 4));
    let mut left = length;
    while left > 0 {
        let bytes = random(left * 4)?;
        for chunk in bytes.chunks_exact(4) {
            let number = chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
            if number < limit
                && let Some(letter) = all.get((number % bound) as usize)
            {
                password.push(*letter);
                left -= 1;
            }
        }
    }
    Ok(password)
}

impl Core {
    /// A password by the policy of this name; by the default one where the name is empty.
    pub(crate) async fn password(&self, namespace: &Namespace, policy: &str) -> Result<Zeroizing<String>, Error> {
        let text = if policy.is_empty() {
            DEFAULT.to_owned()
        } else {
            let stored =
                self.storage().get_json::<String>(&format!("policy/password/{}/{policy}", namespace.id)).await?;
            stored.ok_or_else(|| Error::invalid(format!("password policy {policy:?} does not exist")))?
        };
        PasswordPolicy::parse(&text).map_err(Error::internal)?.generate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_fulfil_their_policy_and_impossible_policies_are_refused() {
        let policy = PasswordPolicy::parse(DEFAULT).unwrap();
        for _ in 0..50 {
            let password = policy.generate().unwrap();
            assert_eq!(password.len(), 20);
            assert!(password.contains('-') && password.chars().any(|letter| letter.is_ascii_digit()));
        }
        for (text, reason) in [
            ("length = 3\nrule \"charset\" { charset = \"a\" }", "minimum password length"),
            ("length = 8", "no charsets"),
            ("length = 8\nrule \"charset\" { charset = \"ab\" min-chars = 9 }", "cannot be fulfilled"),
            ("length = 100000\nrule \"charset\" { charset = \"ab\" }", "must not be greater"),
            ("length = 8\nrule \"other\" { charset = \"ab\" }", "only charset"),
        ] {
            let error = PasswordPolicy::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
