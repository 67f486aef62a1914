//! The directory of a mount.

use super::directory::DirectoryServer;
use crate::token::TokenParams;
use certificates::{Certificate, PrivateKey};
use gotemplate::{Functions, Limits, Template, Value as Data};
use logical::{Error, Fields, Map, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) const ROW: &str = "config";
const TLS_VERSIONS: [&str; 4] = ["tls10", "tls11", "tls12", "tls13"];

/// Field names as in the peer's API.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) token: TokenParams,
    texts: BTreeMap<String, String>,
    switches: BTreeMap<String, bool>,
    numbers: BTreeMap<String, u64>,
    bindpass: String,
    client_tls_key: String,
}

/// Fields that are text, with what they are unless given.
const TEXTS: [(&str, &str); 14] = [
    ("url", "ldap://127.0.0.1"),
    ("userdn", ""),
    ("binddn", ""),
    ("groupdn", ""),
    ("groupfilter", "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"),
    ("groupattr", "cn"),
    ("userfilter", "({{.UserAttr}}={{.Username}})"),
    ("upndomain", ""),
    ("userattr", "cn"),
    ("certificate", ""),
    ("client_tls_cert", ""),
    ("tls_min_version", "tls12"),
    ("tls_max_version", "tls12"),
    ("dereference_aliases", "never"),
];
const SWITCHES: [(&str, bool); 9] = [
    ("anonymous_group_search", false),
    ("username_as_alias", false),
    ("discoverdn", false),
    ("insecure_tls", false),
    ("starttls", false),
    ("deny_null_bind", true),
    ("case_sensitive_names", false),
    ("use_token_groups", false),
    ("use_pre111_group_cn_behavior", false),
];
const NUMBERS: [(&str, u64); 3] = [("request_timeout", 90), ("connection_timeout", 30), ("max_page_size", 0)];

impl Default for Config {
    fn default() -> Self {
        Self {
            token: TokenParams::default(),
            texts: TEXTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            switches: SWITCHES.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect(),
            numbers: NUMBERS.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect(),
            bindpass: String::new(),
            client_tls_key: String::new(),
        }
    }
}

impl Config {
    /// Takes over what a request gives.
    pub(super) fn read(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        self.token.read(fields, &[])?;
        for (name, value) in &mut self.texts {
            if let Some(text) = fields.text(name)? {
                let folded = name == "url" || name == "userattr";
                *value = if folded { text.to_lowercase() } else { text };
            }
        }
        for (name, value) in &mut self.switches {
            if let Some(on) = fields.boolean(name)? {
                *value = on;
            }
        }
        for (name, value) in &mut self.numbers {
            let given = if name == "max_page_size" {
                fields.integer(name)?.map(|number| u64::try_from(number).unwrap_or_default())
            } else {
                fields.duration(name)?.map(|duration| duration.as_secs())
            };
            if let Some(number) = given {
                *value = number;
            }
        }
        if let Some(password) = fields.text("bindpass")? {
            self.bindpass = password;
        }
        if let Some(key) = fields.text("client_tls_key")? {
            self.client_tls_key = key;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::invalid(text));
        for name in ["userfilter", "groupfilter"] {
            if let Err(error) = Template::parse("queryTemplate", self.text(name), &Functions::go()) {
                return refuse(format!("invalid {name}: {error}"));
            }
        }
        if !self.text("certificate").is_empty() && certificates_of(self.text("certificate")).is_none() {
            return refuse("failed to parse server tls cert: failed to decode PEM block in the certificate".to_owned());
        }
        let certificate = self.text("client_tls_cert");
        if certificate.is_empty() != self.client_tls_key.is_empty() {
            return refuse("both client_tls_cert and client_tls_key must be set".to_owned());
        }
        if !certificate.is_empty() {
            let first = certificates_of(certificate).and_then(|all| all.into_iter().next());
            let key = PrivateKey::from_pem(&self.client_tls_key).ok();
            let pair = first.zip(key).is_some_and(|(first, key)| first.spki() == key.public().spki());
            if !pair {
                return refuse("failed to parse client X509 key pair".to_owned());
            }
        }
        let position = |name: &str| TLS_VERSIONS.iter().position(|version| *version == self.text(name));
        match (position("tls_min_version"), position("tls_max_version")) {
            (None, _) => return refuse("invalid 'tls_min_version'".to_owned()),
            (_, None) => return refuse("invalid 'tls_max_version'".to_owned()),
            (Some(min), Some(max)) if max < min => {
                return refuse("'tls_max_version' must be greater than or equal to 'tls_min_version'".to_owned());
            }
            _ => {}
        }
        let followed = self.text("dereference_aliases");
        if !["never", "finding", "searching", "always"].contains(&followed) {
            return refuse(format!("invalid 'dereference_aliases': {followed}"));
        }
        Ok(())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.switches.get(name).copied().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    pub(super) fn page_size(&self) -> u32 {
        u32::try_from(self.number("max_page_size")).unwrap_or(u32::MAX)
    }

    /// The password of `binddn`.
    pub(super) fn bind_password(&self) -> &str {
        &self.bindpass
    }

    /// Whether there is an account of our own to search with.
    pub(super) fn has_account(&self) -> bool {
        !self.text("binddn").is_empty() && !self.bindpass.is_empty()
    }

    /// Whether a user's name in the directory is searched for, and not made of the name that is given.
    pub(super) fn searches(&self) -> bool {
        self.is("discoverdn") || self.has_account()
    }

    /// A name of a user or group as it is compared.
    pub(super) fn fold(&self, name: &str) -> String {
        if self.is("case_sensitive_names") { name.to_owned() } else { name.to_lowercase() }
    }

    pub(super) fn server(&self) -> DirectoryServer {
        let urls = self.text("url").split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
        DirectoryServer {
            urls: urls.collect(),
            starttls: self.is("starttls"),
            insecure_tls: self.is("insecure_tls"),
            certificate: self.text("certificate").to_owned(),
            client_tls_cert: self.text("client_tls_cert").to_owned(),
            client_tls_key: Zeroizing::new(self.client_tls_key.clone()),
            tls_versions: (self.text("tls_min_version").to_owned(), self.text("tls_max_version").to_owned()),
            connection_timeout: Duration::from_secs(self.number("connection_timeout")),
            request_timeout: Duration::from_secs(self.number("request_timeout")),
        }
    }

    /// A filter of the configuration with values, which must be escaped.
    pub(super) fn filter(&self, name: &str, values: &[(&str, String)]) -> Result<String, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("LDAP search failed due to template parsing error: {error}"))
        };
        let template = Template::parse("queryTemplate", self.text(name), &Functions::go());
        let template = template.map_err(|error| failed(&error))?;
        let data = values.iter().map(|(name, value)| ((*name).to_owned(), Data::text(value))).collect();
        let mut out = Vec::new();
        template.execute(&Data::map(data), Limits::default(), &mut out).map_err(|error| failed(&error))?;
        String::from_utf8(out).map_err(|error| failed(&error))
    }

    pub(super) fn show(&self) -> Response {
        let mut data = Map::new();
        let texts = self.texts.iter().filter(|(name, _)| *name != "client_tls_cert");
        data.extend(texts.map(|(name, text)| (name.clone(), json!(text))));
        data.extend(self.switches.iter().map(|(name, on)| (name.clone(), json!(on))));
        data.extend(self.numbers.iter().map(|(name, number)| (name.clone(), json!(number))));
        self.token.show(&mut data);
        self.warn_of_filter(Response::json(Value::Object(data)))
    }

    /// With a warning where the user filter does not ask for the attribute that users are named by.
    pub(super) fn warn_of_filter(&self, response: Response) -> Response {
        let filter = self.text("userfilter");
        if filter.is_empty() || filter.contains("{{.UserAttr}}") || filter.contains(self.text("userattr")) {
            return response;
        }
        response.warn(
            "userattr not found in userfilter: make sure to use the same value in both, so that a user is found by one \
             name only",
        )
    }
}

fn certificates_of(pem: &str) -> Option<Vec<Certificate>> {
    let ders = signing::pem::certificates(pem.as_bytes()).ok()?;
    ders.iter().map(|der| Certificate::from_der(der).ok()).collect()
}
