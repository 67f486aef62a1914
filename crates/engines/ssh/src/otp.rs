use crate::role::{OtpRole, Role, role};
use aws_lc_rs::digest::{SHA256, digest};
use logical::{Batch, Context, Error, Lease, Map, Network, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

const ZERO_ADDRESS: &str = "config/zeroaddress";

/// A password that was given out, under the hash of it.
#[derive(Serialize, Deserialize)]
struct OtpRow {
    username: String,
    ip: String,
    role_name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ZeroAddress {
    roles: Vec<String>,
}

async fn zero_address(context: Context<'_>) -> Result<ZeroAddress, Error> {
    Ok(context.storage.get_json(ZERO_ADDRESS).await?.unwrap_or_default())
}

/// A password has 122 bits of randomness, so its plain hash says nothing of it.
fn row_of(otp: &str) -> String {
    let hash = digest(&SHA256, otp.as_bytes());
    let hex: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("otp/{}", hex.concat())
}

impl OtpRole {
    fn has(&self, address: IpAddr) -> Result<(), &'static str> {
        let within = |list: &str| {
            let networks = list.split(',').filter_map(|cidr| cidr.trim().parse::<Network>().ok());
            networks.into_iter().any(|network| network.contains(address))
        };
        if !within(&self.cidr_list) {
            return Err("IP does not belong to role");
        }
        if within(&self.exclude_cidr_list) { Err("IP does not belong to role") } else { Ok(()) }
    }

    fn allows_user(&self, username: &str) -> Result<(), Error> {
        let listed = self.allowed_users.split(',').any(|user| user.trim() == username) || self.allowed_users == "*";
        match (username == self.default_user || listed, self.allowed_users.is_empty()) {
            (true, _) => Ok(()),
            (false, false) => Err(Error::invalid("Username is not present is allowed users list")),
            (false, true) => {
                Err(Error::invalid("Username has to be either in allowed users list or has to be a default username"))
            }
        }
    }
}

/// `creds/:role`.
pub(crate) async fn create(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let fields = request.fields();
    let ip = fields.text("ip")?.filter(|ip| !ip.is_empty()).ok_or_else(|| Error::invalid("Missing ip"))?;
    let found = role(context, name).await?.ok_or_else(|| Error::invalid(format!("Role {name:?} not found")))?;
    let Role::Otp(found) = found else { return Err(Error::Status(500, "key type unknown".to_owned())) };
    let username =
        fields.text("username")?.filter(|name| !name.is_empty()).unwrap_or_else(|| found.default_user.clone());
    found.allows_user(&username)?;
    let address: IpAddr = ip.parse().map_err(|_| Error::invalid(format!("Invalid IP {ip:?}")))?;
    if !zero_address(context).await?.roles.iter().any(|any| any == name) {
        found.has(address).map_err(|why| Error::invalid(format!("Error validating IP: {why}")))?;
    }
    let otp = Zeroizing::new(uuid::Uuid::new_v4().to_string());
    let row = OtpRow { username: username.clone(), ip: address.to_string(), role_name: name.to_owned() };
    context.storage.put_json(&row_of(&otp), &row).await?;
    let mut internal = Map::new();
    internal.insert("otp".to_owned(), Value::String(otp.to_string()));
    let data = json!({
        "key_type": "otp",
        "key": otp.as_str(),
        "username": username,
        "ip": row.ip,
        "port": found.port,
    });
    let lease = Lease {
        kind: "secret_otp_type".to_owned(),
        internal,
        ttl: Duration::ZERO,
        max_ttl: Duration::ZERO,
        renewable: false,
    };
    Ok(Response { lease: Some(lease), ..Response::json(data) })
}

/// Forgets a password whose lease ended.
pub(crate) async fn revoke(context: Context<'_>, lease: &Lease) -> Result<(), Error> {
    let otp = lease.internal.get("otp").and_then(Value::as_str);
    let otp = otp.ok_or_else(|| Error::internal("secret is missing internal data"))?;
    context.storage.delete(&row_of(otp)).await.map(|_| ())
}

/// `verify`, which needs no token: a password is good once.
pub(crate) async fn verify(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let otp = Zeroizing::new(request.fields().text("otp")?.unwrap_or_default());
    if *otp == "verify-echo-request" {
        return Ok(Response::json(json!({ "message": "verify-echo-response" })));
    }
    let missing = || Error::invalid("OTP not found");
    let key = row_of(&otp);
    let (row, version) = context.storage.get_json_at::<OtpRow>(&key).await?.ok_or_else(missing)?;
    let mut batch = Batch::new();
    batch.require(key.as_str(), Some(version)).delete(key.as_str());
    match context.storage.commit(batch).await {
        Ok(_) => Ok(Response::json(json!(row))),
        // Another host was faster.
        Err(Error::Conflict) => Err(missing()),
        Err(other) => Err(other),
    }
}

/// `lookup`: the roles that an address belongs to.
pub(crate) async fn lookup(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let ip = request.fields().text("ip")?.filter(|ip| !ip.is_empty()).ok_or_else(|| Error::invalid("Missing ip"))?;
    let address: IpAddr = ip.parse().map_err(|_| Error::invalid(format!("Invalid IP {ip:?}")))?;
    let mut found = Vec::new();
    for name in context.storage.list("role/", "", usize::MAX).await? {
        if let Some(Role::Otp(role)) = role(context, &name).await?
            && role.has(address).is_ok()
        {
            found.push(name);
        }
    }
    found.extend(zero_address(context).await?.roles);
    Ok(Response::json(json!({ "roles": if found.is_empty() { Value::Null } else { json!(found) } })))
}

/// `config/zeroaddress`: the roles that any address belongs to.
pub(crate) async fn any_address(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => {
            let row: Option<ZeroAddress> = context.storage.get_json(ZERO_ADDRESS).await?;
            row.map(|row| Response::json(json!(row))).ok_or(Error::NotFound)
        }
        Operation::Delete => {
            context.storage.delete(ZERO_ADDRESS).await?;
            Ok(Response::empty())
        }
        Operation::Create | Operation::Update => {
            let roles = request.fields().list("roles")?.unwrap_or_default();
            if roles.is_empty() {
                return Err(Error::invalid("Missing roles"));
            }
            for name in &roles {
                if role(context, name).await?.is_none() {
                    return Err(Error::invalid(format!("Role {name:?} does not exist")));
                }
            }
            context.storage.put_json(ZERO_ADDRESS, &ZeroAddress { roles }).await?;
            Ok(Response::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// Takes a role that is deleted off that list.
pub(crate) async fn forget(context: Context<'_>, name: &str) -> Result<(), Error> {
    let mut row = zero_address(context).await?;
    if row.roles.iter().any(|role| role == name) {
        row.roles.retain(|role| role != name);
        context.storage.put_json(ZERO_ADDRESS, &row).await?;
    }
    Ok(())
}
