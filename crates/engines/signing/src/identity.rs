//! Who a certificate says has signed.

use crate::x509::Certificate;

/// The identity in a Fulcio certificate.
///
/// Numbers of its extensions `1.3.6.1.4.1.57264.1.<number>`: GitHub's workflow trigger 2, commit 3, name 4, repository 5
/// and ref 6; for every CI provider 9 to 22, from the build signer's URI to the visibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The subject alternative names; Fulcio gives one.
    pub subjects: Vec<String>,
    /// The OpenID issuer. None too if the certificate names two different ones.
    pub issuer: Option<String>,
    /// Fulcio's extensions by number.
    pub extensions: Vec<(u8, String)>,
}

impl Identity {
    /// The identity of a certificate; that it can be believed is for the verification to say.
    pub fn of(certificate: &Certificate) -> Identity {
        let issuer = match (certificate.fulcio_extension(8), certificate.fulcio_extension(1)) {
            (Some(current), Some(old)) if current != old => None,
            (Some(issuer), _) | (None, Some(issuer)) => Some(issuer.to_owned()),
            (None, None) => None,
        };
        let names = certificate.names().iter().filter_map(|name| name.as_text());
        Identity {
            subjects: names.map(str::to_owned).collect(),
            issuer,
            extensions: certificate.fulcio_extensions().to_vec(),
        }
    }

    /// An extension's value.
    pub fn extension(&self, number: u8) -> Option<&String> {
        self.extensions.iter().find(|(found, _)| *found == number).map(|(_, value)| value)
    }
}
