use certificates::{Algorithm, Certificate, KeyType, PrivateKey};
use logical::{Batch, Error, Storage, StorageExt};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How many issuers and keys a mount may have.
pub(crate) const MAX_ISSUERS: usize = 1000;

/// What an issuer may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    ReadOnly,
    Issuing,
    CrlSigning,
    OcspSigning,
}

impl Usage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Issuing => "issuing-certificates",
            Self::CrlSigning => "crl-signing",
            Self::OcspSigning => "ocsp-signing",
        }
    }

    pub(crate) const ALL: [Self; 4] = [Self::CrlSigning, Self::Issuing, Self::OcspSigning, Self::ReadOnly];
}

/// Where others find what belongs to an issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Urls {
    pub(crate) issuing_certificates: Vec<String>,
    pub(crate) crl_distribution_points: Vec<String>,
    pub(crate) delta_crl_distribution_points: Vec<String>,
    pub(crate) ocsp_servers: Vec<String>,
    pub(crate) enable_templating: bool,
}

/// An issuer as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Issuer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) key_id: String,
    pub(crate) certificate: String,
    /// Identifiers of issuers, its own first, set by hand.
    pub(crate) manual_chain: Vec<String>,
    /// The same as found.
    pub(crate) chain: Vec<String>,
    pub(crate) leaf_not_after_behavior: String,
    pub(crate) usage: Vec<String>,
    /// The algorithm for revocation lists and OCSP; empty for the key's usual one.
    pub(crate) revocation_signature_algorithm: String,
    /// When it was revoked, in seconds.
    pub(crate) revoked: Option<i64>,
    pub(crate) urls: Option<Urls>,
}

impl Issuer {
    pub(crate) fn certificate(&self) -> Result<Certificate, Error> {
        let der = certificates::pem::certificates(self.certificate.as_bytes()).map_err(Error::internal)?;
        Certificate::from_der(der.first().map(Vec::as_slice).unwrap_or_default()).map_err(Error::internal)
    }

    pub(crate) fn may(&self, usage: Usage) -> Result<(), Error> {
        if usage != Usage::ReadOnly && !self.usage.iter().any(|name| name == usage.name()) {
            let text = format!(
                "error while attempting to use issuer {}: unable to use issuer for {}: got {}",
                self.id,
                usage.name(),
                self.usage.join(",")
            );
            return Err(Error::Status(500, text));
        }
        Ok(())
    }
}

/// A key as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) key_type: String,
    pub(crate) private_key: Zeroizing<String>,
}

impl Key {
    pub(crate) fn private(&self) -> Result<PrivateKey, Error> {
        PrivateKey::from_pem(&self.private_key).map_err(Error::internal)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IssuersConfig {
    pub(crate) default: String,
    pub(crate) default_follows_latest_issuer: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeysConfig {
    pub(crate) default: String,
}

pub(crate) const ISSUERS_CONFIG: &str = "config/issuers";
pub(crate) const KEYS_CONFIG: &str = "config/keys";

/// An issuer that is ready to sign.
pub(crate) struct SigningIssuer {
    pub(crate) issuer: Issuer,
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
    pub(crate) urls: Urls,
}

impl SigningIssuer {
    /// The algorithm for revocation lists and OCSP.
    pub(crate) fn revocation_algorithm(&self) -> Algorithm {
        let said = Algorithm::of_name(&self.issuer.revocation_signature_algorithm);
        let fits = |algorithm: &Algorithm| match (self.key.public().kind(), algorithm) {
            (KeyType::Rsa, Algorithm::RsaPkcs1(_) | Algorithm::RsaPss(_)) => true,
            (_, other) => *other == self.key.algorithm(0, false),
        };
        said.filter(fits).unwrap_or_else(|| self.key.algorithm(0, false))
    }
}

/// The rows of the mount.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a> {
    pub(crate) rows: &'a dyn Storage,
}

impl<'a> Store<'a> {
    pub(crate) async fn issuers_config(self) -> Result<IssuersConfig, Error> {
        Ok(self.rows.get_json(ISSUERS_CONFIG).await?.unwrap_or_default())
    }

    pub(crate) async fn keys_config(self) -> Result<KeysConfig, Error> {
        Ok(self.rows.get_json(KEYS_CONFIG).await?.unwrap_or_default())
    }

    pub(crate) async fn issuer(self, id: &str) -> Result<Issuer, Error> {
        let issuer = self.rows.get_json(&format!("issuer/{id}")).await?;
        issuer.ok_or_else(|| Error::Status(500, format!("pki issuer id {id} does not exist")))
    }

    pub(crate) async fn key(self, id: &str) -> Result<Key, Error> {
        let key = self.rows.get_json(&format!("key/{id}")).await?;
        key.ok_or_else(|| Error::Status(500, format!("pki key id {id} does not exist")))
    }

    pub(crate) async fn issuer_ids(self) -> Result<Vec<String>, Error> {
        self.rows.list("issuer/", "", MAX_ISSUERS).await
    }

    pub(crate) async fn issuers(self) -> Result<Vec<Issuer>, Error> {
        let mut issuers = Vec::new();
        for id in self.issuer_ids().await? {
            issuers.push(self.issuer(&id).await?);
        }
        Ok(issuers)
    }

    pub(crate) async fn keys(self) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        for id in self.rows.list("key/", "", MAX_ISSUERS).await? {
            keys.push(self.key(&id).await?);
        }
        Ok(keys)
    }

    /// The identifier of an issuer by its identifier, its name or `default`.
    pub(crate) async fn resolve_issuer(self, reference: &str) -> Result<String, Error> {
        if reference == "default" {
            let default = self.issuers_config().await?.default;
            if default.is_empty() {
                return Err(Error::invalid("no default issuer currently configured"));
            }
            return Ok(default);
        }
        if uuid::Uuid::try_parse(reference).is_ok() && self.rows.get(&format!("issuer/{reference}")).await?.is_some() {
            return Ok(reference.to_owned());
        }
        let issuers = self.issuers().await?;
        let found = issuers.into_iter().find(|issuer| issuer.id == reference || issuer.name == reference);
        let missing = || Error::invalid(format!("unable to find PKI issuer for reference: {reference}"));
        found.filter(|_| !reference.is_empty()).map(|issuer| issuer.id).ok_or_else(missing)
    }

    /// The identifier of a key by its identifier, its name or `default`.
    pub(crate) async fn resolve_key(self, reference: &str) -> Result<String, Error> {
        if reference == "default" {
            let default = self.keys_config().await?.default;
            if default.is_empty() {
                return Err(Error::invalid("no default key currently configured"));
            }
            return Ok(default);
        }
        let found = self.keys().await?.into_iter().find(|key| key.id == reference || key.name == reference);
        let missing = || Error::invalid(format!("unable to find PKI key for reference: {reference}"));
        found.filter(|_| !reference.is_empty()).map(|key| key.id).ok_or_else(missing)
    }

    /// An issuer with its key. What it may do is checked.
    pub(crate) async fn signing(self, reference: &str, usage: Usage) -> Result<SigningIssuer, Error> {
        let id = self.resolve_issuer(reference).await?;
        let issuer = self.issuer(&id).await?;
        issuer.may(usage)?;
        if issuer.key_id.is_empty() {
            let text =
                format!("unable to fetch corresponding key for issuer {id}; unable to use this issuer for signing");
            return Err(Error::invalid(text));
        }
        let key = self.key(&issuer.key_id).await?.private()?;
        let urls = crate::config::issuer_urls(self, &issuer).await?;
        Ok(SigningIssuer { certificate: issuer.certificate()?, key, urls, issuer })
    }

    /// The certificates of an issuer and those above it, its own first.
    pub(crate) async fn chain(self, issuer: &Issuer) -> Result<Vec<Certificate>, Error> {
        let ids = if issuer.manual_chain.is_empty() { &issuer.chain } else { &issuer.manual_chain };
        let mut chain = vec![issuer.certificate()?];
        for id in ids.iter().filter(|id| **id != issuer.id) {
            chain.push(self.issuer(id).await?.certificate()?);
        }
        Ok(chain)
    }

    /// Keeps a key, unless it is there already: the row, and whether it is new.
    pub(crate) async fn import_key(self, key: &PrivateKey, name: &str) -> Result<(Key, bool), Error> {
        for known in self.keys().await? {
            if known.private()?.public() == key.public() {
                return Ok((known, false));
            }
        }
        let row = Key {
            id: uuid::Uuid::new_v4().to_string(),
            name: name.to_owned(),
            key_type: key.public().kind().name().to_owned(),
            private_key: key.to_pem().map_err(Error::internal)?,
        };
        let mut batch = Batch::new();
        batch.put_json(format!("key/{}", row.id), &row)?;
        let config = self.rows.get_json_at::<KeysConfig>(KEYS_CONFIG).await?;
        if config.as_ref().is_none_or(|(config, _)| config.default.is_empty()) {
            batch.require(KEYS_CONFIG, config.map(|(_, version)| version));
            batch.put_json(KEYS_CONFIG, &KeysConfig { default: row.id.clone() })?;
        }
        // An issuer may have waited for its key.
        for mut issuer in self.issuers().await? {
            if issuer.key_id.is_empty() && issuer.certificate()?.spki() == key.public().spki() {
                issuer.key_id.clone_from(&row.id);
                batch.put_json(format!("issuer/{}", issuer.id), &issuer)?;
            }
        }
        self.rows.commit(batch).await?;
        Ok((row, true))
    }

    /// Keeps an issuer, unless it is there already: the row, and whether it is new.
    pub(crate) async fn import_issuer(self, certificate: &Certificate, name: &str) -> Result<(Issuer, bool), Error> {
        let mut issuers = self.issuers().await?;
        let pem = certificate.pem();
        if let Some(known) = issuers.iter().find(|known| known.certificate == pem) {
            return Ok((known.clone(), false));
        }
        if certificate.authority().is_none() {
            return Err(Error::invalid(
                "unable to import certificate: not a CA certificate (basic constraints: isCA is false)",
            ));
        }
        if issuers.len() >= MAX_ISSUERS {
            return Err(Error::invalid(format!("a mount has at most {MAX_ISSUERS} issuers")));
        }
        let mut key_id = String::new();
        for key in self.keys().await? {
            if key.private()?.public().spki() == certificate.spki() {
                key_id = key.id;
            }
        }
        let id = uuid::Uuid::new_v4().to_string();
        let issuer = Issuer {
            id: id.clone(),
            name: name.to_owned(),
            key_id,
            certificate: pem,
            manual_chain: Vec::new(),
            chain: Vec::new(),
            leaf_not_after_behavior: "err".to_owned(),
            usage: Usage::ALL.iter().map(|usage| usage.name().to_owned()).collect(),
            revocation_signature_algorithm: String::new(),
            revoked: None,
            urls: None,
        };
        issuers.push(issuer);
        let mut batch = Batch::new();
        let config = self.rows.get_json_at::<IssuersConfig>(ISSUERS_CONFIG).await?;
        if config.as_ref().is_none_or(|(config, _)| config.default.is_empty()) {
            batch.require(ISSUERS_CONFIG, config.as_ref().map(|(_, version)| *version));
            let config = config.map(|(config, _)| config).unwrap_or_default();
            batch.put_json(ISSUERS_CONFIG, &IssuersConfig { default: id.clone(), ..config })?;
        }
        chains(&mut issuers)?;
        let mut made = None;
        for issuer in issuers {
            batch.put_json(format!("issuer/{}", issuer.id), &issuer)?;
            if issuer.id == id {
                made = Some(issuer);
            }
        }
        self.rows.commit(batch).await?;
        Ok((made.ok_or(Error::NotFound)?, true))
    }

    /// Forgets an issuer, and whether it was the default.
    pub(crate) async fn delete_issuer(self, id: &str) -> Result<bool, Error> {
        let mut issuers: Vec<Issuer> = self.issuers().await?.into_iter().filter(|issuer| issuer.id != id).collect();
        let mut config = self.issuers_config().await?;
        let was_default = config.default == id;
        let mut batch = Batch::new();
        if was_default {
            config.default.clear();
            batch.put_json(ISSUERS_CONFIG, &config)?;
        }
        chains(&mut issuers)?;
        for issuer in issuers {
            batch.put_json(format!("issuer/{}", issuer.id), &issuer)?;
        }
        batch.delete(format!("issuer/{id}")).delete(format!("crl/{id}"));
        self.rows.commit(batch).await?;
        Ok(was_default)
    }
}

/// Finds who is above whom: by name, and by a signature that fits.
fn chains(issuers: &mut [Issuer]) -> Result<(), Error> {
    let mut parsed = Vec::with_capacity(issuers.len());
    for issuer in issuers.iter() {
        parsed.push((issuer.id.clone(), issuer.certificate()?));
    }
    for issuer in issuers.iter_mut() {
        let mut chain = vec![issuer.id.clone()];
        let mut at = issuer.certificate()?;
        while at.issuer() != at.subject() && chain.len() < 20 {
            let above = parsed.iter().find(|(id, candidate)| {
                candidate.subject() == at.issuer()
                    && !chain.contains(id)
                    && candidate.public_key().is_ok_and(|key| at.verify(&key).is_ok())
            });
            let Some((id, certificate)) = above else { break };
            chain.push(id.clone());
            at = certificate.clone();
        }
        issuer.chain = chain;
    }
    Ok(())
}
