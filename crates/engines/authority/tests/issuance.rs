//! From a principal to a certificate whose SCT the log's key made.

use authority::{Ca, CtKey, Extensions, KeyKind, Principal, PublicKey, Role, SigningKey, State, SubjectName};
use jiff::{SignedDuration, Timestamp};
use std::time::Instant;

fn principal() -> Principal {
    Principal {
        challenge: String::new(),
        name: SubjectName::Email("a@b.example".into()),
        extensions: Extensions::new("https://issuer.example", "subject"),
    }
}

#[test]
fn rotation_keeps_what_was_trusted() {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let later = start + SignedDuration::from_hours(1);
    let mut state = State::new("example.org", "https://sigstore.example.org/");
    let root = state.add(Role::CaRoot, None, start).unwrap();
    assert!(state.add(Role::Ca, None, start).is_err(), "an intermediate needs its root's key");
    for role in [Role::Ca, Role::Log, Role::Ct] {
        let parent = role.parent().map(|_| &root);
        state.add(role, parent, start).unwrap();
        state.add(role, parent, later).unwrap();
    }
    let trusted = state.trusted_root();
    for logs in [&trusted.tlogs, &trusted.ctlogs] {
        let (old, new) = (logs.first().unwrap(), logs.last().unwrap());
        assert_eq!((logs.len(), old.public_key.valid_for.unwrap().end), (2, Some(later + authority::ROTATION_TIME)));
        assert_eq!(new.public_key.valid_for.unwrap().end, None);
        assert_ne!(old.log_id, new.log_id);
    }
    let authorities = &trusted.certificate_authorities;
    assert_eq!(authorities.len(), 2);
    // The last certificates of the old authority live on for their ten minutes.
    let end = authorities.first().unwrap().valid_for.unwrap().end;
    assert_eq!(end, Some(later + authority::ROTATION_TIME + authority::CERTIFICATE_LIFETIME));
    let read = bundle::TrustedRoot::parse(&trusted.to_json()).unwrap();
    assert_eq!(read, trusted);
    let again: State = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(again, state);
}

/// `cargo test --release -p authority -- --ignored --nocapture speed` measures one core.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let now = Timestamp::now();
    let mut state = State::new("example.org", "https://sigstore.example.org");
    let root = state.add(Role::CaRoot, None, now).unwrap();
    let ca = state.add(Role::Ca, Some(&root), now).unwrap();
    let ca = Ca::new(ca, state.active(Role::Ca).unwrap().chain()).unwrap();
    let ct = CtKey::new(state.add(Role::Ct, None, now).unwrap()).unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let proof = key.sign(b"a@b.example").unwrap();
    let begin = Instant::now();
    let count = 2000;
    for _ in 0..count {
        let key = PublicKey::from_spki(key.spki()).unwrap();
        key.verify(b"a@b.example", &proof).unwrap();
        let pre = ca.precertificate(&principal(), &key, now).unwrap();
        let sct = ct.sct(&pre.entry, now, &[]).unwrap();
        ca.certificate(&pre, &sct).unwrap();
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    println!("{rate:.0} certificates a second");
    assert!(rate > 1.0);
}
