use crate::private_key;
use crate::wire::PublicKey;
use certificates::{KeyType, PrivateKey};
use logical::{Batch, Context, Error, Fields, Map, Operation, Raw, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

const CONFIG: &str = "config/issuers";
const MAX_ISSUERS: usize = 1000;

/// A key that signs certificates.
#[derive(Serialize, Deserialize)]
pub(crate) struct Issuer {
    pub(crate) id: String,
    name: String,
    public_key: String,
    private_key: Zeroizing<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Config {
    default: String,
}

impl Issuer {
    pub(crate) fn key(&self) -> Result<PrivateKey, Error> {
        PrivateKey::from_pem(&self.private_key).map_err(Error::internal)
    }

    fn response(&self) -> Response {
        Response::json(json!({ "issuer_id": self.id, "issuer_name": self.name, "public_key": self.public_key }))
    }
}

async fn config(context: Context<'_>) -> Result<Config, Error> {
    Ok(context.storage.get_json(CONFIG).await?.unwrap_or_default())
}

async fn issuer(context: Context<'_>, id: &str) -> Result<Issuer, Error> {
    let row = context.storage.get_json(&format!("issuer/{id}")).await?;
    row.ok_or_else(|| Error::invalid(format!("unable to find issuer for reference: {id}")))
}

/// An issuer by its identifier, its name or `default`.
pub(crate) async fn find(context: Context<'_>, reference: &str) -> Result<Issuer, Error> {
    if reference == "default" {
        let default = config(context).await?.default;
        if default.is_empty() {
            return Err(Error::invalid("no default issuer currently configured"));
        }
        return issuer(context, &default).await;
    }
    for id in context.storage.list("issuer/", "", MAX_ISSUERS).await? {
        let found = issuer(context, &id).await?;
        if !reference.is_empty() && (found.id == reference || found.name == reference) {
            return Ok(found);
        }
    }
    Err(Error::invalid(format!("unable to find issuer for reference: {reference}")))
}

/// A new key of a kind as SSH or the API names it.
pub(crate) fn generate(kind: &str, bits: i64) -> Result<PrivateKey, Error> {
    let (kind, bits) = match (kind, bits) {
        ("" | "rsa" | "ssh-rsa", 0) => (KeyType::Rsa, 4096),
        ("" | "rsa" | "ssh-rsa", bits) if bits < 2048 => {
            return Err(Error::invalid(format!("refusing to generate weak rsa key: {bits} bits < 2048 bits")));
        }
        ("" | "rsa" | "ssh-rsa", bits) => (KeyType::Rsa, bits),
        ("ecdsa-sha2-nistp256", _) | ("ec", 0) => (KeyType::Ec, 256),
        ("ecdsa-sha2-nistp384", _) => (KeyType::Ec, 384),
        ("ecdsa-sha2-nistp521", _) => (KeyType::Ec, 521),
        ("ec", bits) => (KeyType::Ec, bits),
        ("ed25519" | "ssh-ed25519", _) => (KeyType::Ed25519, 0),
        (kind, _) => return Err(Error::invalid(format!("unknown ssh key pair algorithm: {kind}"))),
    };
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
    PrivateKey::generate(kind, bits)
        .map_err(|_| Error::invalid(format!("unknown {} key pair algorithm and bits: {bits}", kind.name())))
}

/// The key that fields bring, or a new one.
fn submitted(fields: Fields<'_>) -> Result<PrivateKey, Error> {
    let public = fields.text("public_key")?.unwrap_or_default();
    let private = Zeroizing::new(fields.text("private_key")?.unwrap_or_default());
    let new = fields.boolean("generate_signing_key")?.unwrap_or(public.is_empty() && private.is_empty());
    match (new, public.is_empty(), private.is_empty()) {
        (true, true, true) => {
            generate(&fields.text("key_type")?.unwrap_or_default(), fields.integer("key_bits")?.unwrap_or(0))
        }
        (true, _, _) => {
            Err(Error::invalid("public_key and private_key must not be set when generate_signing_key is set to true"))
        }
        (false, true, _) => Err(Error::invalid("missing public_key")),
        (false, _, true) => Err(Error::invalid("missing private_key")),
        (false, false, false) => {
            let failed = |why: &str| Error::invalid(format!("Unable to parse {why}"));
            let key = private_key::parse(&private).ok_or_else(|| failed("private_key as an SSH private key"))?;
            let given = PublicKey::parse(&public).map_err(|_| failed("public_key as an SSH public key"))?;
            if PublicKey::of(key.public()).ok().as_ref() != Some(&given) {
                return Err(Error::invalid("public_key does not belong to private_key"));
            }
            Ok(key)
        }
    }
}

async fn new_name(context: Context<'_>, name: &str) -> Result<(), Error> {
    let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if name == "default" {
        return Err(Error::invalid("reserved keyword 'default' can not be used as issuer name"));
    }
    if !fine || name.len() > 256 {
        return Err(Error::invalid("issuer name contained invalid characters"));
    }
    match find(context, name).await {
        Ok(_) => Err(Error::invalid("issuer name already in use")),
        Err(Error::Invalid(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Keeps a key: `config/ca`, which makes it the default, and `issuers/import[/:name]`.
pub(crate) async fn import(
    context: Context<'_>,
    fields: Fields<'_>,
    name: &str,
    default: bool,
) -> Result<Response, Error> {
    if !name.is_empty() {
        new_name(context, name).await?;
    }
    let key = submitted(fields)?;
    let row = Issuer {
        id: uuid::Uuid::new_v4().to_string(),
        name: name.to_owned(),
        public_key: PublicKey::of(key.public()).map_err(Error::internal)?.line(),
        private_key: key.to_pem().map_err(Error::internal)?,
    };
    let mut batch = Batch::new();
    batch.put_json(format!("issuer/{}", row.id), &row)?;
    if default || config(context).await?.default.is_empty() {
        batch.put_json(CONFIG, &Config { default: row.id.clone() })?;
    }
    context.storage.commit(batch).await?;
    Ok(row.response())
}

/// `config/ca`.
pub(crate) async fn handle_ca(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => Ok(find(context, "default").await?.response()),
        Operation::Create | Operation::Update => import(context, request.fields(), "", true).await,
        Operation::Delete => {
            let ids = context.storage.list("issuer/", "", MAX_ISSUERS).await?;
            let mut batch = Batch::new();
            for id in &ids {
                batch.delete(format!("issuer/{id}"));
            }
            batch.delete(CONFIG);
            context.storage.commit(batch).await?;
            Ok(if ids.len() > 1 {
                Response::empty()
                    .warn(format!("Deleted {} issuers, including default issuer if configured.", ids.len()))
            } else {
                Response::empty()
            })
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// `config/issuers`.
pub(crate) async fn handle_config(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let mut row = config(context).await?;
    if request.operation.is_write() {
        let reference = request.fields().text("default")?.unwrap_or_default();
        if reference.is_empty() || reference == "default" {
            return Err(Error::invalid("invalid issuer specification; must be non-empty and can't be 'default'"));
        }
        row.default = find(context, &reference).await?.id;
        context.storage.put_json(CONFIG, &row).await?;
    } else if request.operation != Operation::Read {
        return Err(Error::UnsupportedOperation);
    }
    Ok(Response::json(json!(row)))
}

/// `LIST issuers`.
pub(crate) async fn list(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let default = config(context).await?.default;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for id in context.storage.list("issuer/", after, limit).await? {
        let row = issuer(context, &id).await?;
        let entry = json!({ "issuer_name": row.name, "is_default": id == default, "public_key": row.public_key });
        info.insert(id.clone(), entry);
        keys.push(Value::String(id));
    }
    if keys.is_empty() {
        return Ok(Response::keys(Vec::new()));
    }
    Ok(Response::json(json!({ "keys": keys, "key_info": info })))
}

/// `issuer/:ref`.
pub(crate) async fn handle(context: Context<'_>, request: &Request, reference: &str) -> Result<Response, Error> {
    let mut row = find(context, reference).await?;
    match request.operation {
        Operation::Read => Ok(row.response()),
        Operation::Create | Operation::Update => {
            let name = request.fields().text("issuer_name")?.unwrap_or_default();
            if name != row.name {
                if !name.is_empty() {
                    new_name(context, &name).await?;
                }
                row.name = name;
                context.storage.put_json(&format!("issuer/{}", row.id), &row).await?;
            }
            Ok(row.response())
        }
        Operation::Delete => {
            let mut batch = Batch::new();
            batch.delete(format!("issuer/{}", row.id));
            let was_default = config(context).await?.default == row.id;
            if was_default {
                batch.delete(CONFIG);
            }
            context.storage.commit(batch).await?;
            let text = format!(
                "Deleted issuer {} (via issuer_ref {reference}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.",
                row.id
            );
            Ok(if was_default { Response::empty().warn(text) } else { Response::empty() })
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// `public_key` and `issuer/:ref/public_key`, which need no token.
pub(crate) async fn public_key(context: Context<'_>, reference: &str) -> Result<Response, Error> {
    let row = find(context, reference).await?;
    let raw = Raw { status: 200, content_type: "text/plain".to_owned(), body: row.public_key.into_bytes() };
    Ok(Response { raw: Some(raw), ..Response::default() })
}
