use crate::entry::{Auth, Entry, Kind, Namespace, Response, WrapInfo};
use crate::mask::Masked;
use crate::options::Options;
use crate::salt::Salt;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Writes entries for one device.
pub struct Formatter {
    salt: Salt,
    options: Options,
}

/// The token of a request and its accessor, as they are and as they are written: a line has them twice.
struct Known<'a> {
    token: (&'a str, Cow<'a, str>),
    accessor: (&'a str, Cow<'a, str>),
}

impl Known<'_> {
    fn token(&self, token: &str) -> Option<Cow<'_, str>> {
        (self.token.0 == token).then_some(Cow::Borrowed(&*self.token.1))
    }

    fn accessor(&self, accessor: &str) -> Option<Cow<'_, str>> {
        (self.accessor.0 == accessor).then_some(Cow::Borrowed(&*self.accessor.1))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(rename = "type")]
    kind: &'static str,
    auth: AuthLine<'a>,
    request: RequestLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseLine<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
}

#[derive(Serialize, Default)]
struct AuthLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    client_token: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    accessor: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    display_name: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    policies: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    token_policies: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    identity_policies: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    external_namespace_policies: Option<&'a BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "is_default")]
    no_default_policy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_results: Option<PolicyResultsLine<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "is_default")]
    num_uses: u64,
    #[serde(skip_serializing_if = "is_default")]
    remaining_uses: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    entity_id: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    entity_created: bool,
    token_type: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    token_ttl: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_issue_time: Option<String>,
}

#[derive(Serialize)]
struct PolicyResultsLine<'a> {
    allowed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    granting_policies: Vec<PolicyLine<'a>>,
}

#[derive(Serialize)]
struct PolicyLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace_path: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct NamespaceLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
}

#[derive(Serialize)]
struct RequestLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    operation: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_point: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_accessor: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_running_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_class: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_token: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_token_accessor: Cow<'a, str>,
    namespace: NamespaceLine<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "Masked::is_empty")]
    data: Masked<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    remote_address: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    remote_port: u16,
    #[serde(skip_serializing_if = "is_default")]
    wrap_ttl: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Vec<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_certificate_serial_number: &'a str,
}

#[derive(Serialize)]
struct ResponseLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<AuthLine<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_point: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_accessor: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_running_plugin_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mount_class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretLine<'a>>,
    #[serde(skip_serializing_if = "Masked::is_empty")]
    data: Masked<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    redirect: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrap_info: Option<WrapLine<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, Vec<&'a str>>,
}

#[derive(Serialize)]
struct SecretLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    lease_id: &'a str,
}

#[derive(Serialize)]
struct WrapLine<'a> {
    #[serde(skip_serializing_if = "is_default")]
    ttl: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    token: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    accessor: Cow<'a, str>,
    creation_time: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    creation_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    wrapped_accessor: Cow<'a, str>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_empty<V>(map: &Option<&BTreeMap<String, V>>) -> bool {
    map.is_none_or(BTreeMap::is_empty)
}

/// Whole seconds, as the peer has them for tokens.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

impl Formatter {
    /// For a device with this salt and these options.
    pub fn new(salt: Salt, options: Options) -> Self {
        Self { salt, options }
    }

    /// The hash of a value, as it is in the lines.
    pub fn hash(&self, value: &str) -> String {
        self.salt.hash(value)
    }

    /// The line, with the prefix and without a line break.
    pub fn line(&self, entry: &Entry<'_>) -> Vec<u8> {
        let known = Known {
            token: (entry.request.client_token, self.token(entry.request.client_token)),
            accessor: (entry.request.client_token_accessor, self.accessor(entry.request.client_token_accessor)),
        };
        let line = Line {
            time: entry.time.to_string(),
            kind: match entry.kind {
                Kind::Request => "request",
                Kind::Response => "response",
            },
            auth: self.auth(&entry.auth, &known),
            request: self.request(entry, &known),
            response: (entry.kind == Kind::Response).then(|| self.response(entry, &entry.response, &known)),
            error: entry.error,
        };
        let mut bytes = Vec::with_capacity(2048);
        bytes.extend_from_slice(self.options.prefix.as_bytes());
        let start = bytes.len();
        if serde_json::to_writer(&mut bytes, &line).is_err() {
            // All keys are texts and writing to memory can't fail, so this is never reached; a line is due all the same.
            bytes.truncate(start);
            bytes.extend_from_slice(b"{\"error\":\"entry can't be written\"}");
        }
        bytes
    }

    fn token<'a>(&self, token: &'a str) -> Cow<'a, str> {
        match token {
            "" => Cow::Borrowed(""),
            token if self.options.log_raw => Cow::Borrowed(token),
            token => Cow::Owned(self.salt.hash(token)),
        }
    }

    fn accessor<'a>(&self, accessor: &'a str) -> Cow<'a, str> {
        if self.options.hmac_accessor { self.token(accessor) } else { Cow::Borrowed(accessor) }
    }

    fn data<'a>(&'a self, entry: &'a Entry<'_>, of: Kind) -> Masked<'a> {
        let salt = if self.options.log_raw { None } else { Some(&self.salt) };
        let (data, raw, readable_keys) = match of {
            Kind::Request => (entry.request.data, None, entry.readable_request_keys),
            Kind::Response => (entry.response.data, entry.response.raw, entry.readable_response_keys),
        };
        let elide = of == Kind::Response && self.options.elide_list_responses && entry.request.operation == "list";
        Masked { data, raw, salt, readable_keys, elide }
    }

    fn auth<'a>(&self, auth: &'a Auth<'_>, known: &'a Known<'_>) -> AuthLine<'a> {
        let policy_results = auth.policy_results.as_ref().map(|results| PolicyResultsLine {
            allowed: results.allowed,
            granting_policies: results
                .granting_policies
                .iter()
                .map(|policy| PolicyLine {
                    name: policy.name,
                    namespace_id: policy.namespace.id,
                    namespace_path: policy.namespace.path,
                    kind: "acl",
                })
                .collect(),
        });
        AuthLine {
            client_token: known.token(auth.client_token).unwrap_or_else(|| self.token(auth.client_token)),
            accessor: known.accessor(auth.accessor).unwrap_or_else(|| self.accessor(auth.accessor)),
            display_name: auth.display_name,
            policies: auth.policies,
            token_policies: auth.token_policies,
            identity_policies: auth.identity_policies,
            external_namespace_policies: auth.external_namespace_policies,
            no_default_policy: auth.no_default_policy,
            policy_results,
            metadata: auth.metadata,
            num_uses: auth.num_uses,
            remaining_uses: auth.remaining_uses,
            entity_id: auth.entity_id,
            entity_created: auth.entity_created,
            token_type: if auth.token_type.is_empty() { "default" } else { auth.token_type },
            token_ttl: auth.token_ttl_seconds,
            token_issue_time: auth.token_issue_time.map(seconds),
        }
    }

    fn request<'a>(&'a self, entry: &'a Entry<'_>, known: &'a Known<'_>) -> RequestLine<'a> {
        let request = &entry.request;
        let Namespace { id, path } = request.namespace;
        RequestLine {
            id: request.id,
            client_id: request.client_id,
            operation: request.operation,
            mount_point: request.mount_point,
            mount_type: request.mount_type,
            mount_accessor: request.mount_accessor,
            mount_running_version: request.mount_running_version,
            mount_class: request.mount_class,
            client_token: Cow::Borrowed(&known.token.1),
            client_token_accessor: Cow::Borrowed(&known.accessor.1),
            namespace: NamespaceLine { id, path },
            path: request.path,
            data: self.data(entry, Kind::Request),
            remote_address: request.remote_address,
            remote_port: request.remote_port,
            wrap_ttl: request.wrap_ttl_seconds,
            headers: self.headers(entry),
            client_certificate_serial_number: request.client_certificate_serial_number,
        }
    }

    fn headers<'a>(&self, entry: &'a Entry<'_>) -> BTreeMap<String, Vec<Cow<'a, str>>> {
        let mut logged = BTreeMap::new();
        let Some(audited) = entry.audited_headers.filter(|audited| !audited.is_empty()) else { return logged };
        for (name, value) in entry.request.headers {
            let name = name.to_ascii_lowercase();
            if let Some(is_hashed) = audited.get(&name) {
                let value = if *is_hashed { Cow::Owned(self.salt.hash(value)) } else { Cow::Borrowed(value.as_str()) };
                logged.entry(name).or_insert_with(Vec::new).push(value);
            }
        }
        logged
    }

    fn response<'a>(
        &'a self,
        entry: &'a Entry<'_>,
        response: &'a Response<'_>,
        known: &'a Known<'_>,
    ) -> ResponseLine<'a> {
        let request = &entry.request;
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in response.headers {
            headers.entry(name).or_default().push(value);
        }
        ResponseLine {
            auth: response.auth.as_ref().map(|auth| self.auth(auth, known)),
            mount_point: request.mount_point,
            mount_type: request.mount_type,
            mount_accessor: request.mount_accessor,
            mount_running_plugin_version: request.mount_running_version,
            mount_class: request.mount_class,
            secret: response.lease_id.map(|lease_id| SecretLine { lease_id }),
            data: self.data(entry, Kind::Response),
            warnings: response.warnings,
            redirect: response.redirect,
            wrap_info: response.wrap_info.as_ref().map(|info| self.wrap_info(info)),
            headers,
        }
    }

    fn wrap_info<'a>(&self, info: &'a WrapInfo<'_>) -> WrapLine<'a> {
        WrapLine {
            ttl: info.ttl_seconds,
            token: self.token(info.token),
            accessor: self.accessor(info.accessor),
            creation_time: info.creation_time.to_string(),
            creation_path: info.creation_path,
            wrapped_accessor: self.accessor(info.wrapped_accessor),
        }
    }
}
