//! The peers as programs, built once for each version and kept.

use crate::go;
use crate::run::{kept, run};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;

/// The version of Syft that Palisade stands in for.
pub(crate) const SYFT: &str = "1.57.0";

/// The version of Grype that Palisade stands in for.
pub(crate) const GRYPE: &str = "0.121.2";

/// The version of Cosign that Palisade stands in for.
pub(crate) const COSIGN: &str = "3.1.3";

/// Cosign, of a version.
pub(crate) fn cosign(version: &str) -> Result<PathBuf> {
    let major = version.split('.').next().unwrap_or_default();
    peer("cosign", &format!("github.com/sigstore/cosign/v{major}/cmd/cosign"), version)
}

/// Syft.
pub(crate) fn syft() -> Result<PathBuf> {
    peer("syft", "github.com/anchore/syft/cmd/syft", SYFT)
}

/// Grype.
pub(crate) fn grype() -> Result<PathBuf> {
    peer("grype", "github.com/anchore/grype/cmd/grype", GRYPE)
}

/// The peer's program, built by its own tool chain where it is not there yet.
fn peer(name: &str, module: &str, version: &str) -> Result<PathBuf> {
    let folder = kept()?.join("bin");
    let path = folder.join(format!("{name}-{version}"));
    if !path.is_file() {
        let building = folder.join(format!("build-{name}"));
        fs::create_dir_all(&building)?;
        run(go::command()?.args(["install", &format!("{module}@v{version}")]).env("GOBIN", &building))?;
        fs::rename(building.join(name), &path)?;
        fs::remove_dir_all(&building)?;
    }
    Ok(path)
}
