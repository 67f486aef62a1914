use crate::addresses;
use pki::NetworkError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Takes any certificate, whose key the server must have. It is what the challenge is about, and is signed by nobody.
#[derive(Debug)]
struct Any(CryptoProvider);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that a host shows to `acme-tls/1`.
pub(crate) async fn certificate(
    host: &str,
    port: u16,
    server_name: &str,
    resolver: Option<SocketAddr>,
) -> Result<Vec<u8>, NetworkError> {
    let failed = |text: String| NetworkError::Tls(text);
    let provider = aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let mut config = config.dangerous().with_custom_certificate_verifier(Arc::new(Any(provider))).with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let name = ServerName::try_from(server_name.to_owned()).map_err(|error| failed(error.to_string()))?;
    let found = addresses(host, port, resolver).await?;
    let stream = TcpStream::connect(found.as_slice()).await;
    let stream = stream.map_err(|error| NetworkError::Connection(format!("{host} can't be reached: {error}")))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| failed(format!("{host}: {error}")))?;
    let (_, connection) = stream.get_ref();
    if connection.alpn_protocol() != Some(b"acme-tls/1") {
        return Err(failed(format!("{host} does not speak acme-tls/1")));
    }
    let shown = connection.peer_certificates().and_then(|certificates| certificates.first());
    shown.map(|certificate| certificate.to_vec()).ok_or_else(|| failed(format!("{host} shows no certificate")))
}
