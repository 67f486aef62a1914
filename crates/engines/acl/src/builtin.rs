//! Policies that every namespace has.

/// The policy that may do everything. It has no text.
pub const ROOT: &str = "root";

/// The policy of every token that does not refuse it.
pub const DEFAULT: &str = "default";

/// The policy of tokens that wrap a response.
pub const RESPONSE_WRAPPING: &str = "response-wrapping";

/// Policies that nobody may write or delete; [`DEFAULT`] may only not be deleted.
pub const IMMUTABLE: [&str; 2] = [ROOT, RESPONSE_WRAPPING];

/// Policies that no token may be given.
pub const NON_ASSIGNABLE: [&str; 1] = [RESPONSE_WRAPPING];

/// What [`RESPONSE_WRAPPING`] allows.
pub const RESPONSE_WRAPPING_TEXT: &str = r#"
path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
"#;

/// What [`DEFAULT`] allows until it is written anew.
pub const DEFAULT_TEXT: &str = r#"
# A token sees, renews and revokes itself.
path "auth/token/lookup-self" {
    capabilities = ["read"]
}
path "auth/token/renew-self" {
    capabilities = ["update"]
}
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# It may ask what it can do.
path "sys/capabilities-self" {
    capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
    capabilities = ["read"]
}

# Its own entity.
path "identity/entity/id/{{identity.entity.id}}" {
    capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
    capabilities = ["read"]
}

# Leases, of which it must know the identifier.
path "sys/leases/renew" {
    capabilities = ["update"]
}
path "sys/leases/lookup" {
    capabilities = ["update"]
}

# Its own cubbyhole.
path "cubbyhole/*" {
    capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrapping of answers.
path "sys/wrapping/wrap" {
    capabilities = ["update"]
}
path "sys/wrapping/lookup" {
    capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

# Tools.
path "sys/tools/hash" {
    capabilities = ["update"]
}
path "sys/tools/hash/*" {
    capabilities = ["update"]
}

# Logins at other services by the OIDC provider.
path "identity/oidc/provider/+/authorize" {
    capabilities = ["read", "update"]
}
"#;
