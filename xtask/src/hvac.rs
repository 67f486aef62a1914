//! hvac's own integration tests, from its source distribution, against `palisade` under the name `vault`.

use crate::board::Board;
use crate::peers;
use crate::postgres::Postgres;
use crate::run::{kept, output, palisade, run, say};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Tests that cannot pass, with reasons.
const EXPECTED: &str = "xtask/hvac.txt";

/// Of methods and engines of single clouds, which Palisade does not have.
const OUT_OF_SCOPE: &[&str] = &[
    "auth_methods/test_aws.py",
    "auth_methods/test_azure.py",
    "auth_methods/test_gcp.py",
    "auth_methods/test_github.py",
    "auth_methods/test_okta.py",
    "secrets_engines/test_aws.py",
    "secrets_engines/test_azure.py",
    "secrets_engines/test_gcp.py",
];

/// At once: a test mostly waits for its server.
const WORKERS: &str = "3";

/// For one test.
const SECONDS: &str = "90";

/// Made in the environment of a run, each server has a storage of its own, and its process is known by its id.
const WRAPPER: &str = r#"#!/bin/sh
if [ "$1" = server ]; then
    cd "$(mktemp -d -p "$PALISADE_RUN")" || exit 1
    echo $$ >>"$PALISADE_RUN/servers"
    if [ -n "$PALISADE_POSTGRES" ]; then
        psql -q -d "$PALISADE_POSTGRES/postgres" -c "CREATE DATABASE server_$$" || exit 1
        export VAULT_PG_CONNECTION_URL="$PALISADE_POSTGRES/server_$$?sslmode=disable"
    fi
fi
exec "$PALISADE_RUN/program/vault" "$@"
"#;

/// Where the servers keep their rows.
enum Storage<'a> {
    /// In a folder.
    File,
    /// In a database of this server.
    Postgres(&'a Postgres),
}

impl Storage<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// In place of the block `backend` of hvac's configuration.
    fn block(&self) -> &'static str {
        match self {
            Self::File => "storage \"file\" {\n  path = \"data\"",
            Self::Postgres(_) => "storage \"postgresql\" {",
        }
    }
}

/// Runs them on both storages.
pub(crate) fn check() -> Result<()> {
    let source = peers::hvac_source()?;
    let python = peers::hvac_python()?;
    let program = palisade()?;
    let folder = std::env::temp_dir().join(format!("palisade-hvac-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = (|| {
        on(&Storage::File, &folder, &source, &python, &program)?;
        let postgres = Postgres::start(&folder.join("postgres"))?;
        on(&Storage::Postgres(&postgres), &folder, &source, &python, &program)
    })();
    fs::remove_dir_all(&folder)?;
    result
}

fn on(storage: &Storage<'_>, folder: &Path, source: &Path, python: &Path, program: &Path) -> Result<()> {
    let begun = Instant::now();
    let place = folder.join(storage.name());
    let tests = stage(storage, &place, source, program)?;
    let mut pytest = Command::new(python);
    pytest.args(["-m", "pytest", "-q", "--tb=short", "-rfEp", "-p", "no:cacheprovider", "-n", WORKERS]);
    pytest.args(["--timeout", SECONDS, "tests/integration_tests"]);
    pytest.args(OUT_OF_SCOPE.iter().map(|file| format!("--ignore=tests/integration_tests/api/{file}")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(place.join("bin")).chain(std::env::split_paths(&path));
    // The last one keeps the lines of the summary whole.
    pytest.env("PATH", std::env::join_paths(path)?).env("PALISADE_RUN", &place).env("CI", "1");
    if let Storage::Postgres(postgres) = storage {
        pytest.env("PALISADE_POSTGRES", postgres.url("").trim_end_matches("/?sslmode=disable"));
    }
    let own = ["VAULT_", "BAO_"];
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| own.iter().any(|own| name.to_string_lossy().starts_with(own))) {
        pytest.env_remove(name);
    }
    // They would be believed instead of the authority that a test names.
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        pytest.env_remove(name);
    }
    say(&format!("hvac's integration tests on {}", storage.name()));
    let done = pytest.current_dir(&tests).stdin(Stdio::null()).output().context("cannot start pytest")?;
    let log = kept()?.join(format!("hvac-{}.log", storage.name()));
    fs::write(&log, [done.stdout.as_slice(), &done.stderr].concat())?;
    end_servers(&place, program)?;
    let board = board(&String::from_utf8_lossy(&done.stdout));
    board
        .judge(EXPECTED)
        .with_context(|| format!("on {}; the whole output is in {}", storage.name(), log.display()))?;
    say(&format!("  {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// A copy of the tests for this storage, and `vault` as a program to be found.
fn stage(storage: &Storage<'_>, place: &Path, source: &Path, program: &Path) -> Result<PathBuf> {
    let tests = place.join("hvac");
    fs::create_dir_all(place.join("program"))?;
    fs::create_dir_all(place.join("bin"))?;
    output(Command::new("cp").arg("-r").args([source, &tests]))?;
    symlink(program, place.join("program/vault"))?;
    let wrapper = place.join("bin/vault");
    fs::write(&wrapper, WRAPPER)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let files = tests.join("tests/config_files");
    let path = files.join("vault-tls.hcl");
    let (was, backend) = (fs::read_to_string(&path)?, "backend \"inmem\" {");
    ensure!(was.contains(backend), "hvac's configuration has no {backend}");
    let absolute = format!("\"{}/", files.display());
    fs::write(&path, was.replace(backend, storage.block()).replace("\"tests/config_files/", &absolute))?;
    // The one that is there ended in November 2026.
    let mut certificate = Command::new("openssl");
    certificate.args(["req", "-x509", "-nodes", "-days", "30", "-newkey", "rsa:2048"]);
    certificate.arg("-config").arg(files.join("client.cnf")).arg("-keyout").arg(files.join("client-key.pem"));
    output(certificate.arg("-out").arg(files.join("client-cert.pem")))?;
    Ok(tests)
}

/// A test that is cut short leaves its server behind.
fn end_servers(place: &Path, program: &Path) -> Result<()> {
    let program = fs::canonicalize(program)?;
    let ids = fs::read_to_string(place.join("servers")).unwrap_or_default();
    for id in ids.lines().filter(|id| fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|found| found == program)) {
        run(Command::new("kill").arg("-9").arg(id))?;
    }
    Ok(())
}

/// From the summary: `PASSED test`, `FAILED test - why`, `ERROR test - why`.
fn board(text: &str) -> Board {
    let mut board = Board::default();
    for line in text.lines() {
        let Some((outcome, rest)) = line.split_once(' ') else { continue };
        let (name, why) = rest.split_once(" - ").unwrap_or((rest, "failed"));
        let name = name.trim_start_matches("tests/integration_tests/").to_owned();
        match outcome {
            "PASSED" => board.fill(name, None),
            "FAILED" | "ERROR" => board.fill(name, Some(why.to_owned())),
            _ => {}
        }
    }
    board
}
