//! Keys of hardware modules (PKCS#11; URIs of RFC 7512), by a library that is loaded when it is needed.

use super::{Variables, refused};
use crate::ServiceError;
use crate::rekor::digest_of;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use signing::{KeyKind, PublicKey, SignError, Signer};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// P-256, P-384 and P-521 as `CKA_EC_PARAMS` has them.
const CURVES: [&[u8]; 3] = [
    &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
    &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
];
/// The algorithms of a SubjectPublicKeyInfo.
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// A key that a module keeps.
pub(super) struct Module {
    // A session does one thing at a time.
    session: Mutex<Session>,
    key: ObjectHandle,
    public: PublicKey,
}

/// The libraries that this process has loaded. A library starts once, and serves until the process ends.
static LIBRARIES: Mutex<BTreeMap<String, Pkcs11>> = Mutex::new(BTreeMap::new());

#[derive(Debug, Default, PartialEq, Eq)]
struct Uri {
    token: Option<String>,
    slot: Option<u64>,
    id: Option<Vec<u8>>,
    object: Option<String>,
    module: Option<String>,
    pin: Option<String>,
}

impl Uri {
    fn parse(text: &str) -> Option<Self> {
        let (path, query) = text.strip_prefix("pkcs11:")?.split_once('?').unwrap_or((text.get(7..)?, ""));
        let mut uri = Self::default();
        for pair in path.split(';').chain(query.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let bytes = unescape(value)?;
            let text = || String::from_utf8(bytes.clone()).ok();
            match name {
                "token" => uri.token = Some(text()?),
                "slot-id" => uri.slot = Some(text()?.parse().ok()?),
                "id" => uri.id = Some(bytes),
                "object" => uri.object = Some(text()?),
                "module-path" => uri.module = Some(text()?),
                "pin-value" => uri.pin = Some(text()?),
                // Other attributes narrow further; what is not understood must not be passed over.
                "type" if value == "private" || value == "public" => {}
                _ => return None,
            }
        }
        let names_key = uri.id.is_some() || uri.object.is_some();
        let names_token = uri.token.is_some() || uri.slot.is_some();
        (names_key && names_token).then_some(uri)
    }
}

/// Percent-decoding.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

impl Module {
    /// Loads the library, logs in and finds the key.
    pub(super) fn open(text: &str, variable: Variables<'_>) -> Result<Self, ServiceError> {
        let shown = text.split('?').next().unwrap_or_default();
        let failed = |what: &str, error: cryptoki::error::Error| refused(shown, format!("{what}: {error}"));
        let uri = Uri::parse(text).ok_or_else(|| {
            refused(
                shown,
                "write it as pkcs11:token=NAME;object=NAME?module-path=FILE (RFC 7512), with id=%.. or slot-id=",
            )
        })?;
        let path = uri.module.clone().or_else(|| variable("COSIGN_PKCS11_MODULE_PATH"));
        let path = path.ok_or_else(|| refused(shown, "no module-path, and COSIGN_PKCS11_MODULE_PATH is not set"))?;
        let library = library(&path).map_err(|error| failed(&format!("cannot load and start {path}"), error))?;
        let slot = slot(&library, &uri).map_err(|error| failed("no slot", error))?;
        let slot = slot.ok_or_else(|| refused(shown, "the module has no such token"))?;
        let session = library.open_ro_session(slot).map_err(|error| failed("no session", error))?;
        if let Some(pin) = uri.pin.clone().or_else(|| variable("COSIGN_PKCS11_PIN")) {
            match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
                // A login is one of the whole process.
                Ok(()) | Err(cryptoki::error::Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(error) => return Err(failed("the login is refused", error)),
            }
        }
        let find = |class| {
            let mut template = vec![Attribute::Class(class)];
            template.extend(uri.id.clone().map(Attribute::Id));
            template.extend(uri.object.clone().map(|label| Attribute::Label(label.into_bytes())));
            session.find_objects(&template).map_err(|error| failed("the search is refused", error))
        };
        let key = match find(ObjectClass::PRIVATE_KEY)?.as_slice() {
            [key] => *key,
            [] => return Err(refused(shown, "the token has no such private key (a PIN may be missing)")),
            _ => return Err(refused(shown, "the token has several such keys; name its id")),
        };
        let public = find(ObjectClass::PUBLIC_KEY)?;
        let public = public.first().ok_or_else(|| refused(shown, "the token has no public key beside it"))?;
        let public = public_key(&session, *public).map_err(|error| failed("its public key", error))?;
        let public = public.ok_or_else(|| refused(shown, "its public key is of no kind that is known here"))?;
        Ok(Self { session: Mutex::new(session), key, public })
    }
}

fn library(path: &str) -> Result<Pkcs11, cryptoki::error::Error> {
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = libraries.get(path) {
        return Ok(library.clone());
    }
    let library = Pkcs11::new(path)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Under another path, or by somebody else in this process.
        Ok(()) | Err(cryptoki::error::Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    libraries.insert(path.to_owned(), library.clone());
    Ok(library)
}

fn slot(library: &Pkcs11, uri: &Uri) -> Result<Option<Slot>, cryptoki::error::Error> {
    for slot in library.get_slots_with_token()? {
        let is_label = match &uri.token {
            Some(label) => library.get_token_info(slot)?.label() == label,
            None => true,
        };
        if is_label && uri.slot.is_none_or(|id| id == slot.id()) {
            return Ok(Some(slot));
        }
    }
    Ok(None)
}

fn public_key(session: &Session, object: ObjectHandle) -> Result<Option<PublicKey>, cryptoki::error::Error> {
    let attributes = session.get_attributes(
        object,
        &[
            AttributeType::KeyType,
            AttributeType::EcParams,
            AttributeType::EcPoint,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
        ],
    )?;
    let (mut kind, mut curve, mut point, mut modulus, mut exponent) = (None, None, None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::KeyType(value) => kind = Some(value),
            Attribute::EcParams(value) => curve = Some(value),
            Attribute::EcPoint(value) => point = Some(value),
            Attribute::Modulus(value) => modulus = Some(value),
            Attribute::PublicExponent(value) => exponent = Some(value),
            _ => {}
        }
    }
    Ok(match (kind, curve, point, modulus, exponent) {
        (Some(KeyType::RSA), _, _, Some(modulus), Some(exponent)) => {
            let rsa = der(0x30, &[der(0x02, &[unsigned(&modulus)]), der(0x02, &[unsigned(&exponent)])]);
            PublicKey::from_pkcs1(&rsa).ok()
        }
        (Some(KeyType::EC), Some(curve), Some(point), ..) => {
            let known = CURVES.contains(&curve.as_slice());
            known.then(|| spki(&[EC_PUBLIC_KEY, &curve].concat(), &point)).flatten()
        }
        (Some(KeyType::EC_EDWARDS), _, Some(point), ..) => spki(ED25519, &point),
        _ => None,
    })
}

/// A SubjectPublicKeyInfo; the point is in an OCTET STRING.
fn spki(algorithm: &[u8], point: &[u8]) -> Option<PublicKey> {
    let point = match point {
        [0x04, length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        [0x04, 0x81, length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        bare => bare,
    };
    let bits = [&[0][..], point].concat();
    PublicKey::from_spki(&der(0x30, &[der(0x30, &[algorithm.to_vec()]), der(0x03, &[bits])])).ok()
}

/// An element of at most 64 KiB.
fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let [_, .., high, low] = length.to_be_bytes();
    let head = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}

/// The content of an INTEGER that is not negative.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(skipped..).unwrap_or_default();
    match digits.first() {
        Some(first) if *first < 0x80 => digits.to_vec(),
        _ => [&[0][..], digits].concat(),
    }
}

impl Signer for Module {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |source| SignError::Holder { holder: "the PKCS#11 module".into(), source: Box::new(source) };
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = self.public.kind();
        match kind {
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
                let digest = digest_of(kind.hash(), message);
                let raw = session.sign(&Mechanism::Ecdsa, self.key, &digest).map_err(failed)?;
                // Both numbers, each as long as the other.
                let (r, s) = raw.split_at(raw.len() / 2);
                Ok(der(0x30, &[der(0x02, &[unsigned(r)]), der(0x02, &[unsigned(s)])]))
            }
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                session.sign(&Mechanism::Sha256RsaPkcs, self.key, message).map_err(failed)
            }
            KeyKind::Ed25519 => {
                let pure = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
                session.sign(&pure, self.key, message).map_err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_or_refused() {
        let uri = Uri::parse("pkcs11:token=my%20token;slot-id=3;id=%01%ab;object=k?module-path=/m.so&pin-value=1234");
        let expected = Uri {
            token: Some("my token".into()),
            slot: Some(3),
            id: Some(vec![1, 0xab]),
            object: Some("k".into()),
            module: Some("/m.so".into()),
            pin: Some("1234".into()),
        };
        assert_eq!(uri, Some(expected));
        for odd in
            ["pkcs11:", "pkcs11:token=t", "pkcs11:object=k", "pkcs11:token=t;object=k;serial=1", "pkcs11:token=t;id=%0"]
        {
            assert_eq!(Uri::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn integers_are_minimal() {
        assert_eq!(unsigned(&[0, 0, 5]), [5]);
        assert_eq!(unsigned(&[0x80]), [0, 0x80]);
        assert_eq!(unsigned(&[0, 0]), [0]);
    }
}
