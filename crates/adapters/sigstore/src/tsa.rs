//! A timestamp over a signature (RFC 3161).

use crate::ServiceError;
use crate::http::Http;
use aws_lc_rs::digest::{SHA256, digest};

const WHAT: &str = "the timestamp authority";

/// `TimeStampReq` for SHA-256, up to the digest: version 1, and the algorithm without parameters. It asks for no
/// certificate: the trusted root has those of the authority.
const REQUEST_HEAD: [u8; 22] = [
    0x30, 0x34, // SEQUENCE
    0x02, 0x01, 0x01, // version 1
    0x30, 0x2f, // messageImprint
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, // id-sha256
    0x04, 0x20, // hashedMessage follows
];

/// Asks the authority at `url` for a timestamp over `signature`. The response in DER.
///
/// # Errors
/// Where the authority can't be reached or refuses; whether the response is good is for verification to say.
pub fn timestamp(http: &Http, url: &str, signature: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let mut request = REQUEST_HEAD.to_vec();
    request.extend_from_slice(digest(&SHA256, signature).as_ref());
    let url = http.url(url, "")?;
    let response = http.send(&|client| {
        client.post(url.clone()).header("Content-Type", "application/timestamp-query").body(request.clone())
    })?;
    if response.first() != Some(&0x30) {
        return Err(ServiceError::answer(WHAT, "no DER"));
    }
    Ok(response)
}
