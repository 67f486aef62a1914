//! `trusted-root create` and `signing-config create`: whom to trust and where to sign, from parts.

use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::{
    CertificateAuthority, DistinguishedName, HashAlgorithm, RootMediaType, Selector, Service, ServiceConfiguration,
    SigningConfig, TimeRange, TransparencyLog, TrustedKey, TrustedRoot,
};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use signing::{KeyKind, PublicKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `trusted-root`
#[derive(Debug, Args)]
pub(crate) struct TrustedRootCommand {
    #[command(subcommand)]
    create: CreateTrustedRoot,
}

#[derive(Debug, Subcommand)]
enum CreateTrustedRoot {
    /// Make a trusted root.
    Create(TrustedRootArgs),
}

#[derive(Debug, Args)]
struct TrustedRootArgs {
    /// Certificate authority: url=URL,certificate-chain=FILE[,start-time=TIME][,end-time=TIME].
    #[arg(long, value_name = "SPEC")]
    fulcio: Vec<String>,
    /// Transparency log: url=URL,public-key=FILE[,start-time=TIME][,end-time=TIME][,origin=NAME].
    #[arg(long, value_name = "SPEC")]
    rekor: Vec<String>,
    /// Log of certificates: url=URL,public-key=FILE[,start-time=TIME][,end-time=TIME].
    #[arg(long, value_name = "SPEC")]
    ctfe: Vec<String>,
    /// Timestamp authority: url=URL,certificate-chain=FILE[,start-time=TIME][,end-time=TIME].
    #[arg(long, value_name = "SPEC")]
    tsa: Vec<String>,
    /// Begin with the initialised root.
    #[arg(long)]
    with_default_services: bool,
    /// Without its certificate authorities.
    #[arg(long)]
    no_default_fulcio: bool,
    /// Without its logs.
    #[arg(long)]
    no_default_rekor: bool,
    /// Without its logs of certificates.
    #[arg(long)]
    no_default_ctfe: bool,
    /// Without its timestamp authorities.
    #[arg(long)]
    no_default_tsa: bool,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `signing-config`
#[derive(Debug, Args)]
pub(crate) struct SigningConfigCommand {
    #[command(subcommand)]
    create: CreateSigningConfig,
}

#[derive(Debug, Subcommand)]
enum CreateSigningConfig {
    /// Make a signing configuration.
    Create(SigningConfigArgs),
}

#[derive(Debug, Args)]
struct SigningConfigArgs {
    /// Certificate authority: url=URL,api-version=N,start-time=TIME,operator=NAME[,end-time=TIME].
    #[arg(long, value_name = "SPEC")]
    fulcio: Vec<String>,
    /// Identity provider, likewise.
    #[arg(long, value_name = "SPEC")]
    oidc_provider: Vec<String>,
    /// Transparency log, likewise.
    #[arg(long, value_name = "SPEC")]
    rekor: Vec<String>,
    /// How many of the logs: ANY, ALL or EXACT:N.
    #[arg(long, value_name = "SELECTOR")]
    rekor_config: Option<String>,
    /// Timestamp authority, likewise.
    #[arg(long, value_name = "SPEC")]
    tsa: Vec<String>,
    /// How many of the timestamp authorities: ANY, ALL or EXACT:N.
    #[arg(long, value_name = "SELECTOR")]
    tsa_config: Option<String>,
    /// Begin with a signing configuration.
    #[arg(long, value_name = "FILE")]
    base_config: Option<PathBuf>,
    /// Begin with the initialised one.
    #[arg(long)]
    with_default_services: bool,
    /// Without its certificate authorities.
    #[arg(long)]
    no_default_fulcio: bool,
    /// Without its identity providers.
    #[arg(long)]
    no_default_oidc: bool,
    /// Without its logs.
    #[arg(long)]
    no_default_rekor: bool,
    /// Without its timestamp authorities.
    #[arg(long)]
    no_default_tsa: bool,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `key=value,...` of a flag.
struct Spec(BTreeMap<String, String>);

impl Spec {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let pairs = text.split(',').map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| advised(format!("{pair:?} is no KEY=VALUE"), "separate KEY=VALUE pairs by commas"))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        });
        Ok(Self(pairs.collect::<anyhow::Result<_>>()?))
    }

    fn required(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.0.get(key).map(String::as_str);
        value.ok_or_else(|| advised(format!("a service has no {key}"), format!("add {key}=... to its flag")))
    }

    fn time(&self, key: &str) -> anyhow::Result<Option<Timestamp>> {
        self.0.get(key).map(|text| text.parse().with_context(|| format!("{key}={text}"))).transpose()
    }

    fn range(&self) -> anyhow::Result<TimeRange> {
        let start = self.time("start-time")?.unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(TimeRange { start, end: self.time("end-time")? })
    }

    fn authority(text: &str) -> anyhow::Result<CertificateAuthority> {
        let spec = Self::parse(text)?;
        let path = Path::new(spec.required("certificate-chain")?);
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let chain = signing::pem::certificates(&pem).with_context(|| path.display().to_string())?;
        let url = spec.0.get("url").or(spec.0.get("uri")).cloned().unwrap_or_default();
        let valid_for = Some(spec.range()?);
        Ok(CertificateAuthority {
            subject: DistinguishedName::default(),
            uri: url,
            cert_chain: chain,
            valid_for,
            operator: String::new(),
        })
    }

    fn log(text: &str) -> anyhow::Result<TransparencyLog> {
        let spec = Self::parse(text)?;
        let path = Path::new(spec.required("public-key")?);
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let key = PublicKey::from_pem(&pem).with_context(|| path.display().to_string())?;
        let url = spec.required("url")?.to_owned();
        // A log of version 2 is known by its checkpoint's key.
        let checkpoint_key = |origin: &String| match <&[u8; 32]>::try_from(key.raw()) {
            Ok(raw) if key.kind() == KeyKind::Ed25519 => tlog::ed25519_key_id(origin, raw),
            _ => tlog::ecdsa_key_id(key.to_spki()),
        };
        let log_id = spec.0.get("origin").map_or_else(|| key.id().to_vec(), |origin| checkpoint_key(origin).to_vec());
        let raw_bytes = key.to_spki().to_vec();
        Ok(TransparencyLog {
            base_url: url,
            hash_algorithm: Some(HashAlgorithm::Sha256),
            public_key: TrustedKey { raw_bytes, key_details: key.kind().details(), valid_for: Some(spec.range()?) },
            log_id,
            checkpoint_key_id: Vec::new(),
            operator: String::new(),
        })
    }

    fn service(text: &str) -> anyhow::Result<Service> {
        let spec = Self::parse(text)?;
        let version = spec.required("api-version")?;
        Ok(Service {
            url: spec.required("url")?.to_owned(),
            major_api_version: version.parse().with_context(|| format!("api-version={version}"))?,
            valid_for: Some(spec.range()?),
            operator: spec.0.get("operator").cloned().unwrap_or_default(),
        })
    }
}

fn selector(text: Option<&str>, flag: &str) -> anyhow::Result<ServiceConfiguration> {
    let text = text.ok_or_else(|| advised(format!("no {flag}"), "give ANY, ALL or EXACT:N with the services"))?;
    let (selector, count) = match text.split_once(':') {
        None if text == "ANY" => (Selector::Any, 0),
        None if text == "ALL" => (Selector::All, 0),
        Some(("EXACT", count)) => (Selector::Exact, count.parse().with_context(|| format!("{flag} {text}"))?),
        _ => return Err(advised(format!("{text:?} is no selector"), "give ANY, ALL or EXACT:N")),
    };
    Ok(ServiceConfiguration { selector, count })
}

fn all<T>(specs: &[String], read: fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    specs.iter().map(|spec| read(spec)).collect()
}

fn empty_root() -> TrustedRoot {
    TrustedRoot {
        media_type: RootMediaType::V01,
        tlogs: Vec::new(),
        certificate_authorities: Vec::new(),
        ctlogs: Vec::new(),
        timestamp_authorities: Vec::new(),
    }
}

/// Makes a trusted root.
pub(crate) fn trusted_root(command: &TrustedRootCommand) -> Outcome {
    let CreateTrustedRoot::Create(args) = &command.create;
    let mut root = if args.with_default_services { super::initialize::default_root()? } else { empty_root() };
    for (list, is_removed) in [
        (&mut root.certificate_authorities, args.no_default_fulcio),
        (&mut root.timestamp_authorities, args.no_default_tsa),
    ] {
        if is_removed {
            list.clear();
        }
    }
    for (list, is_removed) in [(&mut root.tlogs, args.no_default_rekor), (&mut root.ctlogs, args.no_default_ctfe)] {
        if is_removed {
            list.clear();
        }
    }
    root.certificate_authorities.extend(all(&args.fulcio, Spec::authority)?);
    root.timestamp_authorities.extend(all(&args.tsa, Spec::authority)?);
    root.tlogs.extend(all(&args.rekor, Spec::log)?);
    root.ctlogs.extend(all(&args.ctfe, Spec::log)?);
    print(&root.to_json(), args.out.as_deref())
}

/// Makes a signing configuration.
pub(crate) fn signing_config(command: &SigningConfigCommand) -> Outcome {
    let CreateSigningConfig::Create(args) = &command.create;
    let mut config = match &args.base_config {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            SigningConfig::parse(&bytes).with_context(|| path.display().to_string())?
        }
        None if args.with_default_services => super::initialize::signing_config()?
            .ok_or_else(|| advised("no root is initialised", "run `initialize` first"))?,
        None => SigningConfig::new(),
    };
    for (list, specs, is_removed) in [
        (&mut config.ca_urls, &args.fulcio, args.no_default_fulcio),
        (&mut config.oidc_urls, &args.oidc_provider, args.no_default_oidc),
        (&mut config.rekor_tlog_urls, &args.rekor, args.no_default_rekor),
        (&mut config.tsa_urls, &args.tsa, args.no_default_tsa),
    ] {
        if is_removed || !specs.is_empty() {
            list.clear();
        }
        list.extend(all(specs, Spec::service)?);
    }
    if !args.rekor.is_empty() {
        config.rekor_tlog_config = Some(selector(args.rekor_config.as_deref(), "--rekor-config")?);
    }
    if !args.tsa.is_empty() {
        config.tsa_config = Some(selector(args.tsa_config.as_deref(), "--tsa-config")?);
    }
    print(&config.to_json(), args.out.as_deref())
}

fn print(json: &[u8], file: Option<&Path>) -> Outcome {
    match file {
        Some(path) => output::to_file(path, |out| Ok(out.write_all(json)?))?,
        None => output::to_stdout(|out| {
            out.write_all(json)?;
            Ok(writeln!(out)?)
        })?,
    }
    Ok(OK)
}
