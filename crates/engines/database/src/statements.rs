//! Puts values into statements so that no value can become SQL.
//!
//! The peer replaces `{{name}}` wherever it stands and trusts the value; a display name with a quote in it was SQL then, and a
//! schema's name too (CVE-2026-39946). Here the statement is read as the database reads it, and a value is escaped for the place
//! in which it stands, or refused where nothing can be escaped.

use zeroize::Zeroizing;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL with `standard_conforming_strings`.
    PostgreSql,
    /// MySQL and MariaDB without `NO_BACKSLASH_ESCAPES`.
    MySql,
}

/// What statements may name.
#[derive(Clone, Copy, Default)]
pub struct Values<'a> {
    /// `{{name}}` and `{{username}}`.
    pub username: &'a str,
    /// `{{password}}`.
    pub password: Option<&'a str>,
    /// `{{expiration}}`.
    pub expiration: Option<&'a str>,
}

/// Why a statement can't be made. The value is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// There can be no NUL in SQL.
    #[error("the value of {{{{{0}}}}} has a NUL in it")]
    Nul(&'static str),
    /// Nothing can be escaped where it stands.
    #[error("the value of {{{{{0}}}}} has letters that are not safe {1}")]
    Unsafe(&'static str, &'static str),
    /// What follows would be part of it.
    #[error("a statement ends within a quotation or comment")]
    Unterminated,
}

/// What a letter of a statement is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Words of SQL.
    Code,
    /// `'...'`, `"..."` or `` `...` ``; whether a backslash escapes there.
    Quoted(u8, bool),
    /// A comment to the end of the line.
    LineComment,
    /// `/* ... */`, so deep.
    BlockComment(u32),
}

/// The statements of `commands` with their values: a command may be several with semicolons between, a JSON list of them, or
/// either in base64. The last line of a statement may be a comment, so a caller that joins them puts line breaks between.
///
/// # Errors
/// Where a value is not safe in its place.
pub fn render(
    dialect: Dialect,
    commands: &[String],
    values: Values<'_>,
) -> Result<Vec<Zeroizing<String>>, RenderError> {
    let mut out = Vec::new();
    for command in commands.iter().flat_map(|command| expand(command)) {
        Reader::new(dialect, &command, values).run(&mut out)?;
    }
    Ok(out)
}

/// A value in quotes: `'` around a text, `"` or `` ` `` around a name.
///
/// # Errors
/// Where there is a NUL in it.
pub fn quoted(dialect: Dialect, quote: char, value: &str) -> Result<String, RenderError> {
    if value.contains('\0') {
        return Err(RenderError::Nul("name"));
    }
    let mut out = String::with_capacity(value.len().saturating_mul(2).saturating_add(2));
    out.push(quote);
    escape(&mut out, value, quote, dialect == Dialect::MySql && quote != '`');
    out.push(quote);
    Ok(out)
}

fn escape(out: &mut String, value: &str, quote: char, has_escapes: bool) {
    for letter in value.chars() {
        if letter == quote || (has_escapes && letter == '\\') {
            out.push(letter);
        }
        out.push(letter);
    }
}

/// JSON lists and base64 are unpacked.
fn expand(command: &str) -> Vec<String> {
    use base64::Engine;
    let command = command.trim();
    let decoded = base64::engine::general_purpose::STANDARD.decode(command).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.unwrap_or_else(|| command.to_owned());
    serde_json::from_str(&text).unwrap_or_else(|_| vec![text])
}

struct Reader<'a> {
    dialect: Dialect,
    text: &'a str,
    values: Values<'a>,
    at: usize,
    place: Place,
    /// The tag of a dollar quotation that it is in, `$body$`.
    dollar: Option<&'a str>,
    out: Zeroizing<String>,
}

impl<'a> Reader<'a> {
    fn new(dialect: Dialect, text: &'a str, values: Values<'a>) -> Self {
        let out = Self::buffer(text, values);
        Self { dialect, text, values, at: 0, place: Place::Code, dollar: None, out }
    }

    /// Large enough that it never grows: growth leaves copies of the password.
    fn buffer(text: &str, values: Values<'_>) -> Zeroizing<String> {
        let longest = [Some(values.username), values.password, values.expiration].into_iter().flatten().map(str::len);
        let each = longest.max().unwrap_or(0).saturating_mul(2);
        let uses = text.matches("{{").count();
        Zeroizing::new(String::with_capacity(text.len().saturating_add(uses.saturating_mul(each))))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Copies so many bytes.
    fn copy(&mut self, count: usize) {
        let end = self.at.saturating_add(count);
        self.out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn run(mut self, out: &mut Vec<Zeroizing<String>>) -> Result<(), RenderError> {
        while let Some(letter) = self.rest().chars().next() {
            if letter == '{'
                && let Some((name, value)) = self.value()
            {
                self.put(name, value)?;
                self.at = self.at.saturating_add(name.len()).saturating_add(4);
            } else if self.place == Place::Code && self.dollar.is_none() && letter == ';' && self.splits() {
                self.at = self.at.saturating_add(1);
                let next = Self::buffer(self.rest(), self.values);
                push(out, std::mem::replace(&mut self.out, next));
            } else {
                self.step(letter);
            }
        }
        let ended = matches!(self.place, Place::Code | Place::LineComment) && self.dollar.is_none();
        if !ended {
            return Err(RenderError::Unterminated);
        }
        push(out, self.out);
        Ok(())
    }

    /// PostgreSQL takes all statements in one message, and knows better than anybody where each ends.
    fn splits(&self) -> bool {
        self.dialect == Dialect::MySql
    }

    /// The variable that stands here.
    fn value(&self) -> Option<(&'static str, &'a str)> {
        let rest = self.rest().strip_prefix("{{")?;
        let known = [
            ("name", Some(self.values.username)),
            ("username", Some(self.values.username)),
            ("password", self.values.password),
            ("expiration", self.values.expiration),
        ];
        known.into_iter().find_map(|(name, value)| {
            rest.strip_prefix(name)?.starts_with("}}").then_some(())?;
            Some((name, value?))
        })
    }

    /// Escapes a value for the place in which it stands.
    fn put(&mut self, name: &'static str, value: &str) -> Result<(), RenderError> {
        if value.contains('\0') {
            return Err(RenderError::Nul(name));
        }
        // Text that will be read as SQL once more: the body of a block, or '... "{{name}}" ...'.
        let is_nested = self.dollar.is_some()
            || matches!(self.place, Place::Quoted(quote, _) if self.out.ends_with(['"', '\'', '`'])
                && !self.out.ends_with(char::from(quote)));
        let only = |allowed: fn(char) -> bool, place| {
            if value.chars().all(allowed) { Ok(()) } else { Err(RenderError::Unsafe(name, place)) }
        };
        match self.place {
            Place::Code => only(|letter| letter.is_ascii_alphanumeric() || letter == '_', "outside of quotes")?,
            Place::LineComment | Place::BlockComment(_) => only(is_plain, "in a comment")?,
            Place::Quoted(..) if is_nested && name != "password" => {
                only(is_plain, "in quotes within quotes")?;
            }
            Place::Quoted(..) if is_nested => only(|letter| !r#"'"`\$"#.contains(letter), "in quotes within quotes")?,
            Place::Quoted(quote, has_escapes) => {
                escape(&mut self.out, value, char::from(quote), has_escapes);
                return Ok(());
            }
        }
        self.out.push_str(value);
        Ok(())
    }

    /// Reads one letter, or the few that belong together.
    fn step(&mut self, letter: char) {
        let rest = self.rest();
        if let Some(tag) = self.dollar
            && rest.starts_with(tag)
        {
            (self.dollar, self.place) = (None, Place::Code);
            return self.copy(tag.len());
        }
        match self.place {
            Place::Code => self.step_code(letter, rest),
            Place::Quoted(quote, has_escapes) => {
                if has_escapes && letter == '\\' {
                    // Also a brace: a value must not begin behind a backslash.
                    let next = rest.chars().nth(1).map_or(0, char::len_utf8);
                    return self.copy(next.saturating_add(1));
                }
                // A doubled quote ends the text and begins it again, which comes to the same.
                if letter == char::from(quote) {
                    if rest.as_bytes().get(1) == Some(&quote) {
                        return self.copy(2);
                    }
                    self.place = Place::Code;
                }
                self.copy(letter.len_utf8());
            }
            Place::LineComment => {
                if letter == '\n' {
                    self.place = Place::Code;
                }
                self.copy(letter.len_utf8());
            }
            Place::BlockComment(depth) => self.step_comment(depth, letter, rest),
        }
    }

    fn step_code(&mut self, letter: char, rest: &'a str) {
        let is_mysql = self.dialect == Dialect::MySql;
        match letter {
            '\'' | '"' => {
                let is_escaping = self.out.ends_with(['e', 'E']) && letter == '\'' && self.is_prefix();
                self.place = Place::Quoted(if letter == '"' { b'"' } else { b'\'' }, is_mysql || is_escaping);
            }
            '`' if is_mysql => self.place = Place::Quoted(b'`', false),
            '#' if is_mysql => self.place = Place::LineComment,
            '-' if rest.strip_prefix("--").is_some_and(|rest| !is_mysql || rest.is_empty() || starts_blank(rest)) => {
                self.place = Place::LineComment;
            }
            '/' if rest.starts_with("/*") => {
                self.place = Place::BlockComment(1);
                return self.copy(2);
            }
            '$' if !is_mysql && self.dollar.is_none() && !self.ends_with_word() => {
                if let Some(tag) = dollar_tag(rest) {
                    self.dollar = Some(tag);
                    return self.copy(tag.len());
                }
            }
            _ => {}
        }
        self.copy(letter.len_utf8());
    }

    fn step_comment(&mut self, depth: u32, letter: char, rest: &str) {
        if rest.starts_with("*/") {
            self.place = if depth > 1 { Place::BlockComment(depth.saturating_sub(1)) } else { Place::Code };
            return self.copy(2);
        }
        // PostgreSQL's nest.
        if rest.starts_with("/*") && self.dialect == Dialect::PostgreSql {
            self.place = Place::BlockComment(depth.saturating_add(1));
            return self.copy(2);
        }
        self.copy(letter.len_utf8());
    }

    /// Whether the last letter is a word of its own: the E of E'...'.
    fn is_prefix(&self) -> bool {
        let before = self.out.chars().rev().nth(1);
        before.is_none_or(|letter| !is_word(letter))
    }

    fn ends_with_word(&self) -> bool {
        self.out.chars().next_back().is_some_and(is_word)
    }
}

fn push(out: &mut Vec<Zeroizing<String>>, statement: Zeroizing<String>) {
    if !statement.trim().is_empty() {
        out.push(statement);
    }
}

/// Letters that mean nothing in any quotation or comment.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.@:+ ".contains(letter)
}

/// MySQL's `--` is two minus signs where no blank follows.
fn starts_blank(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_whitespace() || letter.is_control())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.get(1..)?;
    let end = inner.find('$')?;
    let tag = inner.get(..end)?;
    let is_tag = tag.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        && !tag.starts_with(|letter: char| letter.is_ascii_digit());
    is_tag.then(|| text.get(..end.saturating_add(2))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, template: &str, username: &str) -> Result<String, RenderError> {
        let values = Values { username, password: Some("p'w\\-1"), expiration: Some("2026-11-24 20:00:00+0000") };
        let statements = render(dialect, &[template.to_owned()], values)?;
        Ok(statements.iter().map(|statement| statement.trim()).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        use Dialect::{MySql, PostgreSql};
        for (dialect, template, username, wanted) in [
            (
                PostgreSql,
                r#"CREATE ROLE "{{name}}" PASSWORD '{{password}}';"#,
                "v-a",
                r#"CREATE ROLE "v-a" PASSWORD 'p''w\-1';"#,
            ),
            (PostgreSql, r#"DROP ROLE "{{name}}""#, r#"x"; DROP ROLE y; --"#, r#"DROP ROLE "x""; DROP ROLE y; --""#),
            (PostgreSql, "PASSWORD E'{{password}}'", "x", r"PASSWORD E'p''w\\-1'"),
            (PostgreSql, "SELECT 'it''s', '{{name}}'", "o'b", "SELECT 'it''s', 'o''b'"),
            (PostgreSql, "DROP ROLE {{name}}", "v_a1", "DROP ROLE v_a1"),
            (
                PostgreSql,
                "DO $$ BEGIN DROP ROLE \"{{name}}\"; END $$; SELECT 1",
                "v-a",
                "DO $$ BEGIN DROP ROLE \"v-a\"; END $$; SELECT 1",
            ),
            (
                PostgreSql,
                "VALID UNTIL '{{expiration}}' {{unknown}} {{ name }}",
                "x",
                "VALID UNTIL '2026-11-24 20:00:00+0000' {{unknown}} {{ name }}",
            ),
            (
                MySql,
                "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON `a;b`.* TO '{{username}}'@'%'",
                r"a\'b",
                r"CREATE USER 'a\\''b'@'%' IDENTIFIED BY 'p''w\\-1'|GRANT SELECT ON `a;b`.* TO 'a\\''b'@'%'",
            ),
            (MySql, "SELECT 1; -- x;y\nSELECT `{{name}}`", "a`b", "SELECT 1|-- x;y\nSELECT `a``b`"),
            (MySql, r"SELECT 'a\';'; SELECT 2", "x", r"SELECT 'a\';'|SELECT 2"),
            (MySql, r#"["SELECT 1; SELECT 2", "SELECT 3"]"#, "x", "SELECT 1|SELECT 2|SELECT 3"),
            (MySql, "U0VMRUNUIDE7U0VMRUNUIDI=", "x", "SELECT 1|SELECT 2"),
        ] {
            assert_eq!(check(dialect, template, username).as_deref(), Ok(wanted), "{template}");
        }
    }

    /// The class of CVE-2026-39946: what a client chooses must not become SQL.
    #[test]
    fn hostile_values_are_refused_where_nothing_can_be_escaped() {
        use Dialect::{MySql, PostgreSql};
        let outside = RenderError::Unsafe("name", "outside of quotes");
        let nested = RenderError::Unsafe("name", "in quotes within quotes");
        let comment = RenderError::Unsafe("name", "in a comment");
        for (dialect, template, username, wanted) in [
            (PostgreSql, "DROP ROLE {{name}}", "x, postgres", outside),
            (PostgreSql, "DROP ROLE {{name}}", "x--", outside),
            (PostgreSql, "DO $$ BEGIN EXECUTE 'DROP ROLE \"{{name}}\"'; END $$", "x\"; --", nested),
            (PostgreSql, "DO $a$ BEGIN PERFORM '{{name}}'; END $a$", "$a$; DROP", nested),
            (PostgreSql, "SELECT run('DROP ROLE \"{{name}}\"')", "x\"y", nested),
            (PostgreSql, "DO $$ BEGIN DROP ROLE {{name}}; END $$", "x;y", outside),
            (PostgreSql, "SELECT 1 -- {{name}}", "x\nDROP ROLE y", comment),
            (PostgreSql, "SELECT 1 /* {{name}} */", "*/ DROP ROLE y", comment),
            (PostgreSql, "SELECT 1 /* /* */ {{name}} */", "*/", comment),
            (PostgreSql, "DROP ROLE \"{{name}}\"", "x\0y", RenderError::Nul("name")),
            (MySql, "DROP USER {{name}}", "'x'@'%'", outside),
            (MySql, "SELECT 1 # {{name}}", "x\n", comment),
            (PostgreSql, "SELECT 'a", "x", RenderError::Unterminated),
            (PostgreSql, "DO $$ x", "x", RenderError::Unterminated),
        ] {
            assert_eq!(check(dialect, template, username), Err(wanted), "{template}");
        }
    }
}
