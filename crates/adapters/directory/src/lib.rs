//! Directories that are asked over LDAP (RFC 4511): [`Ldap`] is [`login::Directory`] on the network.
//!
//! It wants a Tokio runtime. Every request has its deadline, and a server that answers nonsense ends only its own request.

mod tls;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{DerefAliases, LdapConnAsync, LdapConnSettings, LdapError, SearchEntry, SearchOptions};
use login::{
    Asking, Directory, DirectoryEntry, DirectoryError, DirectorySearch, DirectoryServer, DirectorySession, Scope,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;
use url::Url;

/// The result of a wrong name or password.
const INVALID_CREDENTIALS: u32 = 49;
/// The result of a search that found more than it may give.
const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// Least time for a request, whatever the configuration says.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Reaches directories over LDAP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ldap;

struct Session {
    ldap: ldap3::Ldap,
    driver: JoinHandle<()>,
    timeout: Duration,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Directory for Ldap {
    fn connect<'a>(&'a self, server: &'a DirectoryServer) -> Asking<'a, Box<dyn DirectorySession>> {
        Box::pin(async move {
            let mut last = DirectoryError::Unreachable("no address is configured".to_owned());
            for url in &server.urls {
                match open(server, url).await {
                    Ok(session) => return Ok(Box::new(session) as Box<dyn DirectorySession>),
                    Err(error) => last = error,
                }
            }
            Err(last)
        })
    }
}

async fn open(server: &DirectoryServer, address: &str) -> Result<Session, DirectoryError> {
    let failed = |text: String| DirectoryError::Unreachable(format!("{address}: {text}"));
    let url = Url::parse(address).map_err(|error| failed(error.to_string()))?;
    let encrypted = match url.scheme() {
        "ldaps" => true,
        "ldap" => server.starttls,
        scheme => return Err(failed(format!("unknown scheme {scheme:?}"))),
    };
    if url.host_str().is_none_or(str::is_empty) {
        return Err(failed("no host".to_owned()));
    }
    let mut settings = LdapConnSettings::new()
        .set_conn_timeout(server.connection_timeout.max(MIN_TIMEOUT))
        .set_starttls(server.starttls && url.scheme() == "ldap");
    if encrypted {
        settings = tls::encrypt(settings, server).map_err(&failed)?;
    }
    let opened = LdapConnAsync::from_url_with_settings(settings, &url).await;
    let (connection, ldap) = opened.map_err(|error| failed(error.to_string()))?;
    let driver = tokio::spawn(async move {
        // What ends the connection is told to each request.
        let _ = connection.drive().await;
    });
    Ok(Session { ldap, driver, timeout: server.request_timeout.max(MIN_TIMEOUT) })
}

impl DirectorySession for Session {
    fn bind<'a>(&'a mut self, dn: &'a str, password: &'a str) -> Asking<'a, ()> {
        Box::pin(async move {
            let bound = self.ldap.with_timeout(self.timeout).simple_bind(dn, password).await;
            let result = bound.map_err(|error| told(&error))?;
            match result.rc {
                0 => Ok(()),
                INVALID_CREDENTIALS => Err(DirectoryError::Credentials),
                code => Err(refused(code, &result.text)),
            }
        })
    }

    fn search<'a>(&'a mut self, search: &'a DirectorySearch) -> Asking<'a, Vec<DirectoryEntry>> {
        let (ldap, timeout, search) = (self.ldap.clone(), self.timeout, search.clone());
        Box::pin(async move {
            // The client panics on entries that are none; that must end no more than this search.
            let found = tokio::spawn(tokio::time::timeout(timeout, find(ldap, search))).await;
            let found = found.map_err(|_| DirectoryError::Failed("the server's answer is malformed".to_owned()))?;
            found.map_err(|_| DirectoryError::Failed("the server did not answer in time".to_owned()))?
        })
    }
}

async fn find(mut ldap: ldap3::Ldap, search: DirectorySearch) -> Result<Vec<DirectoryEntry>, DirectoryError> {
    let follow = match search.dereference.as_str() {
        "finding" => DerefAliases::Finding,
        "searching" => DerefAliases::Searching,
        "always" => DerefAliases::Always,
        _ => DerefAliases::Never,
    };
    let scope = match search.scope {
        Scope::Base => ldap3::Scope::Base,
        Scope::Subtree => ldap3::Scope::Subtree,
    };
    let limit = i32::try_from(search.limit).unwrap_or(i32::MAX);
    let mut adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> = vec![Box::new(EntriesOnly::new())];
    let mut options = SearchOptions::new().deref(follow);
    match i32::try_from(search.page_size) {
        Ok(size) if size > 0 => adapters.push(Box::new(PagedResults::new(size))),
        _ => options = options.sizelimit(limit),
    }
    ldap.with_search_options(options);
    let stream = ldap.streaming_search_with(adapters, &search.base, scope, &search.filter, search.attributes).await;
    let mut stream = stream.map_err(|error| told(&error))?;
    let mut entries = Vec::new();
    while entries.len() < search.limit {
        match stream.next().await.map_err(|error| told(&error))? {
            Some(entry) => entries.push(read(SearchEntry::construct(entry))),
            None => {
                let result = stream.finish().await;
                return match result.rc {
                    0 | SIZE_LIMIT_EXCEEDED => Ok(entries),
                    code => Err(refused(code, &result.text)),
                };
            }
        }
    }
    Ok(entries)
}

fn read(entry: SearchEntry) -> DirectoryEntry {
    let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = entry.bin_attrs.into_iter().collect();
    for (name, values) in entry.attrs {
        attributes.entry(name).or_default().extend(values.into_iter().map(String::into_bytes));
    }
    DirectoryEntry { dn: entry.dn, attributes }
}

fn told(error: &LdapError) -> DirectoryError {
    DirectoryError::Failed(error.to_string())
}

fn refused(code: u32, text: &str) -> DirectoryError {
    DirectoryError::Failed(format!("LDAP Result Code {code} {text:?}"))
}
