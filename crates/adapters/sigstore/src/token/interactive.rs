//! A person signs in: with a browser that comes back to this host, or on another device (RFC 8252, 7636, 8628).

use super::AUDIENCE;
use crate::ServiceError;
use crate::http::Http;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const WHAT: &str = "the identity provider";
/// How long a person is waited for.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest request that a browser sends back here.
const MAX_REQUEST: u64 = 16 << 10;

/// How a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the browser of this host.
    Browser,
    /// With a code, on another device.
    Device,
}

/// A sign-in.
#[derive(Debug)]
pub struct Interactive<'a> {
    /// The issuer's address.
    pub issuer: &'a str,
    /// `sigstore`, unless the issuer knows this client by another name.
    pub client_id: &'a str,
    /// Where the issuer gave one.
    pub client_secret: Option<Zeroizing<String>>,
    /// How.
    pub flow: Flow,
}

#[derive(Deserialize)]
struct Discovery {
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Device {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    #[serde(default)]
    interval: u64,
    expires_in: u64,
}

impl Interactive<'_> {
    /// Waits for the person. `say` shows what is to be done; `browse` opens a browser, or fails.
    ///
    /// # Errors
    /// Where the issuer refuses, the person does not come, or the token is not the one asked for.
    pub fn token(
        &self,
        http: &Http,
        say: &dyn Fn(&str),
        browse: &dyn Fn(&str) -> bool,
    ) -> Result<Zeroizing<String>, ServiceError> {
        let url = http.url(self.issuer, "/.well-known/openid-configuration")?;
        let discovery: Discovery = http.json(&|client| client.get(url.clone()), WHAT)?;
        match self.flow {
            Flow::Browser => self.by_browser(http, &discovery, say, browse),
            Flow::Device => self.by_device(http, &discovery, say),
        }
    }

    fn by_browser(
        &self,
        http: &Http,
        discovery: &Discovery,
        say: &dyn Fn(&str),
        browse: &dyn Fn(&str) -> bool,
    ) -> Result<Zeroizing<String>, ServiceError> {
        let endpoint = discovery.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| ServiceError::answer(WHAT, "it has no sign-in by browser"))?;
        let local = |error: std::io::Error| ServiceError::Token { cause: format!("no port on this host: {error}") };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(local)?;
        let port = listener.local_addr().map_err(local)?.port();
        let redirect = format!("http://localhost:{port}/auth/callback");
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let mut url = http.url(endpoint, "")?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", &redirect)
            .append_pair("scope", "openid email")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if browse(url.as_str()) {
            say(&format!("Your browser opens:\n{url}"));
        } else {
            say(&format!("Open this in a browser on this host:\n{url}"));
        }
        let code = wait_for_code(&listener, &state)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let token = self.exchange(http, &discovery.token_endpoint, &form)?;
        if super::claim(&token, "nonce").as_deref() != Some(nonce.as_str()) {
            return Err(ServiceError::answer(WHAT, "the token is not for this sign-in: its nonce is another"));
        }
        Ok(token)
    }

    fn by_device(
        &self,
        http: &Http,
        discovery: &Discovery,
        say: &dyn Fn(&str),
    ) -> Result<Zeroizing<String>, ServiceError> {
        let endpoint = discovery.device_authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| ServiceError::answer(WHAT, "it has no sign-in by device"))?;
        let url = http.url(endpoint, "")?;
        let verifier = random()?;
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let body =
            self.form(&[("scope", "openid email"), ("code_challenge", &challenge), ("code_challenge_method", "S256")]);
        let device: Device = http.json(&|client| post(client, &url, &body), WHAT)?;
        let where_to = device.verification_uri_complete.as_ref().unwrap_or(&device.verification_uri);
        say(&format!("Enter the code {} at:\n{where_to}", device.user_code));
        let started = Instant::now();
        let patience = PATIENCE.min(Duration::from_secs(device.expires_in));
        let mut interval = Duration::from_secs(device.interval.clamp(1, 60));
        while started.elapsed() < patience {
            std::thread::sleep(interval);
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device.device_code.as_str()),
                ("code_verifier", verifier.as_str()),
            ];
            match self.exchange(http, &discovery.token_endpoint, &form) {
                Err(ServiceError::Refused { message, .. }) if message.contains("authorization_pending") => {}
                Err(ServiceError::Refused { message, .. }) if message.contains("slow_down") => {
                    interval += Duration::from_secs(5);
                }
                other => return other,
            }
        }
        Err(ServiceError::Token { cause: "nobody signed in in time".into() })
    }

    fn exchange(&self, http: &Http, endpoint: &str, form: &[(&str, &str)]) -> Result<Zeroizing<String>, ServiceError> {
        let url = http.url(endpoint, "")?;
        let body = self.form(form);
        let tokens: Tokens = http.json(&|client| post(client, &url, &body), WHAT)?;
        Ok(Zeroizing::new(tokens.id_token))
    }

    fn form(&self, pairs: &[(&str, &str)]) -> Zeroizing<String> {
        // Only its encoding of pairs is used.
        let Ok(mut url) = Url::parse("form:") else { return Zeroizing::default() };
        url.query_pairs_mut().append_pair("client_id", self.client_id).append_pair("audience", AUDIENCE);
        if let Some(secret) = &self.client_secret {
            url.query_pairs_mut().append_pair("client_secret", secret);
        }
        url.query_pairs_mut().extend_pairs(pairs);
        Zeroizing::new(url.query().unwrap_or_default().to_owned())
    }
}

fn post(client: &reqwest::blocking::Client, url: &Url, body: &str) -> reqwest::blocking::RequestBuilder {
    client.post(url.clone()).header("Content-Type", "application/x-www-form-urlencoded").body(body.to_owned())
}

/// Waits for the browser to come back with the code.
fn wait_for_code(listener: &TcpListener, state: &str) -> Result<Zeroizing<String>, ServiceError> {
    let failed =
        |error: std::io::Error| ServiceError::Token { cause: format!("the browser did not come back: {error}") };
    listener.set_nonblocking(true).map_err(failed)?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        stream.set_nonblocking(false).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(failed)?;
        let mut line = String::new();
        let read = BufReader::new(Read::by_ref(&mut stream).take(MAX_REQUEST)).read_line(&mut line);
        let code = read.ok().and_then(|_| code_of(&line, state));
        let (status, text) = match &code {
            Some(_) => ("200 OK", "Signed in. You can close this page."),
            None => ("400 Bad Request", "This is not the sign-in that is waited for."),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        // A browser that is gone has still brought the code.
        let _ = stream.write_all(answer.as_bytes());
        if let Some(code) = code {
            return Ok(code);
        }
    }
    Err(ServiceError::Token { cause: "nobody signed in in time".into() })
}

/// The code in a request line, where its state is ours.
fn code_of(line: &str, state: &str) -> Option<Zeroizing<String>> {
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse(&format!("http://localhost{target}")).ok()?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let is_ours = url.path() == "/auth/callback" && value("state").as_deref() == Some(state);
    is_ours.then(|| value("code")).flatten().map(Zeroizing::new)
}

fn random() -> Result<String, ServiceError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| ServiceError::Token { cause: "this host gives no random numbers".into() })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_was_sent_brings_the_code() {
        for (line, expected) in [
            ("GET /auth/callback?state=s&code=c%2Fd HTTP/1.1", Some("c/d")),
            ("GET /auth/callback?state=t&code=c HTTP/1.1", None),
            ("GET /auth/callback?code=c HTTP/1.1", None),
            ("GET /other?state=s&code=c HTTP/1.1", None),
            ("POST /auth/callback?state=s&code=c HTTP/1.1", None),
            ("GET /auth/callback?state=s&error=access_denied HTTP/1.1", None),
        ] {
            assert_eq!(code_of(line, "s").as_ref().map(|code| code.as_str()), expected, "{line}");
        }
    }
}
