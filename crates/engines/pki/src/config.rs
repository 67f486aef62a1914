use crate::store::{ISSUERS_CONFIG, Issuer, IssuersConfig, KEYS_CONFIG, KeysConfig, Store, Urls};
use logical::{Context, Error, Fields, Operation, Request, Response, StorageExt, parse_duration};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What is said about revocation lists and OCSP.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CrlConfig {
    pub(crate) expiry: String,
    pub(crate) disable: bool,
    pub(crate) ocsp_disable: bool,
    pub(crate) ocsp_expiry: String,
    pub(crate) auto_rebuild: bool,
    pub(crate) auto_rebuild_grace_period: String,
    pub(crate) enable_delta: bool,
    pub(crate) delta_rebuild_interval: String,
    pub(crate) allow_expired_cert_revocation: bool,
}

impl Default for CrlConfig {
    fn default() -> Self {
        Self {
            expiry: "72h".to_owned(),
            disable: false,
            ocsp_disable: false,
            ocsp_expiry: "12h".to_owned(),
            auto_rebuild: false,
            auto_rebuild_grace_period: "12h".to_owned(),
            enable_delta: false,
            delta_rebuild_interval: "15m".to_owned(),
            allow_expired_cert_revocation: false,
        }
    }
}

/// A duration of the configuration, which was checked when it was written.
pub(crate) fn duration(text: &str) -> Duration {
    parse_duration(text).unwrap_or_default()
}

pub(crate) async fn crl_config(store: Store<'_>) -> Result<CrlConfig, Error> {
    Ok(store.rows.get_json("config/crl").await?.unwrap_or_default())
}

/// Where the cluster is, for templates of addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ClusterConfig {
    pub(crate) path: String,
    pub(crate) aia_path: String,
}

pub(crate) async fn cluster_config(store: Store<'_>) -> Result<ClusterConfig, Error> {
    Ok(store.rows.get_json("config/cluster").await?.unwrap_or_default())
}

/// The addresses for certificates of this issuer, or of a root that is being made.
pub(crate) async fn urls(store: Store<'_>, own: Option<&Urls>, issuer_id: Option<&str>) -> Result<Urls, Error> {
    let urls = match own {
        Some(urls) => urls.clone(),
        None => store.rows.get_json("config/urls").await?.unwrap_or_default(),
    };
    if !urls.enable_templating {
        return Ok(urls);
    }
    let cluster = cluster_config(store).await?;
    let fill = |list: &Vec<String>| {
        let one = |url: &String| {
            for (name, value) in [("cluster_path", &cluster.path), ("cluster_aia_path", &cluster.aia_path)] {
                if url.contains(&format!("{{{{{name}}}}}")) && value.is_empty() {
                    let text =
                        format!("unable to template AIA URLs as we lack local cluster address information ({name})");
                    return Err(Error::Status(500, text));
                }
            }
            let filled = url
                .replace("{{issuer_id}}", issuer_id.unwrap_or_default())
                .replace("{{cluster_path}}", &cluster.path)
                .replace("{{cluster_aia_path}}", &cluster.aia_path);
            Ok(filled)
        };
        list.iter().map(one).collect::<Result<Vec<String>, Error>>()
    };
    Ok(Urls {
        issuing_certificates: fill(&urls.issuing_certificates)?,
        crl_distribution_points: fill(&urls.crl_distribution_points)?,
        delta_crl_distribution_points: fill(&urls.delta_crl_distribution_points)?,
        ocsp_servers: fill(&urls.ocsp_servers)?,
        enable_templating: true,
    })
}

pub(crate) async fn issuer_urls(store: Store<'_>, issuer: &Issuer) -> Result<Urls, Error> {
    let own = issuer.urls.as_ref().filter(|urls| **urls != Urls::default());
    urls(store, own, Some(&issuer.id)).await
}

/// Changes what the fields name.
pub(crate) fn read_urls(urls: &mut Urls, fields: Fields<'_>, templating: &str) -> Result<(), Error> {
    if let Some(on) = fields.boolean(templating)? {
        urls.enable_templating = on;
    }
    let lists = [
        ("issuing_certificates", &mut urls.issuing_certificates),
        ("crl_distribution_points", &mut urls.crl_distribution_points),
        ("delta_crl_distribution_points", &mut urls.delta_crl_distribution_points),
        ("ocsp_servers", &mut urls.ocsp_servers),
    ];
    for (name, list) in lists {
        if let Some(given) = fields.list(name)? {
            let bad = given.iter().find(|url| !is_url(url));
            if let Some(bad) = bad.filter(|_| !urls.enable_templating) {
                return Err(Error::invalid(format!(
                    "invalid URL found in Authority Information Access (AIA) parameter {name}: {bad}"
                )));
            }
            *list = given;
        }
    }
    Ok(())
}

/// `http:` and `https:` need a host, `ldap:` may have one.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    plain && matches!(scheme, "http" | "https" | "ftp" | "ftps" | "ldap" | "ldaps") && !rest.is_empty()
}

/// `config/...`, but for `config/ca`, `config/acme` and `config/auto-tidy`.
pub(crate) async fn handle(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let write = match request.operation {
        Operation::Read => false,
        Operation::Create | Operation::Update => true,
        _ => return Err(Error::UnsupportedOperation),
    };
    let fields = request.fields();
    match name {
        "urls" => {
            let mut urls: Urls = store.rows.get_json("config/urls").await?.unwrap_or_default();
            if write {
                read_urls(&mut urls, fields, "enable_templating")?;
                store.rows.put_json("config/urls", &urls).await?;
            }
            Ok(Response::json(json!(urls)))
        }
        "cluster" => {
            let mut config = cluster_config(store).await?;
            if write {
                for (name, value) in [("path", &mut config.path), ("aia_path", &mut config.aia_path)] {
                    if let Some(given) = fields.text(name)? {
                        if !given.is_empty() && !is_url(&given) {
                            return Err(Error::invalid(format!("invalid, non-URL {name} given to cluster: {given}")));
                        }
                        *value = given;
                    }
                }
                store.rows.put_json("config/cluster", &config).await?;
            }
            Ok(Response::json(json!(config)))
        }
        "crl" => crl(store, request, write).await,
        "issuers" => issuers(store, fields, write).await,
        "keys" => {
            let mut config = store.keys_config().await?;
            if write {
                let reference = fields.text("default")?.unwrap_or_default();
                if reference.is_empty() || reference == "default" {
                    return Err(Error::invalid("Invalid key specification; must be non-empty and can't be 'default'."));
                }
                config = KeysConfig { default: store.resolve_key(&reference).await? };
                store.rows.put_json(KEYS_CONFIG, &config).await?;
            }
            Ok(Response::json(json!(config)))
        }
        _ => Err(Error::UnsupportedPath),
    }
}

async fn crl(store: Store<'_>, request: &Request, write: bool) -> Result<Response, Error> {
    let mut config = crl_config(store).await?;
    let mut warnings = Vec::new();
    if write {
        let fields = request.fields();
        let texts = [
            ("expiry", &mut config.expiry),
            ("ocsp_expiry", &mut config.ocsp_expiry),
            ("auto_rebuild_grace_period", &mut config.auto_rebuild_grace_period),
            ("delta_rebuild_interval", &mut config.delta_rebuild_interval),
        ];
        for (name, value) in texts {
            if let Some(given) = fields.text(name)? {
                let length = parse_duration(&given)
                    .map_err(|error| Error::invalid(format!("given {name} could not be decoded: {error}")))?;
                if length.is_zero() && name != "ocsp_expiry" {
                    return Err(Error::invalid(format!("{name} must be greater than 0 got: {given}")));
                }
                *value = given;
            }
        }
        let flags = [
            ("disable", &mut config.disable),
            ("ocsp_disable", &mut config.ocsp_disable),
            ("auto_rebuild", &mut config.auto_rebuild),
            ("enable_delta", &mut config.enable_delta),
            ("allow_expired_cert_revocation", &mut config.allow_expired_cert_revocation),
        ];
        for (name, value) in flags {
            *value = fields.boolean(name)?.unwrap_or(*value);
        }
        if config.auto_rebuild && duration(&config.expiry) <= duration(&config.auto_rebuild_grace_period) {
            return Err(Error::invalid(format!(
                "CRL auto-rebuilding grace period ({}) must be strictly shorter than CRL expiry ({}) value when auto-rebuilding of CRLs is enabled",
                config.auto_rebuild_grace_period, config.expiry
            )));
        }
        if config.enable_delta && !config.auto_rebuild {
            return Err(Error::invalid(
                "Delta CRLs cannot be enabled when auto rebuilding is disabled as the complete CRL is always regenerated!",
            ));
        }
        store.rows.put_json("config/crl", &config).await?;
        warnings = crate::crl::rebuild(store, request.now).await?;
    }
    Ok(Response { warnings, ..Response::json(json!(config)) })
}

async fn issuers(store: Store<'_>, fields: Fields<'_>, write: bool) -> Result<Response, Error> {
    let mut config = store.issuers_config().await?;
    let mut warnings = Vec::new();
    if write {
        let reference = fields.text("default")?.unwrap_or_default();
        if reference.is_empty() || reference == "default" {
            return Err(Error::invalid("Invalid issuer specification; must be non-empty and can't be 'default'."));
        }
        let id = store.resolve_issuer(&reference).await?;
        if store.issuer(&id).await?.key_id.is_empty() {
            warnings.push("This selected default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will be unavailable with the requested default issuer until a key is imported or the default issuer is changed.".to_owned());
        }
        let follows = fields.boolean("default_follows_latest_issuer")?;
        config = IssuersConfig {
            default: id,
            default_follows_latest_issuer: follows.unwrap_or(config.default_follows_latest_issuer),
        };
        store.rows.put_json(ISSUERS_CONFIG, &config).await?;
    }
    Ok(Response { warnings, ..Response::json(json!(config)) })
}
