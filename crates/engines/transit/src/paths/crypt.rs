use super::{Call, keys, other};
use crate::aead::Aead;
use crate::failure::{Failure, decode, encode, failed};
use crate::kind::Kind;
use crate::material::random;
use crate::policy::Shape;
use crate::ring::{Prepared, Ring};
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use logical::{Error, Map, Operation, Request, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is to be encrypted or decrypted.
struct Item<'a> {
    text: &'a str,
    context: &'a str,
    version: i64,
    associated_data: &'a str,
    reference: &'a str,
}

/// The items of a request, which is a batch or one itself.
struct Items<'a> {
    items: Vec<Item<'a>>,
    is_batch: bool,
}

pub(super) async fn encrypt(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let items = Items::parse(call.request, "plaintext", "missing plaintext to encrypt", true)?;
    let derived = items.items.first().is_some_and(|item| !item.context.is_empty());
    let ring = if call.request.operation == Operation::Create {
        Some(upsert(call, name, derived).await?)
    } else {
        call.ring(name).await?
    };
    let ring = ring.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let results: Vec<_> = items
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let plaintext = decode(item.text).map_err(Failure::User)?;
            let (context, associated_data) = item.decoded(&ring, place)?;
            let (ciphertext, version) = encrypt_one(&ring, item.version, &context, &associated_data, &plaintext)?;
            Ok(sealed(ciphertext, version))
        })
        .collect();
    items.answer(call, results, true, None)
}

/// The key that an encryption makes where there is none.
async fn upsert(call: &Call<'_>, name: &str, derived: bool) -> Result<Arc<Ring>, Error> {
    let convergent = call.flag("convergent_encryption")?;
    if convergent && !derived {
        let text = "convergent encryption requires derivation to be enabled, so context is required";
        return Err(Error::invalid(text));
    }
    let kind_name = call.fields().text("type")?.unwrap_or_else(|| "aes256-gcm96".to_owned());
    let kind = match Kind::parse(&kind_name) {
        Some(kind) if kind.is_aead() => kind,
        Some(kind) if kind.curve().is_some() => {
            return Err(Error::invalid(format!("key type {kind_name} not supported for this operation")));
        }
        _ => return Err(Error::invalid(format!("unknown key type {kind_name}"))),
    };
    if other::upsert_is_disabled(call.storage).await? {
        return call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"));
    }
    keys::find_or_make(call, name, &Shape { derived, convergent, ..Shape::new(kind) }).await
}

pub(super) async fn decrypt(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let items = Items::parse(call.request, "ciphertext", "missing ciphertext to decrypt", true)?;
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let results: Vec<_> = items
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let (context, associated_data) = item.ciphertext(&ring, place)?;
            let plaintext = decrypt_one(&ring, &context, &associated_data, item.text)?;
            Ok(Map::from_iter([("plaintext".to_owned(), encode(&plaintext).into())]))
        })
        .collect();
    items.answer(call, results, true, Some("plaintext"))
}

pub(super) async fn rewrap(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let items = Items::parse(call.request, "ciphertext", "missing ciphertext to decrypt", false)?;
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let results: Vec<_> = items
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let (context, associated_data) = item.ciphertext(&ring, place)?;
            let plaintext = decrypt_one(&ring, &context, &associated_data, item.text)?;
            let (ciphertext, version) = encrypt_one(&ring, item.version, &context, &associated_data, &plaintext)?;
            Ok(sealed(ciphertext, version))
        })
        .collect();
    items.answer(call, results, false, None)
}

pub(super) async fn datakey(call: &Call<'_>, kind: &str, name: &str) -> Result<Response, Error> {
    if !matches!(kind, "plaintext" | "wrapped") {
        return Err(Error::invalid("Invalid path, must be 'plaintext' or 'wrapped'"));
    }
    let context = call.context()?;
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let size = match call.fields().integer("bits")?.unwrap_or(256) {
        128 => 16,
        256 => 32,
        512 => 64,
        _ => return Err(Error::invalid("invalid bit length")),
    };
    let key = random(size)?.0;
    let associated_data = call.text("associated_data")?;
    if !associated_data.is_empty() && !ring.policy.kind.is_aead() {
        let kind = ring.policy.kind.name();
        return Err(Error::invalid(format!("'associated_data' provided for non-AEAD cipher suite {kind}")));
    }
    let associated_data = decode(&associated_data).map_err(failed)?;
    let version = call.integer("key_version")?;
    let (ciphertext, version) = encrypt_one(&ring, version, &context, &associated_data, &key)?;
    let mut data = sealed(ciphertext, version);
    if kind == "plaintext" {
        data.insert("plaintext".to_owned(), encode(&key).into());
    }
    Ok(Response { data: Some(data), ..Response::default() })
}

fn sealed(ciphertext: String, version: u64) -> Map {
    Map::from_iter([("ciphertext".to_owned(), ciphertext.into()), ("key_version".to_owned(), version.into())])
}

/// The ciphertext with its prefix, and which version it is of.
fn encrypt_one(
    ring: &Ring,
    version: i64,
    context: &[u8],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<(String, u64), Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    if !policy.kind.encrypts() {
        let text = format!("message encryption not supported for key type {}", policy.kind.name());
        return Err(Failure::user(text));
    }
    let version = policy.version_for(version, "encryption")?;
    let ciphertext = match (ring.version(version)?, policy.kind.aead_key_size()) {
        (Prepared::Aead(aead), _) => aead.seal(plaintext, associated_data, None)?,
        (Prepared::Raw, Some(size)) => {
            let entry = policy.entry(version)?;
            policy.check_convergent(entry)?;
            let nonce_size = if policy.convergent_encryption { 32 } else { 0 };
            let derived = policy.derive(entry, context, size + nonce_size)?;
            let (key, nonce_key) = derived.split_at(size);
            let convergent = policy.convergent_encryption.then_some(nonce_key);
            Aead::new(policy.kind, key)?.seal(plaintext, associated_data, convergent)?
        }
        (Prepared::Rsa { encrypting, .. }, _) => {
            let mut ciphertext = vec![0; encrypting.ciphertext_size()];
            let sealed = encrypting.encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut ciphertext, None);
            sealed.map(|sealed| sealed.to_vec()).map_err(|_| {
                Failure::internal("failed to RSA encrypt the plaintext: crypto/rsa: message too long for RSA key size")
            })?
        }
        _ => return Err(Failure::internal("unsupported key type")),
    };
    Ok((policy.prefix(version) + &encode(&ciphertext), version))
}

fn decrypt_one(
    ring: &Ring,
    context: &[u8],
    associated_data: &[u8],
    ciphertext: &str,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    if !policy.kind.encrypts() {
        let text = format!("message decryption not supported for key type {}", policy.kind.name());
        return Err(Failure::user(text));
    }
    let (version, payload) = policy.split(ciphertext, "ciphertext")?;
    let payload = decode(payload).map_err(|_| Failure::user("invalid ciphertext: could not decode base64"))?;
    match (ring.version(version)?, policy.kind.aead_key_size()) {
        (Prepared::Aead(aead), _) => aead.open(&payload, associated_data),
        (Prepared::Raw, Some(size)) => {
            let entry = policy.entry(version)?;
            policy.check_convergent(entry)?;
            Aead::new(policy.kind, &policy.derive(entry, context, size)?)?.open(&payload, associated_data)
        }
        (Prepared::Rsa { decrypting, .. }, _) => {
            let decrypting = decrypting.as_ref().ok_or_else(|| {
                Failure::internal("cannot decrypt ciphertext, key version does not have a private counterpart")
            })?;
            let mut plaintext = Zeroizing::new(vec![0; decrypting.min_output_size()]);
            let size = decrypting
                .decrypt(&OAEP_SHA256_MGF1SHA256, &payload, &mut plaintext, None)
                .map(|plaintext| plaintext.len())
                .map_err(|_| Failure::internal("failed to RSA decrypt the ciphertext: crypto/rsa: decryption error"))?;
            plaintext.truncate(size);
            Ok(plaintext)
        }
        _ => Err(Failure::internal("unsupported key type")),
    }
}

type Decoded = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl Item<'_> {
    /// Context and associated data.
    fn decoded(&self, ring: &Ring, place: usize) -> Result<Decoded, Failure> {
        let context = decode(self.context).map_err(Failure::User)?;
        let kind = ring.policy.kind;
        if !self.associated_data.is_empty() && !kind.is_aead() {
            let text = format!("'[{place}].associated_data' provided for non-AEAD cipher suite {}", kind.name());
            return Err(Failure::User(text));
        }
        let associated_data = decode(self.associated_data).map_err(|error| {
            Failure::internal(format!("unable to get associated_data/additional_data from factory[0]: {error}"))
        })?;
        Ok((context, associated_data))
    }

    fn ciphertext(&self, ring: &Ring, place: usize) -> Result<Decoded, Failure> {
        if self.text.is_empty() {
            return Err(Failure::user("missing ciphertext to decrypt"));
        }
        self.decoded(ring, place)
    }
}

impl<'a> Items<'a> {
    fn parse(request: &'a Request, field: &str, missing: &str, required: bool) -> Result<Self, Error> {
        let data = &request.data;
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(batch) = data.get("batch_input").filter(|batch| !batch.is_null()) else {
            // Conversions, and the error for what can't be converted.
            request.fields().text(field)?;
            let given = data.get(field).and_then(Value::as_str);
            let text_given = given.filter(|given| field == "plaintext" || !given.is_empty());
            let item = Item {
                text: text_given.ok_or_else(|| Error::invalid(missing))?,
                context: text("context"),
                version: request.fields().integer("key_version")?.unwrap_or_default(),
                associated_data: text("associated_data"),
                reference: "",
            };
            return Ok(Self { items: vec![item], is_batch: false });
        };
        let refuse = |text: &str| failed(format!("failed to parse batch input: {text}"));
        let batch = batch.as_array().ok_or_else(|| refuse("source data must be an array or slice"))?;
        if batch.is_empty() {
            return Err(Error::invalid("missing batch input to process"));
        }
        let mut errors = Vec::new();
        let mut items = Vec::with_capacity(batch.len());
        for (place, item) in batch.iter().enumerate() {
            let map = item.as_object().ok_or_else(|| refuse(&format!("[{place}] expected a map")))?;
            let mut text = |name: &str| match map.get(name) {
                None | Some(Value::Null) => "",
                Some(Value::String(text)) => text.as_str(),
                Some(_) => {
                    errors.push(format!("'[{place}].{name}' expected type 'string', got unconvertible type"));
                    ""
                }
            };
            let (value, context) = (text(field), text("context"));
            let (associated_data, reference) = (text("associated_data"), text("reference"));
            if required && !map.contains_key(field) {
                errors.push(format!("'[{place}].{field}' {missing}"));
            }
            let version = match map.get("key_version") {
                None | Some(Value::Null) => Some(0),
                Some(version) => version.as_i64(),
            };
            if version.is_none() {
                errors.push(format!("'[{place}].key_version' expected type 'int', got unconvertible type"));
            }
            items.push(Item { text: value, context, version: version.unwrap_or(0), associated_data, reference });
        }
        if !errors.is_empty() {
            return Err(refuse(&errors.join("\n")));
        }
        let with_context = items.iter().filter(|item| !item.context.is_empty()).count();
        if with_context != 0 && with_context != items.len() {
            return Err(Error::invalid("context should be set either in all the request blocks or in none"));
        }
        Ok(Self { items, is_batch: true })
    }

    /// The answer; where `tells`, its status says that some items failed. `emptied` is what a failed item has empty.
    fn answer(
        &self,
        call: &Call<'_>,
        results: Vec<Result<Map, Failure>>,
        tells: bool,
        emptied: Option<&str>,
    ) -> Result<Response, Error> {
        if !self.is_batch {
            let result = results.into_iter().next().ok_or_else(|| Error::internal("no item"))?;
            return Ok(Response { data: Some(result?), ..Response::default() });
        }
        let user = results.iter().any(|result| matches!(result, Err(Failure::User(_))));
        let internal = results.iter().any(|result| matches!(result, Err(Failure::Internal(_))));
        let successes = results.iter().any(Result::is_ok);
        if internal && !tells {
            let text = results.into_iter().find_map(|result| match result {
                Err(Failure::Internal(text)) => Some(text),
                _ => None,
            });
            return Err(failed(text.unwrap_or_default()));
        }
        let results = results.into_iter().zip(&self.items).map(|(result, item)| {
            let mut map = match result {
                Ok(map) => map,
                Err(failure) => {
                    let empty = emptied.map(|field| (field.to_owned(), "".into()));
                    empty.into_iter().chain([("error".to_owned(), failure.text().into())]).collect()
                }
            };
            map.insert("reference".to_owned(), item.reference.into());
            Value::Object(map)
        });
        let mut response = Response::json(json!({ "batch_results": results.collect::<Vec<_>>() }));
        if tells && (user || internal) {
            let status = if user { 400 } else { 500 };
            let wanted = call.fields().integer("partial_failure_response_code")?.filter(|_| successes);
            response.status = Some(match wanted.map(u16::try_from) {
                None => status,
                Some(Ok(wanted @ 1..=599)) => wanted,
                Some(_) => {
                    response = response.warn(format!(
                        "invalid HTTP response code override from partial_failure_response_code, reverting to {status}"
                    ));
                    status
                }
            });
        }
        Ok(response)
    }
}
