//! Each case of the suite has the outcome that its name tells, by the artifact and by its digest. No exceptions.

use crate::vectors::{Case, cases, now};
use bundle::Bundle;
use signing::{Artifact, Verified, verify, verify_entry};

fn outcome(case: &Case, artifact: &Artifact<'_>) -> Result<Verified, Box<dyn std::error::Error>> {
    let policy = case.policy.as_ref().map_err(ToString::to_string)?;
    let bundle = Bundle::parse(&case.bundle)?;
    Ok(verify(&bundle, artifact, &case.trust()?, policy, now())?)
}

/// The reasons, each below the one that it caused.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn every_case_is_right() {
    let cases = cases();
    if cases.is_empty() {
        return println!("skipped: no vectors of sigstore-conformance");
    }
    let (mut wrong, mut reasons) = (Vec::new(), String::new());
    for case in &cases {
        let digest = tlog::sha256(&[&case.artifact]);
        for artifact in [Artifact::sha256(digest.0), Artifact::Bytes(&case.artifact)] {
            match outcome(case, &artifact) {
                Err(error) if case.must_fail && matches!(artifact, Artifact::Bytes(_)) => {
                    reasons += &format!("{}: {}\n", case.name, chain(&*error));
                }
                Err(error) if !case.must_fail => wrong.push(format!("{}: {}", case.name, chain(&*error))),
                Ok(_) if case.must_fail => wrong.push(format!("{} was accepted", case.name)),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 60, "{} cases", cases.len());
    // A case must not fail by chance: these are the reasons.
    insta::assert_snapshot!(reasons);
}

#[test]
fn an_entry_alone_is_proven_to_be_in_its_log() {
    for case in cases().iter().filter(|case| !case.must_fail) {
        let (bundle, trust) = (Bundle::parse(&case.bundle).unwrap(), case.trust().unwrap());
        let whole = outcome(case, &Artifact::Bytes(&case.artifact)).unwrap();
        for (entry, proven) in bundle.material.tlog_entries.iter().zip(&whole.entries) {
            assert_eq!(verify_entry(entry, &trust).unwrap().1, *proven, "{}", case.name);
            let mut bent = entry.clone();
            *bent.canonicalized_body.last_mut().unwrap() ^= 1;
            assert!(verify_entry(&bent, &trust).is_err(), "{}", case.name);
            let mut other = entry.clone();
            other.log_id = vec![0; 32];
            assert!(matches!(verify_entry(&other, &trust), Err(signing::VerifyError::NotLogged)), "{}", case.name);
        }
    }
}
