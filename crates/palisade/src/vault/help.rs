//! The help of the program, of a group and of a command.

use super::command::{Command, Group, HTTP_FLAGS};
use super::flags::Flag;
use super::layout;
use super::registry;
use std::fmt::Write;

const COMMON: &[&str] = &["read", "write", "delete", "list", "login", "server", "status", "unwrap"];

/// `bao` in words becomes `program`, and OpenBao the product of that name.
pub(super) fn renamed(text: &str, program: &str) -> String {
    if program == "bao" {
        return text.to_owned();
    }
    let product = if program == "vault" { "Vault" } else { "the server" };
    let text = text.replace("OpenBao", product).replace("$ bao ", &format!("$ {program} "));
    text.replace("\"bao ", &format!("\"{program} ")).replace("'bao ", &format!("'{program} "))
}

/// What the program can do.
pub(super) fn program(program: &str) -> String {
    let mut text = format!("Usage: {program} <command> [args]\n\nCommon commands:\n");
    let all = registry::children("");
    for name in COMMON {
        if let Some((name, synopsis)) = all.iter().find(|(known, _)| known == name) {
            let _ = writeln!(text, "    {name:12}{synopsis}");
        }
    }
    text.push_str("\nOther commands:\n");
    for (name, synopsis) in all.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()) && name != "version") {
        let _ = writeln!(text, "    {name:15}{synopsis}");
    }
    renamed(text.trim_end(), program)
}

/// What a group has.
pub(super) fn group(group: &Group, program: &str) -> String {
    let mut text = format!("Usage: {program} {} <subcommand> [options] [args]\n\n", group.path);
    paragraphs(&mut text, group.help);
    text.push_str("\nSubcommands:\n");
    let children = registry::children(group.path);
    let width = children.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 4;
    for (name, synopsis) in children {
        let _ = writeln!(text, "    {name:width$}{synopsis}");
    }
    renamed(text.trim_end(), program)
}

/// What a command does and takes.
pub(super) fn command(command: &Command, program: &str) -> String {
    let mut text = format!("Usage: {program} {} {}\n\n", command.path, command.usage);
    paragraphs(&mut text, command.help);
    text.push('\n');
    flags(&mut text, "HTTP Options", HTTP_FLAGS, program);
    flags(&mut text, "Output Options", command.output_flags(), program);
    flags(&mut text, "Command Options", command.flags, program);
    renamed(text.trim_end(), program)
}

fn paragraphs(text: &mut String, help: &str) {
    for paragraph in help.split("\n\n") {
        // Examples stand as they are.
        if paragraph.starts_with(' ') {
            let _ = writeln!(text, "  {}", paragraph.replace('\n', "\n  "));
        } else {
            let _ = writeln!(text, "{}", layout::padded(paragraph, 2));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len() + 1);
}

fn flags(text: &mut String, title: &str, flags: &[Flag], program: &str) {
    let mut flags: Vec<&Flag> = flags.iter().filter(|flag| !flag.is_hidden).collect();
    if flags.is_empty() {
        return;
    }
    flags.sort_by_key(|flag| flag.name);
    let _ = writeln!(text, "{title}:\n");
    let prefix = if program == "vault" { "VAULT_" } else { "BAO_" };
    for flag in flags {
        let _ = match flag.example() {
            "" => writeln!(text, "  -{}", flag.name),
            example => writeln!(text, "  -{}=<{example}>", flag.name),
        };
        let mut usage = flag.usage.to_owned();
        if !flag.default.is_empty() {
            let _ = write!(usage, " The default is {}.", flag.default);
        }
        if !flag.variable.is_empty() {
            let _ =
                write!(usage, " This can also be specified via the {prefix}{} environment variable.", flag.variable);
        }
        let _ = writeln!(text, "{}\n", layout::padded(&usage, 6));
    }
}
