use crate::cipher::{CipherError, Header, KEY_BYTES, Key, NotAuthentic, Place, generate_key, open, prepare, seal};
use aws_lc_rs::aead::LessSafeKey;
use jiff::Timestamp;
use logical::Secret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::{Zeroize, Zeroizing};

/// A term makes way for the next after at most so many encryptions: a tenth below 2^32, for what several nodes have not
/// yet counted together.
pub const MOST_OPERATIONS: u64 = 3_865_470_566;
/// No fewer can be configured.
pub const FEWEST_OPERATIONS: u64 = 1_000_000;
/// A term encrypts no more than this, whatever happens.
pub(crate) const END_OF_TERM: u64 = (1 << 32) - (1 << 26);

const KEYRING: Place<'static> = Place { purpose: "palisade barrier keyring", path: b"" };

/// When a new term begins by itself. Field names as in the peer's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationConfig {
    /// Whether it does at all. At the end of a term it always does.
    pub enabled: bool,
    /// After so many encryptions.
    pub max_operations: u64,
    /// After so many seconds; zero: never by age.
    pub interval: u64,
}

impl Default for RotationConfig {
    fn default() -> Self {
        Self { enabled: true, max_operations: MOST_OPERATIONS, interval: 0 }
    }
}

/// The keys that rows are encrypted with, one for each term, and the root key that the keyring is encrypted with.
pub(crate) struct Keyring {
    pub(crate) root: Key,
    /// Grows with each change of the keyring.
    pub(crate) generation: u64,
    /// The commit that it was read from or written by.
    pub(crate) version: u64,
    pub(crate) rotation: RotationConfig,
    /// By number; never empty, and the last is the active one.
    terms: Vec<Term>,
    active: Term,
}

#[derive(Clone)]
pub(crate) struct Term {
    pub(crate) number: u32,
    pub(crate) installed: Timestamp,
    /// Encryptions that the stored keyring knows of.
    pub(crate) encryptions: u64,
    /// Encryptions of this node that it does not know of.
    pub(crate) uncounted: Arc<AtomicU64>,
    key: Arc<(LessSafeKey, Key)>,
}

#[derive(Serialize, Deserialize)]
struct EncodedKeyring {
    terms: Vec<EncodedTerm>,
    rotation: RotationConfig,
}

#[derive(Serialize, Deserialize)]
struct EncodedTerm {
    number: u32,
    key: [u8; KEY_BYTES],
    installed_microseconds: i64,
    encryptions: u64,
}

impl Drop for EncodedTerm {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Keyring {
    /// With a new root key and a first term.
    pub(crate) fn generate(now: Timestamp) -> Result<Self, CipherError> {
        let active = Term::new(1, &generate_key()?, now, 0)?;
        let rotation = RotationConfig::default();
        Ok(Self { root: generate_key()?, generation: 1, version: 0, rotation, terms: vec![active.clone()], active })
    }

    /// The term that rows are encrypted in.
    pub(crate) fn active(&self) -> &Term {
        &self.active
    }

    pub(crate) fn term(&self, number: u32) -> Option<&Term> {
        if number == self.active.number {
            return Some(&self.active);
        }
        let index = self.terms.binary_search_by_key(&number, |term| term.number).ok()?;
        self.terms.get(index)
    }

    /// The same keyring, to be changed.
    pub(crate) fn next(&self) -> Self {
        Self {
            root: self.root.clone(),
            generation: self.generation + 1,
            version: self.version,
            rotation: self.rotation,
            terms: self.terms.clone(),
            active: self.active.clone(),
        }
    }

    /// Begins a new term.
    pub(crate) fn begin_term(&mut self, now: Timestamp) -> Result<(), CipherError> {
        let number = self.active.number.checked_add(1).ok_or(CipherError)?;
        self.active = Term::new(number, &generate_key()?, now, 0)?;
        self.terms.push(self.active.clone());
        Ok(())
    }

    /// Counts encryptions of a term.
    pub(crate) fn count(&mut self, number: u32, encryptions: u64) {
        let known = self.terms.iter_mut().chain([&mut self.active]).filter(|term| term.number == number);
        known.for_each(|term| term.encryptions = term.encryptions.saturating_add(encryptions));
    }

    /// Goes on counting where the keyring that is replaced was.
    pub(crate) fn take_over(&mut self, earlier: &Self) {
        for term in self.terms.iter_mut().chain([&mut self.active]) {
            if let Some(known) = earlier.term(term.number) {
                term.uncounted = Arc::clone(&known.uncounted);
            }
        }
    }

    /// Encrypts the keyring with its root key.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, CipherError> {
        let terms = self.terms.iter().map(Term::encode).collect();
        let encoded = EncodedKeyring { terms, rotation: self.rotation };
        // Large enough for all, so that it is never moved.
        let mut plain = Zeroizing::new(vec![0; 64 + encoded.terms.len() * 80]);
        let length = postcard::to_slice(&encoded, &mut plain).map_err(|_| CipherError)?.len();
        plain.truncate(length);
        seal(&prepare(&self.root)?, &KEYRING, Header { term: 0, generation: self.generation }, &plain)
    }

    /// Reads the keyring that was encrypted with this root key.
    pub(crate) fn decode(bytes: &[u8], root: &Key) -> Result<Self, NotAuthentic> {
        let key = prepare(root).map_err(|_| NotAuthentic)?;
        let (header, plain) = open(&key, &KEYRING, bytes.to_vec())?;
        let encoded: EncodedKeyring = postcard::from_bytes(&plain).map_err(|_| NotAuthentic)?;
        let mut terms = encoded.terms.iter().map(Term::decode).collect::<Result<Vec<_>, _>>()?;
        terms.sort_by_key(|term| term.number);
        let active = terms.last().ok_or(NotAuthentic)?.clone();
        let (generation, rotation) = (header.generation, encoded.rotation);
        Ok(Self { root: root.clone(), generation, version: 0, rotation, terms, active })
    }
}

impl Term {
    fn new(number: u32, key: &Key, installed: Timestamp, encryptions: u64) -> Result<Self, CipherError> {
        let key = Arc::new((prepare(key)?, key.clone()));
        Ok(Self { number, installed, encryptions, uncounted: Arc::default(), key })
    }

    fn encode(&self) -> EncodedTerm {
        EncodedTerm {
            number: self.number,
            key: *self.key.1,
            installed_microseconds: self.installed.as_microsecond(),
            encryptions: self.encryptions,
        }
    }

    fn decode(encoded: &EncodedTerm) -> Result<Self, NotAuthentic> {
        let installed = Timestamp::from_microsecond(encoded.installed_microseconds).map_err(|_| NotAuthentic)?;
        Self::new(encoded.number, &Zeroizing::new(encoded.key), installed, encoded.encryptions)
            .map_err(|_| NotAuthentic)
    }

    /// Encryptions that this node knows of.
    pub(crate) fn counted(&self) -> u64 {
        self.encryptions.saturating_add(self.uncounted.load(Ordering::Relaxed))
    }

    /// Encrypts, and counts it.
    pub(crate) fn seal(&self, place: &Place<'_>, generation: u64, plain: &[u8]) -> Result<Vec<u8>, CipherError> {
        self.uncounted.fetch_add(1, Ordering::Relaxed);
        if self.counted() > END_OF_TERM {
            return Err(CipherError);
        }
        seal(&self.key.0, place, Header { term: self.number, generation }, plain)
    }

    /// Decrypts.
    pub(crate) fn open(&self, place: &Place<'_>, bytes: Vec<u8>) -> Result<(Header, Secret), NotAuthentic> {
        open(&self.key.0, place, bytes)
    }
}
