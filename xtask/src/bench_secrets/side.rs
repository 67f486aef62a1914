//! A secrets server with TLS, a static seal and an audit file, the product's or the peer's.

use super::load::{Figures, Load, run as load};
use crate::run::output;
use crate::server::{PATIENCE, Server, free, start};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Secrets to read.
const SECRETS: usize = super::load::ROUND;

/// The command that serves a configuration file.
pub(crate) type Program = Box<dyn Fn(&Path) -> Command>;

/// A server that was initialised and set up.
pub(crate) struct Side {
    pub(crate) folder: PathBuf,
    pub(crate) address: String,
    pub(crate) token: String,
    program: Program,
    server: Option<Server>,
}

impl Side {
    /// Begins a server: `storage` is its block, `more` what else its configuration has.
    pub(crate) fn start(folder: PathBuf, program: Program, storage: &str, more: &str) -> Result<Self> {
        fs::create_dir_all(folder.join("data"))?;
        let address = free()?;
        certificate(&folder)?;
        let shown = folder.display();
        fs::write(folder.join("key"), [7_u8; 32])?;
        let config = format!(
            "{storage}\nlistener \"tcp\" {{\n  address = \"{address}\"\n  tls_cert_file = \"{shown}/certificate.pem\"\n  \
             tls_key_file = \"{shown}/key.pem\"\n}}\nseal \"static\" {{\n  current_key_id = \"one\"\n  \
             current_key = \"file://{shown}/key\"\n}}\napi_addr = \"https://{address}\"\n{more}\n"
        );
        fs::write(folder.join("server.hcl"), config)?;
        let mut side = Self { folder, address, token: String::new(), program, server: None };
        side.restart()?;
        let made = side.call("PUT", "sys/init", &json!({ "recovery_shares": 1, "recovery_threshold": 1 }))?;
        made.get("root_token").and_then(Value::as_str).context("no root token")?.clone_into(&mut side.token);
        side.until_healthy()?;
        Ok(side)
    }

    /// Ends the server at once, begins it again, and answers with the seconds until it served.
    pub(crate) fn restart(&mut self) -> Result<f64> {
        self.server = None;
        let begun = Instant::now();
        let mut command = (self.program)(&self.folder.join("server.hcl"));
        self.server = Some(start(&mut command, &self.address)?);
        if !self.token.is_empty() {
            self.until_healthy()?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    fn until_healthy(&self) -> Result<()> {
        let begun = Instant::now();
        while self.call("GET", "sys/health", &Value::Null).is_err() {
            ensure!(begun.elapsed() < PATIENCE, "the server at {} does not serve", self.address);
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// One request by curl.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut command = Command::new("curl");
        command.args(["-sk", "--fail-with-body", "--max-time", "30", "-X", method]);
        command.args(["-H", &format!("X-Vault-Token: {}", self.token)]);
        if !body.is_null() {
            command.args(["-d", &body.to_string()]);
        }
        let said = output(command.arg(format!("https://{}/v1/{path}", self.address)))?;
        Ok(if said.trim().is_empty() { Value::Null } else { serde_json::from_str(&said)? })
    }

    /// The engines, methods and rows that the loads use.
    pub(crate) fn set_up(&self) -> Result<Loads> {
        let audit = self.folder.join("audit.log").display().to_string();
        self.call("PUT", "sys/audit/file", &json!({ "type": "file", "options": { "file_path": audit } }))?;
        self.call("POST", "sys/mounts/secret", &json!({ "type": "kv", "options": { "version": "2" } }))?;
        self.call("POST", "sys/mounts/transit", &json!({ "type": "transit" }))?;
        self.call("POST", "transit/keys/one", &json!({ "type": "aes256-gcm96" }))?;
        self.call("POST", "sys/auth/approle", &json!({ "type": "approle" }))?;
        let policy = "path \"secret/*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"] }\n\
                      path \"transit/*\" { capabilities = [\"update\"] }\n\
                      path \"database/creds/*\" { capabilities = [\"read\"] }\n";
        self.call("PUT", "sys/policies/acl/app", &json!({ "policy": policy }))?;
        let role = json!({ "token_policies": "app", "token_ttl": "1h", "token_max_ttl": "4h" });
        self.call("POST", "auth/approle/role/app", &role)?;
        let text = |answer: &Value, field: &str| {
            let text = answer.get("data").and_then(|data| data.get(field)).and_then(Value::as_str);
            text.map(str::to_owned).with_context(|| format!("no {field}"))
        };
        let role_id = text(&self.call("GET", "auth/approle/role/app/role-id", &Value::Null)?, "role_id")?;
        let secret_id = self.call("POST", "auth/approle/role/app/secret-id", &json!({}))?;
        let login = json!({ "role_id": role_id, "secret_id": text(&secret_id, "secret_id")? });
        let logged_in = self.call("POST", "auth/approle/login", &login)?;
        let token = logged_in.pointer("/auth/client_token").and_then(Value::as_str).context("no token")?.to_owned();
        let (value, plaintext) = ("v".repeat(100), "QUFB".repeat(85) + "QQ==");
        let new = |method, path: &str, body: Value| Load {
            method,
            path: format!("/v1/{path}"),
            token: token.clone(),
            body: if body.is_null() { String::new() } else { body.to_string() },
            any_status: false,
        };
        let write = new("POST", "secret/data/app/{n}", json!({ "data": { "user": "app", "password": value } }));
        Ok(Loads {
            fixed: Load {
                path: "/ui/".to_owned(),
                token: String::new(),
                any_status: true,
                ..new("GET", "", Value::Null)
            },
            read: new("GET", "secret/data/app/{n}", Value::Null),
            write,
            login: Load { token: String::new(), ..new("POST", "auth/approle/login", login) },
            transit: new("POST", "transit/encrypt/one", json!({ "plaintext": plaintext })),
            credentials: new("GET", "database/creds/app", Value::Null),
        })
    }

    /// Runs a load against it.
    pub(crate) fn load(&self, what: &Load, seconds: u32) -> Result<Figures> {
        load(&self.folder, &self.address, what, seconds)
    }

    /// Megabytes of memory that it has now.
    pub(crate) fn resident(&self) -> Result<f64> {
        let id = self.server.as_ref().context("it does not run")?.0.id();
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory")?;
        Ok(resident.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0 / 1_000_000.0)
    }
}

/// What each server is asked.
pub(crate) struct Loads {
    pub(crate) fixed: Load,
    pub(crate) read: Load,
    pub(crate) write: Load,
    pub(crate) login: Load,
    pub(crate) transit: Load,
    pub(crate) credentials: Load,
}

impl Loads {
    /// Writes what is read.
    pub(crate) fn fill(&self, side: &Side) -> Result<()> {
        let mut seconds = 1;
        // Each run begins with the first again.
        while side.load(&self.write, seconds)?.answers < SECRETS as f64 {
            seconds *= 2;
        }
        Ok(())
    }
}

fn certificate(folder: &Path) -> Result<()> {
    let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.join(name).display().to_string());
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    output(command.args(["-keyout", &key, "-out", &certificate]).stderr(Stdio::null())).map(drop)
}
