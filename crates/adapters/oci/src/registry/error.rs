//! What a registry can refuse.

/// Why a registry gave no image. Every message says what to do next; none shows a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// 401, also after logging in.
    #[error(
        "{host} wants a login for {what}, and the credentials found were missing or refused (401); log in with `docker login {host}` or configure registry.auth, and check the name"
    )]
    Unauthorized {
        /// The registry, or the service that gives its tokens.
        host: String,
        /// Repository or path.
        what: String,
    },
    /// 403.
    #[error("{host} does not let this login read {what} (403); ask for read access, or log in as someone who has it")]
    Forbidden {
        /// The registry.
        host: String,
        /// Repository or path.
        what: String,
    },
    /// 404.
    #[error("{host} has no {what} (404); check the repository's name, and that the tag or digest exists")]
    NotFound {
        /// The registry.
        host: String,
        /// Repository or path.
        what: String,
    },
    /// 429, also after waiting.
    #[error(
        "{host} limits the rate of requests (429), also after {attempts} attempts; log in for a higher limit, use a mirror, or try later"
    )]
    RateLimited {
        /// The registry.
        host: String,
        /// How often it was asked.
        attempts: u32,
    },
    /// 5xx, also after waiting.
    #[error(
        "{host} failed with status {status}, also after {attempts} attempts; try later, and see the registry's own log"
    )]
    Unavailable {
        /// The registry.
        host: String,
        /// The last status.
        status: u16,
        /// How often it was asked.
        attempts: u32,
    },
    /// An answer that the specification does not have.
    #[error("{host} answered {what} unexpectedly: {cause}; check that it is a registry and how it is reached")]
    Unexpected {
        /// The registry.
        host: String,
        /// Repository or path.
        what: String,
        /// What was odd.
        cause: String,
    },
    /// No answer.
    #[error("cannot reach {host}; check the name, the network, proxies and certificates (ca-cert, insecure-use-http)")]
    Transport {
        /// The registry.
        host: String,
        /// Why, without the address, which may hold a signature.
        #[source]
        source: reqwest::Error,
    },
    /// A blob that ended early, again and again.
    #[error("{host} cut {digest} off after {received_bytes} bytes, also after resuming; try again, or use a mirror")]
    Cut {
        /// The registry.
        host: String,
        /// Of the blob.
        digest: String,
        /// Received until then.
        received_bytes: u64,
    },
    /// The client can't be set up.
    #[error("the TLS configuration for {host} can't be used: {cause}; check ca-cert, tls-cert and tls-key")]
    Configuration {
        /// The registry.
        host: String,
        /// What is wrong.
        cause: String,
    },
}
