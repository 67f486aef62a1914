//! The seal `pkcs11`: an AES key that a hardware module keeps, used with AES-GCM (OpenBao's plugin `pkcs11`).

use super::{Block, SealSettingsError};
use aws_lc_rs::rand;
use barrier::{SealError, SealPending, SealWrap, Wrapped};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use logical::Secret;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

const KIND: &str = "pkcs11";
const IV_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

/// The libraries that this process has loaded. A library starts once, and serves until the process ends.
static LIBRARIES: Mutex<BTreeMap<String, Pkcs11>> = Mutex::new(BTreeMap::new());

/// Why the module did not do it.
#[derive(Debug, thiserror::Error)]
enum ModuleError {
    #[error("the module's library {0} cannot be loaded and started")]
    Library(String, #[source] Error),
    #[error("the module has no such token")]
    NoToken,
    #[error("the module refuses the login")]
    Login(#[source] Error),
    #[error("the token has no secret key {0}")]
    NoKey(String),
    #[error("the token has several secret keys {0}; name its key_id")]
    SeveralKeys(String),
    #[error("the module failed")]
    Failed(#[from] Error),
    #[error("what was encrypted is too short")]
    Short,
    #[error("there are no random numbers")]
    Random,
    #[error("the work was ended")]
    Ended,
}

/// What names a key: its label, and its identifier where that is needed.
#[derive(Clone, PartialEq, Eq)]
struct Name {
    label: String,
    id: Option<String>,
}

impl Name {
    /// As it is stored beside what it encrypted.
    fn text(&self) -> String {
        self.id.as_ref().map_or_else(|| self.label.clone(), |id| format!("{};id={id}", self.label))
    }

    fn parse(text: &str) -> Self {
        let (label, id) = text.rsplit_once(";id=").map_or((text, None), |(label, id)| (label, Some(id.to_owned())));
        Self { label: label.to_owned(), id }
    }

    fn id_bytes(&self) -> Option<Vec<u8>> {
        let text = self.id.as_deref()?.as_bytes();
        text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }
}

/// A key in a module. A session begins with each use, so that a module that was away is found again.
#[derive(Clone)]
pub(super) struct Pkcs11Seal(Arc<Settings>);

struct Settings {
    library: String,
    slot: Option<u64>,
    token: Option<String>,
    pin: Zeroizing<String>,
    key: Name,
}

impl Pkcs11Seal {
    pub(super) fn new(block: &Block<'_>) -> Result<Self, SealSettingsError> {
        let text = |name, variable| Ok(block.text(name, &[variable])?.map(|text| text.to_string()));
        let slot: Option<String> = text("slot", "BAO_HSM_SLOT")?;
        let slot = slot.map(|slot| slot.parse().map_err(|_| Block::wrong("slot", "is no number"))).transpose()?;
        let token = text("token_label", "BAO_HSM_TOKEN_LABEL")?;
        if slot.is_none() && token.is_none() {
            return Err(SealSettingsError::Missing("slot or token_label"));
        }
        match text("mechanism", "BAO_HSM_MECHANISM")?.as_deref() {
            None | Some("AES_GCM" | "CKM_AES_GCM" | "0x1087" | "4231") => {}
            Some(other) => return Err(Block::wrong("mechanism", format!("{other:?} is not there; use AES_GCM"))),
        }
        let id: Option<String> = text("key_id", "BAO_HSM_KEY_ID")?;
        let id = id.map(|id| id.trim_start_matches("0x").to_ascii_lowercase());
        let label = block.required("key_label", &["BAO_HSM_KEY_LABEL"])?.to_string();
        let key = Name { label, id };
        if key.id.as_ref().is_some_and(|id| id.len() % 2 != 0) || key.id.is_some() && key.id_bytes().is_none() {
            return Err(Block::wrong("key_id", "is not hexadecimal"));
        }
        let library = block.required("lib", &["BAO_HSM_LIB"])?.to_string();
        let pin = block.required("pin", &["BAO_HSM_PIN"])?;
        Ok(Self(Arc::new(Settings { library, slot, token, pin, key })))
    }

    /// Does something with a key on a thread that may wait for the module.
    async fn with<T: Send + 'static>(
        &self,
        name: Name,
        work: impl FnOnce(&Session, ObjectHandle) -> Result<T, ModuleError> + Send + 'static,
    ) -> Result<T, ModuleError> {
        let settings = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let session = settings.session()?;
            let key = find(&session, &name)?;
            work(&session, key)
        });
        done.await.map_err(|_| ModuleError::Ended)?
    }
}

impl Settings {
    fn session(&self) -> Result<Session, ModuleError> {
        let failed = |error| ModuleError::Library(self.library.clone(), error);
        let library = library(&self.library).map_err(failed)?;
        let slot = self.slot_of(&library)?.ok_or(ModuleError::NoToken)?;
        let session = library.open_ro_session(slot)?;
        match session.login(UserType::User, Some(&AuthPin::new(self.pin.as_str().into()))) {
            // A login is one of the whole process.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(ModuleError::Login(error)),
        }
    }

    fn slot_of(&self, library: &Pkcs11) -> Result<Option<Slot>, Error> {
        for slot in library.get_slots_with_token()? {
            if self.slot.is_some_and(|id| id != slot.id()) {
                continue;
            }
            let is_label = match &self.token {
                Some(label) => library.get_token_info(slot)?.label() == label,
                None => true,
            };
            if is_label {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

fn library(path: &str) -> Result<Pkcs11, Error> {
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = libraries.get(path) {
        return Ok(library.clone());
    }
    let library = Pkcs11::new(path)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // By another part of this process.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    libraries.insert(path.to_owned(), library.clone());
    Ok(library)
}

fn find(session: &Session, name: &Name) -> Result<ObjectHandle, ModuleError> {
    let mut template =
        vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(name.label.clone().into_bytes())];
    template.extend(name.id_bytes().map(Attribute::Id));
    match session.find_objects(&template)?.as_slice() {
        [key] => Ok(*key),
        [] => Err(ModuleError::NoKey(name.text())),
        _ => Err(ModuleError::SeveralKeys(name.text())),
    }
}

fn failed(error: ModuleError) -> SealError {
    match error {
        ModuleError::Failed(Error::Pkcs11(RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange, _))
        | ModuleError::Short => SealError::NotAuthentic,
        error => SealError::Unavailable { kind: KIND.to_owned(), source: Box::new(error) },
    }
}

impl SealWrap for Pkcs11Seal {
    fn kind(&self) -> &str {
        KIND
    }

    fn encrypt<'a>(&'a self, plaintext: &'a [u8]) -> SealPending<'a, Wrapped> {
        let plaintext = Zeroizing::new(plaintext.to_vec());
        Box::pin(async move {
            let encrypted = self.with(self.0.key.clone(), move |session, key| {
                let mut iv = [0; IV_BYTES];
                rand::fill(&mut iv).map_err(|_| ModuleError::Random)?;
                let mut ciphertext = iv.to_vec();
                let parameters = GcmParams::new(&mut iv, &[], TAG_BITS.into())?;
                ciphertext.extend(session.encrypt(&Mechanism::AesGcm(parameters), key, &plaintext)?);
                Ok(ciphertext)
            });
            let ciphertext = encrypted.await.map_err(failed)?;
            Ok(Wrapped { key_id: self.0.key.text(), ciphertext })
        })
    }

    fn decrypt<'a>(&'a self, wrapped: &'a Wrapped) -> SealPending<'a, Secret> {
        let ciphertext = wrapped.ciphertext.clone();
        Box::pin(async move {
            let decrypted = self.with(Name::parse(&wrapped.key_id), move |session, key| {
                let (iv, ciphertext) = ciphertext.split_first_chunk::<IV_BYTES>().ok_or(ModuleError::Short)?;
                let mut iv = *iv;
                let parameters = GcmParams::new(&mut iv, &[], TAG_BITS.into())?;
                Ok(Zeroizing::new(session.decrypt(&Mechanism::AesGcm(parameters), key, ciphertext)?))
            });
            decrypted.await.map_err(failed)
        })
    }

    fn is_current(&self, wrapped: &Wrapped) -> bool {
        wrapped.key_id == self.0.key.text()
    }
}
