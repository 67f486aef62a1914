use crate::creation::{Authority, Content, Order, path_length};
use crate::issue::{self, Format, certificate_request, check_request_key, generate, private_key, store_certificate};
use crate::role::{Role, check_key};
use crate::store::{ISSUERS_CONFIG, SigningIssuer, Store, Urls};
use certificates::{Certificate, CertificateRequest, Extension, PrivateKey, Template, extension, pem};
use logical::{Batch, Context, Error, Fields, Map, Request, Response};
use serde_json::{Value, json};

pub(crate) const NO_URLS: &str = "This mount hasn't configured any authority information access (AIA) fields; this may make it harder for systems to find missing certificates in the chain or to validate revocation status of certificates. Consider updating /config/urls or the newly generated issuer with this information.";
const NO_SUBJECT: &str = "This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with this certificate will cause TLS validation libraries to reject this certificate.";

/// What may be asked of an authority that is generated: anything.
fn authority_role(fields: Fields<'_>) -> Result<Role, Error> {
    let all = || vec!["*".to_owned()];
    let mut role = Role {
        allow_any_name: true,
        enforce_hostnames: false,
        allowed_uri_sans: all(),
        allowed_other_sans: all(),
        allowed_serial_numbers: all(),
        allowed_user_ids: all(),
        cn_validations: vec!["disabled".to_owned()],
        server_flag: false,
        client_flag: false,
        key_usage: vec!["CertSign".to_owned(), "CRLSign".to_owned()],
        ..Role::default()
    };
    role.read_subject(fields)?;
    if let Some(usages) = fields.list("key_usage")? {
        role.key_usage = usages;
    }
    role.ext_key_usage = fields.list("ext_key_usage")?.unwrap_or_default();
    role.ext_key_usage_oids = fields.list("ext_key_usage_oids")?.unwrap_or_default();
    role.key_type = fields.text("key_type")?.filter(|text| !text.is_empty()).unwrap_or(role.key_type);
    for (name, value) in [("key_bits", &mut role.key_bits), ("signature_bits", &mut role.signature_bits)] {
        if let Some(given) = fields.integer(name)? {
            *value = u32::try_from(given).unwrap_or(u32::MAX);
        }
    }
    role.use_pss = fields.boolean("use_pss")?.unwrap_or(false);
    if let Some(length) = fields.duration("not_before_duration")? {
        role.not_before_duration = length.as_secs();
    }
    (role.key_bits, role.signature_bits) = check_key(&role.key_type, role.key_bits, role.signature_bits)?;
    Ok(role)
}

/// Whether the key is given back, from `internal`, `exported` or `existing`; and the key.
async fn key(store: Store<'_>, fields: Fields<'_>, how: &str, role: &Role) -> Result<PrivateKey, Error> {
    match how {
        "internal" | "exported" => generate(&role.key_type, role.key_bits),
        "existing" => {
            let reference = fields.text("key_ref")?.unwrap_or_else(|| "default".to_owned());
            let id = store.resolve_key(&reference).await?;
            store.key(&id).await?.private()
        }
        _ => Err(Error::invalid(r#"the "exported" path parameter must be "internal", "existing", exported" or "kms""#)),
    }
}

/// A name that a new issuer or key may have; empty where none is given.
pub(crate) async fn new_name(store: Store<'_>, fields: Fields<'_>, field: &str) -> Result<String, Error> {
    let what = if field == "issuer_name" { "issuer" } else { "key" };
    let name = fields.text(field)?.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Ok(name);
    }
    if name == "default" {
        return Err(Error::invalid(format!("reserved keyword 'default' can not be used as {what} name")));
    }
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fine = name.bytes().all(|byte| word(byte) || matches!(byte, b'-' | b'.'));
    if !fine || name.len() > 256 || !name.bytes().next().is_some_and(word) || !name.bytes().last().is_some_and(word) {
        return Err(Error::invalid(format!("{what} name contained invalid characters")));
    }
    let taken = match what {
        "issuer" => store.resolve_issuer(&name).await.is_ok(),
        _ => store.resolve_key(&name).await.is_ok(),
    };
    if taken { Err(Error::invalid(format!("{what} name already in use"))) } else { Ok(name) }
}

/// `root/generate/:how`, `root/rotate/:how` and `issuers/generate/root/:how`.
pub(crate) async fn generate_root(
    context: Context<'_>,
    request: &Request,
    how: &str,
    rotate: bool,
) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let fields = request.fields();
    let format = Format::of(fields)?;
    let role = authority_role(fields)?;
    let mut issuer_name = new_name(store, fields, "issuer_name").await?;
    if rotate && issuer_name.is_empty() && store.resolve_issuer("next").await.is_err() {
        "next".clone_into(&mut issuer_name);
    }
    let key_name = new_name(store, fields, "key_name").await?;
    let key = key(store, fields, how, &role).await?;
    let order = Order {
        role: &role,
        fields,
        request: None,
        signer: None,
        not_after_behavior: "permit",
        display_name: "",
        lifetimes: context.system.lifetimes(),
        now: request.now,
    };
    let params = order.check()?;
    let urls = crate::config::urls(store, None, None).await?;
    let own_id = params.key_id.clone().unwrap_or_else(|| key.public().identifier());
    let length = fields.integer("max_path_length")?.and_then(|length| u32::try_from(length).ok());
    let content = Content {
        params: &params,
        role: &role,
        spki: key.public().spki(),
        key_ids: (own_id.clone(), own_id),
        urls: &urls,
        authority: Some(Authority {
            path_length: length,
            permitted_dns_domains: fields.list("permitted_dns_domains")?.unwrap_or_default(),
        }),
        verbatim: None,
    };
    let template = content.template()?;
    let algorithm = key.algorithm(role.signature_bits, role.use_pss);
    let der = template.sign(&template.subject, &key, algorithm).map_err(Error::internal)?;
    let certificate = Certificate::from_der(&der).map_err(Error::internal)?;

    let (stored_key, _) = store.import_key(&key, &key_name).await?;
    let (mut issuer, _) = store.import_issuer(&certificate, &issuer_name).await?;
    algorithm.name().clone_into(&mut issuer.revocation_signature_algorithm);
    let mut batch = Batch::new();
    batch.put_json(format!("issuer/{}", issuer.id), &issuer)?;
    let mut config = store.issuers_config().await?;
    if config.default_follows_latest_issuer {
        config.default.clone_from(&issuer.id);
        batch.put_json(ISSUERS_CONFIG, &config)?;
    }
    store.rows.commit(batch).await?;
    store_certificate(store, &certificate).await?;

    let mut data = Map::new();
    data.insert("expiration".to_owned(), json!(certificate.not_after().as_second()));
    data.insert("serial_number".to_owned(), json!(certificate.serial_text()));
    let pem = format.certificate(&certificate);
    data.insert("issuing_ca".to_owned(), json!(pem));
    let mut text = pem;
    if how == "exported" {
        let private = private_key(&key, format, fields)?;
        if format == Format::PemBundle {
            text = format!("{}\n{text}", *private);
        }
        data.insert("private_key".to_owned(), Value::String(private.to_string()));
        data.insert("private_key_type".to_owned(), json!(key.public().kind().name()));
    }
    data.insert("certificate".to_owned(), Value::String(text));
    data.insert("issuer_id".to_owned(), json!(issuer.id));
    data.insert("issuer_name".to_owned(), json!(issuer.name));
    data.insert("key_id".to_owned(), json!(stored_key.id));
    data.insert("key_name".to_owned(), json!(stored_key.name));
    let mut warnings = params.warnings;
    warn(&mut warnings, &certificate, &urls);
    warnings.extend(crate::crl::rebuild(store, request.now).await?);
    if length == Some(0) {
        warnings.push("Max path length of the generated certificate is zero. This certificate cannot be used to issue intermediate CA certificates.".to_owned());
    }
    Ok(Response { data: Some(data), warnings, ..Response::default() })
}

fn warn(warnings: &mut Vec<String>, certificate: &Certificate, urls: &Urls) {
    if certificate.subject().len() <= 2 {
        warnings.push(NO_SUBJECT.to_owned());
    }
    if urls.ocsp_servers.is_empty() && urls.issuing_certificates.is_empty() && urls.crl_distribution_points.is_empty() {
        warnings.push(NO_URLS.to_owned());
    }
}

/// `DELETE root`: all issuers and keys.
pub(crate) async fn delete_root(store: Store<'_>) -> Result<Response, Error> {
    let mut batch = Batch::new();
    for prefix in ["issuer/", "key/", "crl/"] {
        for id in store.rows.list(prefix, "", usize::MAX).await? {
            batch.delete(format!("{prefix}{id}"));
        }
    }
    batch.delete(ISSUERS_CONFIG).delete(crate::store::KEYS_CONFIG);
    store.rows.commit(batch).await?;
    Ok(Response::empty().warn("DELETE /root deletes all keys and issuers; prefer the new DELETE /key/:key_ref and DELETE /issuer/:issuer_ref for finer granularity, unless removal of all keys and issuers is desired."))
}

/// `root/sign-intermediate` and `issuer/:ref/sign-intermediate`.
pub(crate) async fn sign_intermediate(
    context: Context<'_>,
    request: &Request,
    reference: &str,
) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let fields = request.fields();
    let format =
        Format::of(fields).map_err(|_| Error::invalid(r#"The "format" path parameter must be "pem" or "der""#))?;
    let mut role = authority_role(fields)?;
    role.key_type = "any".to_owned();
    role.key_bits = 0;
    role.use_csr_sans = false;
    role.use_csr_common_name = fields.text("common_name")?.is_none_or(|name| name.is_empty());
    let signer = issue::signing_issuer(store, reference).await?;
    let csr = certificate_request(fields)?;
    check_request_key(&csr, &role)?;
    let verbatim = fields.boolean("use_csr_values")?.unwrap_or(false);
    role.use_csr_sans = verbatim;
    let order = Order {
        role: &role,
        fields,
        request: Some(&csr),
        signer: Some(&signer),
        not_after_behavior: "permit",
        display_name: "",
        lifetimes: context.system.lifetimes(),
        now: request.now,
    };
    let params = order.check()?;
    let public = csr.public_key().map_err(|error| Error::invalid(error.to_string()))?;
    let length = path_length(&signer.certificate, fields.integer("max_path_length")?)?;
    let content = Content {
        params: &params,
        role: &role,
        spki: public.spki(),
        key_ids: (params.key_id.clone().unwrap_or_else(|| public.identifier()), signer.certificate.key_id()),
        urls: &signer.urls,
        authority: Some(Authority {
            path_length: length,
            permitted_dns_domains: fields.list("permitted_dns_domains")?.unwrap_or_default(),
        }),
        verbatim: verbatim.then_some(&csr),
    };
    let algorithm = signer.key.algorithm(role.signature_bits, role.use_pss);
    let der =
        content.template()?.sign(signer.certificate.subject(), &signer.key, algorithm).map_err(Error::internal)?;
    let certificate = Certificate::from_der(&der).map_err(Error::internal)?;
    let mut warnings = Vec::new();
    if certificate.not_after() > signer.certificate.not_after() {
        warnings.push("The expiration time for the signed certificate is after the CA's expiration time. If the new certificate is not treated as a root, validation paths with the certificate past the issuing CA's expiration time will fail.".to_owned());
    }
    warn(&mut warnings, &certificate, &signer.urls);
    store_certificate(store, &certificate).await?;
    if length == Some(0) {
        warnings.push("Max path length of the signed certificate is zero. This certificate cannot be used to issue intermediate CA certificates.".to_owned());
    }
    warnings.extend(params.warnings);
    let own = format.certificate(&certificate);
    let mut chain = vec![own.clone()];
    chain.extend(issue::chain(store, fields, &signer).await?.iter().map(|certificate| format.certificate(certificate)));
    let text = if format == Format::PemBundle { chain.join("\n") } else { own };
    let data = json!({
        "expiration": certificate.not_after().as_second(),
        "serial_number": certificate.serial_text(),
        "certificate": text,
        "issuing_ca": format.certificate(&signer.certificate),
        "ca_chain": chain,
    });
    Ok(Response { warnings, ..Response::json(data) })
}

/// `root/sign-self-issued` and `issuer/:ref/sign-self-issued`.
pub(crate) async fn sign_self_issued(store: Store<'_>, request: &Request, reference: &str) -> Result<Response, Error> {
    let fields = request.fields();
    let text = fields.text("certificate")?.unwrap_or_default();
    let ders = pem::certificates(text.as_bytes());
    let ders = ders.map_err(|_| Error::invalid("certificate could not be PEM-decoded"))?;
    let [der] = ders.as_slice() else {
        return Err(Error::invalid(format!("{} certificates found in PEM file, expected 1", ders.len())));
    };
    let given =
        Certificate::from_der(der).map_err(|error| Error::invalid(format!("error parsing certificate: {error}")))?;
    if given.authority().is_none() {
        return Err(Error::invalid("given certificate is not a CA certificate"));
    }
    if given.issuer() != given.subject() {
        return Err(Error::invalid("given certificate is not self-issued"));
    }
    let signer = issue::signing_issuer(store, reference).await?;
    let kinds = (given.public_key().map(|key| key.kind()), signer.key.public().kind());
    if fields.boolean("require_matching_certificate_algorithms")?.unwrap_or(false) && kinds.0 != Ok(kinds.1) {
        return Err(Error::Status(500, "signing certificate's public key algorithm does not match submitted certificate's, and require_matching_certificate_algorithms is true".to_owned()));
    }
    let certificate = resign(&given, &signer)?;
    Ok(Response::json(json!({
        "certificate": certificate.pem().trim_end(),
        "issuing_ca": signer.certificate.pem().trim_end(),
    })))
}

/// The same certificate in the name of another issuer.
fn resign(given: &Certificate, signer: &SigningIssuer) -> Result<Certificate, Error> {
    let replaced = [
        extension::AUTHORITY_KEY_ID,
        extension::AUTHORITY_INFORMATION,
        extension::DISTRIBUTION_POINTS,
        extension::FRESHEST,
    ];
    let kept = given.extensions().iter().filter(|found| !replaced.contains(&found.id.as_str()));
    let mut extensions: Vec<Extension> = kept.cloned().collect();
    extensions.push(extension::authority_key_id(&signer.certificate.key_id()));
    let urls = &signer.urls;
    if !urls.ocsp_servers.is_empty() || !urls.issuing_certificates.is_empty() {
        extensions.push(extension::authority_information(&urls.ocsp_servers, &urls.issuing_certificates));
    }
    if !urls.crl_distribution_points.is_empty() {
        extensions.push(extension::distribution_points(extension::DISTRIBUTION_POINTS, &urls.crl_distribution_points));
    }
    let template = Template {
        serial: given.serial().to_vec(),
        subject: given.subject().to_vec(),
        spki: given.spki().to_vec(),
        not_before: given.not_before(),
        not_after: given.not_after(),
        extensions,
    };
    let algorithm = signer.key.algorithm(0, false);
    let der = template.sign(signer.certificate.subject(), &signer.key, algorithm).map_err(Error::internal)?;
    Certificate::from_der(&der).map_err(Error::internal)
}

/// `intermediate/generate/:how`, `issuers/generate/intermediate/:how` and `intermediate/cross-sign`: a request.
pub(crate) async fn generate_intermediate(
    context: Context<'_>,
    request: &Request,
    how: &str,
) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let fields = request.fields();
    let format = Format::of(fields)?;
    let mut role = authority_role(fields)?;
    role.require_cn = fields.text("common_name")?.is_some();
    let key_name = new_name(store, fields, "key_name").await?;
    let key = key(store, fields, how, &role).await?;
    let order = Order {
        role: &role,
        fields,
        request: None,
        signer: None,
        not_after_behavior: "permit",
        display_name: "",
        lifetimes: context.system.lifetimes(),
        now: request.now,
    };
    let params = order.check()?;
    let mut extensions = Vec::new();
    if fields.boolean("add_basic_constraints")?.unwrap_or(false) {
        extensions.push(extension::basic_constraints(true, None));
    }
    if fields.has("key_usage") {
        extensions.push(extension::key_usage(crate::creation::usage_bits(&role.key_usage)));
    }
    if !params.names.is_empty() {
        let names = extension::alternative_names(&params.names, false);
        extensions.push(names.map_err(|error| Error::invalid(error.to_string()))?);
    }
    let algorithm = key.algorithm(role.signature_bits, role.use_pss);
    let der =
        CertificateRequest::make(&params.subject.to_der(), &extensions, &key, algorithm).map_err(Error::internal)?;
    let (stored, _) = store.import_key(&key, &key_name).await?;
    let mut data = Map::new();
    let csr = format.block("CERTIFICATE REQUEST", &der);
    let mut text = csr;
    if how == "exported" {
        let private = private_key(&key, format, fields)?;
        if format == Format::PemBundle {
            text = format!("{}\n{text}", *private);
        }
        data.insert("private_key".to_owned(), Value::String(private.to_string()));
        data.insert("private_key_type".to_owned(), json!(key.public().kind().name()));
    }
    data.insert("csr".to_owned(), Value::String(text));
    data.insert("key_id".to_owned(), json!(stored.id));
    Ok(Response { data: Some(data), warnings: params.warnings, ..Response::default() })
}
