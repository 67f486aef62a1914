//! ACME (RFC 8555): the directory of a mount, of a role, of an issuer, or of both.

mod account;
mod authorization;
mod challenge;
mod config;
mod eab;
mod jws;
mod nonce;
mod order;
mod revoke;

pub(crate) use account::unused_account;
pub use challenge::{Answer, NetworkError, Validation};
pub(crate) use config::handle as handle_config;
pub(crate) use eab::{delete as delete_eab, list as list_eab};
pub(crate) use nonce::forget_old as forget_old_nonces;
pub(crate) use order::order_end;

use crate::config::cluster_config;
use crate::role::{Role, role};
use crate::store::Store;
use config::AcmeConfig;
use logical::{Context, Error, Operation, Raw, Request, Response};
use serde_json::{Value, json};

/// Why a request of ACME was refused.
pub(crate) enum Failure {
    /// The kind of RFC 8555, 6.7, its status and what is wrong.
    Problem(&'static str, u16, String),
    /// Not to be told as a problem.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(text) => Self::Problem("malformed", 400, text),
            other => Self::Other(other),
        }
    }
}

fn malformed(text: impl Into<String>) -> Failure {
    Failure::Problem("malformed", 400, text.into())
}

fn unauthorized(text: impl Into<String>) -> Failure {
    Failure::Problem("unauthorized", 401, text.into())
}

/// One request, and the directory that it was sent to.
pub(crate) struct Acme<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) store: Store<'a>,
    pub(crate) request: &'a Request,
    pub(crate) validation: Option<&'a dyn Validation>,
    config: AcmeConfig,
    /// The mount's address with a slash at its end.
    mount: String,
    /// The directory's path below the mount with a slash at its end: `roles/web/acme/`.
    directory: String,
    issuer: Option<&'a str>,
    role_name: Option<&'a str>,
}

impl Acme<'_> {
    /// The address of something below the directory.
    fn url(&self, path: &str) -> String {
        format!("{}{}{path}", self.mount, self.directory)
    }

    /// What may be issued here; none where everything that the client shows to be its own may be.
    async fn role(&self) -> Result<Option<Role>, Failure> {
        let policy = self.config.default_directory_policy.as_str();
        let name = match (self.role_name, policy.strip_prefix("role:")) {
            (Some(name), _) => name,
            (None, Some(name)) => name,
            (None, None) if policy == "forbid" => return Err(disabled()),
            (None, None) => return Ok(None),
        };
        if self.config.allowed_roles != ["*"] && !self.config.allowed_roles.iter().any(|allowed| allowed == name) {
            return Err(Failure::Problem(
                "serverInternal",
                500,
                "specified role not allowed by ACME policy".to_owned(),
            ));
        }
        let found = role(self.store, name).await?;
        let found =
            found.ok_or_else(|| malformed(format!("the request message was malformed: role {name} does not exist")))?;
        if found.no_store {
            return Err(Failure::Problem(
                "serverInternal",
                500,
                "role can not be used as NoStore is set to true".to_owned(),
            ));
        }
        Ok(Some(found))
    }

    /// The issuer that certificates here are of.
    async fn issuer(&self, role: Option<&Role>) -> Result<String, Failure> {
        let reference = self.issuer.or(role.map(|role| role.issuer_ref.as_str())).unwrap_or("default");
        let id = self.store.resolve_issuer(reference).await?;
        let mut allowed = self.config.allowed_issuers == ["*"];
        for reference in &self.config.allowed_issuers {
            allowed |= reference != "*" && self.store.resolve_issuer(reference).await.is_ok_and(|other| other == id);
        }
        let text = "specified issuer not allowed by ACME policy".to_owned();
        if allowed { Ok(id) } else { Err(Failure::Problem("serverInternal", 500, text)) }
    }
}

/// Nothing is here.
fn disabled() -> Failure {
    Failure::Other(Error::NotFound)
}

/// An answer in JSON.
fn document(status: u16, body: &Value) -> Response {
    raw(status, "application/json", body.to_string().into_bytes())
}

fn raw(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    let raw = Raw { status, content_type: content_type.to_owned(), body };
    Response { raw: Some(raw), ..Response::default() }
}

fn header(response: &mut Response, name: &str, value: String) {
    response.headers.push((name.to_owned(), value));
}

/// The directory's prefix and what is below it, where a path is one of ACME's.
pub(crate) fn split<'p, 'a>(parts: &'p [&'a str]) -> Option<(Option<&'a str>, Option<&'a str>, &'p [&'a str])> {
    match parts {
        ["acme", rest @ ..] => Some((None, None, rest)),
        ["roles", role, "acme", rest @ ..] => Some((None, Some(role), rest)),
        ["issuer", issuer, "acme", rest @ ..] => Some((Some(issuer), None, rest)),
        ["issuer", issuer, "roles", role, "acme", rest @ ..] => Some((Some(issuer), Some(role), rest)),
        _ => None,
    }
}

/// Answers what is below a directory.
pub(crate) async fn handle(
    context: Context<'_>,
    request: &Request,
    validation: Option<&dyn Validation>,
    (issuer, role_name, rest): (Option<&str>, Option<&str>, &[&str]),
) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let below = rest.join("/");
    let directory = request.path.trim_end_matches('/').strip_suffix(below.as_str()).unwrap_or_default().to_owned();
    if rest == ["new-eab"] {
        return eab::create(store, request, &directory).await;
    }
    let config = config::load(store).await?;
    if !config.enabled {
        return Err(Error::NotFound);
    }
    let mount = mount_address(context, store, request).await?;
    let acme = Acme { context, store, request, validation, config, mount, directory, issuer, role_name };
    let mut response = match acme.route(rest).await {
        Ok(response) => response,
        Err(Failure::Other(error)) => return Err(error),
        Err(Failure::Problem(kind, status, detail)) => {
            let body =
                json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": status });
            raw(status, "application/problem+json", body.to_string().into_bytes())
        }
    };
    if rest != ["directory"] {
        header(&mut response, "Replay-Nonce", nonce::make(store, request.now).await?);
        header(&mut response, "Link", format!("<{}>;rel=\"index\"", acme.url("directory")));
        header(&mut response, "Cache-Control", "no-store".to_owned());
    }
    Ok(response)
}

/// The mount's address as the cluster has it, or as the server knows it.
async fn mount_address(context: Context<'_>, store: Store<'_>, request: &Request) -> Result<String, Error> {
    let path = cluster_config(store).await?.path;
    if !path.is_empty() {
        return Ok(format!("{}/", path.trim_end_matches('/')));
    }
    let known = context.system.api_address().map(|address| {
        let address = address.trim_end_matches('/');
        format!("{address}/v1/{}{}", request.namespace, request.mount_point)
    });
    known.ok_or_else(|| {
        Error::Status(500, "ACME feature requires local cluster 'path' field configuration to be set".to_owned())
    })
}

impl Acme<'_> {
    async fn route(&self, rest: &[&str]) -> Result<Response, Failure> {
        // A directory that can't issue is none.
        let role = self.role().await?;
        self.issuer(role.as_ref()).await?;
        let write = self.request.operation.is_write();
        match rest {
            ["directory"] if self.request.operation == Operation::Read => Ok(self.show_directory()),
            ["new-nonce"] if !write => Ok(raw(200, "", Vec::new())),
            ["new-account"] if write => account::create(self).await,
            ["account", id] if write => account::handle(self, id).await,
            ["new-order"] if write => order::create(self, role.as_ref()).await,
            ["orders"] if write => order::list(self).await,
            ["order", id] if write => order::show(self, id).await,
            ["order", id, "finalize"] if write => order::finalize(self, id, role).await,
            ["order", id, "cert"] if write => order::certificate(self, id).await,
            ["authorization", id] if write => authorization::handle(self, id).await,
            ["challenge", id, kind] if write => challenge::handle(self, id, kind).await,
            ["revoke-cert"] if write => revoke::handle(self).await,
            _ => Err(Failure::Other(Error::UnsupportedPath)),
        }
    }

    fn show_directory(&self) -> Response {
        document(
            200,
            &json!({
                "newNonce": self.url("new-nonce"),
                "newAccount": self.url("new-account"),
                "newOrder": self.url("new-order"),
                "revokeCert": self.url("revoke-cert"),
                "keyChange": self.url("key-change"),
                "meta": { "externalAccountRequired": self.config.eab_policy != "not-required" },
            }),
        )
    }
}
