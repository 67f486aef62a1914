//! The secrets engines and auth methods that can be mounted, by the names that clients use.

use crate::outside::{OwnPod, Threads, Web};
use logical::Backend;
use secrets::Factory;
use std::collections::BTreeMap;
use std::sync::Arc;

fn kind<B: Backend + 'static>(make: impl Fn() -> B + Send + Sync + 'static) -> Factory {
    Arc::new(move |_| Arc::new(make()))
}

fn named<const N: usize>(kinds: [(&str, Factory); N]) -> BTreeMap<String, Factory> {
    kinds.into_iter().map(|(name, factory)| (name.to_owned(), factory)).collect()
}

/// Secrets engines.
pub(crate) fn secrets_engines() -> BTreeMap<String, Factory> {
    let kv: Factory = Arc::new(|options| match options.get("version").map(String::as_str) {
        Some("2") => Arc::new(kv::Kv2::new()),
        _ => Arc::new(kv::Kv1::new()),
    });
    let targets = Arc::new(targets::Sql);
    named([
        ("kv", Arc::clone(&kv)),
        ("generic", kv),
        ("kv-v1", kind(kv::Kv1::new)),
        ("kv-v2", kind(kv::Kv2::new)),
        ("database", kind(move || database::Database::new(Arc::clone(&targets) as Arc<dyn database::Targets>))),
        ("pki", kind(|| pki::Pki::with_network(Arc::new(challenges::Network::new())))),
        ("ssh", kind(ssh::Ssh::new)),
        ("transit", kind(transit::Transit::new)),
        ("totp", kind(totp::Totp::new)),
    ])
}

/// Auth methods.
pub(crate) fn auth_methods() -> BTreeMap<String, Factory> {
    let workers = Arc::new(Threads::new());
    let web: Arc<dyn login::Fetch> = Arc::new(Web::default());
    let [for_jwt, for_oidc, for_kubernetes, for_cert] = std::array::from_fn(|_| Arc::clone(&web));
    named([
        ("approle", kind(login::AppRole::new)),
        ("userpass", kind(move || login::UserPass::new(Arc::clone(&workers) as Arc<dyn login::Workers>))),
        ("jwt", kind(move || login::Jwt::new(Arc::clone(&for_jwt)))),
        ("oidc", kind(move || login::Jwt::new(Arc::clone(&for_oidc)))),
        ("kubernetes", kind(move || login::Kubernetes::new(Arc::clone(&for_kubernetes), Arc::new(OwnPod)))),
        ("ldap", kind(|| login::Ldap::new(Arc::new(directory::Ldap)))),
        ("cert", kind(move || login::Cert::new(Arc::clone(&for_cert)))),
    ])
}
