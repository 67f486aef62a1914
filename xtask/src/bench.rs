//! `cargo xtask bench image`: the product, the peer and the floor on one image in one run.

use crate::images::{BENCH, Image};
use crate::measure::{Table, measure};
use crate::oracle::{self, Oracle};
use crate::peers;
use crate::run::{cargo, output, root, run, say, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROUNDS: usize = 5;
const AT_ONCE: usize = 50;
const COMPONENTS: usize = 1000;

/// Measures and writes `bench/results/image.md`.
pub(crate) fn image() -> Result<()> {
    let Ok([image, next]) = <[Image; 2]>::try_from(BENCH.images()?) else { bail!("not the images of the benchmark") };
    let syft = peers::syft()?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "palisade"])?)?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "oci", "--example", "floor"])?)?;
    let built = target()?.join("release");
    let bench = Bench {
        palisade: built.join("palisade"),
        floor: built.join("examples/floor"),
        syft,
        scratch: scratch()?,
        image,
        next,
    };
    let report = bench.report()?;
    fs::remove_dir_all(&bench.scratch)?;
    let path = root().join("bench/results/image.md");
    fs::write(&path, &report)?;
    say(&format!("written to {}\n\n{report}", path.display()));
    Ok(())
}

struct Bench {
    palisade: PathBuf,
    floor: PathBuf,
    syft: PathBuf,
    scratch: PathBuf,
    image: Image,
    next: Image,
}

impl Bench {
    fn report(&self) -> Result<String> {
        let (packed, unpacked) = sizes(&self.image.folder)?;
        let mut text = format!(
            "# An image of five layers, {} MB packed, {} MB unpacked\n\n`cargo xtask bench image`, {}. Medians of {ROUNDS} \
             rounds, each program once a round in turn. The peer is Syft {}.\n{}\n",
            packed / 1_000_000,
            unpacked / 1_000_000,
            output(Command::new("date").arg("-I"))?.trim(),
            peers::SYFT,
            machine()?,
        );
        text += &self.cold()?;
        text += &self.warm()?;
        text += &self.database()?;
        Ok(text)
    }

    fn cold(&self) -> Result<String> {
        let mut table = Table::new(&["Syft", "floor, 1 thread", "floor, 2 threads", "Palisade"]);
        for _ in 0..ROUNDS {
            table.add(0, measure(&mut self.syft(&self.image))?);
            table.add(1, measure(Command::new(&self.floor).arg(&self.image.folder).arg("1"))?);
            table.add(2, measure(Command::new(&self.floor).arg(&self.image.folder).arg("2"))?);
            table.add(3, measure(&mut self.sbom(&self.image, &["--no-cache"]))?);
        }
        let left = fs::read_dir(self.temporary())?.count();
        Ok(format!(
            "\n## Cold SBOM, Syft's JSON\nThe floor verifies the stored bytes, inflates them and hashes what comes out.\n\n\
             {}\nTemporary files that Palisade left: {left}.\n",
            table.show(Some(0))
        ))
    }

    fn warm(&self) -> Result<String> {
        let mut table =
            Table::new(&["unchanged image, Syft's JSON", "unchanged image, table", "same base, new top layer"]);
        for _ in 0..ROUNDS {
            let cache = self.scratch.join("cache");
            fs::remove_dir_all(&cache).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            measure(&mut self.sbom(&self.image, &[]))?;
            table.add(0, measure(&mut self.sbom(&self.image, &[]))?);
            table.add(
                1,
                measure(
                    Command::new(&self.palisade)
                        .args(["sbom", "-q"])
                        .arg(self.image.source())
                        .env("XDG_CACHE_HOME", &cache),
                )?,
            );
            table.add(2, measure(&mut self.sbom(&self.next, &[]))?);
        }
        Ok(format!("\n## After a first run\n{}", table.show(None)))
    }

    /// A scan of a saved SBOM, so that nothing but the database and the matching is measured; then fifty at once.
    fn database(&self) -> Result<String> {
        let Some(advisories) = oracle::advisories() else {
            return Ok("\n## Database\nNot measured: no advisories (`PALISADE_ADVISORIES`).\n".to_owned());
        };
        let database = self.scratch.join("advisories.db");
        let mut build = Command::new(&self.palisade);
        let build = measure(build.args(["db", "build", "-q", "--from"]).arg(&advisories).arg("--out").arg(&database))?;
        let sbom = self.scratch.join("sbom.json");
        let document: serde_json::Value = serde_json::from_slice(&fs::read(&sbom)?)?;
        let components = document.get("artifacts").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        let scan = || {
            let mut command = Command::new(&self.palisade);
            command
                .args(["scan", "-q", "-o", "json=/dev/null", "--db"])
                .arg(&database)
                .arg(format!("sbom:{}", sbom.display()));
            command
        };
        let mut table = Table::new(&["scan of a saved SBOM"]);
        for _ in 0..ROUNDS {
            table.add(0, measure(&mut scan())?);
        }
        let matching = self.matching(&database, &document)?;
        let begun = std::time::Instant::now();
        let all: Vec<_> = (0..AT_ONCE)
            .map(|_| scan().stdout(Stdio::null()).stderr(Stdio::piped()).spawn())
            .collect::<std::io::Result<Vec<_>>>()?;
        let results =
            all.into_iter().map(std::process::Child::wait_with_output).collect::<std::io::Result<Vec<_>>>()?;
        let failed = results.iter().filter(|result| !result.status.success() || !result.stderr.is_empty()).count();
        Ok(format!(
            "\n## Database\nBuilt from all shared advisories in {:.1} s; {} MB on disk. The SBOM has {components} components; its \
             scan is the whole process: start, reading the SBOM, opening the database, matching, writing the report.\n\n{}\n\
             {matching}\n{AT_ONCE} such scans at once: {:.1} s in all, {failed} with an error or a warning.\n",
            build.wall,
            fs::metadata(&database)?.len() / 1_000_000,
            table.show(None),
            begun.elapsed().as_secs_f64(),
        ))
    }

    /// Opening the database and matching [`COMPONENTS`] components, as the product itself times it; and the whole process
    /// beside Grype's, which reads a database of its own kind, made of the feeds that have a place in it.
    fn matching(&self, database: &Path, document: &serde_json::Value) -> Result<String> {
        let cut = self.scratch.join("cut.json");
        let mut document = document.clone();
        for (list, kept) in [("artifacts", COMPONENTS), ("artifactRelationships", 0), ("files", 0)] {
            document.get_mut(list).and_then(serde_json::Value::as_array_mut).context("no Syft JSON")?.truncate(kept);
        }
        fs::write(&cut, serde_json::to_vec(&document)?)?;
        let input = format!("sbom:{}", cut.display());
        let Some(oracle) = Oracle::ready()? else { return Ok(String::new()) };
        let own = |flag| {
            let mut command = Command::new(&self.palisade);
            command.args(["scan", flag, "-o", "json=/dev/null", "--db"]).arg(database).arg(&input);
            command
        };
        let mut table = Table::new(&["Grype", "Palisade"]);
        let mut inner = Vec::new();
        for _ in 0..ROUNDS {
            table.add(0, measure(&mut oracle.scan(&input))?);
            table.add(1, measure(&mut own("-q"))?);
            let said = own("-vv").output()?.stderr;
            let said = String::from_utf8_lossy(&said);
            let line = said.lines().find_map(|line| line.split_once("components in ")).context("no time told")?;
            inner.push(line.1.trim_end_matches(" µs").parse::<u32>()?);
        }
        inner.sort_unstable();
        let median = inner.get(ROUNDS / 2).copied().unwrap_or_default();
        Ok(format!(
            "Opening the database and matching {COMPONENTS} components: {:.1} ms. The whole process on them, Grype {} with \
             its database of the feeds that have a place there:\n\n{}",
            f64::from(median) / 1000.0,
            peers::GRYPE,
            table.show(Some(0)),
        ))
    }

    fn syft(&self, image: &Image) -> Command {
        let mut command = Command::new(&self.syft);
        command.args(["scan", "-q", "-o"]).arg(format!("json={}", self.scratch.join("syft.json").display()));
        command
            .arg(image.source())
            .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
            .env("TMPDIR", self.scratch.join("syft-tmp"));
        command
    }

    fn sbom(&self, image: &Image, flags: &[&str]) -> Command {
        let mut command = Command::new(&self.palisade);
        command.args(["sbom", "-q", "-o"]).arg(format!("syft-json={}", self.scratch.join("sbom.json").display()));
        command.args(flags).arg(image.source());
        command.env("XDG_CACHE_HOME", self.scratch.join("cache")).env("TMPDIR", self.temporary());
        command
    }

    fn temporary(&self) -> PathBuf {
        self.scratch.join("tmp")
    }
}

fn scratch() -> Result<PathBuf> {
    let scratch = std::env::temp_dir().join(format!("palisade-bench-{}", std::process::id()));
    fs::create_dir_all(scratch.join("tmp"))?;
    fs::create_dir_all(scratch.join("syft-tmp"))?;
    Ok(scratch)
}

/// Bytes of the layers as stored, and inflated.
fn sizes(image: &Path) -> Result<(u64, u64)> {
    let json = |path: PathBuf| -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&fs::read(&path).with_context(|| path.display().to_string())?)?)
    };
    let blob = |digest: Option<&serde_json::Value>| {
        image.join("blobs").join(digest.and_then(serde_json::Value::as_str).unwrap_or_default().replace(':', "/"))
    };
    let index = json(image.join("index.json"))?;
    let manifest = json(blob(index.pointer("/manifests/0/digest")))?;
    let layers = manifest.get("layers").and_then(serde_json::Value::as_array).context("no layers")?;
    if layers.len() != 5 {
        bail!("{} layers instead of 5 in {}", layers.len(), image.display());
    }
    let packed = layers.iter().filter_map(|layer| layer.get("size")?.as_u64()).sum();
    let mut unpacked = 0;
    for layer in layers {
        let bytes =
            output(Command::new("sh").args(["-c", "gzip -dc <\"$1\" | wc -c", "sh"]).arg(blob(layer.get("digest"))))?;
        unpacked += bytes.trim().parse::<u64>()?;
    }
    Ok((packed, unpacked))
}

pub(crate) fn machine() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let count = std::thread::available_parallelism()?;
    let kernel = output(Command::new("uname").arg("-r"))?;
    Ok(format!("Machine: {count} processors{model}, Linux {}.\n", kernel.trim()).replace("\t: ", " "))
}
