//! `certs/<name>`: whose certificates are taken.

use super::client::Client;
use crate::glob;
use crate::path::retry;
use crate::token::TokenParams;
use certificates::{AltName, Certificate};
use logical::{Batch, Context, Error, Fields, Map, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LEGACY: &[&str] = &["policies", "ttl", "max_ttl", "period", "bound_cidrs"];

/// Field names as in the peer's API.
#[derive(Default, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) token: TokenParams,
    pub(super) certificate: String,
    pub(super) display_name: String,
    /// The lists, by their names.
    pub(super) lists: BTreeMap<String, Vec<String>>,
    pub(super) ocsp_ca_certificates: String,
    pub(super) ocsp_enabled: bool,
    pub(super) ocsp_fail_open: bool,
    pub(super) ocsp_query_all_servers: bool,
}

const LISTS: [&str; 9] = [
    "allowed_names",
    "allowed_common_names",
    "allowed_dns_sans",
    "allowed_email_sans",
    "allowed_uri_sans",
    "allowed_organizational_units",
    "required_extensions",
    "allowed_metadata_extensions",
    "ocsp_servers_override",
];

pub(super) fn row(name: &str) -> String {
    format!("cert/{name}")
}

pub(super) async fn read(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let entry: Entry = context.storage.get_json(&row(name)).await?.ok_or(Error::NotFound)?;
    Ok(Response::json(entry.show().into()))
}

pub(super) async fn write(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    retry(|| Box::pin(write_once(context, request, name))).await
}

async fn write_once(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let found: Option<(Entry, u64)> = context.storage.get_json_at(&row(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let mut entry = found.map(|(entry, _)| entry).unwrap_or_default();
    entry.read(&request.data, name)?;
    let (default, max) = context.system.lifetimes();
    let mut response = Response::empty();
    for (what, seconds, limit) in [
        ("ttl", entry.token.ttl, default.as_secs()),
        ("max_ttl", entry.token.max_ttl, max.as_secs()),
        ("period", entry.token.period, max.as_secs()),
    ] {
        if seconds > limit {
            response = response.warn(format!(
                "Given {what} of {seconds} seconds is greater than current mount/system default of {limit} seconds"
            ));
        }
    }
    let mut batch = Batch::new();
    batch.require(row(name), version).put_json(row(name), &entry)?;
    context.storage.commit(batch).await?;
    Ok(response)
}

impl Entry {
    fn read(&mut self, data: &Map, name: &str) -> Result<(), Error> {
        let mut data = data.clone();
        if !data.contains_key("ttl")
            && let Some(lease) = data.get("lease").cloned()
        {
            data.insert("ttl".to_owned(), lease);
        }
        let fields = Fields::new(&data);
        self.token.read(fields, LEGACY)?;
        for (name, value) in [
            ("certificate", &mut self.certificate),
            ("display_name", &mut self.display_name),
            ("ocsp_ca_certificates", &mut self.ocsp_ca_certificates),
        ] {
            if let Some(text) = fields.text(name)? {
                *value = text;
            }
        }
        for (name, value) in [
            ("ocsp_enabled", &mut self.ocsp_enabled),
            ("ocsp_fail_open", &mut self.ocsp_fail_open),
            ("ocsp_query_all_servers", &mut self.ocsp_query_all_servers),
        ] {
            if let Some(given) = fields.boolean(name)? {
                *value = given;
            }
        }
        for list in LISTS {
            if let Some(given) = fields.list(list)? {
                self.lists.insert(list.to_owned(), given);
            }
        }
        if self.display_name.is_empty() {
            name.clone_into(&mut self.display_name);
        }
        let trusted = self.trusted();
        let first = trusted.first().ok_or_else(|| Error::invalid("failed to parse certificate"))?;
        if first.authority().is_none() && super::chain::check_usage(first).is_err() {
            return Err(Error::invalid(
                "nonCA certificates should have TLS client authentication set as an extended key usage",
            ));
        }
        match self.list("required_extensions").iter().find(|required| !required.contains(':')) {
            Some(required) => Err(Error::invalid(format!("required extension {required:?} is not <oid>:<value>"))),
            None => Ok(()),
        }
    }

    /// The certificates that it trusts.
    pub(super) fn trusted(&self) -> Vec<Certificate> {
        certificates_of(&self.certificate)
    }

    /// Who else may say that a certificate was not revoked.
    pub(super) fn ocsp_authorities(&self) -> Vec<Certificate> {
        certificates_of(&self.ocsp_ca_certificates)
    }

    pub(super) fn list(&self, name: &str) -> &[String] {
        self.lists.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a client's certificate has all the names and extensions that are asked for.
    pub(super) fn admits(&self, client: &Client) -> bool {
        let allows = |list: &str, names: &[&str]| {
            let patterns = self.list(list);
            patterns.is_empty() || names.iter().any(|name| glob::any(patterns, name))
        };
        let of = |kind: fn(&AltName) -> Option<&str>| client.names.iter().filter_map(kind).collect::<Vec<_>>();
        let (dns, emails) = (of(as_dns), of(as_email));
        let common = [client.subject.common_name.as_str()];
        let units: Vec<&str> = client.subject.organizational_unit.iter().map(String::as_str).collect();
        allows("allowed_names", &[&common, dns.as_slice(), emails.as_slice()].concat())
            && allows("allowed_common_names", &common)
            && allows("allowed_dns_sans", &dns)
            && allows("allowed_email_sans", &emails)
            && allows("allowed_uri_sans", &of(as_uri))
            && allows("allowed_organizational_units", &units)
            && self.list("required_extensions").iter().all(|required| {
                required.split_once(':').is_some_and(|(id, pattern)| {
                    client.extension(id).is_some_and(|value| glob::matches(pattern, &value))
                })
            })
    }

    fn show(&self) -> Map {
        let mut data = Map::new();
        for (name, value) in [
            ("certificate", json!(self.certificate)),
            ("display_name", json!(self.display_name)),
            ("ocsp_ca_certificates", json!(self.ocsp_ca_certificates)),
            ("ocsp_enabled", json!(self.ocsp_enabled)),
            ("ocsp_fail_open", json!(self.ocsp_fail_open)),
            ("ocsp_query_all_servers", json!(self.ocsp_query_all_servers)),
        ] {
            data.insert(name.to_owned(), value);
        }
        for name in LISTS {
            data.insert(name.to_owned(), self.lists.get(name).map_or(Value::Null, |list| json!(list)));
        }
        self.token.show(&mut data);
        data
    }
}

fn certificates_of(pem: &str) -> Vec<Certificate> {
    let ders = signing::pem::certificates(pem.as_bytes()).unwrap_or_default();
    ders.iter().map_while(|der| Certificate::from_der(der).ok()).collect()
}

fn as_dns(name: &AltName) -> Option<&str> {
    if let AltName::Dns(text) = name { Some(text) } else { None }
}

fn as_email(name: &AltName) -> Option<&str> {
    if let AltName::Email(text) = name { Some(text) } else { None }
}

fn as_uri(name: &AltName) -> Option<&str> {
    if let AltName::Uri(text) = name { Some(text) } else { None }
}
