//! TLS to directories.

use ldap3::LdapConnSettings;
use login::DirectoryServer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use std::sync::Arc;

/// How a connection to a server is encrypted.
pub(crate) fn encrypt(settings: LdapConnSettings, server: &DirectoryServer) -> Result<LdapConnSettings, String> {
    if server.insecure_tls && server.client_tls_cert.is_empty() {
        return Ok(settings.set_no_tls_verify(true));
    }
    if server.insecure_tls {
        return Err("a client certificate is not shown to a server that is not verified (insecure_tls)".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions(server)?);
    let builder = builder.map_err(|error| error.to_string())?.with_root_certificates(roots(server)?);
    let config = if server.client_tls_cert.is_empty() {
        builder.with_no_client_auth()
    } else {
        let key = PrivateKeyDer::from_pem_slice(server.client_tls_key.as_bytes());
        let key = key.map_err(|_| "client_tls_key is no key in PEM".to_owned())?;
        let chain = certificates(&server.client_tls_cert)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?
    };
    Ok(settings.set_config(Arc::new(config)))
}

/// TLS 1.0 and 1.1 are not spoken.
fn versions(server: &DirectoryServer) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let (min, max) = (server.tls_versions.0.as_str(), server.tls_versions.1.as_str());
    let spoken = [("tls12", &version::TLS12), ("tls13", &version::TLS13)];
    let within: Vec<_> =
        spoken.into_iter().filter(|(name, _)| min <= *name && *name <= max).map(|(_, version)| version).collect();
    if within.is_empty() { Err(format!("TLS of the versions {min} to {max} is not supported")) } else { Ok(within) }
}

fn roots(server: &DirectoryServer) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if server.certificate.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        for certificate in certificates(&server.certificate)? {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| "no certificate in PEM".to_owned())
}
