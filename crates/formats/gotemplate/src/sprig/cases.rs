//! Upper and lower case, and names of variables.

use crate::function::{Function, Type};
use Type::Text;

pub(super) const ALL: &[Function] = &[
    Function::new("title", &[Text], |given| Ok(title(given.text(0)).into())),
    Function::new("untitle", &[Text], |given| Ok(untitle(given.text(0)).into())),
    Function::new("initials", &[Text], |given| {
        Ok(given.text(0).split_whitespace().filter_map(|word| word.chars().next()).collect::<String>().into())
    }),
    Function::new("swapcase", &[Text], |given| Ok(given.text(0).chars().map(swapped).collect::<String>().into())),
    Function::new("snakecase", &[Text], |given| Ok(separated(given.text(0), '_').into())),
    Function::new("kebabcase", &[Text], |given| Ok(separated(given.text(0), '-').into())),
    Function::new("camelcase", &[Text], |given| Ok(pascal(given.text(0)).into())),
];

/// `strings.Title`
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let within_word = before.is_alphanumeric() || before == '_' || !before.is_ascii() && !before.is_whitespace();
        if within_word {
            out.push(char)
        } else {
            out.extend(char.to_uppercase())
        }
        before = char;
    }
    out
}

fn untitle(text: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if begins && !char.is_whitespace() {
            out.extend(char.to_lowercase())
        } else {
            out.push(char)
        }
        begins = char.is_whitespace();
    }
    out
}

fn swapped(char: char) -> char {
    let other = if char.is_uppercase() { char.to_lowercase().next() } else { char.to_uppercase().next() };
    other.unwrap_or(char)
}

fn is_separator(char: char) -> bool {
    char.is_whitespace() || matches!(char, '_' | '-')
}

/// xstrings `ToSnakeCase`: words apart, in lower case.
fn separated(text: &str, separator: char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (index, char) in chars.iter().copied().enumerate() {
        if is_separator(char) {
            out.push(separator);
            continue;
        }
        let before = index.checked_sub(1).and_then(|index| chars.get(index)).copied();
        let begins = before.is_some_and(|before| {
            let next_is_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
            !is_separator(before)
                && (char.is_uppercase() && (!before.is_uppercase() || next_is_lower)
                    || char.is_ascii_digit() && before.is_alphabetic() && leads_a_word(&chars, index))
        });
        if begins {
            out.push(separator);
        }
        out.extend(char.to_lowercase());
    }
    out
}

/// Do the digits at `index` belong to the small letters after them?
fn leads_a_word(chars: &[char], index: usize) -> bool {
    chars.iter().skip(index).find(|char| !char.is_ascii_digit()).is_some_and(|char| char.is_lowercase())
}

/// xstrings `ToPascalCase`: words together, each with a capital.
fn pascal(text: &str) -> String {
    let start = text.find(|char| !is_separator(char)).unwrap_or(text.len());
    let (mut out, mut begins) = (text.get(..start).unwrap_or_default().to_owned(), true);
    for char in text.chars().skip(out.chars().count()) {
        if is_separator(char) {
            begins = true;
        } else if std::mem::take(&mut begins) {
            out.extend(char.to_uppercase());
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_sprig_s() {
        assert_eq!(title("hello wide-world it's"), "Hello Wide-World It'S");
        assert_eq!(untitle("Hello World"), "hello world");
        for (text, want) in [("FirstName", "first_name"), ("HTTPServer", "http_server"), ("GO PATH", "go_path")] {
            assert_eq!(separated(text, '_'), want);
        }
        assert_eq!(pascal("http_server-name"), "HttpServerName");
    }
}
