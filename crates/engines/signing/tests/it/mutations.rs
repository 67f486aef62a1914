//! Good bundles that are bent: none is accepted, unless what was bent vouches for nothing.

use crate::vectors::{Case, cases, now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::Bundle;
use serde_json::Value;
use signing::{Artifact, Trust, VerifiedEntry, VerifiedTime, verify};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// One of each: keyless in Rekor v1 and v2, envelopes in both, and by a key with a timestamp.
const GOOD: [&str; 5] = [
    "happy-path-v0.1",
    "happy-path-intoto-in-dsse-v3",
    "rekor2-happy-path",
    "rekor2-dsse-happy-path",
    "managed-key-happy-path",
];

/// What may be bent, and why. All that was proven must be the same in the end. A star stands for all below.
const HARMLESS: [(&str, &str); 9] = [
    ("/mediaType", "versions whose demands the bundle meets too"),
    ("/verificationMaterial/publicKey/hint", "a hint; the verifier has the key"),
    ("/verificationMaterial/timestampVerificationData/*", "status and certificates in a response aren't signed"),
    ("/messageSignature/messageDigest", "a hint, that must be right where it is given; it may be left out"),
    ("/dsseEnvelope/signatures/0/keyid", "a hint that isn't signed"),
    ("/verificationMaterial/tlogEntries/0/integratedTime", "zero and absent are the same in Rekor v2"),
    ("/verificationMaterial/tlogEntries/0/inclusionProof", "in version 0.1 the promise remains"),
    ("/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope", "lines of witnesses aren't the log's"),
    ("/verificationMaterial/tlogEntries/0/inclusionPromise/*", "the proof remains, and no time is told"),
];

fn is_harmless(pointer: &str) -> bool {
    HARMLESS.iter().any(|(harmless, _)| match harmless.strip_suffix("/*") {
        Some(above) => pointer.starts_with(above),
        None => pointer == *harmless,
    })
}

/// What a verification proves.
struct Proven {
    who_and_what: String,
    times: Vec<VerifiedTime>,
    entries: Vec<VerifiedEntry>,
}

impl Proven {
    /// The same signer and statement; a time may be missing where its proof is, nothing may be added.
    fn is_within(&self, honest: &Proven) -> bool {
        let within = |entry: &VerifiedEntry| {
            let timeless = |entry: &VerifiedEntry| VerifiedEntry { integrated_time: None, ..entry.clone() };
            honest.entries.iter().any(|known| entry == known || *entry == timeless(known))
        };
        self.who_and_what == honest.who_and_what
            && self.times.iter().all(|time| honest.times.contains(time))
            && self.entries.iter().all(within)
    }
}

struct Good {
    case: Case,
    json: Value,
    trust: Trust,
    proven: Option<Proven>,
    /// What was accepted and must not be.
    accepted: RefCell<Vec<String>>,
}

impl Good {
    fn all() -> Vec<Good> {
        let good = cases().into_iter().filter(|case| GOOD.contains(&case.name.as_str()));
        let mut out: Vec<Good> = good
            .map(|case| {
                let json = serde_json::from_slice(&case.bundle).unwrap();
                let trust = case.trust().unwrap();
                Good { case, json, trust, proven: None, accepted: RefCell::default() }
            })
            .collect();
        for good in &mut out {
            good.proven = Some(good.outcome(&good.json).expect("it is good"));
        }
        out
    }

    /// What is proven; none if it is refused.
    fn outcome(&self, json: &Value) -> Option<Proven> {
        let bundle = Bundle::parse(&serde_json::to_vec(json).unwrap()).ok()?;
        let artifact = Artifact::Bytes(&self.case.artifact);
        let verified = verify(&bundle, &artifact, &self.trust, self.case.policy.as_ref().unwrap(), now()).ok()?;
        let who_and_what = format!("{:?} {:?}", verified.signer, verified.statement);
        Some(Proven { who_and_what, times: verified.times, entries: verified.entries })
    }

    /// Bends a value and checks that it is refused, or harmless.
    fn check(&self, pointer: &str, what: &str, bent: Value) {
        let mut json = self.json.clone();
        let Some(place) = json.pointer_mut(pointer) else { return };
        if *place == bent {
            return;
        }
        *place = bent;
        self.check_all(&json, &[pointer], what);
    }

    fn check_all(&self, json: &Value, pointers: &[&str], what: &str) {
        let Some(proven) = self.outcome(json) else { return };
        // A bent value may be the same in another spelling.
        let same = || {
            let bundle = |json: &Value| Bundle::parse(&serde_json::to_vec(json).unwrap()).unwrap();
            bundle(json) == bundle(&self.json)
        };
        if !pointers.iter().all(|pointer| is_harmless(pointer)) && !same() {
            self.accepted.borrow_mut().push(format!("{}: {pointers:?} {what}", self.case.name));
        }
        if !self.proven.as_ref().is_some_and(|honest| proven.is_within(honest)) {
            self.accepted.borrow_mut().push(format!("{}: {pointers:?} {what}, and proves more", self.case.name));
        }
    }

    fn assert_none_accepted(&self) {
        let accepted = self.accepted.borrow();
        assert!(accepted.is_empty(), "{}", accepted.join("\n"));
    }
}

/// All values of a document with their pointers, the deeper ones too.
fn values(value: &Value, pointer: &str, out: &mut Vec<(String, Value)>) {
    if !pointer.is_empty() {
        out.push((pointer.to_owned(), value.clone()));
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(name, item)| values(item, &format!("{pointer}/{name}"), out)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(nth, item)| values(item, &format!("{pointer}/{nth}"), out));
        }
        _ => {}
    }
}

fn remove(json: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(name)),
        Some(Value::Array(list)) => drop(list.remove(name.parse().unwrap())),
        _ => {}
    }
}

/// A text with one of its bytes bent: of what it encodes, where it is base64.
fn bend(text: &str, at: usize, bit: u8) -> Option<String> {
    let is_base64 = text.len() > 12 && !text.contains([' ', '\n', ';']);
    if let (true, Ok(mut bytes)) = (is_base64, STANDARD.decode(text)) {
        *bytes.get_mut(at)? ^= 1 << bit;
        return Some(STANDARD.encode(bytes));
    }
    let mut bytes = text.as_bytes().to_vec();
    *bytes.get_mut(at)? ^= 1 << (bit % 7);
    String::from_utf8(bytes).ok()
}

#[test]
fn every_field_matters() {
    let all = Good::all();
    if all.is_empty() {
        return println!("skipped: no vectors of sigstore-conformance");
    }
    assert_eq!(all.len(), GOOD.len());
    for good in &all {
        let mut found = Vec::new();
        values(&good.json, "", &mut found);
        for (pointer, value) in &found {
            let mut json = good.json.clone();
            remove(&mut json, pointer);
            good.check_all(&json, &[pointer], "left out");
            good.check(pointer, "null", Value::Null);
            good.check(pointer, "another type", Value::Bool(true));
            good.check(pointer, "empty text", Value::from(""));
            good.check(pointer, "an empty list", Value::Array(vec![]));
            match value {
                Value::String(text) => bend_text(good, pointer, text),
                Value::Array(list) => bend_list(good, pointer, list),
                _ => {}
            }
            for other in &all {
                if let Some(theirs) = other.json.pointer(pointer) {
                    good.check(pointer, &format!("of {}", other.case.name), theirs.clone());
                }
            }
        }
        good.assert_none_accepted();
    }
}

fn bend_text(good: &Good, pointer: &str, text: &str) {
    if let Ok(number) = text.parse::<i64>() {
        for bent in [number + 1, number - 1, 0, -1, i64::MAX, i64::MIN] {
            good.check(pointer, "another number", Value::from(bent.to_string()));
            good.check(pointer, "another number", Value::from(bent));
        }
        good.check(pointer, "too large a number", Value::from("9223372036854775808"));
        return;
    }
    // Each byte of what is short, and a sample of what is long; the random search finds the others in time.
    let stride = text.len().div_ceil(100).max(1);
    for at in (0..text.len()).step_by(stride) {
        let bit = u8::try_from(at % 8).unwrap();
        if let Some(bent) = bend(text, at, bit) {
            good.check(pointer, &format!("bit {bit} of byte {at}"), Value::from(bent));
        }
    }
    if let Ok(bytes) = STANDARD.decode(text) {
        good.check(pointer, "cut", Value::from(STANDARD.encode(bytes.split_last().map_or(&[][..], |(_, rest)| rest))));
        good.check(pointer, "longer", Value::from(STANDARD.encode([&bytes[..], &[0]].concat())));
    }
}

fn bend_list(good: &Good, pointer: &str, list: &[Value]) {
    let mut twice = list.to_vec();
    twice.extend(list.first().cloned());
    good.check(pointer, "the first twice", Value::Array(twice));
    let mut reversed = list.to_vec();
    reversed.reverse();
    good.check(pointer, "reversed", Value::Array(reversed));
}

/// Splitmix64: the search is the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }
}

/// Bends up to three values at random, for as many seconds as `PALISADE_MUTATION_SECONDS` says.
#[test]
fn random_mutations_are_refused() {
    let all = Good::all();
    if all.is_empty() {
        return println!("skipped: no vectors of sigstore-conformance");
    }
    let seconds = std::env::var("PALISADE_MUTATION_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(seconds);
    let mut count = 0_u64;
    let fields: Vec<Vec<(String, Value)>> = all
        .iter()
        .map(|good| {
            let mut found = Vec::new();
            values(&good.json, "", &mut found);
            found.retain(|(_, value)| value.is_string());
            found
        })
        .collect();
    while Instant::now() < until {
        let nth = random.below(all.len());
        let (good, fields) = (&all[nth], &fields[nth]);
        let mut json = good.json.clone();
        let mut pointers = Vec::new();
        for _ in 0..=random.below(3) {
            let (pointer, value) = &fields[random.below(fields.len())];
            let text = value.as_str().unwrap();
            let bent = match random.below(8) {
                0 => {
                    let other = &all[random.below(all.len())];
                    other.json.pointer(pointer).cloned()
                }
                _ => bend(text, random.below(text.len()), u8::try_from(random.below(8)).unwrap()).map(Value::from),
            };
            if let (Some(bent), Some(place)) = (bent, json.pointer_mut(pointer)) {
                *place = bent;
                pointers.push(pointer.as_str());
            }
        }
        count += 1;
        if json != good.json {
            pointers.retain(|pointer| json.pointer(pointer) != good.json.pointer(pointer));
            good.check_all(&json, &pointers, "at random");
        }
    }
    println!("{count} mutations");
    all.iter().for_each(Good::assert_none_accepted);
    assert!(count > 100, "{count}");
}
