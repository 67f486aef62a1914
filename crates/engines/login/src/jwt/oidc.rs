//! Logins by a browser (OpenID Connect Core 1.0; PKCE, RFC 7636): `auth_url` begins one, `callback` ends it, and where the
//! browser is sent to the server itself, `poll` hands the login to the client.
//!
//! A login that is under way is a row, so that any node may end it. It ends once.

use super::config::Config;
use super::provider::{Provider, Tokens};
use super::role::{self, Role};
use super::validate::{Expected, Times};
use super::{Jwt, loaded, named_role, pages};
use crate::random;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jose::{Algorithm, Jws};
use logical::{Auth, Batch, Context, Error, Map, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;
use url::form_urlencoded::Serializer;

/// A login that takes longer is given up.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
const FAILED: &str = "Vault login failed.";
/// Rows that are deleted at once.
const PAGE: usize = 500;
/// Pages in one run; what is left is for the next.
const MAX_PAGES: usize = 200;

/// A login that is under way.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    role: String,
    redirect_uri: String,
    nonce: String,
    /// Of PKCE.
    verifier: String,
    /// Of the client, which must have it to get the login.
    client_nonce: String,
    /// The client's address, to be shown.
    requester: String,
    expires: Timestamp,
    /// By form post.
    code: Option<String>,
    id_token: Option<String>,
    /// Done, and to be fetched by the client.
    auth: Option<Auth>,
}

/// The row of a state, and the row by which it is given up.
fn rows(state: &str, expires: Timestamp) -> (String, String) {
    let name = random::name_of(state);
    (format!("state/{name}"), format!("expiry/{:012}/{name}", expires.as_second().max(0)))
}

fn text(request: &Request, name: &str) -> Result<String, Error> {
    request.fields().text(name).map(Option::unwrap_or_default)
}

fn failed(text: &str) -> Error {
    Error::invalid(format!("{FAILED} {text}"))
}

impl Jwt {
    pub(super) async fn auth_url(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let config = loaded(context).await?;
        if !config.has_flow() {
            return Err(Error::invalid("OIDC login is not configured for this mount"));
        }
        let (name, role) = named_role(context, request, &config).await?;
        let client_nonce = text(request, "client_nonce")?;
        if role.is_direct() && client_nonce.is_empty() {
            return Err(Error::invalid("missing client_nonce"));
        }
        let redirect_uri = text(request, "redirect_uri")?;
        if redirect_uri.is_empty() {
            return Err(Error::invalid("missing redirect_uri"));
        }
        // Whoever asks without a token is told no reason.
        let nothing = || Response::json(json!({"auth_url": ""}));
        let (redirect_uri, namespace) = match config.namespace_in_state {
            true => without_namespace(&redirect_uri),
            false => (redirect_uri, None),
        };
        if !is_allowed(&redirect_uri, role.allowed_redirect_uris.as_deref().unwrap_or_default()) {
            return Ok(nothing());
        }
        let Ok(provider) = self.providers.of(&*self.fetch, &config, request.now).await else { return Ok(nothing()) };
        let state = State {
            role: name,
            redirect_uri: match config.oidc_response_mode.as_str() {
                "form_post" => redirect_uri.replacen("ui/vault", "v1", 1),
                _ => redirect_uri,
            },
            nonce: format!("n_{}", random::hex(&random::bytes::<16>()?)),
            verifier: URL_SAFE_NO_PAD.encode(random::bytes::<32>()?),
            client_nonce,
            requester: request.connection.address.map(|address| address.to_string()).unwrap_or_default(),
            expires: request.now.saturating_add(LIFETIME).map_err(Error::internal)?,
            code: None,
            id_token: None,
            auth: None,
        };
        let id = format!("st_{}", random::hex(&random::bytes::<16>()?));
        let (row, expiry) = rows(&id, state.expires);
        let mut batch = Batch::new();
        batch.put_json(row, &state)?.put(expiry, Vec::new());
        context.storage.commit(batch).await?;
        let shown = namespace.map_or_else(|| id.clone(), |namespace| format!("{id},ns={namespace}"));
        let mut data =
            Map::from_iter([("auth_url".to_owned(), address(&config, &role, &provider, &state, &shown).into())]);
        if role.is_direct() {
            let interval = if role.poll_interval == 0 { 5 } else { role.poll_interval };
            data.insert("state".to_owned(), id.into());
            data.insert("poll_interval".to_owned(), interval.to_string().into());
        }
        Ok(Response::json(data.into()))
    }

    /// What a provider posts by the browser is kept for the request that follows.
    pub(super) async fn form_post(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let config = loaded(context).await.map_err(|_| failed("Could not load configuration."))?;
        if config.oidc_response_mode != "form_post" {
            return Err(Error::UnsupportedOperation);
        }
        let (id, row, found) = find(context, request).await?;
        let Some((mut state, version)) = found.filter(|(state, _)| state.auth.is_none()) else {
            return Ok(pages::failed("Expired or missing OAuth state."));
        };
        state.code = Some(text(request, "code")?).filter(|code| !code.is_empty());
        state.id_token = Some(text(request, "id_token")?).filter(|token| !token.is_empty());
        let Some(mount) = mount_of(&state.redirect_uri) else { return Ok(pages::failed("Invalid redirect path.")) };
        let mut batch = Batch::new();
        batch.require(row.as_str(), Some(version)).put_json(row.as_str(), &state)?;
        context.storage.commit(batch).await?;
        let query = Serializer::new(String::new())
            .append_pair("path", mount)
            .append_pair("state", &id)
            .append_pair("code", "no_code")
            .finish();
        let location = format!("/ui/vault/auth/{mount}/oidc/callback?{query}");
        let raw = logical::Raw { status: 303, content_type: String::new(), body: Vec::new() };
        let headers = vec![("Location".to_owned(), location)];
        Ok(Response { raw: Some(raw), headers, ..Response::default() })
    }

    pub(super) async fn callback(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let config = loaded(context).await.map_err(|_| failed("Could not load configuration"))?;
        let (id, row, found) = find(context, request).await?;
        let gone = || failed("Expired or missing OAuth state.");
        let (state, version) = found.filter(|(state, _)| state.auth.is_none()).ok_or_else(gone)?;
        let role: Option<Role> = context.storage.get_json(&role::row(&state.role)).await?;
        let role = role.ok_or_else(|| failed("Role could not be found"))?;
        let confirmed = role.oidc_disable_confirmation || !text(request, "confirmation")?.is_empty();
        if role.is_direct() && !confirmed {
            let names = ["state", "code", "error", "error_description"].into_iter();
            let fields = names.filter_map(|name| Some((name, request.fields().text(name).ok()??)));
            return Ok(pages::confirm(&state.requester, &state.role, fields));
        }
        // From here on the state is used up, whatever comes of it; a code may be tried once.
        let (_, expiry) = rows(&id, state.expires);
        let mut batch = Batch::new();
        batch.require(row.as_str(), Some(version)).delete(row.as_str()).delete(expiry.as_str());
        context.storage.commit(batch).await.map_err(|error| match error {
            Error::Conflict => gone(),
            other => other,
        })?;
        let finished = self.finish(request, &config, &role, &state).await;
        if !role.is_direct() {
            return finished.map(|auth| Response { auth: Some(auth), ..Response::default() });
        }
        match finished {
            Ok(auth) => {
                let mut batch = Batch::new();
                batch.put_json(row.as_str(), &State { auth: Some(auth), ..state })?.put(expiry, Vec::new());
                context.storage.commit(batch).await?;
                Ok(pages::done())
            }
            Err(error) if error.status() < 500 => Ok(pages::failed(&error.to_string())),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn poll(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let (id, row, found) = find(context, request).await?;
        let gone = || failed("Expired or missing OAuth state.");
        let (state, version) = found.ok_or_else(gone)?;
        check_client(request, &state)?;
        let Some(auth) = state.auth else { return Err(Error::invalid("authorization_pending")) };
        let mut batch = Batch::new();
        batch.require(row.as_str(), Some(version)).delete(row).delete(rows(&id, state.expires).1);
        context.storage.commit(batch).await.map_err(|error| match error {
            Error::Conflict => gone(),
            other => other,
        })?;
        Ok(Response { auth: Some(auth), ..Response::default() })
    }

    /// Makes the login of what the provider brought.
    async fn finish(&self, request: &Request, config: &Config, role: &Role, state: &State) -> Result<Auth, Error> {
        let error = text(request, "error")?.trim().to_lowercase();
        if !error.is_empty() {
            const KNOWN: [&str; 7] = [
                "invalid_request",
                "unauthorized_client",
                "access_denied",
                "unsupported_response_type",
                "invalid_scope",
                "server_error",
                "temporarily_unavailable",
            ];
            let known = KNOWN.contains(&error.as_str());
            return Err(failed(if known { &error } else { "An unknown error occurred during OIDC authentication." }));
        }
        if !role.is_direct() {
            check_client(request, state)?;
        }
        role.token.admit(&request.connection)?;
        let provider = self.providers.of(&*self.fetch, config, request.now).await;
        let provider = provider.map_err(|error| failed(&format!("error getting provider: {error}")))?;
        let code = Some(text(request, "code")?).filter(|code| code != "no_code" && !code.is_empty());
        let tokens = match code.or_else(|| state.code.clone()) {
            Some(code) => {
                let exchange =
                    provider.exchange(&*self.fetch, config, &code, &state.redirect_uri, &state.verifier).await;
                exchange.map_err(|error| failed(&format!("Error exchanging oidc code: {:?}.", error.to_string())))?
            }
            None => {
                Tokens { id_token: state.id_token.clone().map(Into::into), access_token: None, refresh_token: None }
            }
        };
        let id_token = tokens.id_token.as_ref().ok_or_else(|| failed("No code or id_token received."))?;
        let mut all = self.verify(config, role, state, id_token, request.now).await?;
        if let Some(access_token) = &tokens.access_token {
            // What more the provider may tell is welcome and not needed.
            let _ = provider.user_info(&*self.fetch, config, access_token, &mut all).await;
        }
        let mut auth = role.auth(request, &state.role, &all)?;
        for name in role.oauth2_metadata.iter().flatten() {
            let token = match name.as_str() {
                "id_token" => Some(id_token),
                "access_token" => tokens.access_token.as_ref(),
                _ => tokens.refresh_token.as_ref(),
            };
            let token = token.map(|token| token.to_string()).unwrap_or_default();
            auth.metadata.insert(format!("oauth2_{name}"), token);
        }
        Ok(auth)
    }

    /// The claims of an ID token that is the provider's, for us, now, and for this login.
    async fn verify(
        &self,
        config: &Config,
        role: &Role,
        state: &State,
        token: &str,
        now: Timestamp,
    ) -> Result<Map, Error> {
        let refuse = |text: String| Error::invalid(format!("Token verification failed. {text}"));
        let jws = Jws::parse(token).map_err(|error| refuse(error.to_string()))?;
        let source = config.source().ok_or_else(|| refuse("no keys".to_owned()))?;
        let keys = self.keys.of(&*self.fetch, &source, &jws, now).await.map_err(|error| refuse(error.to_string()))?;
        jws.verify(&keys).map_err(|error| refuse(error.to_string()))?;
        let algorithms = match config.jwt_supported_algs.is_empty() {
            true => vec![Algorithm::Rs256],
            false => config.algorithms(),
        };
        let client = std::slice::from_ref(&config.oidc_client_id);
        let audiences = role.bound_audiences.as_deref().filter(|list| !list.is_empty()).unwrap_or(client);
        let expected = Expected {
            issuer: &config.oidc_discovery_url,
            subject: &role.bound_subject,
            audiences,
            algorithms: &algorithms,
            times: Times::Required,
            leeways: role.leeways(),
        };
        expected.check(&jws, now).map_err(|error| refuse(error.to_string()))?;
        let all = jws.claims();
        if all.get("exp").is_none() {
            return Err(refuse("the token has no end".to_owned()));
        }
        if all.get("nonce").and_then(Value::as_str) != Some(state.nonce.as_str()) {
            return Err(refuse("invalid ID token nonce.".to_owned()));
        }
        let for_other = all.get("azp").is_some_and(|azp| azp.as_str() != Some(config.oidc_client_id.as_str()));
        if for_other {
            return Err(refuse("the token was made for another client".to_owned()));
        }
        if role.max_age > 0 {
            let since = jws.time("auth_time").ok().flatten();
            let age = since.map(|since| now.as_second().saturating_sub(since.as_second()).saturating_sub(60));
            if age.is_none_or(|age| u64::try_from(age.max(0)).unwrap_or(u64::MAX) > role.max_age) {
                return Err(refuse("the user's authentication is older than max_age".to_owned()));
            }
        }
        let mut all = all.clone();
        all.remove("nonce");
        Ok(all)
    }
}

/// The state that a request names: its name, its row and what is in it.
async fn find(context: Context<'_>, request: &Request) -> Result<(String, String, Option<(State, u64)>), Error> {
    let given = text(request, "state")?;
    let id = given.split_once(",ns=").map_or(given.as_str(), |(id, _)| id).to_owned();
    let (row, _) = rows(&id, request.now);
    let found: Option<(State, u64)> = context.storage.get_json_at(&row).await?;
    Ok((id, row, found.filter(|(state, _)| state.expires > request.now)))
}

fn check_client(request: &Request, state: &State) -> Result<(), Error> {
    let given = text(request, "client_nonce")?;
    let same = verify_slices_are_equal(given.as_bytes(), state.client_nonce.as_bytes()).is_ok();
    if state.client_nonce.is_empty() || same { Ok(()) } else { Err(Error::invalid("invalid client_nonce")) }
}

/// Where the client's browser is to be sent.
fn address(config: &Config, role: &Role, provider: &Provider, state: &State, shown: &str) -> String {
    let scopes = std::iter::once("openid").chain(role.oidc_scopes.iter().flatten().map(String::as_str));
    let scopes: Vec<&str> = scopes.collect();
    let mut query = BTreeMap::from([
        ("client_id", config.oidc_client_id.clone()),
        ("nonce", state.nonce.clone()),
        ("redirect_uri", state.redirect_uri.clone()),
        ("scope", scopes.join(" ")),
        ("state", shown.to_owned()),
    ]);
    if config.implicit() {
        query.insert("response_mode", "form_post".to_owned());
        query.insert("response_type", "id_token".to_owned());
    } else {
        let challenge = digest::digest(&digest::SHA256, state.verifier.as_bytes());
        query.insert("code_challenge", URL_SAFE_NO_PAD.encode(challenge));
        query.insert("code_challenge_method", "S256".to_owned());
        query.insert("response_type", "code".to_owned());
    }
    if role.max_age > 0 {
        query.insert("max_age", role.max_age.to_string());
    }
    let endpoint = &provider.authorization_endpoint;
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{endpoint}{separator}{query}")
}

/// The address without its `namespace`, and that.
fn without_namespace(redirect_uri: &str) -> (String, Option<String>) {
    let unchanged = || (redirect_uri.to_owned(), None);
    let Ok(mut url) = Url::parse(redirect_uri) else { return unchanged() };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let namespace = pairs.iter().find(|(name, value)| name == "namespace" && !value.is_empty());
    let Some((_, namespace)) = namespace.cloned() else { return unchanged() };
    let kept: Vec<_> = pairs.into_iter().filter(|(name, _)| name != "namespace").collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    (url.to_string(), Some(namespace))
}

/// Whether the browser may be sent there: exactly so, or on this machine at any port (RFC 8252, section 7.3).
fn is_allowed(uri: &str, allowed: &[String]) -> bool {
    let local = |url: &Url| url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
    let without_port = |text: &str| {
        let mut url = Url::parse(text).ok().filter(local)?;
        url.set_port(None).ok()?;
        Some(url)
    };
    match without_port(uri) {
        None => allowed.iter().any(|one| one == uri),
        Some(url) => allowed.iter().any(|one| without_port(one).as_ref() == Some(&url)),
    }
}

/// The mount in an address `.../v1/auth/<mount>/...`.
fn mount_of(redirect_uri: &str) -> Option<&str> {
    let (_, rest) = redirect_uri.split_once("/v1/auth/")?;
    rest.split('/').next().filter(|mount| !mount.is_empty())
}

/// Gives up what took too long.
pub(super) async fn tidy(context: Context<'_>, now: Timestamp) -> Result<(), Error> {
    for _ in 0..MAX_PAGES {
        let keys = context.storage.scan("expiry/", "", PAGE).await?;
        let mut batch = Batch::new();
        for key in &keys {
            let mut parts = key.split('/').skip(1);
            let second = parts.next().and_then(|second| second.parse::<i64>().ok());
            if second.is_some_and(|second| second >= now.as_second()) {
                break;
            }
            batch.delete(key.as_str());
            if let Some(name) = parts.next() {
                batch.delete(format!("state/{name}"));
            }
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        context.storage.commit(batch).await?;
    }
    Ok(())
}
