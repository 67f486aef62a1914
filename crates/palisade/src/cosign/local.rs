//! The local authority: a whole Sigstore in the user's data folder, made on first use. It runs within the command that
//! asks it, and signs for one identity, the user on this host.

use super::keys::variable;
use crate::outcome::advised;
use crate::output;
use anyhow::Context;
use authority_server::{Folder, Local};
use bundle::{SigningConfig, TrustedRoot};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// For whom the local authority signs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    /// `https://palisade.local/HOST/USER`: no issuer elsewhere vouches for such a name.
    pub(crate) subject: String,
    /// Who vouches for it, in certificates.
    pub(crate) issuer: String,
}

/// The running authority.
pub(crate) struct Authority {
    local: Local,
    identity: Identity,
}

impl Authority {
    /// Opens it, or makes it.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let folder = folder()?;
        let local = Local::open(&folder).with_context(|| format!("the local authority in {}", folder.display()))?;
        let identity = match read(&folder)? {
            Some(identity) => identity,
            None => {
                let identity = Identity { subject: user(), issuer: local.issuer().to_owned() };
                let json = serde_json::to_vec_pretty(&identity)?;
                output::to_file(&folder.join(FILE), |out| Ok(out.write_all(&json)?))?;
                identity
            }
        };
        Ok(Self { local, identity })
    }

    /// Its services.
    pub(crate) fn signing_config(&self) -> &SigningConfig {
        self.local.signing_config()
    }

    /// Its keys.
    pub(crate) fn trusted_root(&self) -> &TrustedRoot {
        self.local.trusted_root()
    }

    /// A token for the user.
    pub(crate) fn token(&self) -> anyhow::Result<Zeroizing<String>> {
        Ok(self.local.mint(&self.identity.subject)?)
    }
}

/// The trusted root of the local authority and its identity, where there is one; no socket is opened for it.
pub(crate) fn known() -> anyhow::Result<Option<(TrustedRoot, Identity)>> {
    let Ok(folder) = folder() else { return Ok(None) };
    let Some(identity) = read(&folder)? else { return Ok(None) };
    let opened = Folder::open(&folder).with_context(|| format!("the local authority in {}", folder.display()))?;
    Ok(Some((opened.state().trusted_root(), identity)))
}

/// The identity's file, within the authority's folder.
const FILE: &str = "identity.json";

fn read(folder: &Path) -> anyhow::Result<Option<Identity>> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `PALISADE_DATA`, or `palisade` in the user's data folder (XDG).
fn folder() -> anyhow::Result<PathBuf> {
    let named = |name: &str| variable(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let data = named("PALISADE_DATA")
        .or_else(|| named("XDG_DATA_HOME").map(|folder| folder.join("palisade")))
        .or_else(|| named("HOME").map(|home| home.join(".local/share/palisade")));
    Ok(data.ok_or_else(|| advised("no data folder", "set HOME or PALISADE_DATA"))?.join("authority"))
}

fn user() -> String {
    let user = variable("USER").or_else(|| variable("LOGNAME")).filter(|name| !name.is_empty());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("localhost");
    format!("https://palisade.local/{host}/{}", user.as_deref().unwrap_or("user"))
}
