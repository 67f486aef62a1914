use crate::creation::{Content, Order, Params};
use crate::role::{Role, check_key, role};
use crate::store::{SigningIssuer, Store, Usage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certificates::{Certificate, CertificateRequest, KeyType, PrivateKey, pem};
use logical::{Context, Error, Fields, Lease, Map, Request, Response, StorageExt};
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

/// How things are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Pem,
    Der,
    PemBundle,
}

impl Format {
    pub(crate) fn of(fields: Fields<'_>) -> Result<Self, Error> {
        match fields.text("format")?.as_deref().unwrap_or("pem") {
            "pem" => Ok(Self::Pem),
            "der" => Ok(Self::Der),
            "pem_bundle" => Ok(Self::PemBundle),
            _ => Err(Error::invalid(r#"the "format" path parameter must be "pem", "der", or "pem_bundle""#)),
        }
    }

    pub(crate) fn certificate(self, certificate: &Certificate) -> String {
        self.block("CERTIFICATE", certificate.der())
    }

    pub(crate) fn block(self, label: &str, der: &[u8]) -> String {
        if self == Self::Der { STANDARD.encode(der) } else { pem::encode(label, der).trim_end().to_owned() }
    }
}

/// A private key as it is given back: `private_key_format` is `der`, the older form, or `pkcs8`.
pub(crate) fn private_key(key: &PrivateKey, format: Format, fields: Fields<'_>) -> Result<Zeroizing<String>, Error> {
    let (label, der) = match fields.text("private_key_format")?.as_deref() {
        Some("pkcs8") => ("PRIVATE KEY", key.to_pkcs8().map_err(Error::internal)?),
        _ => key.to_traditional().map_err(Error::internal)?,
    };
    Ok(Zeroizing::new(format.block(label, &der)))
}

/// Reads `csr`.
pub(crate) fn certificate_request(fields: Fields<'_>) -> Result<CertificateRequest, Error> {
    let text = fields.text("csr")?.filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid("\"csr\" is empty"))?;
    let blocks = pem::parse(text.as_bytes()).map_err(|_| Error::invalid("csr contains no data"))?;
    let block = blocks.first().ok_or_else(|| Error::invalid("csr contains no data"))?;
    parse_request(&block.content)
}

pub(crate) fn parse_request(der: &[u8]) -> Result<CertificateRequest, Error> {
    let unreadable = |error: String| Error::invalid(format!("certificate request could not be parsed: {error}"));
    let request = CertificateRequest::from_der(der).map_err(|error| unreadable(error.to_string()))?;
    request.public_key().map_err(|error| unreadable(error.to_string()))?;
    request.verify().map_err(|_| Error::invalid("request signature invalid"))?;
    Ok(request)
}

/// Checks the request's key against the role.
pub(crate) fn check_request_key(request: &CertificateRequest, role: &Role) -> Result<(), Error> {
    let key = request.public_key().map_err(|error| Error::invalid(error.to_string()))?;
    let kind = key.kind().name();
    if role.key_type != "any" && role.key_type != kind {
        return Err(Error::invalid(format!("role requires keys of type {}", role.key_type)));
    }
    let bits = key.bits();
    if key.kind() != KeyType::Ed25519 && bits < role.key_bits {
        let needed = role.key_bits;
        return Err(Error::invalid(format!(
            "role requires a minimum of a {needed}-bit key, but CSR's key is {bits} bits"
        )));
    }
    if key.kind() == KeyType::Rsa && bits < 2048 {
        return Err(Error::invalid(format!("a minimum of a 2048-bit key is required, but CSR's key is {bits} bits")));
    }
    Ok(())
}

/// What a request for a certificate is about.
pub(crate) enum What {
    Issue,
    Sign,
    Verbatim,
}

/// `issue/:role`, `sign/:role`, `sign-verbatim[/:role]`, and the same below `issuer/:ref`.
pub(crate) async fn handle(
    context: Context<'_>,
    request: &Request,
    what: What,
    name: Option<&str>,
    issuer: Option<&str>,
) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let fields = request.fields();
    let mut wanted = match name {
        Some(name) => {
            let found = role(store, name).await?;
            found.ok_or_else(|| Error::invalid(format!("unknown role: {name}")))?
        }
        None => Role::default(),
    };
    let mut warnings = Vec::new();
    match what {
        What::Verbatim => wanted = verbatim_role(fields, name.is_some().then_some(wanted))?,
        What::Issue => {
            let (kind, bits) = (fields.text("key_type")?, fields.integer("key_bits")?);
            if wanted.key_type == "any" {
                wanted.key_type = kind.ok_or_else(|| Error::invalid("role key type \"any\" not allowed for issuing certificates without providing key_type and/or key_bits request parameters"))?;
                wanted.key_bits = bits.and_then(|bits| u32::try_from(bits).ok()).unwrap_or(0);
                (wanted.key_bits, wanted.signature_bits) =
                    check_key(&wanted.key_type, wanted.key_bits, wanted.signature_bits)?;
            } else if kind.is_some() || bits.is_some() {
                warnings.push("parameters key_type and key_bits ignored as role had specific values".to_owned());
            }
        }
        What::Sign => {}
    }
    let reference = issuer.unwrap_or(&wanted.issuer_ref);
    let signer = signing_issuer(store, reference).await?;
    let format = Format::of(fields)?;
    wanted.fill_templates(context, request.caller.as_ref().map_or("", |caller| &caller.entity_id)).await?;
    let (csr, key) = match what {
        What::Issue => (None, Some(generate(&wanted.key_type, wanted.key_bits)?)),
        What::Sign | What::Verbatim => {
            let csr = certificate_request(fields)?;
            check_request_key(&csr, &wanted)?;
            (Some(csr), None)
        }
    };
    let verbatim = matches!(what, What::Verbatim);
    let (certificate, params) = make(context, request, &wanted, &signer, csr.as_ref(), key.as_ref(), verbatim)?;
    warnings.extend(params.warnings);
    if let Some(csr) = &csr {
        let constrained = csr.extensions().iter().any(|found| found.id == certificates::extension::BASIC_CONSTRAINTS);
        if constrained && !wanted.basic_constraints_valid_for_non_ca {
            warnings.push(
                "specified CSR contained a Basic Constraints extension that was ignored during issuance".to_owned(),
            );
        }
    }
    let mut response = respond(store, fields, format, &certificate, &signer, key.as_ref()).await?;
    if !wanted.no_store {
        store_certificate(store, &certificate).await?;
        if wanted.generate_lease {
            let seconds = certificate.not_after().as_second() - request.now.as_second();
            let ttl = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            let mut internal = Map::new();
            internal.insert("serial_number".to_owned(), json!(certificate.serial_text()));
            response.lease =
                Some(Lease { kind: "pki".to_owned(), internal, ttl, max_ttl: Duration::ZERO, renewable: false });
        }
    }
    response.warnings = warnings;
    Ok(response)
}

/// Makes a leaf.
pub(crate) fn make(
    context: Context<'_>,
    request: &Request,
    role: &Role,
    signer: &SigningIssuer,
    csr: Option<&CertificateRequest>,
    key: Option<&PrivateKey>,
    verbatim: bool,
) -> Result<(Certificate, Params), Error> {
    let order = Order {
        role,
        fields: request.fields(),
        request: csr,
        signer: Some(signer),
        not_after_behavior: &signer.issuer.leaf_not_after_behavior,
        display_name: request.caller.as_ref().map_or("", |caller| &caller.display_name),
        lifetimes: context.system.lifetimes(),
        now: request.now,
    };
    let params = order.check()?;
    let public = match (csr, key) {
        (Some(csr), _) => csr.public_key().map_err(|error| Error::invalid(error.to_string()))?,
        (None, Some(key)) => key.public().clone(),
        (None, None) => return Err(Error::internal("a certificate needs a key")),
    };
    let own_id = params.key_id.clone().unwrap_or_else(|| public.identifier());
    let content = Content {
        params: &params,
        role,
        spki: public.spki(),
        key_ids: (own_id, signer.certificate.key_id()),
        urls: &signer.urls,
        authority: None,
        verbatim: csr.filter(|_| verbatim),
    };
    let algorithm = signer.key.algorithm(role.signature_bits, role.use_pss);
    let der =
        content.template()?.sign(signer.certificate.subject(), &signer.key, algorithm).map_err(Error::internal)?;
    Ok((Certificate::from_der(&der).map_err(Error::internal)?, params))
}

/// The issuer that a certificate is to be of.
pub(crate) async fn signing_issuer(store: Store<'_>, reference: &str) -> Result<SigningIssuer, Error> {
    store.signing(reference, Usage::Issuing).await.map_err(|error| match error {
        Error::Invalid(text) => Error::invalid(format!("could not fetch the CA certificate (was one set?): {text}")),
        Error::Status(status, text) => Error::Status(status, format!("error fetching CA certificate: {text}")),
        other => other,
    })
}

pub(crate) fn generate(kind: &str, bits: u32) -> Result<PrivateKey, Error> {
    let kind = match kind {
        "rsa" => KeyType::Rsa,
        "ec" => KeyType::Ec,
        "ed25519" => KeyType::Ed25519,
        other => return Err(Error::invalid(format!("unknown key type {other}"))),
    };
    PrivateKey::generate(kind, bits).map_err(Error::internal)
}

pub(crate) async fn store_certificate(store: Store<'_>, certificate: &Certificate) -> Result<(), Error> {
    let row = format!("cert/{}", crate::serial::row(certificate.serial()));
    store.rows.put(&row, Zeroizing::new(certificate.der().to_vec())).await.map(|_| ())
}

/// The issuer's chain as `ca_chain` has it.
pub(crate) async fn chain(
    store: Store<'_>,
    fields: Fields<'_>,
    signer: &SigningIssuer,
) -> Result<Vec<Certificate>, Error> {
    let mut chain = store.chain(&signer.issuer).await?;
    if fields.boolean("remove_roots_from_chain")?.unwrap_or(false) {
        chain.retain(|certificate| certificate.issuer() != certificate.subject());
    }
    Ok(chain)
}

async fn respond(
    store: Store<'_>,
    fields: Fields<'_>,
    format: Format,
    certificate: &Certificate,
    signer: &SigningIssuer,
    key: Option<&PrivateKey>,
) -> Result<Response, Error> {
    let chain: Vec<String> =
        chain(store, fields, signer).await?.iter().map(|certificate| format.certificate(certificate)).collect();
    let mut data = Map::new();
    data.insert("not_before".to_owned(), json!(certificate.not_before().as_second()));
    data.insert("expiration".to_owned(), json!(certificate.not_after().as_second()));
    data.insert("serial_number".to_owned(), json!(certificate.serial_text()));
    data.insert("issuing_ca".to_owned(), json!(format.certificate(&signer.certificate)));
    let private = key.map(|key| private_key(key, format, fields)).transpose()?;
    let text = if format == Format::PemBundle {
        let own = format.certificate(certificate);
        let parts =
            private.iter().map(|key| key.as_str()).chain([own.as_str()]).chain(chain.iter().map(String::as_str));
        parts.collect::<Vec<_>>().join("\n")
    } else {
        format.certificate(certificate)
    };
    data.insert("certificate".to_owned(), Value::String(text));
    if !chain.is_empty() {
        data.insert("ca_chain".to_owned(), json!(chain));
    }
    if let (Some(key), Some(private)) = (key, private) {
        data.insert("private_key".to_owned(), Value::String(private.to_string()));
        data.insert("private_key_type".to_owned(), json!(key.public().kind().name()));
    }
    Ok(Response { data: Some(data), ..Response::default() })
}

/// A role that allows everything, with what fields and a role say of its form.
fn verbatim_role(fields: Fields<'_>, role: Option<Role>) -> Result<Role, Error> {
    let named = role.is_some();
    let base = role.unwrap_or_default();
    let all = || vec!["*".to_owned()];
    let lists = |name: &str, otherwise: Vec<String>| Ok::<_, Error>(fields.list(name)?.unwrap_or(otherwise));
    let bits = fields.integer("signature_bits")?.and_then(|bits| u32::try_from(bits).ok());
    Ok(Role {
        allow_localhost: true,
        allow_any_name: true,
        allow_ip_sans: true,
        allow_wildcard_certificates: true,
        enforce_hostnames: false,
        key_type: "any".to_owned(),
        use_csr_common_name: true,
        use_csr_sans: true,
        allowed_other_sans: all(),
        allowed_serial_numbers: all(),
        allowed_uri_sans: all(),
        allowed_user_ids: all(),
        cn_validations: vec!["disabled".to_owned()],
        require_cn: false,
        server_flag: false,
        client_flag: false,
        key_usage: lists("key_usage", base.key_usage)?,
        ext_key_usage: lists("ext_key_usage", Vec::new())?,
        ext_key_usage_oids: lists("ext_key_usage_oids", Vec::new())?,
        signature_bits: bits.unwrap_or(base.signature_bits),
        use_pss: fields.boolean("use_pss")?.unwrap_or(base.use_pss),
        basic_constraints_valid_for_non_ca: fields.boolean("basic_constraints_valid_for_non_ca")?.unwrap_or(false),
        ttl: if named { base.ttl } else { 0 },
        max_ttl: if named { base.max_ttl } else { 0 },
        generate_lease: named && base.generate_lease,
        no_store: named && base.no_store,
        issuer_ref: base.issuer_ref,
        not_before_duration: base.not_before_duration,
        ..Role::default()
    })
}
