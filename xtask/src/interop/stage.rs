//! What the matrix is played on: an authority, two registries, and every program with a home of its own.

use crate::peers::{self, COSIGN, OLD_COSIGN};
use crate::run::{output, palisade, root};
use crate::server::{PATIENCE, Server, docker_registry, free, listening, start};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who signs.
pub(crate) const IDENTITY: &str = "signer@example.com";
/// Who does not.
pub(crate) const STRANGER: &str = "stranger@example.com";

/// A program that signs and verifies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    Palisade,
    Cosign2,
    Cosign3,
}

impl Product {
    pub(crate) const ALL: [Self; 3] = [Self::Palisade, Self::Cosign2, Self::Cosign3];

    pub(crate) fn name(self) -> String {
        match self {
            Self::Palisade => "palisade".to_owned(),
            Self::Cosign2 => format!("cosign {OLD_COSIGN}"),
            Self::Cosign3 => format!("cosign {COSIGN}"),
        }
    }
}

/// A registry on loopback.
pub(crate) struct Registry {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    /// Can the referrers of one image be attached to another by copying a tag?
    pub(crate) fallback: bool,
    _server: Server,
}

/// Everything that a cell needs.
pub(crate) struct Stage {
    palisade: PathBuf,
    cosign: [PathBuf; 2],
    crane: PathBuf,
    python: PathBuf,
    javascript: PathBuf,
    /// With the trust root, the keys and what cells write.
    pub(crate) folder: PathBuf,
    /// Of the authority.
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) registries: [Registry; 2],
    _authority: Server,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

impl Stage {
    /// Builds what is not there yet, and starts all of it.
    pub(crate) fn new() -> Result<Self> {
        let palisade = palisade()?;
        let folder = std::env::temp_dir().join(format!("palisade-interop-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let (authority, address) = authority(&palisade, &folder)?;
        let json: serde_json::Value =
            serde_json::from_slice(&get(&address, &format!("/oidc/token?email={IDENTITY}"))?)?;
        let token = json.get("id_token").and_then(serde_json::Value::as_str).context("no token")?.to_owned();
        let stage = Self {
            cosign: [peers::cosign(OLD_COSIGN)?, peers::cosign(COSIGN)?],
            crane: peers::crane()?,
            python: peers::sigstore_python()?,
            javascript: peers::sigstore_js()?,
            registries: registries(&folder)?,
            url: format!("http://{address}"),
            token,
            palisade,
            folder,
            _authority: authority,
        };
        for name in ["trusted_root.json", "signing_config.json", "client_trust_config.json"] {
            fs::write(stage.path(name), get(&address, &format!("/{name}"))?)?;
        }
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(stage.path("signing_config.json"))?)?;
        let logs = config.get_mut("rekorTlogUrls").and_then(serde_json::Value::as_array_mut).context("no logs")?;
        logs.retain(|log| log.get("majorApiVersion").is_some_and(|version| *version == 1));
        fs::write(stage.path("rekor1_signing_config.json"), config.to_string())?;
        fs::write(stage.path("1.root.json"), get(&address, "/tuf/1.root.json")?)?;
        fs::write(stage.path("predicate.json"), r#"{"checked": ["everything"]}"#)?;
        fs::write(
            stage.path("provenance.json"),
            r#"{"buildDefinition": {"buildType": "https://example.com/build", "externalParameters": {}},
                "runDetails": {"builder": {"id": "https://example.com/builder"}}}"#,
        )?;
        fs::write(stage.path("blob"), "A file to sign.\n")?;
        fs::write(stage.path("other-blob"), "Another file.\n")?;
        stage.prepare()?;
        Ok(stage)
    }

    /// Each side signs with the key that the other side made, so that key files are exchanged too.
    fn prepare(&self) -> Result<()> {
        for (product, prefix) in [(Product::Palisade, "own"), (Product::Cosign3, "peer")] {
            output(self.run(product).args(["generate-key-pair", "--output-key-prefix"]).arg(self.path(prefix)))?;
        }
        let (mirror, root) = (format!("{}/tuf", self.url), self.path("1.root.json"));
        for product in [Product::Cosign2, Product::Cosign3] {
            output(self.run(product).args(["initialize", "--mirror", &mirror, "--root"]).arg(&root))?;
        }
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/oidc", self.url)
    }

    /// A private key, or its public one.
    pub(crate) fn key(&self, product: Product, kind: &str) -> PathBuf {
        self.path(&format!("{}.{kind}", if product == Product::Palisade { "peer" } else { "own" }))
    }

    /// The public key of nobody who signs in this product's cells.
    pub(crate) fn wrong_key(&self, product: Product) -> PathBuf {
        self.path(if product == Product::Palisade { "own.pub" } else { "peer.pub" })
    }

    pub(crate) fn run(&self, product: Product) -> Command {
        let [two, three] = &self.cosign;
        let mut command = self.command(match product {
            Product::Palisade => &self.palisade,
            Product::Cosign2 => two,
            Product::Cosign3 => three,
        });
        command.env("TUF_ROOT", self.path(&format!("tuf {}", product.name())));
        command
    }

    pub(crate) fn crane(&self) -> Command {
        self.command(&self.crane)
    }

    pub(crate) fn python(&self) -> Command {
        let mut command = self.command(&self.python);
        command.args(["-m", "sigstore", "--trust-config"]).arg(self.path("client_trust_config.json"));
        command
    }

    pub(crate) fn javascript(&self, action: &str, options: &serde_json::Value) -> Command {
        let mut command = self.command("node");
        command.arg(root().join("xtask/interop/sigstore.mjs")).arg(&self.javascript);
        command.arg(action).arg(options.to_string());
        command
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", &self.folder).env("COSIGN_PASSWORD", "interop").stdin(Stdio::null());
        for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        command
    }
}

/// Must succeed.
pub(crate) fn accept(command: &mut Command) -> Result<()> {
    output(command.current_dir(root())).map(drop)
}

/// Must fail, by its own judgement.
pub(crate) fn refuse(command: &mut Command, why: &str) -> Result<()> {
    let output = command.current_dir(root()).output()?;
    ensure!(!output.status.success(), "{why} was accepted");
    ensure!(output.status.code().is_some(), "ended by a signal at {why}");
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!said.contains("panic"), "panicked at {why}: {said}");
    Ok(())
}

fn authority(palisade: &Path, folder: &Path) -> Result<(Server, String)> {
    let own = folder.join("authority");
    output(Command::new(palisade).args(["authority", "init"]).arg(&own).env("HOME", folder))?;
    let mut serve = Command::new(palisade);
    serve.args(["authority", "serve", "--listen", "127.0.0.1:0", "--dev-issuer", "--client-rate", "0"]).arg(&own);
    serve.env("HOME", folder).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = serve.spawn()?;
    let lines = child.stdout.take().map(BufReader::new);
    let server = Server(child);
    for line in lines.context("no output")?.lines() {
        if let Some(address) = line?.strip_prefix("Listening on ") {
            let address = address.to_owned();
            listening(&address)?;
            return Ok((server, address));
        }
    }
    bail!("the authority did not start")
}

/// Debian's, which has no referrers API, and one that has it.
fn registries(folder: &Path) -> Result<[Registry; 2]> {
    let (server, address) = docker_registry(folder)?;
    let debian = Registry { name: "docker-registry", address, fallback: true, _server: server };
    let address = free()?;
    let server = start(Command::new(peers::registry()?).arg(&address), &address)?;
    Ok([debian, Registry { name: "referrers", address, fallback: false, _server: server }])
}

/// A document of the authority.
fn get(address: &str, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no answer")?;
    let (head, body) = answer.split_at(end);
    ensure!(head.get(8..12) == Some(b" 200"), "{path}: {}", String::from_utf8_lossy(head));
    Ok(body.get(4..).unwrap_or_default().to_vec())
}
