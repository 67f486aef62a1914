//! The pages that a browser is shown.

use logical::{Raw, Response};

fn page(status: u16, title: &str, body: &str) -> Response {
    let document = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"UTF-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{0}</title></head><body><h1>{0}</h1>{body}</body></html>\n",
        escape(title)
    );
    let raw = Raw { status, content_type: "text/html".to_owned(), body: document.into_bytes() };
    let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
    let headers = vec![("Content-Security-Policy".to_owned(), policy.to_owned())];
    Response { raw: Some(raw), headers, ..Response::default() }
}

/// The login is done, and the client that polls gets it.
pub(super) fn done() -> Response {
    page(200, "Signed in", "<p>You can close this window and return to the client.</p>")
}

/// The login failed.
pub(super) fn failed(text: &str) -> Response {
    page(400, "Sign-in failed", &format!("<p>{}</p>", escape(text)))
}

/// Asks whether it was the person before the browser who wanted this login. The same request follows, with `confirmation`.
pub(super) fn confirm<'a>(address: &str, role: &str, fields: impl Iterator<Item = (&'a str, String)>) -> Response {
    let hidden = |(name, value): (&str, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(&value))
    };
    let inputs: String = fields.map(hidden).collect();
    let body = format!(
        "<p>A client at {} wants to sign in with the role {}. Go on only if that is you.</p><form method=\"get\">{inputs}\
         <input type=\"hidden\" name=\"confirmation\" value=\"yes\"><button>Sign in</button></form>",
        escape(address),
        escape(role)
    );
    page(200, "Confirm sign-in", &body)
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}
