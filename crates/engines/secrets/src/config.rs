use crate::settings::AuditDevice;
use logical::{Error, Storage, StorageExt as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The row of CORS.
pub(crate) const CORS: &str = "core/config/cors";
/// The row of the audited headers.
pub(crate) const AUDITED_HEADERS: &str = "core/config/audited-headers";
/// The row of the headers of the user interface.
pub(crate) const UI_HEADERS: &str = "core/config/ui-headers";
/// Rows of audit devices.
pub(crate) const AUDIT: &str = "core/audit/";

/// Which other sites may use the server from a browser.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cors {
    /// Whether any may.
    pub enabled: bool,
    /// Which; `*` is any.
    pub allowed_origins: Vec<String>,
    /// Headers that they may send.
    pub allowed_headers: Vec<String>,
}

/// Settings that are read with each request.
#[derive(Default)]
pub(crate) struct ServerConfig {
    pub(crate) cors: Cors,
    pub(crate) audited_headers: BTreeMap<String, bool>,
    pub(crate) ui_headers: BTreeMap<String, Vec<String>>,
    pub(crate) audit_devices: BTreeMap<String, AuditDevice>,
}

impl ServerConfig {
    pub(crate) async fn load(storage: &dyn Storage) -> Result<Self, Error> {
        let mut audit_devices = BTreeMap::new();
        for key in storage.scan(AUDIT, "", usize::MAX).await? {
            if let Some(device) = storage.get_json::<AuditDevice>(&key).await? {
                audit_devices.insert(device.path.clone(), device);
            }
        }
        Ok(Self {
            cors: storage.get_json(CORS).await?.unwrap_or_default(),
            audited_headers: storage.get_json(AUDITED_HEADERS).await?.unwrap_or_default(),
            ui_headers: storage.get_json(UI_HEADERS).await?.unwrap_or_default(),
            audit_devices,
        })
    }
}

impl crate::Core {
    /// CORS as it is set; none while sealed.
    pub fn cors(&self) -> Option<Cors> {
        Some(self.state().ok()?.config.cors.clone())
    }
}
