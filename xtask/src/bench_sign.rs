//! `cargo xtask bench sign`: verification, and an authority at rest; the product and the peer on the same input in one run.

use crate::bench::machine;
use crate::images;
use crate::measure::measure;
use crate::peers;
use crate::run::{cargo, output, root, run, say, target};
use crate::server::{Server, docker_registry, free, start};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 41;
/// The identity in the vectors of the conformance suite.
const IDENTITY: [&str; 2] = [
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main",
    "https://token.actions.githubusercontent.com",
];

/// Measures and writes `bench/results/sign.md`.
pub(crate) fn sign() -> Result<()> {
    let image = images::build(images::TESTED.iter().take(1))?.into_iter().next().context("no image")?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "palisade"])?)?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "signing", "--example", "warm"])?)?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "rekor", "--example", "load"])?)?;
    let scratch = target()?.join("bench-sign");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let bench = Bench { built: target()?.join("release"), cosign: peers::cosign(peers::COSIGN)?, scratch };
    let report = bench.report(&image.folder)?;
    fs::remove_dir_all(&bench.scratch)?;
    let path = root().join("bench/results/sign.md");
    fs::write(&path, &report)?;
    say(&format!("written to {}\n\n{report}", path.display()));
    Ok(())
}

struct Bench {
    built: PathBuf,
    cosign: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn report(&self, image: &Path) -> Result<String> {
        let mut text = format!(
            "# Signatures\n\n`cargo xtask bench sign`, {}. Medians of {ROUNDS} rounds, each program once a round in turn, whole \
             processes. The peer is Cosign {}.\n{}\n\n| what | Palisade | Cosign | asked |\n|---|---|---|---|\n",
            output(Command::new("date").arg("-I"))?.trim(),
            peers::COSIGN,
            machine()?,
        );
        text += &self.by_key(image)?;
        text += &self.keyless()?;
        text += &self.warm()?;
        text += &self.authority()?;
        text += &self.certificates()?;
        Ok(text)
    }

    fn palisade(&self) -> PathBuf {
        self.built.join("palisade")
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("COSIGN_PASSWORD", "").env("HOME", &self.scratch);
        command.env("PALISADE_DATA", self.scratch.join("data"));
        command
    }

    fn by_key(&self, image: &Path) -> Result<String> {
        let (_registry, address) = docker_registry(&self.scratch)?;
        let name = format!("{address}/team/app:1");
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]);
        run(copy.arg(format!("oci:{}", image.display())).arg(format!("docker://{name}")))?;
        let [prefix, private, public] =
            ["key", "key.key", "key.pub"].map(|file| self.scratch.join(file).display().to_string());
        run(&mut self.command(&self.palisade(), &["generate-key-pair", "--output-key-prefix", &prefix]))?;
        run(&mut self.command(&self.palisade(), &["sign", "--key", &private, "--tlog-upload=false", &name]))?;
        let arguments = ["verify", "--key", &public, "--insecure-ignore-tlog", &name];
        self.row("verify by key, cold process, loopback registry", &arguments, "12 ms, 20 MB")
    }

    fn keyless(&self) -> Result<String> {
        let [vectors, trusted_root] = vectors()?;
        let bundle = vectors.join("happy-path-v0.3/bundle.sigstore.json");
        let [bundle, trusted_root, artifact] =
            [bundle, trusted_root, vectors.join("a.txt")].map(|path| path.display().to_string());
        let [identity, issuer] = IDENTITY;
        let arguments = [
            "verify-blob",
            "--bundle",
            &bundle,
            "--trusted-root",
            &trusted_root,
            "--certificate-identity",
            identity,
            "--certificate-oidc-issuer",
            issuer,
            &artifact,
        ];
        self.row("verify a keyless bundle offline with a trusted root", &arguments, "8 ms")
    }

    fn row(&self, what: &str, arguments: &[&str], asked: &str) -> Result<String> {
        let programs = [self.palisade(), self.cosign.clone()];
        let mut times: [Vec<f64>; 2] = Default::default();
        for _ in 0..ROUNDS {
            for (program, times) in programs.iter().zip(&mut times) {
                let mut command = self.command(program, arguments);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                let begun = Instant::now();
                if !command.status()?.success() {
                    bail!("{} {arguments:?} failed", program.display());
                }
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let mut cells = Vec::new();
        for (program, times) in programs.iter().zip(&mut times) {
            times.sort_by(f64::total_cmp);
            let median = times.get(ROUNDS / 2).context("nothing measured")?;
            let peak = measure(&mut self.command(program, arguments))?.peak;
            cells.push(format!("{median:.1} ms, {peak:.0} MB"));
        }
        Ok(format!("| {what} | {} | {asked} |\n", cells.join(" | ")))
    }

    fn warm(&self) -> Result<String> {
        let [vectors, trusted_root] = vectors()?;
        let mut command = Command::new(self.built.join("examples/warm"));
        command.arg(trusted_root).arg(vectors.join("happy-path-v0.3/bundle.sigstore.json")).arg(vectors.join("a.txt"));
        let figures: Value = serde_json::from_str(&output(&mut command)?)?;
        let number = |name: &str| figures.get(name).and_then(Value::as_f64).context("no figure");
        Ok(format!(
            "| verify, warm, in process | {:.2} ms keyless, {:.2} ms by key | | 1 ms keyless, 0.2 ms key |\n",
            number("keyless_ms")?,
            number("key_ms")?
        ))
    }

    /// A new authority in a folder of this name: the process, its port, and the seconds until it listened.
    fn serve(&self, name: &str, flags: &[&str]) -> Result<(Server, String, f64)> {
        let folder = self.scratch.join(name).display().to_string();
        run(&mut self.command(&self.palisade(), &["authority", "init", &folder]))?;
        let address = free()?;
        let mut command = self.command(&self.palisade(), &["authority", "serve", &folder, "--listen", &address]);
        let begun = Instant::now();
        let served = start(command.args(flags), &address)?;
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        Ok((served, port, begun.elapsed().as_secs_f64()))
    }

    /// Certificates over loopback, the load beside it: the rate for each second of the server's processor time.
    fn certificates(&self) -> Result<String> {
        let (served, port, _) = self.serve("certificates", &["--dev-issuer", "--client-rate", "0"])?;
        let before = processor_seconds(served.0.id())?;
        let mut load = Command::new(self.built.join("examples/load"));
        let figures: Value = serde_json::from_str(&output(load.args(["certify", &port, "10", "16"]))?)?;
        let spent = processor_seconds(served.0.id())? - before;
        let number = |name: &str| figures.get(name).and_then(Value::as_f64).context("no figure");
        Ok(format!(
            "| certificates with SCT, the load beside it | {:.0}/s, that is {:.0}/s/core, p99 {:.1} ms | | 3,000/s/core, p99 20 ms |\n",
            number("per_second")?,
            number("answers")? / spent,
            number("p99_ms")?
        ))
    }

    fn authority(&self) -> Result<String> {
        let (served, _, ready) = self.serve("authority", &[])?;
        std::thread::sleep(Duration::from_secs(3));
        let status = fs::read_to_string(format!("/proc/{}/status", served.0.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory")?;
        let kilobytes: f64 = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(format!(
            "| authority at rest | 1 process, ready in {ready:.2} s, {:.0} MB | | 1 process, ready in 2 s, 64 MB |\n",
            kilobytes * 1024.0 / 1_000_000.0
        ))
    }
}

/// Seconds of processor time that a process has had.
fn processor_seconds(process: u32) -> Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no fields")?;
    let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(times.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
}

/// The folder of bundles and the public trusted root.
fn vectors() -> Result<[PathBuf; 2]> {
    let folder = std::env::var_os("PALISADE_VECTORS").map_or_else(|| root().join("../shared/vectors"), PathBuf::from);
    let folder = fs::canonicalize(folder).context("the test vectors are needed (PALISADE_VECTORS)")?;
    let folder = folder.join("sigstore-conformance");
    Ok([folder.join("assets/bundle-verify"), folder.join("public-good-trusted_root.json")])
}
