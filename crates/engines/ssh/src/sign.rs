use crate::issuers;
use crate::private_key;
use crate::role::{CaRole, Role, role};
use crate::wire::{Certificate, PublicKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use logical::{Context, Entity, Error, Fields, Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// `sign/:role`.
pub(crate) async fn sign(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let found = role(context, name).await?;
    let Some(Role::Ca(found)) = found else {
        return Err(Error::invalid(format!("Unknown role: {name}")));
    };
    let text = request.fields().text("public_key")?.unwrap_or_default();
    if text.is_empty() {
        return Err(Error::invalid("missing public_key"));
    }
    let key = PublicKey::parse(&text)
        .map_err(|error| Error::invalid(format!("failed to parse public_key as SSH key: {error}")))?;
    found
        .allows_key(&key)
        .map_err(|error| Error::invalid(format!("public_key failed to meet the key requirements: {error}")))?;
    certify(context, request, name, &found, &key).await
}

/// `issue/:role`: with a new key.
pub(crate) async fn issue(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let found = match role(context, name).await? {
        Some(Role::Ca(found)) => found,
        Some(Role::Otp(_)) => return Err(Error::invalid("role key type 'otp' not allowed to issue key pairs")),
        None => return Err(Error::invalid(format!("unknown role: {name}"))),
    };
    let fields = request.fields();
    let kind = fields.text("key_type")?.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "rsa".to_owned());
    let private = issuers::generate(&kind, fields.integer("key_bits")?.unwrap_or(0))?;
    let key = PublicKey::of(private.public()).map_err(Error::internal)?;
    found
        .allows_key(&key)
        .map_err(|_| Error::invalid("provided key_bits value not in list of role's allowed_user_key_types"))?;
    let mut response = certify(context, request, name, &found, &key).await?;
    let data = response.data.get_or_insert_default();
    let file = private_key::to_file(&private).map_err(Error::internal)?;
    data.insert("private_key".to_owned(), Value::String(file.to_string()));
    data.insert("private_key_type".to_owned(), json!(kind));
    Ok(response)
}

async fn certify(
    context: Context<'_>,
    request: &Request,
    role_name: &str,
    role: &CaRole,
    key: &PublicKey,
) -> Result<Response, Error> {
    let fields = request.fields();
    let caller = request.caller.as_ref();
    let entity = match caller.map(|caller| caller.entity_id.as_str()).filter(|id| !id.is_empty()) {
        Some(id) => context.system.entity(id).await?,
        None => None,
    };
    let key_id = role.key_id(fields, caller.map_or("", |caller| &caller.display_name), role_name, key)?;
    let host = match fields.text("cert_type")?.as_deref().unwrap_or("user") {
        "user" if role.allow_user_certificates => false,
        "host" if role.allow_host_certificates => true,
        kind @ ("user" | "host") => return Err(Error::invalid(format!("cert_type '{kind}' is not allowed by role"))),
        _ => return Err(Error::invalid("cert_type must be either 'user' or 'host'")),
    };
    let principals = role.principals(fields, entity.as_ref(), host)?;
    let lifetime = role.lifetime(context, fields)?;
    let critical_options = role.critical_options(fields)?;
    let mut warnings = Vec::new();
    let extensions = role.extensions(fields, entity.as_ref(), &mut warnings)?;
    let issuer = issuers::find(context, &role.issuer_ref).await?;
    let mut serial = [0; 8];
    SystemRandom::new().fill(&mut serial).map_err(Error::internal)?;
    let now = u64::try_from(request.now.as_second()).unwrap_or(0);
    let certificate = Certificate {
        key,
        serial: u64::from_be_bytes(serial),
        host,
        key_id: &key_id,
        principals: &principals,
        valid_after: now.saturating_sub(role.not_before_duration),
        valid_before: now.saturating_add(lifetime.max(Duration::from_secs(1)).as_secs()),
        critical_options: &critical_options,
        extensions: &extensions,
    };
    let signed = certificate.sign(&issuer.key()?, &role.algorithm_signer);
    let data = json!({
        "serial_number": format!("{:x}", certificate.serial),
        "signed_key": signed.map_err(|why| Error::invalid(format!("failed to sign certificate: {why}")))?,
        "issuer_id": issuer.id,
    });
    Ok(Response { warnings, ..Response::json(data) })
}

fn split(list: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if !found.iter().any(|known| known == part) {
            found.push(part.to_owned());
        }
    }
    found
}

impl CaRole {
    /// Checks the kind and size of a key.
    fn allows_key(&self, key: &PublicKey) -> Result<(), String> {
        if self.allowed_user_key_lengths.is_empty() {
            return Ok(());
        }
        let (kind, names): (&str, Vec<&str>) = match key.kind.as_str() {
            "ssh-rsa" => ("rsa", vec!["rsa", "ssh-rsa"]),
            "ssh-ed25519" | "sk-ssh-ed25519@openssh.com" => ("ed25519", vec!["ed25519", key.kind.as_str()]),
            name => ("ecdsa", vec!["ec", "ecdsa", name]),
        };
        let mut present = false;
        for name in names {
            let Some(lengths) = self.allowed_user_key_lengths.get(name) else { continue };
            present = true;
            let by_name = kind == "ed25519" || kind == "ecdsa" && name.starts_with("ecdsa-");
            if by_name || lengths.contains(&key.bits) {
                return Ok(());
            }
        }
        Err(if present {
            format!("key is of an invalid size: {}", key.bits)
        } else {
            format!("key of type {kind} is not allowed")
        })
    }

    fn key_id(&self, fields: Fields<'_>, display_name: &str, role: &str, key: &PublicKey) -> Result<String, Error> {
        if let Some(asked) = fields.text("key_id")?.filter(|asked| !asked.is_empty()) {
            return if self.allow_user_key_ids {
                Ok(asked)
            } else {
                Err(Error::invalid("setting key_id is not allowed by role"))
            };
        }
        let format = match (self.key_id_format.as_str(), display_name) {
            ("", "") => "vault-{{public_key_hash}}",
            ("", _) => "vault-{{token_display_name}}-{{public_key_hash}}",
            (format, _) => format,
        };
        let hash = digest(&SHA256, &key.blob);
        let hash: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format
            .replace("{{token_display_name}}", display_name)
            .replace("{{role_name}}", role)
            .replace("{{public_key_hash}}", &hash.concat()))
    }

    /// Whom the certificate is for.
    fn principals(&self, fields: Fields<'_>, entity: Option<&Entity>, host: bool) -> Result<Vec<String>, Error> {
        let fill = |text: &str, blocked: &[char]| match entity {
            _ if !text.contains("{{") => Ok(text.to_owned()),
            Some(entity) => entity
                .fill(text, blocked)
                .ok_or_else(|| Error::invalid(format!("template '{text}' could not be rendered"))),
            // Braces are in no user's name, so this allows nobody.
            None => Ok(text.to_owned()),
        };
        let default = match (host, self.default_user_template) {
            (true, _) => String::new(),
            (false, true) => fill(&self.default_user, &[])?,
            (false, false) => self.default_user.clone(),
        };
        let asked = fields.text("valid_principals")?.unwrap_or_default();
        let wanted = split(if asked.is_empty() { &default } else { &asked });
        let (list, template) = if host {
            (&self.allowed_domains, self.allowed_domains_template)
        } else {
            (&self.allowed_users, self.allowed_users_template)
        };
        if wanted.is_empty() {
            return if self.allow_empty_principals || list == "*" {
                Ok(wanted)
            } else {
                Err(Error::invalid(
                    "refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or default_user",
                ))
            };
        }
        if list == "*" || wanted == split(&default) {
            return Ok(wanted);
        }
        let mut blocked = Vec::new();
        if !self.allow_commas_in_identity_templates {
            blocked.push(',');
        }
        if !self.allow_wildcards_in_identity_templates {
            blocked.push('*');
        }
        let allowed = split(&if template { fill(list, &blocked)? } else { list.clone() });
        if allowed.is_empty() {
            return Err(Error::invalid("role is not configured to allow any principals"));
        }
        let fits = |principal: &String| {
            allowed.iter().any(|allowed| {
                let below = || principal.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.ends_with('.'));
                if host {
                    self.allow_bare_domains && principal == allowed || self.allow_subdomains && below()
                } else {
                    principal == allowed
                }
            })
        };
        match wanted.iter().find(|principal| !fits(principal)) {
            Some(bad) => Err(Error::invalid(format!("{bad} is not a valid value for valid_principals"))),
            None => Ok(wanted),
        }
    }

    fn critical_options(&self, fields: Fields<'_>) -> Result<BTreeMap<String, String>, Error> {
        let asked = fields.map("critical_options")?.unwrap_or_default();
        if asked.is_empty() {
            return Ok(self.default_critical_options.clone());
        }
        let allowed = split(&self.allowed_critical_options);
        let bad: Vec<&str> = asked.keys().filter(|name| !allowed.contains(name)).map(String::as_str).collect();
        if !self.allowed_critical_options.is_empty() && !bad.is_empty() {
            return Err(Error::invalid(format!("critical options not on allowed list: [{}]", bad.join(" "))));
        }
        Ok(asked)
    }

    fn extensions(
        &self,
        fields: Fields<'_>,
        entity: Option<&Entity>,
        warnings: &mut Vec<String>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let asked = fields.map("extensions")?.unwrap_or_default();
        if !asked.is_empty() {
            let allowed = split(&self.allowed_extensions);
            let bad: Vec<&str> = asked.keys().filter(|name| !allowed.contains(name)).map(String::as_str).collect();
            if self.allowed_extensions != "*" && !bad.is_empty() {
                return Err(Error::invalid(format!("extensions [{}] are not on allowed list", bad.join(" "))));
            }
            return Ok(asked);
        }
        if !self.default_extensions_template {
            return Ok(self.default_extensions.clone());
        }
        let mut found = BTreeMap::new();
        let mut skipped = false;
        for (name, value) in &self.default_extensions {
            match entity {
                _ if !value.contains("{{") => {
                    found.insert(name.clone(), value.clone());
                }
                Some(entity) => {
                    let failed = || Error::invalid(format!("template '{value}' could not be rendered"));
                    found.insert(name.clone(), entity.fill(value, &[]).ok_or_else(failed)?);
                }
                None => skipped = true,
            }
        }
        if skipped {
            warnings.push("default_extension templating enabled with at least one extension requiring identity templating. However, this request lacked identity entity information, causing one or more extensions to be skipped from the generated certificate.".to_owned());
        }
        Ok(found)
    }
}
