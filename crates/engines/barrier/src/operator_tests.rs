use crate::tests::{NOW, static_seal};
use crate::{
    Barrier, InitKeys, InitRequest, InitResponse, Operator, ROOT_TOKEN_BYTES, RekeyRequest, RekeyUpdate,
    RekeyVerification, RootUpdate, Seal, Subject,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use logical::{Error, Secret, StorageExt};
use serde_json::json;
use std::sync::Arc;

fn operator(space: &Arc<space::Memory>, seal: Seal) -> Operator {
    Operator::new(Barrier::new(Arc::clone(space) as Arc<dyn space::Space>, "", seal))
}

async fn shamir(shares: i64, threshold: i64) -> (Operator, InitKeys) {
    let operator = operator(&Arc::default(), Seal::Shamir);
    let request = InitRequest { secret_shares: shares, secret_threshold: threshold, ..InitRequest::default() };
    let keys = operator.initialize(&request, NOW).await.unwrap();
    (operator, keys)
}

fn encoded(keys: &[Secret]) -> Vec<String> {
    let hex = |key: &Secret| key.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = |key: &Secret| STANDARD.encode(key);
    keys.iter().enumerate().map(|(index, key)| if index % 2 == 0 { hex(key) } else { base64(key) }).collect()
}

/// A share of the same place, and not of the same key.
fn bent(share: &str) -> String {
    let mut share = crate::operator::decode_key(share).unwrap();
    share[0] ^= 1;
    encoded(&[share]).remove(0)
}

fn refused<T>(result: Result<T, Error>, status: u16, text: &str) {
    let error = result.err().unwrap();
    assert_eq!((error.status(), error.to_string().as_str()), (status, text));
}

#[tokio::test]
async fn unsealing_counts_keys_and_begins_anew_after_wrong_ones() {
    let operator_of_none = operator(&Arc::default(), Seal::Shamir);
    refused(operator_of_none.unseal(&"ab".repeat(33), false).await, 400, "Vault is not initialized");
    let numbers = [
        (0, 0, "shares must be at least one"),
        (-1, 1, "shares must be at least one"),
        (3, 1, "threshold must be greater than one for multiple shares"),
        (2, 3, "threshold cannot be larger than shares"),
        (1 << 40, 3, "shares must be less than 256"),
    ];
    for (shares, threshold, text) in numbers {
        let request = InitRequest { secret_shares: shares, secret_threshold: threshold, ..InitRequest::default() };
        let text = format!("invalid seal configuration: {text}");
        refused(operator_of_none.initialize(&request, NOW).await, 400, &text);
    }
    let request = InitRequest { recovery_shares: 1, recovery_threshold: 1, ..InitRequest::default() };
    let text = "parameters recovery_shares,recovery_threshold not applicable to seal type shamir";
    refused(operator_of_none.initialize(&request, NOW).await, 400, text);

    let (operator, keys) = shamir(5, 3).await;
    let answer = serde_json::to_value(InitResponse::new(&keys, "hvs.root".to_owned())).unwrap();
    assert_eq!(answer["keys_base64"][1], encoded(&keys.shares)[1]);
    assert_eq!((answer["keys"].as_array().unwrap().len(), answer.as_object().unwrap().len()), (5, 3));
    refused(operator.reset_unseal().await, 400, "vault is unsealed");
    operator.seal();
    let keys = encoded(&keys.shares);
    refused(
        operator.unseal("", false).await,
        400,
        "'key' must be specified in request body as JSON, or 'reset' set to true",
    );
    refused(operator.unseal("!", false).await, 400, "'key' must be a valid hex or base64 string");
    refused(operator.unseal("AAAA", false).await, 400, "invalid key: key is shorter than minimum 16 bytes");
    refused(operator.unseal(&"zzzz".repeat(12), false).await, 400, "invalid key: key is longer than maximum 33 bytes");
    for (key, progress) in [(0, 1), (0, 1), (1, 2)] {
        assert_eq!(operator.unseal(&keys[key], false).await.unwrap().progress, progress);
    }
    let status = operator.seal_status().await.unwrap();
    let wanted = json!({
        "type": "shamir", "initialized": true, "sealed": true, "t": 3, "n": 5, "progress": 2, "nonce": status.nonce,
        "migration": false, "recovery_seal": false, "recovery_seal_type": "unsupported",
    });
    assert_eq!(serde_json::to_value(&status).unwrap(), wanted);
    assert_eq!(operator.reset_unseal().await.unwrap().progress, 0);
    operator.unseal(&keys[0], false).await.unwrap();
    operator.unseal(&keys[1], false).await.unwrap();
    let wrong = "invalid key: failed to decrypt keys from storage: cipher: message authentication failed";
    refused(operator.unseal(&bent(&keys[2]), false).await, 400, wrong);
    assert_eq!(operator.seal_status().await.unwrap().progress, 0);
    for key in [4, 1, 3] {
        operator.unseal(&keys[key], false).await.unwrap();
    }
    let status = operator.unseal(&keys[0], false).await.unwrap();
    assert!(!status.sealed && status.progress == 0);
}

#[tokio::test]
async fn a_rekey_puts_new_shares_in_place_of_the_old() {
    let (operator, keys) = shamir(1, 1).await;
    let subject = Subject::Root;
    operator.barrier().view("").put("a", b"1".to_vec().into()).await.unwrap();
    let request = RekeyRequest { secret_shares: 5, secret_threshold: 3, ..RekeyRequest::default() };
    assert!(!operator.rekey_status(subject).await.unwrap().started);
    operator.rekey_start(subject, &request).await.unwrap();
    refused(operator.rekey_start(subject, &request).await, 400, "rekey already in progress");
    operator.rekey_cancel(subject).await.unwrap();
    let key = &encoded(&keys.shares)[0];
    refused(operator.rekey_update(subject, key, "").await, 400, "no barrier rekey in progress");
    let status = operator.rekey_start(subject, &request).await.unwrap();
    let wanted = json!({
        "nonce": status.nonce, "started": true, "t": 3, "n": 5, "progress": 0, "required": 1,
        "pgp_fingerprints": null, "backup": false, "verification_required": false,
    });
    assert_eq!(serde_json::to_value(&status).unwrap(), wanted);
    let text = format!("incorrect nonce supplied; nonce for this rekey operation is {:?}", status.nonce);
    refused(operator.rekey_update(subject, key, "other").await, 400, &text);
    let wrong = "invalid key: failed to decrypt keys from storage: cipher: message authentication failed";
    refused(operator.rekey_update(subject, &"ab".repeat(32), &status.nonce).await, 400, wrong);
    let RekeyUpdate::Complete(done) = operator.rekey_update(subject, key, &status.nonce).await.unwrap() else {
        panic!()
    };
    assert!(done.complete && !done.verification_required && done.keys.keys.len() == 5);

    // The old key is worth nothing now; the new ones are verified before the next.
    operator.seal();
    operator.unseal(key, false).await.unwrap();
    operator.unseal(&done.keys.keys[0], false).await.unwrap();
    let mixed = "invalid key: failed to compute combined key: all parts must be the same length";
    refused(operator.unseal(&done.keys.keys[1], false).await, 400, mixed);
    for key in &done.keys.keys[..3] {
        operator.unseal(key, false).await.unwrap();
    }
    assert!(!operator.barrier().is_sealed());
    let request = RekeyRequest { secret_shares: 2, secret_threshold: 2, require_verification: true, ..request };
    let nonce = operator.rekey_start(subject, &request).await.unwrap().nonce;
    let old = &done.keys.keys;
    for (index, key) in old[..2].iter().enumerate() {
        let RekeyUpdate::Progress(status) = operator.rekey_update(subject, key, &nonce).await.unwrap() else {
            panic!()
        };
        assert_eq!(status.progress, index + 1);
    }
    let again = "given key has already been provided during this generation operation";
    refused(operator.rekey_update(subject, &old[0], &nonce).await, 400, again);
    let RekeyUpdate::Complete(new) = operator.rekey_update(subject, &old[2], &nonce).await.unwrap() else { panic!() };
    let first = operator.rekey_verification(subject).await.unwrap().nonce;
    assert_eq!(first, new.verification_nonce);
    let second = operator.rekey_verification_restart(subject).await.unwrap().nonce;
    assert_ne!(first, second);
    operator.rekey_verify(subject, &new.keys.keys[0], &second).await.unwrap();
    let failed = "rekey verification failed; incorrect key shares supplied";
    refused(operator.rekey_verify(subject, &old[0], &second).await, 400, failed);
    let third = operator.rekey_verification(subject).await.unwrap().nonce;
    operator.rekey_verify(subject, &new.keys.keys[0], &third).await.unwrap();
    let done = operator.rekey_verify(subject, &new.keys.keys[1], &third).await.unwrap();
    assert_eq!(done, RekeyVerification::Complete { nonce: third, complete: true });
    operator.seal();
    operator.unseal(&new.keys.keys[0], false).await.unwrap();
    operator.unseal(&new.keys.keys[1], false).await.unwrap();
    assert_eq!(&*logical::Storage::get(&operator.barrier().view(""), "a").await.unwrap().unwrap().value, b"1");
    refused(operator.rekey_status(Subject::Recovery).await, 400, "recovery rekeying not supported");
}

#[tokio::test]
async fn a_root_token_is_hidden_by_the_password_and_given_only_for_right_shares() {
    let (operator, keys) = shamir(3, 2).await;
    let keys = encoded(&keys.shares);
    refused(operator.root_start("short", "").await, 400, "OTP string has incorrect length");
    assert_eq!(operator.root_start("", "pgp").await.err().unwrap().status(), 400);
    let status = operator.root_start("", "").await.unwrap();
    let otp = status.otp.clone();
    assert!(otp.len() == ROOT_TOKEN_BYTES && otp.bytes().all(|sign| sign.is_ascii_alphanumeric()));
    let text = "root generation already in progress for this namespace";
    refused(operator.root_start("", "").await, 400, text);
    assert_eq!(operator.root_status().await.unwrap().otp, "");
    assert!(matches!(operator.root_update(&keys[0], "other").await, Err(Error::Invalid(_))));
    operator.root_update(&keys[0], &status.nonce).await.unwrap();
    let wrong = operator.root_update(&bent(&keys[2]), &status.nonce).await.err().unwrap().to_string();
    assert!(wrong.starts_with("root generation aborted: unable to authenticate: "), "{wrong}");
    for key in &keys[..2] {
        match operator.root_update(key, &status.nonce).await.unwrap() {
            RootUpdate::Progress(status) => {
                assert_eq!((status.progress, status.required, status.started), (1, 2, true))
            }
            RootUpdate::Authenticated(grant) => {
                let token = "hvs.0123456789abcdefghijklmn";
                let done = operator.root_finish(&grant, token).await.unwrap();
                let hidden = STANDARD_NO_PAD.decode(&done.encoded_root_token).unwrap();
                let read: Vec<u8> = hidden.iter().zip(otp.bytes()).map(|(byte, sign)| byte ^ sign).collect();
                assert_eq!(read, token.as_bytes());
                assert!(done.complete && operator.root_finish(&grant, token).await.is_err());
            }
        }
    }
    assert!(!operator.root_status().await.unwrap().started);
    operator.root_start("BMjzW3wAsEzINXCM05Wbas3u9zSl", "").await.unwrap();
    operator.root_cancel().await.unwrap();
    refused(operator.root_update(&keys[0], &status.nonce).await, 400, "no root generation in progress");
}

#[tokio::test]
async fn recovery_keys_do_what_unseal_keys_do_where_the_seal_unseals_by_itself() {
    let space = Arc::default();
    let operator = operator(&space, static_seal("1", 1, None));
    let request = InitRequest { recovery_shares: 3, recovery_threshold: 2, ..InitRequest::default() };
    let text = "parameters secret_shares not applicable to seal type static";
    refused(operator.initialize(&InitRequest { secret_shares: 1, ..request.clone() }, NOW).await, 400, text);
    let keys = operator.initialize(&request, NOW).await.unwrap();
    let answer = serde_json::to_value(InitResponse::new(&keys, String::new())).unwrap();
    assert_eq!((&answer["keys"], answer["recovery_keys"].as_array().unwrap().len()), (&json!([]), 3));
    let keys = encoded(&keys.recovery_shares);
    operator.seal();
    operator.unseal(&keys[0], false).await.unwrap();
    let wrong = "invalid key: failed to verify recovery key: recovery key does not match submitted values";
    refused(operator.unseal(&bent(&keys[2]), false).await, 400, wrong);
    operator.unseal(&keys[0], false).await.unwrap();
    assert!(!operator.unseal(&keys[2], false).await.unwrap().sealed);

    let request = RekeyRequest { secret_shares: 1, secret_threshold: 1, ..RekeyRequest::default() };
    let nonce = operator.rekey_start(Subject::Recovery, &request).await.unwrap().nonce;
    operator.rekey_update(Subject::Recovery, &keys[0], &nonce).await.unwrap();
    let wrong = "recovery key verification failed: recovery key does not match submitted values";
    refused(operator.rekey_update(Subject::Recovery, &bent(&keys[2]), &nonce).await, 400, wrong);
    operator.rekey_update(Subject::Recovery, &keys[1], &nonce).await.unwrap();
    let RekeyUpdate::Complete(new) = operator.rekey_update(Subject::Recovery, &keys[0], &nonce).await.unwrap() else {
        panic!()
    };
    let nonce = operator.rekey_start(Subject::Root, &request).await.unwrap().nonce;
    let RekeyUpdate::Complete(done) = operator.rekey_update(Subject::Root, &new.keys.keys[0], &nonce).await.unwrap()
    else {
        panic!()
    };
    assert!(done.complete && done.keys.keys.is_empty());
    operator.seal();
    operator.barrier().unseal_by_seal().await.unwrap();
    assert!(!operator.seal_status().await.unwrap().sealed);
}

#[tokio::test]
async fn a_store_is_migrated_from_one_seal_to_another_and_back() {
    let space: Arc<space::Memory> = Arc::default();
    let first = operator(&space, Seal::Shamir);
    let request = InitRequest { secret_shares: 2, secret_threshold: 2, ..InitRequest::default() };
    let keys = encoded(&first.initialize(&request, NOW).await.unwrap().shares);
    first.barrier().view("").put("a", b"1".to_vec().into()).await.unwrap();
    first.seal();
    let none = "can't perform a seal migration, no migration seal found";
    refused(first.unseal(&keys[0], true).await, 500, none);

    let second = operator(&space, static_seal("1", 1, None));
    refused(second.barrier().unseal_by_seal().await, 500, "cannot auto-unseal during seal migration");
    let pending = "migrate option not provided and seal migration is pending";
    refused(second.unseal(&keys[0], false).await, 500, pending);
    assert!(second.unseal(&keys[0], true).await.unwrap().migration);
    let wrong = "invalid key: failed to decrypt keys from storage: cipher: message authentication failed";
    refused(second.unseal(&bent(&keys[1]), true).await, 400, wrong);
    second.unseal(&keys[1], true).await.unwrap();
    let status = second.unseal(&keys[0], true).await.unwrap();
    assert!(!status.sealed && !status.migration && status.recovery_seal && status.n == 2);
    operator(&space, static_seal("1", 1, None)).barrier().unseal_by_seal().await.unwrap();

    let Seal::Auto(earlier) = static_seal("1", 1, None) else { panic!() };
    let unprepared = operator(&space, Seal::Shamir);
    unprepared.unseal(&keys[0], true).await.unwrap();
    let missing = "the store has a \"static\" seal, which is not configured to migrate from";
    refused(unprepared.unseal(&keys[1], true).await, 500, missing);
    let barrier = Barrier::migrating(Arc::clone(&space) as Arc<dyn space::Space>, "", Seal::Shamir, earlier);
    let third = Operator::new(barrier);
    third.unseal(&keys[0], true).await.unwrap();
    let wrong = "invalid key: failed to verify recovery key: recovery key does not match submitted values";
    refused(third.unseal(&bent(&keys[1]), true).await, 400, wrong);
    third.unseal(&keys[0], true).await.unwrap();
    assert!(!third.unseal(&keys[1], true).await.unwrap().sealed);
    third.seal();
    third.unseal(&keys[0], false).await.unwrap();
    assert!(!third.unseal(&keys[1], false).await.unwrap().sealed);
    assert_eq!(&*logical::Storage::get(&third.barrier().view(""), "a").await.unwrap().unwrap().value, b"1");
}

#[tokio::test]
async fn shares_are_handed_in_at_any_node() {
    let space = Arc::default();
    let [one, two] = [(); 2].map(|()| operator(&space, Seal::Shamir));
    let request = InitRequest { secret_shares: 2, secret_threshold: 2, ..InitRequest::default() };
    let keys = encoded(&one.initialize(&request, NOW).await.unwrap().shares);
    two.unseal(&keys[0], false).await.unwrap();
    two.unseal(&keys[1], false).await.unwrap();
    let request = RekeyRequest { secret_shares: 1, secret_threshold: 1, ..RekeyRequest::default() };
    let nonce = one.rekey_start(Subject::Root, &request).await.unwrap().nonce;
    two.rekey_update(Subject::Root, &keys[0], &nonce).await.unwrap();
    assert_eq!(one.rekey_status(Subject::Root).await.unwrap().progress, 1);
    let sequence = one.barrier().view("").sequence().await.unwrap();
    assert!(one.rekey_update(Subject::Root, &keys[0], &nonce).await.is_err());
    assert!(one.rekey_update(Subject::Root, &keys[0], "other").await.is_err());
    assert_eq!(one.barrier().view("").sequence().await.unwrap(), sequence, "what is refused is not written");
    let RekeyUpdate::Complete(new) = one.rekey_update(Subject::Root, &keys[1], &nonce).await.unwrap() else { panic!() };
    two.barrier().follow(sequence).await.unwrap();
    let nonce = two.root_start("", "").await.unwrap().nonce;
    assert!(matches!(one.root_update(&new.keys.keys[0], &nonce).await, Ok(RootUpdate::Authenticated(_))));
}
