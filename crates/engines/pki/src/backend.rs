use crate::acme::{self, Validation};
use crate::issue::What;
use crate::revoke::revoke;
use crate::store::Store;
use crate::{authority, config, crl, fetch, import, issue, issuers, ocsp, revoke as revocation, role, tidy};
use certificates::Certificate;
use jiff::{SignedDuration, Timestamp};
use logical::{Backend, Context, Error, Lease, Operation, Pending, Request, Response, SpecialPaths};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A certificate that ends so soon needs no revocation when its lease ends.
const ENDS_SOON: SignedDuration = SignedDuration::from_secs(90);

/// The PKI secrets engine.
#[derive(Default)]
pub struct Pki {
    /// How it reaches clients of ACME.
    network: Option<Arc<dyn Validation>>,
    /// The latest time that it was told, in seconds: for leases, whose end is told without one.
    seen: AtomicI64,
}

impl Pki {
    /// An engine that reaches nobody. All that counts is in its rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// An engine whose directories of ACME can check challenges.
    pub fn with_network(network: Arc<dyn Validation>) -> Self {
        Self { network: Some(network), ..Self::default() }
    }

    fn see(&self, now: Timestamp) {
        self.seen.fetch_max(now.as_second(), Ordering::Relaxed);
    }
}

/// What of a directory of ACME needs no token: requests are signed by their accounts.
macro_rules! acme_paths {
    ($prefix:literal) => {
        vec![
            concat!($prefix, "acme/directory"),
            concat!($prefix, "acme/new-nonce"),
            concat!($prefix, "acme/new-account"),
            concat!($prefix, "acme/new-order"),
            concat!($prefix, "acme/revoke-cert"),
            concat!($prefix, "acme/key-change"),
            concat!($prefix, "acme/account/+"),
            concat!($prefix, "acme/authorization/+"),
            concat!($prefix, "acme/challenge/+/+"),
            concat!($prefix, "acme/orders"),
            concat!($prefix, "acme/order/+"),
            concat!($prefix, "acme/order/+/finalize"),
            concat!($prefix, "acme/order/+/cert"),
        ]
    };
}

impl Backend for Pki {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        self.see(request.now);
        Box::pin(self.route(context, request))
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths {
            unauthenticated: [
                acme_paths!(""),
                acme_paths!("roles/+/"),
                acme_paths!("issuer/+/"),
                acme_paths!("issuer/+/roles/+/"),
                vec![
                    "cert/*",
                    "ca",
                    "ca/pem",
                    "ca_chain",
                    "crl",
                    "crl/pem",
                    "crl/delta",
                    "crl/delta/pem",
                    "issuer/+/crl",
                    "issuer/+/crl/der",
                    "issuer/+/crl/pem",
                    "issuer/+/crl/delta",
                    "issuer/+/crl/delta/der",
                    "issuer/+/crl/delta/pem",
                    "issuer/+/pem",
                    "issuer/+/der",
                    "issuer/+/json",
                    "issuers/",
                    "ocsp",
                    "ocsp/*",
                ],
            ]
            .concat(),
            root: vec!["root", "root/sign-self-issued"],
        }
    }

    fn revoke<'a>(&'a self, context: Context<'a>, lease: &'a Lease) -> Pending<'a, ()> {
        Box::pin(async move {
            let store = Store { rows: context.storage };
            let serial = lease.internal.get("serial_number").and_then(|value| value.as_str()).unwrap_or_default();
            let row = crate::serial::normalize(serial).unwrap_or_default();
            let Some(entry) = store.rows.get(&format!("cert/{row}")).await? else { return Ok(()) };
            let certificate = Certificate::from_der(&entry.value).map_err(Error::internal)?;
            let seen = Timestamp::from_second(self.seen.load(Ordering::Relaxed)).unwrap_or_default();
            let now = seen.max(certificate.not_before());
            if certificate.not_after().duration_since(now) < ENDS_SOON {
                return Ok(());
            }
            revoke(store, &certificate, now).await.map(|_| ())
        })
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: Timestamp) -> Pending<'a, ()> {
        self.see(now);
        Box::pin(async move {
            let store = Store { rows: context.storage };
            acme::forget_old_nonces(store, now).await?;
            tidy::periodic(store, now).await?;
            crl::periodic(store, now).await
        })
    }
}

impl Pki {
    async fn route(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let store = Store { rows: context.storage };
        // Base64 in a path may have slashes of its own.
        let path = if request.path.starts_with("ocsp/") { &request.path } else { request.path.trim_end_matches('/') };
        let parts: Vec<&str> = path.split('/').collect();
        let read = request.operation == Operation::Read;
        let list = request.operation == Operation::List;
        let write = request.operation.is_write();
        if let Some(directory) = acme::split(&parts) {
            return acme::handle(context, request, self.network.as_deref(), directory).await;
        }
        match parts.as_slice() {
            ["ca"] if read => fetch::authority(store, false).await,
            ["ca", "pem"] if read => fetch::authority(store, true).await,
            ["ca_chain"] if read => fetch::chain(store).await,
            ["crl", rest @ ..] => lists(store, request, rest).await,
            ["cert", serial] if read => fetch::certificate(store, request, serial).await,
            ["cert", serial, "raw"] if read => fetch::certificate_raw(store, request, serial, false).await,
            ["cert", serial, "raw", "pem"] if read => fetch::certificate_raw(store, request, serial, true).await,
            ["ocsp", encoded @ ..] => ocsp::handle(store, request, encoded).await,
            ["certs"] if list => fetch::list(store, request, "cert/").await,
            ["certs", "revoked"] if list => fetch::list(store, request, "revoked/").await,
            ["certs", "detailed"] if list => fetch::detailed(store, request).await,
            ["roles"] => role::handle(store, request, None).await,
            ["roles", name] => role::handle(store, request, Some(name)).await,
            ["issue", name] if write => issue::handle(context, request, What::Issue, Some(name), None).await,
            ["sign", name] if write => issue::handle(context, request, What::Sign, Some(name), None).await,
            ["sign-verbatim"] if write => issue::handle(context, request, What::Verbatim, None, None).await,
            ["sign-verbatim", name] if write => issue::handle(context, request, What::Verbatim, Some(name), None).await,
            ["revoke"] => revocation::handle(store, request, false).await,
            ["revoke-with-key"] => revocation::handle(store, request, true).await,
            ["config", "ca"] if write => import::issuers(store, request, true).await,
            ["config", "acme"] => acme::handle_config(context, request).await,
            ["config", "auto-tidy"] => tidy::handle_auto(store, request).await,
            ["tidy"] if write => tidy::start(store, request).await,
            ["tidy-cancel"] if write => tidy::cancel(store, request).await,
            ["tidy-status"] if read => tidy::status(store).await,
            ["eab"] if list => acme::list_eab(store, request).await,
            ["eab", id] => acme::delete_eab(store, request, id).await,
            ["config", name] => config::handle(context, request, name).await,
            ["root", ..] | ["intermediate", ..] => authorities(context, request, parts.as_slice()).await,
            ["issuers"] if list => issuers::list(store, request).await,
            ["issuers", "import", "bundle"] if write => import::issuers(store, request, true).await,
            ["issuers", "import", "cert"] if write => import::issuers(store, request, false).await,
            ["issuers", "generate", "root", how] if write => {
                authority::generate_root(context, request, how, false).await
            }
            ["issuers", "generate", "intermediate", how] if write => {
                authority::generate_intermediate(context, request, how).await
            }
            ["issuer", reference] => issuers::handle(store, request, reference).await,
            ["issuer", reference, rest @ ..] => of_issuer(context, request, reference, rest).await,
            ["keys"] if list => issuers::list_keys(store, request).await,
            ["keys", "generate", how @ ("internal" | "exported")] if write => {
                issuers::generate_key(store, request.fields(), *how == "exported").await
            }
            ["keys", "import"] if write => issuers::import_key(store, request.fields()).await,
            ["key", reference] => issuers::handle_key(store, request, reference).await,
            _ => Err(Error::UnsupportedPath),
        }
    }
}

async fn lists(store: Store<'_>, request: &Request, rest: &[&str]) -> Result<Response, Error> {
    match rest {
        ["rotate"] => revocation::rotate(store, request, false).await,
        ["rotate-delta"] => revocation::rotate(store, request, true).await,
        _ if request.operation != Operation::Read => Err(Error::UnsupportedOperation),
        [] => crl::serve(store, "default", false, false, request.now).await,
        ["pem"] => crl::serve(store, "default", false, true, request.now).await,
        ["delta"] => crl::serve(store, "default", true, false, request.now).await,
        ["delta", "pem"] => crl::serve(store, "default", true, true, request.now).await,
        _ => Err(Error::UnsupportedPath),
    }
}

async fn authorities(context: Context<'_>, request: &Request, parts: &[&str]) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    if let (["root"], Operation::Delete) = (parts, request.operation) {
        return authority::delete_root(store).await;
    }
    if !request.operation.is_write() {
        return Err(Error::UnsupportedOperation);
    }
    let reference = request.fields().text("issuer_ref")?.filter(|text| !text.is_empty());
    let reference = reference.unwrap_or_else(|| "default".to_owned());
    match parts {
        ["root", "generate", how] => authority::generate_root(context, request, how, false).await,
        ["root", "rotate", how] => authority::generate_root(context, request, how, true).await,
        ["root", "replace"] => {
            let mut request = request.clone();
            request.data.entry("default").or_insert_with(|| "next".into());
            config::handle(context, &request, "issuers").await
        }
        ["root", "sign-intermediate"] => authority::sign_intermediate(context, request, &reference).await,
        ["root", "sign-self-issued"] => authority::sign_self_issued(store, request, &reference).await,
        ["intermediate", "generate", how] => authority::generate_intermediate(context, request, how).await,
        ["intermediate", "cross-sign"] => authority::generate_intermediate(context, request, "existing").await,
        ["intermediate", "set-signed"] => import::issuers(store, request, false).await,
        _ => Err(Error::UnsupportedPath),
    }
}

/// What is below `issuer/:ref`.
async fn of_issuer(context: Context<'_>, request: &Request, issuer: &str, rest: &[&str]) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let write = request.operation.is_write();
    match rest {
        [form @ ("json" | "pem" | "der")] if !write => issuers::public(store, issuer, form).await,
        ["crl"] | ["crl", "der"] if !write => crl::serve(store, issuer, false, false, request.now).await,
        ["crl", "pem"] if !write => crl::serve(store, issuer, false, true, request.now).await,
        ["crl", "delta"] | ["crl", "delta", "der"] if !write => {
            crl::serve(store, issuer, true, false, request.now).await
        }
        ["crl", "delta", "pem"] if !write => crl::serve(store, issuer, true, true, request.now).await,
        ["issue", name] if write => issue::handle(context, request, What::Issue, Some(name), Some(issuer)).await,
        ["sign", name] if write => issue::handle(context, request, What::Sign, Some(name), Some(issuer)).await,
        ["sign-verbatim"] if write => issue::handle(context, request, What::Verbatim, None, Some(issuer)).await,
        ["sign-verbatim", name] if write => {
            issue::handle(context, request, What::Verbatim, Some(name), Some(issuer)).await
        }
        ["sign-intermediate"] if write => authority::sign_intermediate(context, request, issuer).await,
        ["sign-self-issued"] if write => authority::sign_self_issued(store, request, issuer).await,
        ["revoke"] if write => issuers::revoke(store, request, issuer).await,
        _ => Err(Error::UnsupportedPath),
    }
}
