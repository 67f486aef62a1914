//! Signatures and attestations of images, through a registry.

use super::stage::{IDENTITY, Product, Registry, STRANGER, Stage, accept, refuse};
use crate::board::Board;
use crate::run::output;
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

/// How a signature lies in the registry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a tag of its own, as Cosign 1 and 2 write it.
    Legacy,
    /// A bundle that refers to the image, with an entry of a Rekor of the first version.
    OldLog,
    /// A bundle that refers to the image, with an entry of a tiled log.
    Bundle,
}

impl Form {
    const ALL: [Self; 3] = [Self::Legacy, Self::OldLog, Self::Bundle];

    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::OldLog => "bundle-rekor1",
            Self::Bundle => "bundle",
        }
    }
}

/// By what is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Key,
    Identity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signature,
    Attestation,
}

/// Images of one repository, by digest.
struct Images {
    signed: String,
    other: String,
}

/// Fills the cells of one registry.
pub(crate) fn fill(stage: &Stage, registry: &Registry) -> Result<Board> {
    let mut board = Board::default();
    for signer in Product::ALL {
        for form in Form::ALL {
            for by in [By::Key, By::Identity] {
                let (how, who) = (form.name(), if by == By::Key { "key" } else { "identity" });
                let images = push(stage, registry, &format!("{}-{how}-{who}", signer.name().replace(' ', "-")))?;
                for kind in [Kind::Signature, Kind::Attestation] {
                    let what = if kind == Kind::Signature { "signature" } else { "attestation" };
                    let name = format!("{}: {how} {what} by {who}: {}", registry.name, signer.name());
                    if let Err(error) = accept(&mut sign(stage, signer, form, by, kind, &images.signed)) {
                        board.cell(name, Err(error));
                        continue;
                    }
                    move_to_other(stage, registry, form, kind, &images);
                    for verifier in Product::ALL {
                        let outcome = verify(stage, (signer, verifier), form, by, kind, &images);
                        board.cell(format!("{name} -> {}", verifier.name()), outcome);
                    }
                }
            }
        }
    }
    Ok(board)
}

/// Two small images of a fresh repository.
fn push(stage: &Stage, registry: &Registry, name: &str) -> Result<Images> {
    let repository = format!("{}/interop/{name}", registry.address);
    let image = |tag: &str| -> Result<String> {
        let folder = stage.path(&format!("{}-{name}-{tag}", registry.name));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("content"), format!("{name} {tag}"))?;
        let layer = folder.with_extension("tar");
        output(Command::new("tar").arg("-cf").arg(&layer).arg("-C").arg(&folder).arg("."))?;
        let mut crane = stage.crane();
        crane.args(["append", "--insecure", "--oci-empty-base", "--new_layer"]).arg(&layer);
        Ok(output(crane.args(["--new_tag", &format!("{repository}:{tag}")]))?.trim().to_owned())
    };
    Ok(Images { signed: image("signed")?, other: image("other")? })
}

fn sign(stage: &Stage, signer: Product, form: Form, by: By, kind: Kind, image: &str) -> Command {
    let mut command = stage.run(signer);
    match kind {
        Kind::Signature => command.args(["sign", "-y"]),
        Kind::Attestation => {
            command.args(["attest", "-y", "--type", "custom", "--predicate"]).arg(stage.path("predicate.json"))
        }
    };
    match by {
        By::Key => command.arg("--key").arg(stage.key(signer, "key")),
        By::Identity => command.args(["--identity-token", &stage.token]),
    };
    match (signer, form) {
        (Product::Palisade, Form::Legacy) => command.arg("--new-bundle-format=false"),
        (Product::Cosign3, Form::Legacy) => command.args(["--new-bundle-format=false", "--use-signing-config=false"]),
        (Product::Cosign2, Form::OldLog | Form::Bundle) => command.arg("--new-bundle-format"),
        _ => &mut command,
    };
    if form == Form::Legacy && signer != Product::Palisade {
        command.args(["--rekor-url", &stage.url, "--fulcio-url", &stage.url]);
    } else {
        let config = if form == Form::OldLog { "rekor1_signing_config.json" } else { "signing_config.json" };
        command.arg("--signing-config").arg(stage.path(config));
        command.arg("--trusted-root").arg(stage.path("trusted_root.json"));
    }
    command.args(["--allow-http-registry", image]);
    command
}

/// Attaches what was signed for one image to the other, which no verifier may take.
fn move_to_other(stage: &Stage, registry: &Registry, form: Form, kind: Kind, images: &Images) {
    let suffix = match (form, kind) {
        (Form::Legacy, Kind::Signature) => ".sig",
        (Form::Legacy, Kind::Attestation) => ".att",
        _ if registry.fallback => "",
        _ => return,
    };
    let tag = |image: &str| image.replace("@sha256:", ":sha256-") + suffix;
    let mut crane = stage.crane();
    // Where the tag is missing, the signer did not write it, which the cells find out.
    let _copied = output(crane.args(["copy", "--insecure", &tag(&images.signed), &tag(&images.other)]));
}

fn verify(
    stage: &Stage,
    (signer, verifier): (Product, Product),
    form: Form,
    by: By,
    kind: Kind,
    images: &Images,
) -> Result<()> {
    let command = |image: &str, right: bool| {
        let mut command = stage.run(verifier);
        match kind {
            Kind::Signature => command.arg("verify"),
            Kind::Attestation => command.args(["verify-attestation", "--type", "custom"]),
        };
        match (verifier, form) {
            // Cosign 2 has the older form's roots from the TUF repository alone.
            (Product::Cosign2, Form::Legacy) => {}
            (Product::Cosign2, _) => {
                command.arg("--new-bundle-format").arg("--use-signed-timestamps");
                command.arg("--trusted-root").arg(stage.path("trusted_root.json"));
            }
            _ => {
                command.arg("--trusted-root").arg(stage.path("trusted_root.json"));
            }
        }
        match (by, right) {
            (By::Key, true) => command.arg("--key").arg(stage.key(signer, "pub")),
            (By::Key, false) => command.arg("--key").arg(stage.wrong_key(signer)),
            (By::Identity, _) => {
                let identity = if right { IDENTITY } else { STRANGER };
                command.args(["--certificate-identity", identity, "--certificate-oidc-issuer", &stage.issuer()])
            }
        };
        command.args(["--allow-http-registry", image]);
        command
    };
    accept(&mut command(&images.signed, true)).context("not accepted")?;
    refuse(&mut command(&images.signed, false), "another signer")?;
    refuse(&mut command(&images.other, true), "another digest")
}
