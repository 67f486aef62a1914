use crate::{issuers, otp, role, sign};
use logical::{Backend, Context, Error, Lease, Operation, Pending, Request, Response, SpecialPaths};

/// The SSH secrets engine.
#[derive(Debug, Default)]
pub struct Ssh {}

impl Ssh {
    /// An engine. All that it knows is in its rows.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Backend for Ssh {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(route(context, request))
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["verify", "public_key", "issuer/+/public_key"], root: Vec::new() }
    }

    fn revoke<'a>(&'a self, context: Context<'a>, lease: &'a Lease) -> Pending<'a, ()> {
        Box::pin(otp::revoke(context, lease))
    }
}

async fn route(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let parts: Vec<&str> = request.path.trim_end_matches('/').split('/').collect();
    let read = request.operation == Operation::Read;
    let write = request.operation.is_write();
    match parts.as_slice() {
        ["roles"] => role::handle(context, request, None).await,
        ["roles", name] => role::handle(context, request, Some(name)).await,
        ["creds", name] if write => otp::create(context, request, name).await,
        ["verify"] if write => otp::verify(context, request).await,
        ["lookup"] if write => otp::lookup(context, request).await,
        ["sign", name] if write => sign::sign(context, request, name).await,
        ["issue", name] if write => sign::issue(context, request, name).await,
        ["config", "zeroaddress"] => otp::any_address(context, request).await,
        ["config", "ca"] => issuers::handle_ca(context, request).await,
        ["config", "issuers"] => issuers::handle_config(context, request).await,
        ["public_key"] if read => issuers::public_key(context, "default").await,
        ["issuers"] if request.operation == Operation::List => issuers::list(context, request).await,
        ["issuers", "import", name @ ..] if write && name.len() < 2 => {
            let fields = request.fields();
            let default = fields.boolean("set_default")?.unwrap_or(false);
            issuers::import(context, fields, name.first().copied().unwrap_or_default(), default).await
        }
        ["issuer", reference] => issuers::handle(context, request, reference).await,
        ["issuer", reference, "public_key"] if read => issuers::public_key(context, reference).await,
        _ => Err(Error::UnsupportedPath),
    }
}
