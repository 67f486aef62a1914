//! How long a verification takes in a process that has its trusted root ready:
//! `warm TRUSTED_ROOT BUNDLE ARTIFACT` prints `{"keyless_ms": ..., "key_ms": ...}`, medians.
#![expect(clippy::print_stdout, reason = "a program that prints a measurement")]

use bundle::{Bundle, Content, KeyMaterial, Material, MediaType, MessageSignature, TrustedRoot};
use jiff::Timestamp;
use signing::{Artifact, IdentityPolicy, KeyKind, Policy, PrivateKey, Signer as _, TextMatch, Trust, verify};
use std::error::Error;
use std::time::Instant;

const ROUNDS: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: warm TRUSTED_ROOT BUNDLE ARTIFACT");
    let trust = Trust::new(&[TrustedRoot::parse(&std::fs::read(next()?)?)?])?;
    let json = std::fs::read(next()?)?;
    let artifact = std::fs::read(next()?)?;
    let anybody = IdentityPolicy::new(TextMatch::regexp("")?, TextMatch::regexp("")?);
    let policy = Policy::identities(vec![anybody]);
    let now = Timestamp::now();
    let keyless = median(|| {
        let bundle = Bundle::parse(&json)?;
        verify(&bundle, &Artifact::Bytes(&artifact), &trust, &policy, now)?;
        Ok(())
    })?;

    let key = PrivateKey::generate(KeyKind::P256)?;
    let message = MessageSignature { message_digest: None, signature: key.sign(&artifact)? };
    let material = Material {
        key: KeyMaterial::PublicKey { hint: String::new() },
        tlog_entries: Vec::new(),
        timestamps: Vec::new(),
    };
    let json = Bundle { media_type: MediaType::V03, material, content: Content::Message(message) }.to_json();
    let policy = Policy { ignore_tlog: true, ..Policy::keys(vec![key.public_key().clone()]) };
    let by_key = median(|| {
        let bundle = Bundle::parse(&json)?;
        verify(&bundle, &Artifact::Bytes(&artifact), &Trust::none(), &policy, now)?;
        Ok(())
    })?;
    println!("{{\"keyless_ms\": {keyless:.4}, \"key_ms\": {by_key:.4}}}");
    Ok(())
}

/// Milliseconds.
fn median(mut once: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        once()?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().ok_or_else(|| "nothing measured".into())
}
