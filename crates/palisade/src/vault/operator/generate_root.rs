//! `vault operator generate-root`

use super::super::command::{Call, Command, Output};
use super::super::failure::{Failure, Run, While};
use super::super::flags::Flag;
use super::super::{layout, render, ui};
use super::{nonce_of, text_of};
use crate::outcome::OK;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) const COMMANDS: &[Command] = &[Command {
    path: "operator generate-root",
    synopsis: "Generates a new root token",
    usage: "[options] [KEY]",
    help: "Makes a new root token from a quorum of unseal keys. An attempt begins with a one-time password (OTP), \
           that the token comes encrypted with, or with a PGP key:\n\n    \
           $ bao operator generate-root -init\n\n\
           Each holder then gives a key, as an argument, \"-\" for standard input, or on the terminal:\n\n    \
           $ bao operator generate-root\n\n\
           The last answer has the encoded token, which the OTP decodes:\n\n    \
           $ bao operator generate-root -decode=\"...\" -otp=\"...\"",
    output: Output::Format,
    arguments: (0, 1),
    flags: &[
        Flag::switch("init", "Start an attempt, if none is in progress."),
        Flag::switch("cancel", "End the attempt and forget the keys that were given."),
        Flag::switch("status", "Print how far the attempt is, without giving a key."),
        Flag::text("decode", "Encoded token that is decoded with -otp; \"-\" reads it from standard input."),
        Flag::switch("generate-otp", "Print a one-time password for -init."),
        Flag::switch("recovery-token", "Do so for a recovery operation token."),
        Flag::text("otp", "One-time password of -decode or -init."),
        Flag::text("pgp-key", "File of a PGP public key, binary or base64, that the new token is encrypted with."),
        Flag::text("nonce", "Nonce of the attempt; it must be given with each key."),
    ],
    run,
}];

/// What the answers of an attempt have.
const FIELDS: &[&str] = &[
    "nonce:s",
    "started:b",
    "progress:n",
    "required:n",
    "complete:b",
    "encoded_token:s",
    "encoded_root_token:s",
    "pgp_fingerprint:s",
    "otp:s",
    "otp_length:n",
];

fn run(call: &Call) -> Run {
    let flags = &call.flags;
    let path = if flags.is_on("recovery-token") { "sys/generate-recovery-token" } else { "sys/generate-root" };
    if flags.is_on("generate-otp") {
        let status = status(call, path)?;
        let length = status.get("otp_length").and_then(Value::as_u64).filter(|length| *length > 0).unwrap_or(28);
        let otp = one_time_password(usize::try_from(length.min(1024)).unwrap_or(28))?;
        return told(call, &otp, &json!({ "otp": otp.as_str(), "otp_length": otp.len() }));
    }
    if flags.has("decode") {
        let token = decode(flags.text("decode"), flags.text("otp"))?;
        return told(call, &token, &json!({ "token": token.as_str() }));
    }
    if flags.is_on("cancel") {
        call.client()?
            .send("DELETE", &format!("{path}/attempt"), &[], None)
            .during("Error canceling root token generation")?;
        call.say("Success! Root token generation canceled (if it was started)")?;
        return Ok(OK);
    }
    if flags.is_on("init") {
        let (otp, key) = (flags.text("otp"), flags.text("pgp-key"));
        if !otp.is_empty() && !key.is_empty() {
            return Err(Failure::local("Error initializing: cannot specify both -otp and -pgp-key"));
        }
        let key = if key.is_empty() { String::new() } else { super::pgp::key(key)? };
        let body = json!({ "otp": otp, "pgp_key": key });
        let answer = call.client()?.send("PUT", &format!("{path}/attempt"), &[], Some(&body));
        let status = answer.and_then(|answer| answer.json()).during("Error initializing root generation")?;
        return print(call, &status);
    }
    let status = status(call, path)?;
    if flags.is_on("status") {
        return print(call, &status);
    }
    if status.get("started") != Some(&Value::Bool(true)) {
        let length = status.get("otp_length").and_then(Value::as_u64).unwrap_or(0);
        ui::error(&call.words(&layout::wrapped(
            "No root generation is in progress. Start a root generation by running \"bao operator generate-root -init\".",
        )));
        return Err(Failure::local(layout::wrapped(&format!(
            "If starting root generation using the OTP method and generating your own OTP, the length of the OTP \
             string needs to be {length} characters in length."
        ))));
    }
    let (key, nonce) = nonce_of(call, &text_of(&status, "nonce"), "Unseal Key (will be hidden): ", "the unseal key")?;
    let body = json!({ "key": key.as_str(), "nonce": nonce });
    let answer = call.client()?.send("PUT", &format!("{path}/update"), &[], Some(&body));
    let status = answer.and_then(|answer| answer.json()).during("Error posting unseal key")?;
    print(call, &status)
}

fn status(call: &Call, path: &str) -> Result<Value, Failure> {
    let answer = call.client()?.send("GET", &format!("{path}/attempt"), &[], None);
    answer.and_then(|answer| answer.json()).during("Error getting root generation status")
}

/// The text alone, or with other formats a document.
fn told(call: &Call, text: &str, document: &Value) -> Run {
    if call.is_table() {
        ui::raw(text)?;
        return Ok(OK);
    }
    render::document(call, document)
}

fn one_time_password(length: usize) -> Result<Zeroizing<String>, Failure> {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut password = Zeroizing::new(String::with_capacity(length));
    while password.len() < length {
        let mut bytes = [0_u8; 64];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::remote("the system has no random bytes"))?;
        // Each letter as often as each other: what goes beyond is thrown away.
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < 4 * LETTERS.len());
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        let missing = length - password.len();
        password.extend(letters.take(missing).map(|letter| char::from(*letter)));
    }
    Ok(password)
}

/// The root token that was encoded with a one-time password.
fn decode(encoded: &str, otp: &str) -> Result<Zeroizing<String>, Failure> {
    if encoded.is_empty() {
        return Err(Failure::local("Missing encoded value: use -decode=<string> to supply it"));
    }
    if otp.is_empty() {
        return Err(Failure::local("Missing otp: use -otp to supply it"));
    }
    let piped = if encoded == "-" { ui::input()? } else { Zeroizing::new(encoded.to_owned()) };
    if piped.is_empty() {
        let text = "Missing encoded value. When using -decode=\"-\" value must be passed via stdin.";
        return Err(Failure::local(text));
    }
    let failed = |cause: String| Failure::local(format!("Error decoding root token: {cause}"));
    let bytes = STANDARD_NO_PAD.decode(piped.trim().trim_end_matches('=')).map(Zeroizing::new);
    let bytes = bytes.map_err(|error| failed(format!("error decoding base64'd token: {error}")))?;
    if bytes.len() != otp.len() {
        let (token, otp) = (bytes.len(), otp.len());
        return Err(failed(format!("error xoring token: length of byte slices is not equivalent: {token} != {otp}")));
    }
    let plain: Vec<u8> = bytes.iter().zip(otp.bytes()).map(|(byte, pad)| byte ^ pad).collect();
    let plain =
        String::from_utf8(plain).map_err(|_| failed("this is not the password that it was encoded with".to_owned()))?;
    Ok(Zeroizing::new(plain))
}

fn print(call: &Call, status: &Value) -> Run {
    if !call.is_table() {
        return render::document(call, &render::Fields::of(status, FIELDS));
    }
    let text = |name: &str| text_of(status, name);
    let mut rows = vec![
        layout::row("Nonce", text("nonce")),
        layout::row("Started", text("started")),
        layout::row("Progress", format!("{}/{}", text("progress"), text("required"))),
        layout::row("Complete", text("complete")),
    ];
    let mut add = |title: &str, value: String| {
        if !value.is_empty() && value != "0" {
            rows.push(layout::row(title, value));
        }
    };
    add("PGP Fingerprint", text("pgp_fingerprint"));
    if text("encoded_token").is_empty() {
        add("Encoded Root Token", text("encoded_root_token"));
    } else {
        add("Encoded Token", text("encoded_token"));
    }
    if !text("otp").is_empty() {
        call.warn(&layout::wrapped(
            "A One-Time-Password has been generated for you and is shown in the OTP field. You will need this value to \
             decode the resulting root token, so keep it safe.",
        ));
    }
    add("OTP", text("otp"));
    add("OTP Length", text("otp_length"));
    call.say(&layout::columns(&rows))?;
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_decoded_with_their_password() {
        let (token, otp) = ("s.0123456789abcdefghijklmno", "abcdefghijklmnopqrstuvwxyzA");
        let mixed: Vec<u8> = token.bytes().zip(otp.bytes()).map(|(a, b)| a ^ b).collect();
        let encoded = STANDARD_NO_PAD.encode(mixed);
        assert_eq!(decode(&encoded, otp).unwrap().as_str(), token);
        for (encoded, otp) in [(encoded.as_str(), "short"), ("!", otp), ("", otp), (&encoded, "")] {
            let failure = decode(encoded, otp).unwrap_err();
            assert_eq!(failure.code, 1);
            assert!(!failure.message.contains("s.01"));
        }
        let password = one_time_password(100).unwrap();
        assert!(password.len() == 100 && password.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
