//! What paths under `sys/` do that need the barrier or the process.

use crate::config::Config;
use crate::metrics::{self, Reporter};
use crate::server::Cluster;
use barrier::{Operator, RotationConfig};
use logical::{Error, Operation, Pending, Request, Response};
use secrets::Core;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock, Weak};

/// Has the keys, and knows the core that they are for.
pub(crate) struct Hands {
    operator: Arc<Operator>,
    reporter: Arc<Reporter>,
    core: OnceLock<Weak<Core>>,
    cluster: Cluster,
    /// The configuration without secrets.
    sanitized: Value,
}

impl Hands {
    pub(crate) fn new(operator: Arc<Operator>, reporter: Arc<Reporter>, cluster: Cluster, config: &Config) -> Self {
        let listeners: Vec<Value> = config.listeners.iter().map(|listener| {
            json!({"type": "tcp", "config": {"address": listener.address.to_string(), "tls_disable": listener.tls.is_none()}})
        }).collect();
        let sanitized = json!({
            "api_addr": config.api_address.clone().unwrap_or_default(),
            "cluster_name": cluster.name,
            "default_lease_ttl": config.default_lease_ttl.as_secs(),
            "max_lease_ttl": config.max_lease_ttl.as_secs(),
            "disable_mlock": config.disable_mlock,
            "listeners": listeners,
            "storage": {"type": config.storage.kind()},
        });
        Self { operator, reporter, core: OnceLock::new(), cluster, sanitized }
    }

    pub(crate) fn set_core(&self, core: &Arc<Core>) {
        let _ = self.core.set(Arc::downgrade(core));
    }

    async fn answer(&self, request: &Request) -> Result<Response, Error> {
        let is_write = request.operation.is_write();
        let is_read = request.operation == Operation::Read;
        match request.path.as_str() {
            "seal" if is_write => {
                if let Some(core) = self.core.get().and_then(Weak::upgrade) {
                    core.unload();
                }
                self.operator.seal();
                Ok(Response::empty())
            }
            // Nodes are equal: there is no leadership to give up.
            "step-down" if is_write => Ok(Response::empty()),
            "rotate" | "rotate/keyring" if is_write => {
                self.operator.barrier().rotate(request.now).await?;
                Ok(Response::empty())
            }
            "key-status" if is_read => status(&self.operator.barrier().key_status()?),
            "rotate/config" | "rotate/keyring/config" => self.rotation(request).await,
            // Keys for PGP are not taken, so none are ever backed up.
            "rekey/backup" | "rekey/recovery-key-backup" | "rotate/root/backup" | "rotate/recovery/backup" => {
                match request.operation {
                    Operation::Read => Err(Error::invalid("no backed-up keys found")),
                    Operation::Delete => Ok(Response::empty()),
                    _ => Err(Error::UnsupportedOperation),
                }
            }
            "metrics" if is_read => {
                let accept = request.headers.iter().find(|(name, _)| name == "accept").map(|(_, value)| value.as_str());
                let asked = request.fields().text("format")?;
                let format = metrics::format(asked.as_deref(), accept);
                let core = self.core.get().and_then(Weak::upgrade);
                let raw = self.reporter.answer(core.as_deref(), format).await;
                Ok(Response { raw: Some(raw), ..Response::empty() })
            }
            "config/state/sanitized" if is_read => Ok(Response::json(self.sanitized.clone())),
            "ha-status" if is_read => Ok(Response::json(json!({"nodes": [{
                "hostname": hostname(), "api_address": "", "cluster_address": "", "active_node": true,
                "last_echo": null, "version": crate::server::VERSION,
            }]}))),
            "host-info" if is_read => Ok(Response::json(json!({
                "timestamp": request.now.to_string(),
                "host": {"hostname": hostname(), "os": std::env::consts::OS, "kernelArch": std::env::consts::ARCH},
                "cluster_id": self.cluster.id,
            }))),
            "metrics"
            | "seal"
            | "step-down"
            | "rotate"
            | "key-status"
            | "config/state/sanitized"
            | "host-info"
            | "ha-status" => Err(Error::UnsupportedOperation),
            _ => Err(Error::UnsupportedPath),
        }
    }

    async fn rotation(&self, request: &Request) -> Result<Response, Error> {
        let barrier = self.operator.barrier();
        let mut config = barrier.rotation_config()?;
        if request.operation.is_write() {
            let fields = request.fields();
            if let Some(enabled) = fields.boolean("enabled")? {
                config.enabled = enabled;
            }
            if let Some(operations) = fields.integer("max_operations")? {
                config.max_operations = u64::try_from(operations).unwrap_or_default();
            }
            if let Some(interval) = fields.duration("interval")? {
                config.interval = interval.as_secs();
            }
            barrier.set_rotation_config(config).await?;
            return Ok(Response::empty());
        }
        let RotationConfig { enabled, max_operations, interval, .. } = config;
        Ok(Response::json(json!({"enabled": enabled, "max_operations": max_operations, "interval": interval})))
    }
}

fn status(status: &impl serde::Serialize) -> Result<Response, Error> {
    Ok(Response::json(serde_json::to_value(status).map_err(Error::internal)?))
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

impl secrets::Operator for Hands {
    fn handle<'a>(&'a self, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(self.answer(request))
    }
}
