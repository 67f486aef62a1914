use super::Call;
use crate::failure::{Failure, decode, encode, failed};
use crate::hash::Hash;
use crate::policy::Policy;
use crate::signature::{self, Marshaling, Options, Salt};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use logical::{Error, Map, Response};
use serde_json::{Value, json};

/// What is to be signed or verified, field by field as the request has it.
struct Item<'a>(&'a Map);

/// Why one item failed, and whether a request for it alone is answered with 400.
type Refusal = (bool, String);

pub(super) async fn sign(call: &Call<'_>, name: &str, hash: &[&str]) -> Result<Response, Error> {
    let mut signing = Signing::parse(call)?;
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("signing key not found"))?;
    let kind = ring.policy.kind;
    if !kind.signs() {
        return Err(Error::invalid(format!("key type {} does not support signing", kind.name())));
    }
    signing.set_hash(hash_of(call, hash, &["hash_algorithm", "algorithm"])?)?;
    let options = signing.options(call.integer("key_version")?);
    let sign = |item: &Item<'_>| {
        let input = signing.input(item, kind.hashes_input())?;
        let context = item.context()?;
        // The peer answers what a key refuses with 500.
        let signed = signature::sign(&ring, &input, &context, &options);
        let signed = signed.map_err(|failure| (false, failure.text()))?;
        let mut map = Map::from_iter([
            ("signature".to_owned(), signed.text.into()),
            ("key_version".to_owned(), signed.version.into()),
        ]);
        if let Some(key) = signed.public_key {
            let field = if is_batch(call) { "publickey" } else { "public_key" };
            map.insert(field.to_owned(), encode(&key).into());
        }
        Ok(map)
    };
    answer(call, sign, &json!({ "key_version": 0 }))
}

pub(super) async fn verify(call: &Call<'_>, name: &str, hash: &[&str]) -> Result<Response, Error> {
    if !is_hmac(call)? {
        return verify_signature(call, name, hash).await;
    }
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let hash = hash_of(call, hash, &["hash_algorithm", "algorithm"])?;
    let verify = |item: &Item<'_>| {
        let input = item.input()?;
        let given = item.text("hmac").ok_or_else(|| (true, "missing hmac".to_owned()))?;
        let valid = verify_hmac(&ring.policy, hash, &input, given)?;
        let valid = valid.is_ok();
        // In a batch the peer leaves out what is not so.
        let told = valid || !is_batch(call);
        Ok(told.then(|| ("valid".to_owned(), valid.into())).into_iter().collect())
    };
    answer(call, verify, &json!({}))
}

async fn verify_signature(call: &Call<'_>, name: &str, hash: &[&str]) -> Result<Response, Error> {
    let mut signing = Signing::parse(call)?;
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("signature verification key not found"))?;
    let kind = ring.policy.kind;
    if !kind.signs() {
        return Err(Error::invalid(format!("key type {} does not support verification", kind.name())));
    }
    signing.set_hash(hash_of(call, hash, &["hash_algorithm", "algorithm"])?)?;
    let options = signing.options(0);
    let verify = |item: &Item<'_>| {
        let input = signing.input(item, kind.hashes_input())?;
        let given = item.text("signature").ok_or_else(|| (true, "missing signature".to_owned()))?;
        let context = item.context()?;
        let valid = match signature::verify(&ring, &input, &context, given, &options) {
            Ok(valid) => valid.is_ok(),
            Err(Failure::User(text)) => return Err((true, text)),
            Err(Failure::Internal(text)) => return Err((false, text)),
        };
        Ok(Map::from_iter([("valid".to_owned(), valid.into())]))
    };
    answer(call, verify, &json!({ "valid": false }))
}

pub(super) async fn hmac(call: &Call<'_>, name: &str, hash: &[&str]) -> Result<Response, Error> {
    let ring = call.ring(name).await?.ok_or_else(|| Error::invalid("encryption key not found"))?;
    let policy = &ring.policy;
    policy.check_usable()?;
    let wanted = call.integer("key_version")?;
    let version = match u64::try_from(wanted) {
        Err(_) => return Err(Error::invalid("key version does not exist (cannot be negative)")),
        Ok(0) => policy.latest_version,
        Ok(version) => version,
    };
    if version != policy.latest_version && version < policy.min_encryption_version {
        return Err(Error::invalid("cannot generate HMAC: version is too old (disallowed by policy)"));
    }
    let key = hmac_key(policy, version)?;
    let hash = hash_of(call, hash, &["algorithm"])?;
    if !is_batch(call) && !call.fields().has("input") {
        return Err(Error::invalid("missing input for HMAC"));
    }
    let sign = |item: &Item<'_>| {
        item.text("input").ok_or_else(|| (true, "missing input for HMAC".to_owned()))?;
        let input = item.input()?;
        let tag = hash.hmac(key, &input).map_err(|failure| (true, failure.text()))?;
        Ok(Map::from_iter([("hmac".to_owned(), format!("vault:v{version}:{}", encode(&tag)).into())]))
    };
    answer(call, sign, &json!({}))
}

fn hmac_key(policy: &Policy, version: u64) -> Result<&[u8], Failure> {
    if version > policy.latest_version {
        let latest = policy.latest_version;
        return Err(Failure::user(format!("key version does not exist; latest key version is {latest}")));
    }
    let entry = policy.entry(version)?;
    let key = if policy.kind == crate::kind::Kind::Hmac { &entry.key } else { &entry.hmac_key };
    key.as_ref().map(|key| key.0.as_slice()).ok_or_else(|| Failure::user("no HMAC key exists for that key version"))
}

/// `Ok(Err(..))` is an HMAC that was understood and isn't the key's.
fn verify_hmac(
    policy: &Policy,
    hash: Hash,
    input: &[u8],
    given: &str,
) -> Result<Result<(), aws_lc_rs::error::Unspecified>, Refusal> {
    let refuse = |text: &str| (true, text.to_owned());
    policy.check_usable().map_err(|failure| (true, failure.text()))?;
    let rest = given.strip_prefix("vault:v").ok_or_else(|| refuse("invalid HMAC to verify: no prefix"))?;
    let (version, tag) = rest.split_once(':').ok_or_else(|| refuse("invalid HMAC: wrong number of fields"))?;
    let version: u64 = version.parse().map_err(|_| refuse("invalid HMAC: version number could not be decoded"))?;
    let tag = decode(tag).map_err(|error| (true, format!("unable to decode verification HMAC as base64: {error}")))?;
    if version > policy.latest_version {
        return Err(refuse("invalid HMAC: version is too new"));
    }
    if version < policy.min_decryption_version {
        return Err(refuse("cannot verify HMAC: version is too old (disallowed by policy)"));
    }
    let expected = hmac_key(policy, version).and_then(|key| hash.hmac(key, input));
    let expected = expected.map_err(|failure| (true, failure.text()))?;
    Ok(verify_slices_are_equal(&expected, &tag))
}

/// What a request says of signatures, for all its items.
struct Signing {
    hash: Hash,
    marshaling: Marshaling,
    salt: Salt,
    prehashed: bool,
    algorithm: String,
}

impl Signing {
    /// All but the hash function, which the peer looks at last.
    fn parse(call: &Call<'_>) -> Result<Self, Error> {
        let marshaling = match call.fields().text("marshaling_algorithm")?.as_deref() {
            None | Some("asn1") => Marshaling::Asn1,
            Some("jws") => Marshaling::Jws,
            Some(other) => return Err(Error::invalid(format!("invalid marshaling type {other:?}"))),
        };
        let salt = call.fields().text("salt_length")?.unwrap_or_else(|| "auto".to_owned());
        let salt = match (salt.to_lowercase().as_str(), salt.parse::<i64>()) {
            ("auto", _) | (_, Ok(0)) => Salt::Auto,
            ("hash", _) | (_, Ok(-1)) => Salt::Hash,
            (_, Ok(size)) => {
                let size = usize::try_from(size);
                Salt::Exactly(size.map_err(|_| Error::invalid(format!("salt length is invalid: {salt}")))?)
            }
            _ => {
                return Err(Error::invalid(format!("salt length neither 'auto', 'hash', nor an int: {salt}")));
            }
        };
        let (prehashed, algorithm) = (call.flag("prehashed")?, call.text("signature_algorithm")?);
        Ok(Self { hash: Hash::Sha256, marshaling, salt, prehashed, algorithm })
    }

    fn set_hash(&mut self, hash: Hash) -> Result<(), Error> {
        self.hash = hash;
        if self.hash == Hash::None && !(self.prehashed && self.algorithm == "pkcs1v15") {
            let text = "hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15";
            return Err(Error::invalid(text));
        }
        Ok(())
    }

    fn options(&self, version: i64) -> Options<'_> {
        Options { version, hash: self.hash, marshaling: self.marshaling, salt: self.salt, algorithm: &self.algorithm }
    }

    /// What is signed: the input or its digest.
    fn input(&self, item: &Item<'_>, hashes: bool) -> Result<Vec<u8>, Refusal> {
        let input = item.input()?;
        Ok(if hashes && !self.prehashed { self.hash.digest(&input) } else { input })
    }
}

impl Item<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn input(&self) -> Result<Vec<u8>, Refusal> {
        let input = self.text("input").ok_or_else(|| (true, "missing input".to_owned()))?;
        let input = decode(input).map_err(|error| (true, format!("unable to decode input as base64: {error}")))?;
        Ok(input.to_vec())
    }

    fn context(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Refusal> {
        decode(self.text("context").unwrap_or_default())
            .map_err(|_| (true, "failed to base64-decode context".to_owned()))
    }
}

fn is_batch(call: &Call<'_>) -> bool {
    call.fields().has("batch_input")
}

/// The items of the batch, or the request itself as the only one.
fn items<'a>(call: &'a Call<'_>) -> Result<Vec<&'a Map>, Error> {
    let Some(batch) = call.fields().raw("batch_input") else { return Ok(vec![&call.request.data]) };
    let wrong = || failed("failed to parse batch input: '' source data must be an array or slice");
    let items: Option<Vec<&Map>> = batch.as_array().ok_or_else(wrong)?.iter().map(Value::as_object).collect();
    let items = items.ok_or_else(wrong)?;
    if items.is_empty() { Err(Error::invalid("missing batch input to process")) } else { Ok(items) }
}

/// Whether HMACs are to be verified; signatures otherwise. They can't be mixed.
fn is_hmac(call: &Call<'_>) -> Result<bool, Error> {
    let items = items(call)?;
    let signatures = items.iter().filter(|item| item.contains_key("signature")).count();
    let hmacs = items.iter().filter(|item| !item.contains_key("signature") && item.contains_key("hmac")).count();
    let missing = signatures + hmacs < items.len();
    let text = match (is_batch(call), signatures, hmacs) {
        (false, 0, 0) => "neither a 'signature' nor an 'hmac' were given to verify",
        (_, 1.., 1..) => "elements of batch_input must all provide 'signature' or all provide 'hmac'",
        (_, 1.., 0) if missing => "some elements of batch_input are missing 'signature'",
        (_, 0, 1..) if missing => "some elements of batch_input are missing 'hmac'",
        (true, 0, 0) => "no batch_input elements have 'signature' or 'hmac'",
        (_, signatures, _) => return Ok(signatures == 0),
    };
    Err(Error::invalid(text))
}

/// The hash function: of the path, or of the first of these fields that has one.
fn hash_of(call: &Call<'_>, path: &[&str], fields: &[&str]) -> Result<Hash, Error> {
    let mut name = path.first().copied().unwrap_or_default().to_owned();
    for field in fields {
        if name.is_empty() {
            name = call.text(field)?;
        }
    }
    let name = if name.is_empty() { "sha2-256" } else { &name };
    Hash::parse(name).ok_or_else(|| Error::invalid(format!("invalid hash algorithm {name:?}")))
}

/// The answer to all items. `failed_item` is what stands in a batch besides the error of an item.
fn answer(
    call: &Call<'_>,
    run: impl Fn(&Item<'_>) -> Result<Map, Refusal>,
    failed_item: &Value,
) -> Result<Response, Error> {
    let items = items(call)?;
    if !is_batch(call) {
        // A single request without input has an empty one.
        let mut data = call.request.data.clone();
        data.entry("input").or_insert_with(|| "".into());
        return match run(&Item(&data)) {
            Ok(data) => Ok(Response { data: Some(data), ..Response::default() }),
            Err((true, text)) => Err(Error::invalid(text)),
            Err((false, text)) => Err(failed(text)),
        };
    }
    let results = items.into_iter().map(|item| {
        let item = Item(item);
        let mut map = run(&item).unwrap_or_else(|(_, text)| {
            let mut map = failed_item.as_object().cloned().unwrap_or_default();
            map.insert("error".to_owned(), text.into());
            map
        });
        map.insert("reference".to_owned(), item.text("reference").unwrap_or_default().into());
        Value::Object(map)
    });
    Ok(Response::json(json!({ "batch_results": results.collect::<Vec<_>>() })))
}
