//! The image that a command is about: its manifest on its registry, and where its signatures lie.

use super::args;
use crate::outcome::advised;
use anyhow::Context;
use oci::{Descriptor, Document, Reference, RegistryCredentials, RegistryOptions, Repository};
use std::collections::BTreeMap;

/// An image on a registry.
pub(crate) struct Target {
    /// Where the image is.
    pub(crate) repository: Repository,
    /// Where its signatures are: elsewhere where `COSIGN_REPOSITORY` says so.
    signatures: Option<Repository>,
    /// Its manifest or index.
    pub(crate) manifest: Document,
}

impl Target {
    /// Finds the manifest that `name` names.
    pub(crate) fn find(name: &str, registry: &args::Registry) -> anyhow::Result<Self> {
        let reference: Reference = name.parse()?;
        let options = options(registry);
        let repository = Repository::connect(&reference, &options)?;
        let manifest = repository.manifest(reference.identifier())?;
        let signatures = match std::env::var("COSIGN_REPOSITORY") {
            Ok(elsewhere) if !elsewhere.is_empty() => {
                let elsewhere: Reference = elsewhere.parse().context("COSIGN_REPOSITORY")?;
                Some(Repository::connect(&elsewhere, &options)?)
            }
            _ => None,
        };
        Ok(Self { repository, signatures, manifest })
    }

    /// Where the image's signatures are.
    pub(crate) fn signatures(&self) -> &Repository {
        self.signatures.as_ref().unwrap_or(&self.repository)
    }

    /// The manifest, and with `recursive` also those that an index lists.
    pub(crate) fn manifests(&self, recursive: bool) -> anyhow::Result<Vec<Document>> {
        let mut all = vec![self.manifest.clone()];
        if recursive {
            for entry in Parts::of(&self.manifest.bytes)?.manifests {
                all.push(self.repository.manifest(&entry.digest)?);
            }
        }
        Ok(all)
    }
}

/// What a manifest or an index names.
#[derive(serde::Deserialize)]
pub(crate) struct Parts {
    config: Option<Descriptor>,
    /// Of a manifest.
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    /// Of an index.
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
    /// What it refers to.
    pub(crate) subject: Option<Descriptor>,
}

impl Parts {
    /// Reads a manifest or an index.
    pub(crate) fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(bytes).context("the manifest is no JSON")
    }

    /// The configuration and layers; nothing of an index.
    pub(crate) fn blobs(self) -> impl Iterator<Item = Descriptor> {
        self.config.into_iter().chain(self.layers)
    }
}

/// How registries are reached, as the flags say.
pub(crate) fn options(args: &args::Registry) -> RegistryOptions {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let credentials = RegistryCredentials {
        authority: String::new(),
        username: text(&args.registry_username).into(),
        password: text(&args.registry_password).into(),
        token: text(&args.registry_token).into(),
        tls_cert: args.registry_client_cert.clone(),
        tls_key: args.registry_client_key.clone(),
    };
    let is_given =
        args.registry_username.is_some() || args.registry_token.is_some() || args.registry_client_cert.is_some();
    RegistryOptions {
        insecure_skip_tls_verify: args.allow_insecure_registry,
        insecure_use_http: args.allow_http_registry || args.allow_insecure_registry,
        ca_cert: args.registry_cacert.clone(),
        auth: if is_given { vec![credentials] } else { Vec::new() },
        ..RegistryOptions::default()
    }
}

/// `KEY=VALUE` flags, as JSON.
pub(crate) fn annotations(given: &[String]) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
    let pairs = given.iter().flat_map(|list| list.split(','));
    let pairs = pairs.map(|pair| {
        pair.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| advised(format!("{pair:?} is no annotation"), "write it as KEY=VALUE"))
    });
    let pairs = pairs.collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    Ok(pairs.into_iter().map(|(key, value)| (key, value.into())).collect())
}
