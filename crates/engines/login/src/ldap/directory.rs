//! What the method asks of a directory (RFC 4511).

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// A directory's servers, and how they are reached.
#[derive(Clone)]
pub struct DirectoryServer {
    /// `ldap://` or `ldaps://`, to be tried one after another.
    pub urls: Vec<String>,
    /// Whether TLS begins within the connection.
    pub starttls: bool,
    /// Whether any certificate is taken.
    pub insecure_tls: bool,
    /// Authorities in PEM of which one must have issued the server's certificate; empty: the system's.
    pub certificate: String,
    /// Our certificate and its key in PEM; empty for none.
    pub client_tls_cert: String,
    /// The key.
    pub client_tls_key: Zeroizing<String>,
    /// The oldest and newest versions of TLS: `tls10` to `tls13`.
    pub tls_versions: (String, String),
    /// How long a connection may take.
    pub connection_timeout: Duration,
    /// How long each request may take.
    pub request_timeout: Duration,
}

/// Where a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// At the entry itself.
    Base,
    /// At it and everything below.
    Subtree,
}

/// A search.
#[derive(Debug, Clone)]
pub struct DirectorySearch {
    /// The entry to begin at.
    pub base: String,
    /// Where.
    pub scope: Scope,
    /// When aliases are followed: `never`, `finding`, `searching`, `always`.
    pub dereference: String,
    /// The filter as text (RFC 4515). What clients gave is escaped in it.
    pub filter: String,
    /// The attributes that are wanted.
    pub attributes: Vec<String>,
    /// Entries in a page; zero for no pages.
    pub page_size: u32,
    /// Most entries.
    pub limit: usize,
}

/// An entry that was found.
#[derive(Debug, Clone, Default)]
pub struct DirectoryEntry {
    /// Its distinguished name.
    pub dn: String,
    /// The values of its attributes.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

/// Why a directory gives nothing. Without passwords.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The name or the password is wrong.
    #[error("LDAP Result Code 49 \"Invalid Credentials\"")]
    Credentials,
    /// No server can be reached.
    #[error("failed to connect to LDAP server: {0}")]
    Unreachable(String),
    /// The server refused or failed.
    #[error("LDAP operation failed: {0}")]
    Failed(String),
}

/// An answer that is awaited.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send + 'a>>;

/// Reaches directories.
pub trait Directory: Send + Sync {
    /// Opens a connection.
    fn connect<'a>(&'a self, server: &'a DirectoryServer) -> Asking<'a, Box<dyn DirectorySession>>;
}

/// A connection to a directory. It ends when it is dropped.
pub trait DirectorySession: Send {
    /// Says who asks. An empty password is an unauthenticated bind (RFC 4513, section 5.1.2): it proves nothing.
    fn bind<'a>(&'a mut self, dn: &'a str, password: &'a str) -> Asking<'a, ()>;

    /// Searches.
    fn search<'a>(&'a mut self, search: &'a DirectorySearch) -> Asking<'a, Vec<DirectoryEntry>>;
}
