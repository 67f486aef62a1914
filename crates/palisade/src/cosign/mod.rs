//! Signing, attesting and verifying: Cosign's commands (3.1.3), also under its name.
//!
//! Reading order: [`args`] are the flags that commands share; [`services`] is who signs and with which services,
//! [`policy`] whom a verification accepts; [`image`] and [`read`] are what lies on a registry; then one file a command.

pub(crate) mod args;
mod artifacts;
mod attest;
pub(crate) mod blob;
mod bundles;
mod config;
mod conformance;
mod env;
pub(crate) mod image;
mod initialize;
mod keys;
mod layouts;
mod legacy;
mod local;
pub(crate) mod policy;
pub(crate) mod predicate;
pub(crate) mod read;
mod rules;
pub(crate) mod services;
pub(crate) mod sign;
pub(crate) mod trace;
mod verify;
mod verify_blob;

use crate::outcome::Outcome;
use clap::Subcommand;

/// Cosign's commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign an image.
    Sign(Box<sign::Command>),
    /// Who signed an image.
    Verify(Box<verify::Signature>),
    /// Sign a statement about an image: an SBOM, provenance, a scan.
    Attest(Box<attest::Command>),
    /// Who attested what about an image.
    VerifyAttestation(Box<verify::Attestation>),
    /// Sign a file.
    SignBlob(Box<blob::Sign>),
    /// Who signed a file.
    VerifyBlob(Box<verify_blob::Blob>),
    /// Sign a statement about a file.
    AttestBlob(Box<blob::Attest>),
    /// Who attested what about a file.
    VerifyBlobAttestation(Box<verify_blob::BlobAttestation>),
    /// Make a key pair.
    GenerateKeyPair(keys::Generate),
    /// Encrypt a key that another program made.
    ImportKeyPair(keys::Import),
    /// The public key of a private one.
    PublicKey(keys::Public),
    /// Whom to trust, as a file.
    TrustedRoot(config::TrustedRootCommand),
    /// Where to sign, as a file.
    SigningConfig(config::SigningConfigCommand),
    /// Keep a TUF repository's trusted root.
    Initialize(initialize::Command),
    /// Files of bundles.
    Bundle(bundles::Command),
    /// What is attached to an image.
    Tree(artifacts::Tree),
    /// Where an image's signatures of the older form lie.
    Triangulate(artifacts::Triangulate),
    /// Signatures and attestations of an image, as they are.
    Download(artifacts::Download),
    /// Put what was made elsewhere onto an image.
    Attach(artifacts::Attach),
    /// Remove what is attached to an image.
    Clean(artifacts::Clean),
    /// An image with what is attached, to another registry.
    Copy(artifacts::Copy),
    /// An image with what is attached, to a folder.
    Save(layouts::Save),
    /// What `save` made, to a registry.
    Load(layouts::Load),
    /// The environment variables of these commands.
    Env(env::Command),
    /// The client of sigstore-conformance.
    #[command(hide = true)]
    Conformance(conformance::Command),
}

/// Runs one.
pub(crate) fn run(command: &Command) -> Outcome {
    match command {
        Command::Sign(command) => sign::run(command),
        Command::Verify(command) => verify::signature(command),
        Command::Attest(command) => attest::run(command),
        Command::VerifyAttestation(command) => verify::attestation(command),
        Command::SignBlob(command) => blob::sign(command),
        Command::VerifyBlob(command) => verify_blob::blob(command),
        Command::AttestBlob(command) => blob::attest(command),
        Command::VerifyBlobAttestation(command) => verify_blob::attestation(command),
        Command::GenerateKeyPair(command) => keys::generate(command),
        Command::ImportKeyPair(command) => keys::import(command),
        Command::PublicKey(command) => keys::public(command),
        Command::TrustedRoot(command) => config::trusted_root(command),
        Command::SigningConfig(command) => config::signing_config(command),
        Command::Initialize(command) => initialize::run(command),
        Command::Bundle(command) => bundles::run(command),
        Command::Tree(command) => artifacts::tree(command),
        Command::Triangulate(command) => artifacts::triangulate(command),
        Command::Download(command) => artifacts::download(command),
        Command::Attach(command) => artifacts::attach(command),
        Command::Clean(command) => artifacts::clean(command),
        Command::Copy(command) => artifacts::copy(command),
        Command::Save(command) => layouts::save(command),
        Command::Load(command) => layouts::load(command),
        Command::Env(command) => env::run(command),
        Command::Conformance(command) => conformance::run(command),
    }
}
