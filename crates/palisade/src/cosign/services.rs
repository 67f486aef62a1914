//! Who signs, and which services take part: from flags, an initialised root, or the local authority.

use super::args;
use super::keys::{self, say, variable};
use super::local;
use crate::outcome::advised;
use anyhow::Context;
use bundle::{Bundle, SigningConfig, TrustedRoot};
use jiff::Timestamp;
use signing::{KeyKind, PrivateKey, Signer};
use sigstore::keyref::{self, KeyRef};
use sigstore::sign::{LOG_VERSIONS, Services, Signatory, Subject};
use sigstore::token::{self, Flow, Interactive, Provider};
use sigstore::{Http, HttpOptions};
use std::io::IsTerminal;
use std::path::Path;
use zeroize::Zeroizing;

/// Where a person signs in when nothing else is said.
const PUBLIC_ISSUER: &str = "https://oauth2.sigstore.dev/auth";

/// A signer that is ready, with the services it asks.
pub(crate) struct Session {
    http: Http,
    services: Services,
    signer: Box<dyn Signer + Send + Sync>,
    certificates: Vec<Vec<u8>>,
    /// With what a signature is verified after it was made, where that is known.
    pub(crate) trusted_root: Option<TrustedRoot>,
    // Its services run as long as the session.
    _local: Option<local::Authority>,
}

impl Session {
    /// Finds the key or identity, and asks for its certificate.
    pub(crate) fn begin(args: &args::Signing) -> anyhow::Result<Self> {
        if args.sk {
            return Err(keys::no_security_key());
        }
        let identity = args.timestamp_client_cert.clone().zip(args.timestamp_client_key.clone());
        let ca_cert = args.timestamp_client_cacert.clone();
        let http = Http::new(&HttpOptions { allow_http: args.allow_http, ca_cert, identity });
        let (mut services, local) = services(args)?;
        if !args.tlog_upload {
            services.logs.clear();
        }
        confirm(args, &services)?;
        let trusted_root = match (&args.trusted_root, &local) {
            (Some(path), _) => Some(trusted_root(path)?),
            (None, Some(local)) => Some(local.trusted_root().clone()),
            (None, None) => None,
        };
        let (signer, certificates) = match &args.key {
            Some(key) => {
                let signer = KeyRef::parse(key)?.signer(&http, &variable, &keys::password)?;
                (signer, given_certificates(args)?)
            }
            None => {
                let token = identity_token(args, &http, &services, local.as_ref())?;
                let signer = Box::new(PrivateKey::generate(KeyKind::P256)?);
                let signatory = Signatory::Identity { signer: &*signer, id_token: &token };
                let certificates = sigstore::sign::certificates(&http, &services, &signatory)?;
                (signer as Box<dyn Signer + Send + Sync>, certificates)
            }
        };
        Ok(Self { http, services, signer, certificates, trusted_root, _local: local })
    }

    /// Signs bytes or a statement.
    pub(crate) fn sign(&self, subject: Subject<'_>) -> anyhow::Result<Bundle> {
        Ok(sigstore::sign::sign_with(&self.http, &self.services, &*self.signer, &self.certificates, subject)?)
    }

    /// The signer's certificates, in DER, leaf first; none of a bare key.
    pub(crate) fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The signer's key.
    pub(crate) fn public_key(&self) -> &signing::PublicKey {
        self.signer.public_key()
    }
}

/// Reads a trusted root.
pub(crate) fn trusted_root(path: &Path) -> anyhow::Result<TrustedRoot> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    TrustedRoot::parse(&bytes).with_context(|| path.display().to_string())
}

/// The services, and the local authority where it is the one that is asked.
fn services(args: &args::Signing) -> anyhow::Result<(Services, Option<local::Authority>)> {
    // What Cosign 2 wrote has a place only for what the first version of a log answers.
    let versions: &[u32] = if args.new_bundle_format { &LOG_VERSIONS } else { &[1] };
    let choose = |config: &SigningConfig| Services::of(config, versions, Timestamp::now());
    if let Some(path) = &args.signing_config {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config = SigningConfig::parse(&bytes).with_context(|| path.display().to_string())?;
        return Ok((choose(&config)?, None));
    }
    let named = Services {
        logs: args.rekor_url.iter().map(|url| (url.clone(), 1)).collect(),
        tsas: args.timestamp_server_url.iter().cloned().collect(),
        cas: args.fulcio_url.iter().cloned().collect(),
        issuers: args.oidc_issuer.iter().cloned().collect(),
    };
    if named != Services::default() {
        return Ok((named, None));
    }
    if args.key.is_some() && !args.tlog_upload {
        return Ok((Services::default(), None));
    }
    if args.use_signing_config
        && let Some(config) = super::initialize::signing_config()?
    {
        return Ok((choose(&config)?, None));
    }
    let local = local::Authority::open()?;
    let services = choose(local.signing_config())?;
    Ok((services, Some(local)))
}

/// What goes into a log of others can't be taken back.
fn confirm(args: &args::Signing, services: &Services) -> anyhow::Result<()> {
    let is_here =
        |(url, _): &(String, u32)| ["//127.0.0.1", "//localhost", "//[::1]"].iter().any(|here| url.contains(here));
    if args.yes || services.logs.iter().all(is_here) {
        return Ok(());
    }
    say("The signature, and the identity that signs, go into a transparency log, where they can't be removed.");
    if !std::io::stdin().is_terminal() {
        return Err(advised("nobody is there to agree", "give --yes"));
    }
    say("Are you sure you would like to continue? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(advised("not agreed", "nothing was signed")),
    }
}

fn given_certificates(args: &args::Signing) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for path in args.certificate.iter().chain(&args.certificate_chain) {
        let pem = keyref::read(path)?;
        all.extend(signing::pem::certificates(&pem).with_context(|| path.display().to_string())?);
    }
    Ok(all)
}

/// A token that is given, or of the surroundings, or of the local authority, or after a sign-in.
fn identity_token(
    args: &args::Signing,
    http: &Http,
    services: &Services,
    local: Option<&local::Authority>,
) -> anyhow::Result<Zeroizing<String>> {
    if let Some(given) = &args.identity_token {
        return Ok(token::given(given)?);
    }
    if !args.oidc_disable_ambient_providers {
        let providers = match args.oidc_provider.as_deref() {
            None => Provider::ALL.to_vec(),
            Some(name) => vec![Provider::from_name(name).ok_or_else(|| {
                advised(
                    format!("{name:?} is no provider that is known here"),
                    "use envvar, filesystem or github-actions",
                )
            })?],
        };
        for provider in providers {
            if let Some(token) = provider.token(http, &variable)? {
                return Ok(token);
            }
        }
    }
    if let Some(local) = local {
        return local.token();
    }
    let flow = match args.fulcio_auth_flow.as_deref() {
        Some("device") => Flow::Device,
        None | Some("normal") => Flow::Browser,
        Some(other) => {
            return Err(advised(
                format!("no sign-in is named {other:?}"),
                "use normal or device, or give --identity-token",
            ));
        }
    };
    let client_secret = match &args.oidc_client_secret_file {
        Some(path) => Some(Zeroizing::new(std::fs::read_to_string(path)?.trim().to_owned())),
        None => None,
    };
    let issuer = services.issuers.first().map_or(PUBLIC_ISSUER, String::as_str);
    let sign_in = Interactive { issuer, client_id: &args.oidc_client_id, client_secret, flow };
    Ok(sign_in.token(http, &say, &browse)?)
}

/// Opens the desktop's browser, where there is one.
fn browse(url: &str) -> bool {
    let has_desktop = variable("DISPLAY").or_else(|| variable("WAYLAND_DISPLAY")).is_some();
    has_desktop && std::process::Command::new("xdg-open").arg(url).spawn().is_ok()
}
