use crate::names::other_names;
use crate::store::Store;
use certificates::{Policy, extension};
use jiff::Timestamp;
use logical::{Error, Fields, Network, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What may be issued under a name. Fields are those of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Role {
    pub(crate) ttl: u64,
    pub(crate) max_ttl: u64,
    pub(crate) allow_localhost: bool,
    pub(crate) allowed_domains: Vec<String>,
    pub(crate) allowed_domains_template: bool,
    pub(crate) allow_globs_in_identity_templates: bool,
    pub(crate) allow_bare_domains: bool,
    pub(crate) allow_token_displayname: bool,
    pub(crate) allow_subdomains: bool,
    pub(crate) allow_glob_domains: bool,
    pub(crate) allow_wildcard_certificates: bool,
    pub(crate) allow_any_name: bool,
    pub(crate) enforce_hostnames: bool,
    pub(crate) allow_ip_sans: bool,
    pub(crate) allowed_ip_sans_cidr: Vec<String>,
    pub(crate) allowed_uri_sans: Vec<String>,
    pub(crate) allowed_uri_sans_template: bool,
    pub(crate) allowed_other_sans: Vec<String>,
    pub(crate) allowed_serial_numbers: Vec<String>,
    pub(crate) allowed_user_ids: Vec<String>,
    pub(crate) server_flag: bool,
    pub(crate) client_flag: bool,
    pub(crate) code_signing_flag: bool,
    pub(crate) email_protection_flag: bool,
    pub(crate) use_csr_common_name: bool,
    pub(crate) use_csr_sans: bool,
    pub(crate) key_type: String,
    pub(crate) key_bits: u32,
    pub(crate) use_pss: bool,
    pub(crate) signature_bits: u32,
    pub(crate) key_usage: Vec<String>,
    pub(crate) ext_key_usage: Vec<String>,
    pub(crate) ext_key_usage_oids: Vec<String>,
    pub(crate) ou: Vec<String>,
    pub(crate) organization: Vec<String>,
    pub(crate) country: Vec<String>,
    pub(crate) locality: Vec<String>,
    pub(crate) province: Vec<String>,
    pub(crate) street_address: Vec<String>,
    pub(crate) postal_code: Vec<String>,
    pub(crate) generate_lease: bool,
    pub(crate) no_store: bool,
    pub(crate) require_cn: bool,
    pub(crate) cn_validations: Vec<String>,
    pub(crate) policy_identifiers: Vec<String>,
    pub(crate) basic_constraints_valid_for_non_ca: bool,
    pub(crate) not_before_duration: u64,
    pub(crate) not_before: String,
    pub(crate) not_before_bound: String,
    pub(crate) not_after: String,
    pub(crate) not_after_bound: String,
    pub(crate) issuer_ref: String,
}

impl Default for Role {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            ttl: 0,
            max_ttl: 0,
            allow_localhost: true,
            allowed_domains: Vec::new(),
            allowed_domains_template: false,
            allow_globs_in_identity_templates: false,
            allow_bare_domains: false,
            allow_token_displayname: false,
            allow_subdomains: false,
            allow_glob_domains: false,
            allow_wildcard_certificates: true,
            allow_any_name: false,
            enforce_hostnames: true,
            allow_ip_sans: true,
            allowed_ip_sans_cidr: Vec::new(),
            allowed_uri_sans: Vec::new(),
            allowed_uri_sans_template: false,
            allowed_other_sans: Vec::new(),
            allowed_serial_numbers: Vec::new(),
            allowed_user_ids: Vec::new(),
            server_flag: true,
            client_flag: true,
            code_signing_flag: false,
            email_protection_flag: false,
            use_csr_common_name: true,
            use_csr_sans: true,
            key_type: text("rsa"),
            key_bits: 0,
            use_pss: false,
            signature_bits: 0,
            key_usage: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"].map(text).to_vec(),
            ext_key_usage: Vec::new(),
            ext_key_usage_oids: Vec::new(),
            ou: Vec::new(),
            organization: Vec::new(),
            country: Vec::new(),
            locality: Vec::new(),
            province: Vec::new(),
            street_address: Vec::new(),
            postal_code: Vec::new(),
            generate_lease: false,
            no_store: false,
            require_cn: true,
            cn_validations: ["email", "hostname"].map(text).to_vec(),
            policy_identifiers: Vec::new(),
            basic_constraints_valid_for_non_ca: false,
            not_before_duration: 30,
            not_before: String::new(),
            not_before_bound: text("permit"),
            not_after: String::new(),
            not_after_bound: text("permit"),
            issuer_ref: text("default"),
        }
    }
}

impl Role {
    /// What the fields say, and this role where they say nothing.
    pub(crate) fn with(mut self, fields: Fields<'_>) -> Result<Self, Error> {
        let flags = [
            ("allow_localhost", &mut self.allow_localhost),
            ("allowed_domains_template", &mut self.allowed_domains_template),
            ("allow_globs_in_identity_templates", &mut self.allow_globs_in_identity_templates),
            ("allow_bare_domains", &mut self.allow_bare_domains),
            ("allow_token_displayname", &mut self.allow_token_displayname),
            ("allow_subdomains", &mut self.allow_subdomains),
            ("allow_glob_domains", &mut self.allow_glob_domains),
            ("allow_wildcard_certificates", &mut self.allow_wildcard_certificates),
            ("allow_any_name", &mut self.allow_any_name),
            ("enforce_hostnames", &mut self.enforce_hostnames),
            ("allow_ip_sans", &mut self.allow_ip_sans),
            ("allowed_uri_sans_template", &mut self.allowed_uri_sans_template),
            ("server_flag", &mut self.server_flag),
            ("client_flag", &mut self.client_flag),
            ("code_signing_flag", &mut self.code_signing_flag),
            ("email_protection_flag", &mut self.email_protection_flag),
            ("use_csr_common_name", &mut self.use_csr_common_name),
            ("use_csr_sans", &mut self.use_csr_sans),
            ("use_pss", &mut self.use_pss),
            ("generate_lease", &mut self.generate_lease),
            ("no_store", &mut self.no_store),
            ("require_cn", &mut self.require_cn),
            ("basic_constraints_valid_for_non_ca", &mut self.basic_constraints_valid_for_non_ca),
        ];
        for (name, value) in flags {
            *value = fields.boolean(name)?.unwrap_or(*value);
        }
        let lists = [
            ("allowed_domains", &mut self.allowed_domains),
            ("allowed_ip_sans_cidr", &mut self.allowed_ip_sans_cidr),
            ("allowed_uri_sans", &mut self.allowed_uri_sans),
            ("allowed_other_sans", &mut self.allowed_other_sans),
            ("allowed_serial_numbers", &mut self.allowed_serial_numbers),
            ("allowed_user_ids", &mut self.allowed_user_ids),
            ("key_usage", &mut self.key_usage),
            ("ext_key_usage", &mut self.ext_key_usage),
            ("ext_key_usage_oids", &mut self.ext_key_usage_oids),
            ("cn_validations", &mut self.cn_validations),
        ];
        for (name, value) in lists {
            if let Some(given) = fields.list(name)? {
                *value = given;
            }
        }
        self.read_subject(fields)?;
        let texts = [
            ("key_type", &mut self.key_type),
            ("not_before", &mut self.not_before),
            ("not_before_bound", &mut self.not_before_bound),
            ("not_after", &mut self.not_after),
            ("not_after_bound", &mut self.not_after_bound),
            ("issuer_ref", &mut self.issuer_ref),
        ];
        for (name, value) in texts {
            if let Some(given) = fields.text(name)? {
                *value = given;
            }
        }
        let lengths = [
            ("ttl", &mut self.ttl),
            ("max_ttl", &mut self.max_ttl),
            ("not_before_duration", &mut self.not_before_duration),
        ];
        for (name, value) in lengths {
            *value = fields.duration(name)?.map_or(*value, |given| given.as_secs());
        }
        for (name, value) in [("key_bits", &mut self.key_bits), ("signature_bits", &mut self.signature_bits)] {
            if let Some(given) = fields.integer(name)? {
                *value = u32::try_from(given).unwrap_or(u32::MAX);
            }
        }
        if let Some(given) = fields.raw("policy_identifiers") {
            self.policy_identifiers = policy_texts(fields, given)?;
        }
        Ok(self)
    }

    /// The parts of the subject that the fields name.
    pub(crate) fn read_subject(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        let lists = [
            ("ou", &mut self.ou),
            ("organization", &mut self.organization),
            ("country", &mut self.country),
            ("locality", &mut self.locality),
            ("province", &mut self.province),
            ("street_address", &mut self.street_address),
            ("postal_code", &mut self.postal_code),
        ];
        for (name, value) in lists {
            if let Some(given) = fields.list(name)? {
                *value = given;
            }
        }
        Ok(())
    }

    /// Policies as certificates have them.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>, Error> {
        let one = |text: &String| {
            let Ok(serde_json::Value::Object(map)) = serde_json::from_str(text) else {
                return Ok(Policy { id: text.clone(), ..Policy::default() });
            };
            let part = |name: &str| map.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            Ok(Policy { id: part("oid"), cps: part("cps"), notice: part("notice") })
        };
        let policies = self.policy_identifiers.iter().map(one).collect::<Result<Vec<_>, Error>>()?;
        extension::policies(&policies).map_err(|_| Error::invalid("unable to parse policy identifiers"))?;
        Ok(policies)
    }

    fn check(&mut self) -> Result<(), Error> {
        if self.max_ttl > 0 && self.ttl > self.max_ttl {
            return Err(Error::invalid("\"ttl\" value must be less than \"max_ttl\" value"));
        }
        (self.key_bits, self.signature_bits) = check_key(&self.key_type, self.key_bits, self.signature_bits)?;
        if let Some(bad) =
            self.ext_key_usage_oids.iter().find(|id| extension::extended_key_usage(&[(*id).clone()]).is_err())
        {
            return Err(Error::invalid(format!(
                "{bad:?} could not be parsed as a valid oid for an extended key usage"
            )));
        }
        self.policies()?;
        for cidr in &mut self.allowed_ip_sans_cidr {
            let network: Network =
                cidr.parse().map_err(|error| Error::invalid(format!("error parsing allowed_ip_sans_cidr: {error}")))?;
            *cidr = network.to_string();
        }
        if self.allowed_other_sans != ["*"] {
            other_names(&self.allowed_other_sans)
                .map_err(|error| Error::invalid(format!("error parsing allowed_other_sans: {error}")))?;
        }
        let is_time = |text: &str| text.parse::<Timestamp>().is_ok();
        if !matches!(self.not_after_bound.as_str(), "permit" | "forbid" | "ttl-limited")
            && !is_time(&self.not_after_bound)
        {
            return Err(Error::invalid(
                "Unknown value for field `not_after_bound`. Possible values are `permit`, `ttl-limited`, `forbid`, or an explicit timestamp.",
            ));
        }
        if !matches!(self.not_before_bound.as_str(), "permit" | "forbid" | "duration") {
            return Err(Error::invalid(
                "Unknown value for field `not_before_bound`. Possible values are `permit` `duration` or `forbid`",
            ));
        }
        if self.issuer_ref.is_empty() {
            "default".clone_into(&mut self.issuer_ref);
        }
        if self.cn_validations.is_empty() {
            self.cn_validations = Self::default().cn_validations;
        }
        for validation in &mut self.cn_validations {
            *validation = validation.to_lowercase();
            if !matches!(validation.as_str(), "disabled" | "email" | "hostname") {
                return Err(Error::invalid(format!("cn_validations value incorrect: unknown type: `{validation}`")));
            }
        }
        if self.cn_validations.len() > 1 && self.cn_validations.iter().any(|name| name == "disabled") {
            return Err(Error::invalid(
                "cn_validations value incorrect: cannot specify `disabled` along with `email` or `hostname`",
            ));
        }
        Ok(())
    }
}

/// Policies as they are kept: identifiers, or objects in JSON.
fn policy_texts(fields: Fields<'_>, given: &serde_json::Value) -> Result<Vec<String>, Error> {
    let objects = match given {
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => Some(items.clone()),
        serde_json::Value::String(text) => serde_json::from_str::<Vec<serde_json::Value>>(text).ok(),
        _ => None,
    };
    match objects {
        Some(items) => {
            Ok(items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect())
        }
        None => Ok(fields.list("policy_identifiers")?.unwrap_or_default()),
    }
}

/// The key's and the hash's size with their defaults; refuses what does not fit.
pub(crate) fn check_key(kind: &str, bits: u32, signature_bits: u32) -> Result<(u32, u32), Error> {
    let bits = match (kind, bits) {
        ("rsa", 0) => 2048,
        ("ec", 0) => 256,
        ("ed25519" | "any", _) => 0,
        (_, bits) => bits,
    };
    match (kind, bits) {
        ("rsa", bits) if bits < 2048 => {
            Err(Error::invalid(format!("RSA keys < 2048 bits are unsafe and not supported: got {bits}")))
        }
        ("rsa", 2048 | 3072 | 4096 | 8192) | ("ec", 256 | 384 | 521) | ("any" | "ed25519", _) => Ok(()),
        ("rsa", bits) => Err(Error::invalid(format!("unsupported bit length for RSA key: {bits}"))),
        ("ec", bits) => Err(Error::invalid(format!("unsupported bit length for EC key: {bits}"))),
        (kind, _) => Err(Error::invalid(format!("unknown key type {kind}"))),
    }?;
    if kind == "rsa" && !matches!(signature_bits, 0 | 256 | 384 | 512) {
        return Err(Error::invalid(format!("unsupported hash signature algorithm: {signature_bits}")));
    }
    Ok((bits, signature_bits))
}

pub(crate) async fn role(store: Store<'_>, name: &str) -> Result<Option<Role>, Error> {
    store.rows.get_json(&format!("role/{name}")).await
}

/// `roles` and `roles/:name`.
pub(crate) async fn handle(store: Store<'_>, request: &Request, name: Option<&str>) -> Result<Response, Error> {
    let Some(name) = name else {
        if request.operation != Operation::List {
            return Err(Error::UnsupportedOperation);
        }
        let (after, limit) = request.page()?;
        return Ok(Response::keys(store.rows.list("role/", after, limit).await?));
    };
    let key = format!("role/{name}");
    let old: Option<Role> = store.rows.get_json(&key).await?;
    let base = match request.operation {
        Operation::Read => return old.map(|role| Response::json(json!(role))).ok_or(Error::NotFound),
        Operation::Delete => {
            store.rows.delete(&key).await?;
            return Ok(Response::empty());
        }
        Operation::Patch => old.ok_or_else(|| Error::invalid("Unable to fetch role entry to patch"))?,
        Operation::Create | Operation::Update => Role::default(),
        _ => return Err(Error::UnsupportedOperation),
    };
    let mut role = base.with(request.fields())?;
    let mut warnings = Vec::new();
    if role.no_store && role.generate_lease {
        warnings.push("mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority".to_owned());
        role.generate_lease = false;
    } else if role.generate_lease {
        warnings.push("it is encouraged to disable generate_lease and rely on PKI's native capabilities when possible; this option can cause instance-wide issues with large numbers of issued certificates".to_owned());
    }
    role.check()?;
    if store.resolve_issuer(&role.issuer_ref).await.is_err() {
        warnings.push(if role.issuer_ref == "default" {
            "Issuing Certificate was set to default, but no default issuing certificate (configurable at /config/issuers) is currently set".to_owned()
        } else {
            format!("Issuing Certificate was set to {} but no issuing certificate currently has that name", role.issuer_ref)
        });
    }
    store.rows.put_json(&key, &role).await?;
    Ok(Response { warnings, ..Response::json(json!(role)) })
}
