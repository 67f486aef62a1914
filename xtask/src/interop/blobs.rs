//! Signatures of files, in bundles.

use super::stage::{IDENTITY, Product, STRANGER, Stage, accept, refuse};
use crate::board::Board;
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// The one type that every client attests.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// A signature of the file, or a statement about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signature,
    Attestation,
}

/// A program that signs and verifies files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Product(Product),
    Python,
    JavaScript,
}

impl Client {
    const ALL: [Self; 5] = [
        Self::Product(Product::Palisade),
        Self::Product(Product::Cosign2),
        Self::Product(Product::Cosign3),
        Self::Python,
        Self::JavaScript,
    ];

    fn name(self) -> String {
        match self {
            Self::Product(product) => product.name(),
            Self::Python => "sigstore-python".to_owned(),
            Self::JavaScript => "sigstore-js".to_owned(),
        }
    }

    fn sign(self, stage: &Stage, kind: Kind, bundle: &Path) -> Command {
        let (file, token, predicate) = (stage.path("blob"), stage.token.as_str(), stage.path("provenance.json"));
        let mut command = match self {
            Self::Product(product) => {
                let mut command = stage.run(product);
                match kind {
                    Kind::Signature => command.arg("sign-blob"),
                    Kind::Attestation => {
                        command.args(["attest-blob", "--type", "slsaprovenance1", "--predicate"]).arg(predicate)
                    }
                };
                command.args(["-y", "--identity-token", token]);
                if product == Product::Cosign2 {
                    command.arg("--new-bundle-format");
                }
                command.arg("--signing-config").arg(stage.path("signing_config.json"));
                command.arg("--trusted-root").arg(stage.path("trusted_root.json"));
                command
            }
            Self::Python => {
                let mut command = stage.python();
                match kind {
                    Kind::Signature => command.arg("sign"),
                    Kind::Attestation => {
                        command.args(["attest", "--predicate-type", PROVENANCE, "--predicate"]).arg(predicate)
                    }
                };
                command.args(["--identity-token", token]);
                command
            }
            Self::JavaScript => {
                let options = json!({
                    "fulcioURL": stage.url, "rekorURL": stage.url, "tsaServerURL": stage.url,
                    "identityToken": token, "file": file, "bundle": bundle, "predicateType": PROVENANCE, "predicate": predicate,
                });
                return stage.javascript(if kind == Kind::Signature { "sign" } else { "attest" }, &options);
            }
        };
        command.arg("--bundle").arg(bundle).arg(file);
        command
    }

    fn verify(self, stage: &Stage, kind: Kind, bundle: &Path, file: &Path, identity: &str) -> Command {
        let issuer = stage.issuer();
        let mut command = match self {
            Self::Product(product) => {
                let mut command = stage.run(product);
                match kind {
                    Kind::Signature => command.arg("verify-blob"),
                    Kind::Attestation => command.args(["verify-blob-attestation", "--type", "slsaprovenance1"]),
                };
                command.args(["--certificate-identity", identity, "--certificate-oidc-issuer", &issuer]);
                if product == Product::Cosign2 {
                    command.arg("--new-bundle-format").arg("--use-signed-timestamps");
                }
                command.arg("--trusted-root").arg(stage.path("trusted_root.json"));
                command
            }
            Self::Python => {
                let mut command = stage.python();
                command.args(["verify", "identity", "--offline"]);
                command.args(["--cert-identity", identity, "--cert-oidc-issuer", &issuer]);
                command
            }
            Self::JavaScript => {
                let options = json!({
                    "tufMirrorURL": format!("{}/tuf", stage.url), "tufRootPath": stage.path("1.root.json"),
                    "tufCachePath": stage.path("tuf sigstore-js"), "certificateIssuer": issuer,
                    "certificateIdentityEmail": identity, "file": file, "bundle": bundle,
                });
                return stage.javascript("verify", &options);
            }
        };
        command.arg("--bundle").arg(bundle).arg(file);
        command
    }
}

/// Every program with every other.
pub(crate) fn fill(stage: &Stage) -> Result<Board> {
    let mut board = Board::default();
    for (kind, what) in [(Kind::Signature, "blob"), (Kind::Attestation, "blob attestation")] {
        for signer in Client::ALL {
            let name = format!("{what}: {}", signer.name());
            let bundle = stage.path(&format!("{}.sigstore.json", name.replace([' ', ':'], "-")));
            if let Err(error) = accept(&mut signer.sign(stage, kind, &bundle)) {
                board.cell(name, Err(error));
                continue;
            }
            for verifier in Client::ALL {
                board.cell(format!("{name} -> {}", verifier.name()), verify(stage, verifier, kind, &bundle));
            }
        }
    }
    Ok(board)
}

fn verify(stage: &Stage, verifier: Client, kind: Kind, bundle: &Path) -> Result<()> {
    let (file, other) = (stage.path("blob"), stage.path("other-blob"));
    let command = |file: &Path, identity: &str| verifier.verify(stage, kind, bundle, file, identity);
    accept(&mut command(&file, IDENTITY)).context("not accepted")?;
    refuse(&mut command(&file, STRANGER), "another signer")?;
    if verifier == Client::JavaScript && kind == Kind::Attestation {
        // It leaves a statement's subjects to its caller.
        return Ok(());
    }
    refuse(&mut command(&other, IDENTITY), "another file")
}
