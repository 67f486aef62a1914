//! Flags in Go's style: one dash or two, `-name=value` or `-name value`, switches with or without a value.

use std::collections::BTreeMap;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or `=true` or `=false`.
    Switch,
    Text,
    /// A whole number.
    Number,
    /// As `90s`, `1h30m` or whole seconds.
    Duration,
    /// May be given more than once.
    Texts,
    /// As `key=value`, may be given more than once.
    Pairs,
}

/// A flag of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) usage: &'static str,
    pub(super) default: &'static str,
    /// The variable without `BAO_` or `VAULT_`; empty for none.
    pub(super) variable: &'static str,
    pub(super) is_hidden: bool,
}

impl Flag {
    const fn new(name: &'static str, kind: Kind, usage: &'static str) -> Self {
        Self { name, kind, usage, default: "", variable: "", is_hidden: false }
    }

    pub(super) const fn switch(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Switch, usage).or("false")
    }

    pub(super) const fn text(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Text, usage)
    }

    pub(super) const fn number(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Number, usage)
    }

    pub(super) const fn duration(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Duration, usage)
    }

    pub(super) const fn texts(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Texts, usage)
    }

    pub(super) const fn pairs(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Pairs, usage)
    }

    /// With a default.
    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// Also read from a variable.
    pub(super) const fn from(mut self, variable: &'static str) -> Self {
        self.variable = variable;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// What stands for the value in the help.
    pub(super) fn example(&self) -> &'static str {
        match self.kind {
            Kind::Switch => "",
            Kind::Text | Kind::Texts => "string",
            Kind::Number => "int",
            Kind::Duration => "duration",
            Kind::Pairs => "key=value",
        }
    }

    fn check(&self, value: &str) -> Result<(), String> {
        let invalid = |cause: &str| Err(format!("invalid value {value:?} for flag -{}: {cause}", self.name));
        match self.kind {
            Kind::Switch => match truth(value) {
                Some(_) => Ok(()),
                None => Err(format!("invalid boolean value {value:?} for -{}: parse error", self.name)),
            },
            Kind::Number if value.parse::<i64>().is_err() => {
                invalid(&format!("strconv.ParseInt: parsing {value:?}: invalid syntax"))
            }
            Kind::Duration if super::go::parse_duration(value).is_none() => {
                invalid(&format!("time: invalid duration {value:?}"))
            }
            Kind::Pairs if !value.contains('=') => invalid(&format!("missing = in KV pair: {value:?}")),
            _ => Ok(()),
        }
    }
}

/// The truths that Go reads.
pub(super) fn truth(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A command line, taken apart.
#[derive(Default)]
pub(super) struct Parsed {
    values: BTreeMap<&'static str, Vec<String>>,
    /// What is no flag.
    pub(super) arguments: Vec<String>,
    /// Arguments that look like flags, after the first argument.
    pub(super) strays: Vec<String>,
}

/// Takes `words` apart. A known flag is one wherever it stands; after the first argument an unknown one is an argument.
///
/// # Errors
/// In Go's words, for an unknown flag or a value that does not fit.
pub(super) fn parse(words: &[String], flags: &[Flag]) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            parsed.arguments.extend(rest.cloned());
            break;
        }
        let Some(named) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|named| !named.is_empty())
        else {
            parsed.arguments.push(word.clone());
            continue;
        };
        let (name, value) = named.split_once('=').map_or((named, None), |(name, value)| (name, Some(value)));
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            if parsed.arguments.is_empty() {
                return Err(format!("flag provided but not defined: -{name}"));
            }
            parsed.strays.push(word.clone());
            parsed.arguments.push(word.clone());
            continue;
        };
        let value = match (value, flag.kind) {
            (Some(value), _) => value.to_owned(),
            (None, Kind::Switch) => "true".to_owned(),
            (None, _) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: -{name}"))?,
        };
        flag.check(&value)?;
        parsed.values.entry(flag.name).or_default().push(value);
    }
    for flag in flags.iter().filter(|flag| !flag.variable.is_empty()) {
        if let (None, Some(value)) = (parsed.values.get(flag.name), super::environment::variable(flag.variable)) {
            // As the peer, what does not fit is passed over.
            if flag.check(&value).is_ok() {
                parsed.values.insert(flag.name, vec![value]);
            }
        }
    }
    Ok(parsed)
}

impl Parsed {
    /// Was it given, on the command line or by its variable?
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The last value, empty without one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(|values| values.last()).map_or("", String::as_str)
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        truth(self.text(name)).unwrap_or(false)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    /// In nanoseconds.
    pub(super) fn duration(&self, name: &str) -> Option<i64> {
        super::go::parse_duration(self.text(name))
    }

    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The pairs by their keys; the last of equal keys counts.
    pub(super) fn pairs(&self, name: &str) -> BTreeMap<&str, &str> {
        self.texts(name).iter().filter_map(|pair| pair.split_once('=')).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::switch("force", ""),
        Flag::text("field", ""),
        Flag::number("version", ""),
        Flag::duration("ttl", ""),
        Flag::pairs("options", ""),
    ];

    fn read(line: &str) -> Result<Parsed, String> {
        parse(&line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>(), FLAGS)
    }

    #[test]
    fn flags_are_read_as_go_reads_them() {
        let parsed = read("-field=a --force -version 3 -ttl=90 -options a=1 -options=a=2 path -x k=-1 - -force=false");
        let parsed = parsed.unwrap();
        assert_eq!(parsed.text("field"), "a");
        assert!(!parsed.is_on("force"));
        assert_eq!((parsed.number("version"), parsed.duration("ttl")), (Some(3), Some(90_000_000_000)));
        assert_eq!(parsed.pairs("options").get("a"), Some(&"2"));
        assert_eq!(parsed.arguments, ["path", "-x", "k=-1", "-"]);
        assert_eq!(parsed.strays, ["-x"]);
        assert_eq!(read("-- -force").unwrap().arguments, ["-force"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_in_gos_words() {
        for (line, want) in [
            ("-foo x", "flag provided but not defined: -foo"),
            ("-field", "flag needs an argument: -field"),
            ("-force=maybe", "invalid boolean value \"maybe\" for -force: parse error"),
            ("-options=a", "invalid value \"a\" for flag -options: missing = in KV pair: \"a\""),
        ] {
            assert_eq!(read(line).err().unwrap(), want);
        }
    }
}
