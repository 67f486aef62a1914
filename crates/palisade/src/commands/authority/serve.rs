//! `palisade authority serve`

use super::{Place, Storage, explained, runtime};
use crate::interrupt;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use authority::{Issuer, IssuerType};
use authority_server::{ServeError, ServeOptions, Server};
use listener::{BindError, Tls};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::sync::oneshot;

/// `palisade authority serve`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    storage: Storage,
    /// Where to listen; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5555")]
    listen: SocketAddr,
    /// Serve TLS with this certificate chain (PEM); a changed file is taken within seconds.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of --tls-cert (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve plain HTTP also outside loopback, for example behind a proxy that has TLS.
    #[arg(long)]
    plain_http: bool,
    /// An issuer of tokens for tests and air-gapped CI. It believes whoever asks.
    #[arg(long)]
    dev_issuer: bool,
    /// Believe this issuer, besides those of issuers.yaml: its address, or TYPE=ADDRESS with email (the default),
    /// kubernetes, github-workflow or gitlab-pipeline.
    #[arg(long, value_name = "ISSUER")]
    issuer: Vec<String>,
    /// Requests a second of one client; 0 is no limit.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    client_rate: u32,
}

pub(super) fn run(args: &Args) -> Outcome {
    let mut options = ServeOptions::new(args.listen);
    options.tls = args.tls_cert.clone().zip(args.tls_key.clone()).map(|(certificate, key)| Tls {
        certificate,
        key,
        client_certificates: false,
    });
    options.plain = args.plain_http;
    options.dev_issuer = args.dev_issuer;
    options.storage = args.storage.connection()?;
    options.issuers = args.issuer.iter().map(|text| issuer(text)).collect::<Result<_, _>>()?;
    options.limits.client_rate = Some(args.client_rate).filter(|rate| *rate > 0);
    options.limits.client_burst = args.client_rate.saturating_mul(4);
    let folder = &args.place.folder;
    runtime()?.block_on(async {
        let server = Server::bind(folder, options).await.map_err(|error| match error {
            ServeError::Bind(BindError::Plain(_)) => advised(
                error.to_string(),
                "name a certificate with --tls-cert and --tls-key, or ask for it with --plain-http",
            ),
            other => explained(other, folder),
        })?;
        let (stop, stopped) = oneshot::channel::<()>();
        interrupt::instead(move || drop(stop));
        announce(&server)?;
        // Either end of the channel is a reason to stop.
        server.serve(async move { drop(stopped.await) }).await;
        Ok(OK)
    })
}

fn announce(server: &Server) -> anyhow::Result<()> {
    let url = server.url();
    output::to_stdout(|out| {
        writeln!(out, "Listening on {}", server.address())?;
        writeln!(out, "Certificates, logs:  {url}")?;
        writeln!(out, "Timestamps:          {url}/api/v1/timestamp")?;
        writeln!(out, "Trust root:          {url}/trusted_root.json")?;
        writeln!(out, "Signing config:      {url}/signing_config.json")?;
        writeln!(out, "Trust config:        {url}/client_trust_config.json")?;
        writeln!(out, "TUF:                 {url}/tuf (root {url}/tuf/1.root.json)")?;
        if let Some(issuer) = server.dev_issuer() {
            writeln!(out, "Tokens for anybody:  {issuer}/token?email=ADDRESS")?;
        }
        Ok(())
    })
}

fn issuer(text: &str) -> anyhow::Result<Issuer> {
    let (kind, url) = match text.split_once('=') {
        Some((kind, url)) if !kind.contains(':') => (kind, url),
        _ => ("email", text),
    };
    let kinds = [IssuerType::Email, IssuerType::Kubernetes, IssuerType::GithubWorkflow, IssuerType::GitlabPipeline];
    let kind = kinds.into_iter().find(|one| one.as_str() == kind).ok_or_else(|| {
        advised(format!("unknown type of issuer {kind:?}"), "put issuers of other types into issuers.yaml")
    })?;
    Ok(Issuer::new(url, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_by_type() {
        let email = issuer("https://a.example/x?y=z").unwrap();
        assert_eq!((email.kind, email.url.as_str()), (IssuerType::Email, "https://a.example/x?y=z"));
        assert_eq!(issuer("kubernetes=https://a.example").unwrap().kind, IssuerType::Kubernetes);
        assert!(issuer("spiffe=https://a.example").is_err());
    }
}
