//! The client's certificate of the connection. The listener has checked that the client has its key, and nothing else: what it
//! is worth is decided here.
//!
//! Rows: `cert/<name>`, `crl/<name>`, `config`. What logins need of them is kept, and made anew when one changes.

mod chain;
mod client;
mod crl;
mod entry;
mod ocsp;
mod trust;

use crate::fetch::Fetch;
use crate::path;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certificates::Certificate;
use client::Client;
use jiff::Timestamp;
use logical::{
    Alias, Auth, Backend, Connection, Context, Error, Grant, Operation, Pending, Request, Response, SpecialPaths,
    StorageExt,
};
use ocsp::Answers;
use serde_json::{Value, json};
use std::sync::Arc;
use trust::{CONFIG_ROW, Config, Kept, Trust, Trusted};

/// Most certificates that a client may send.
const MAX_CERTIFICATES: usize = 16;

/// The auth method `cert`.
pub struct Cert {
    fetch: Arc<dyn Fetch>,
    kept: Kept,
    answers: Answers,
}

impl Cert {
    /// It fetches revocation lists and asks OCSP servers by this.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, kept: Kept::default(), answers: Answers::default() }
    }

    async fn login(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let trust = self.kept.trust(context).await?;
        let name = request.fields().text("name")?.unwrap_or_default().to_lowercase();
        let client = presented(&request.connection)?;
        let (name, trusted) = self.admitted(&trust, &name, &client, &request.connection, request.now).await?;
        let token = &trusted.entry.token;
        token.admit(&request.connection)?;
        let metadata = client.metadata(name, trusted.entry.list("allowed_metadata_extensions"));
        let mut auth = token.auth(request)?;
        auth.internal.insert("cert_name".to_owned(), name.into());
        auth.internal.insert("certificate".to_owned(), STANDARD.encode(client.certificate.der()).into());
        auth.display_name.clone_from(&trusted.entry.display_name);
        let mut alias = Alias { name: client.subject.common_name.clone(), ..Alias::default() };
        if trust.config.enable_identity_alias_metadata {
            alias.metadata.clone_from(&metadata);
        }
        auth.alias = Some(alias);
        auth.metadata = metadata;
        Ok(Response { auth: Some(auth), ..Response::default() })
    }

    async fn renew(
        &self,
        context: Context<'_>,
        auth: &Auth,
        now: Timestamp,
        connection: &Connection,
    ) -> Result<Auth, Error> {
        let text = |name: &str| auth.internal.get(name).and_then(Value::as_str).unwrap_or_default();
        let trust = self.kept.trust(context).await?;
        let name = text("cert_name");
        let trusted = trust.entries.get(name);
        let trusted = trusted.ok_or_else(|| Error::invalid("the certificate's role is gone, not renewing"))?;
        let renewed = trusted.entry.token.renew(auth)?;
        if !trust.config.disable_binding {
            let client = presented(connection)?;
            self.admitted(&trust, name, &client, connection, now).await?;
            let original = STANDARD.decode(text("certificate")).unwrap_or_default();
            verify_slices_are_equal(&original, client.certificate.der()).map_err(|_| {
                Error::invalid("client identity during renewal not matching client identity used during login")
            })?;
        }
        Ok(renewed)
    }

    /// The first entry that takes a client's certificate, and finds it not revoked where that is asked.
    async fn admitted<'a>(
        &self,
        trust: &'a Trust,
        name: &str,
        client: &Client,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(&'a str, &'a Trusted), Error> {
        const UNMATCHED: &str = "no chain matching all constraints could be found for this login certificate";
        let mut told = UNMATCHED.to_owned();
        for (name, trusted, issuer) in matching(trust, name, client, connection, now)? {
            let entry = &trusted.entry;
            // Nobody answers for a certificate that was issued by nobody else.
            let alone = client.certificate.issuer() == client.certificate.subject();
            if !entry.ocsp_enabled || alone {
                return Ok((name, trusted));
            }
            let when = (now, trust.config.ocsp_cache_size);
            let checked = self.answers.check(&*self.fetch, entry, &client.certificate, issuer.as_ref(), when).await;
            match checked {
                Ok(()) => return Ok((name, trusted)),
                Err(error) => {
                    told = format!("{UNMATCHED}; additionally got errors during verification: {error}");
                }
            }
        }
        Err(Error::invalid(told))
    }

    async fn config(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let mut config: Config = context.storage.get_json(CONFIG_ROW).await?.unwrap_or_default();
        match request.operation {
            Operation::Read => Ok(Response::json(json!({
                "disable_binding": config.disable_binding,
                "enable_identity_alias_metadata": config.enable_identity_alias_metadata,
                "ocsp_cache_size": config.ocsp_cache_size,
            }))),
            Operation::Create | Operation::Update => {
                let fields = request.fields();
                if let Some(given) = fields.boolean("disable_binding")? {
                    config.disable_binding = given;
                }
                if let Some(given) = fields.boolean("enable_identity_alias_metadata")? {
                    config.enable_identity_alias_metadata = given;
                }
                if let Some(size) = fields.integer("ocsp_cache_size")? {
                    let refused = || Error::invalid("invalid cache size, must be >= 2 and <= 100000");
                    let size = u64::try_from(size).ok().filter(|size| (2..=100_000).contains(size));
                    config.ocsp_cache_size = size.ok_or_else(refused)?;
                }
                context.storage.put_json(CONFIG_ROW, &config).await?;
                Ok(Response::empty())
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn entry(&self, context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
        match request.operation {
            Operation::Read => entry::read(context, name).await,
            Operation::Create | Operation::Update => entry::write(context, request, name).await,
            Operation::Delete => {
                context.storage.delete(&entry::row(name)).await?;
                Ok(Response::empty())
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn crl(&self, context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
        match request.operation {
            Operation::Read => crl::read(context, name).await,
            Operation::Create | Operation::Update => crl::write(context, &*self.fetch, request, name).await,
            Operation::Delete => crl::delete(context, name).await,
            _ => Err(Error::UnsupportedOperation),
        }
    }
}

impl Backend for Cert {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let segments = path::segments(request);
            let name = |text: &str| path::name(text).map(str::to_lowercase);
            let answer = match segments.as_slice() {
                ["login"] if request.operation.is_write() => return self.login(context, request).await,
                ["login"] => return Err(Error::UnsupportedOperation),
                ["certs"] => return path::list(context, request, "cert/").await,
                ["crls"] => return path::list(context, request, "crl/").await,
                ["config"] => self.config(context, request).await,
                ["certs", text] => self.entry(context, request, &name(text)?).await,
                ["crls", text] => self.crl(context, request, &name(text)?).await,
                _ => Err(Error::UnsupportedPath),
            };
            if request.operation != Operation::Read {
                self.kept.forget();
            }
            answer
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login"], root: Vec::new() }
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, grant: Grant<'a>) -> Pending<'a, Auth> {
        // Nobody's connection has no certificate: it is renewed only where the mount asks for none.
        Box::pin(async move { self.renew(context, auth, grant.now, &Connection::default()).await })
    }

    fn renew_login_from<'a>(
        &'a self,
        context: Context<'a>,
        auth: &'a Auth,
        grant: Grant<'a>,
        connection: &'a Connection,
    ) -> Pending<'a, Auth> {
        Box::pin(async move { self.renew(context, auth, grant.now, connection).await })
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: Timestamp) -> Pending<'a, ()> {
        Box::pin(async move {
            if crl::refresh(context, &*self.fetch, now).await? {
                self.kept.forget();
            }
            Ok(())
        })
    }

    fn invalidate(&self, _key: &str) {
        self.kept.forget();
    }
}

/// The client's own certificate.
fn presented(connection: &Connection) -> Result<Client, Error> {
    let own = connection.certificates.first().ok_or_else(|| Error::invalid("no client certificate found"))?;
    Client::read(own).map_err(|error| Error::invalid(format!("failed to parse the client's certificate: {error}")))
}

/// An entry that takes a client, its name, and who issued the client's certificate.
type Match<'a> = (&'a str, &'a Trusted, Option<Certificate>);

/// The entries that take a client's certificate: those that pin just this certificate, and those with an authority that
/// issued it. Each with who issued it, where that is known.
fn matching<'a>(
    trust: &'a Trust,
    name: &str,
    client: &Client,
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<Match<'a>>, Error> {
    let leaf = &client.certificate;
    chain::check_client(leaf, now)
        .map_err(|error| Error::invalid(format!("failed to verify client's certificate: {error}")))?;
    let sent = connection.certificates.iter().skip(1).take(MAX_CERTIFICATES);
    let others: Vec<Certificate> = sent.filter_map(|der| Certificate::from_der(der).ok()).collect();
    let wanted = trust.entries.iter().filter(|(found, _)| name.is_empty() || *found == name);
    let mut trusted_chain = false;
    let mut matching = Vec::new();
    for (found, trusted) in wanted {
        let Some(first) = trusted.certificates.first() else { continue };
        if first.authority().is_none() {
            // Not its key, names or numbers: the certificate itself, every byte.
            let pinned = verify_slices_are_equal(first.der(), leaf.der()).is_ok();
            if pinned && trust.admits(trusted, client, &[leaf]) {
                let authorities = trusted.entry.ocsp_authorities().into_iter();
                let mut issuers = authorities.filter(|authority| authority.subject() == leaf.issuer());
                matching.push((found.as_str(), trusted, issuers.next()));
            }
            continue;
        }
        let mut accept = |path: &[&Certificate]| {
            trusted_chain = true;
            trust.admits(trusted, client, path).then(|| path.get(1).map(|issuer| (*issuer).clone()))
        };
        if let Some(issuer) = chain::search(leaf, &others, &trusted.certificates, now, &mut accept) {
            matching.push((found.as_str(), trusted, issuer));
        }
    }
    if matching.is_empty() && !trusted_chain {
        return Err(Error::invalid("invalid certificate or no client certificate supplied"));
    }
    Ok(matching)
}

#[cfg(test)]
mod tests;
