//! All commands and groups, and which of them words name.

use super::command::{Command, Group};
use super::{operator, server_args, version};
use std::collections::BTreeMap;

const COMMANDS: &[&[&[Command]]] = &[&[version::COMMANDS, server_args::COMMANDS], operator::COMMANDS];

const GROUPS: &[&[Group]] = &[operator::GROUPS];

/// What words name.
pub(super) enum Found {
    Command(&'static Command),
    Group(&'static Group),
}

/// The command or group of the longest beginning of `words`, and how many words that is.
pub(super) fn find(words: &[String]) -> Option<(Found, usize)> {
    let commands = COMMANDS.iter().flat_map(|some| some.iter()).flat_map(|some| some.iter());
    let command = commands.filter(|command| starts(words, command.path)).max_by_key(|command| command.path.len());
    let groups = GROUPS.iter().flat_map(|some| some.iter());
    let group = groups.filter(|group| starts(words, group.path)).max_by_key(|group| group.path.len());
    let count = |path: &str| path.split(' ').count();
    match (command, group) {
        (Some(command), _) => Some((Found::Command(command), count(command.path))),
        (None, Some(group)) => Some((Found::Group(group), count(group.path))),
        (None, None) => None,
    }
}

fn starts(words: &[String], path: &str) -> bool {
    let mut words = words.iter();
    path.split(' ').all(|part| words.next().is_some_and(|word| word == part))
}

/// The commands and groups right under `path`, by name, with what they are for.
pub(super) fn children(path: &str) -> Vec<(String, &'static str)> {
    let commands = COMMANDS
        .iter()
        .flat_map(|some| some.iter())
        .flat_map(|some| some.iter())
        .map(|command| (command.path, command.synopsis));
    let groups = GROUPS.iter().flat_map(|some| some.iter()).map(|group| (group.path, group.synopsis));
    let mut found = BTreeMap::new();
    for (full, synopsis) in commands.chain(groups) {
        let below =
            if path.is_empty() { Some(full) } else { full.strip_prefix(path).and_then(|rest| rest.strip_prefix(' ')) };
        if let Some(name) = below.filter(|name| !name.contains(' ')) {
            found.insert(name.to_owned(), synopsis);
        }
    }
    found.into_iter().collect()
}
