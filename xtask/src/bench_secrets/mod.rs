//! `cargo xtask bench secrets`: the secrets server and the peer's in the same arrangement, under the load of `wrk`.

mod load;
mod side;
mod sql;

use crate::bench::machine;
use crate::peers;
use crate::run::{cargo, output, root, run, say, target};
use anyhow::{Context, Result};
use load::{Figures, Load, median};
use serde_json::json;
use side::{Program, Side};
use sql::Postgres;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROUNDS: usize = 5;
const SECONDS: u32 = 3;
const LEASES: f64 = 1_000_000.0;
/// Seconds of logins at once while leases are made.
const BURST: u32 = 20;

/// Measures and writes `bench/results/secrets.md`.
pub(crate) fn secrets() -> Result<()> {
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "secrets-server", "--example", "serve"])?)?;
    let scratch = target()?.join("bench-secrets");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    // PostgreSQL's own user must get through.
    run(Command::new("chmod").arg("755").arg(&scratch))?;
    let bench = Bench { server: target()?.join("release/examples/serve"), peer: peers::openbao()?, scratch };
    let report = bench.report()?;
    fs::remove_dir_all(&bench.scratch)?;
    let path = root().join("bench/results/secrets.md");
    fs::write(&path, &report)?;
    say(&format!("written to {}\n\n{report}", path.display()));
    Ok(())
}

struct Bench {
    server: PathBuf,
    peer: PathBuf,
    scratch: PathBuf,
}

/// What a server did: by load, and its share of the fixed answer in the same rounds.
struct Measured {
    figures: Figures,
    share: f64,
}

impl Bench {
    fn report(&self) -> Result<String> {
        let mut text = format!(
            "# The secrets server\n\n`cargo xtask bench secrets`, {}. TLS, an audit file, a static seal; the product with its \
             embedded storage, the peer (OpenBao {}) with raft. `wrk -t1 -c16` on the same machine; medians of {ROUNDS} rounds \
             of {SECONDS} s, each after a round of a fixed answer (`/ui/`), to which the shares are.\n{}\n\
             | what | Palisade | OpenBao | at least | aim |\n|---|---|---|---|---|\n",
            output(Command::new("date").arg("-I"))?.trim(),
            peers::OPENBAO,
            machine()?,
        );
        text += &self.both()?;
        text += &self.over_postgres()?;
        text += &self.leases()?;
        Ok(text)
    }

    fn ours(&self, name: &str, storage: &str) -> Result<Side> {
        let server = self.server.clone();
        let program: Program = Box::new(move |config: &Path| {
            let mut command = Command::new(&server);
            command.arg(config);
            command
        });
        Side::start(self.scratch.join(name), program, storage, "")
    }

    fn embedded(&self, name: &str) -> Result<Side> {
        let data = self.scratch.join(name).join("data");
        self.ours(name, &format!("storage \"file\" {{\n  path = \"{}\"\n}}", data.display()))
    }

    fn peer(&self) -> Result<Side> {
        let folder = self.scratch.join("peer");
        let peer = self.peer.clone();
        let program: Program = Box::new(move |config: &Path| {
            let mut command = Command::new(&peer);
            command.args(["server", "-log-level=error"]).arg(format!("-config={}", config.display()));
            command
        });
        let storage = format!("storage \"raft\" {{\n  path = \"{}/data\"\n  node_id = \"one\"\n}}", folder.display());
        let cluster = crate::server::free()?;
        let more = format!(
            "disable_mlock = true\ncluster_addr = \"https://{cluster}\"\nunsafe_allow_api_audit_creation = true\n\
             allow_audit_log_prefixing = true"
        );
        Side::start(folder, program, &storage, &more)
    }

    /// The product and the peer, one after the other: each alone has the machine.
    fn both(&self) -> Result<String> {
        let mut columns = Vec::new();
        for ours in [true, false] {
            let mut side = if ours { self.embedded("embedded")? } else { self.peer()? };
            let loads = side.set_up()?;
            loads.fill(&side)?;
            let mut cells = Vec::new();
            let mut fixed = Vec::new();
            for what in [&loads.read, &loads.write, &loads.login, &loads.transit] {
                let measured = compare(&side, &loads.fixed, what, &mut fixed)?;
                cells.push(format!(
                    "{:.0}/s, p99 {:.1} ms, {:.2} of the fixed answer",
                    measured.figures.per_second, measured.figures.p99_ms, measured.share
                ));
            }
            let fixed = median(fixed)?;
            cells.insert(0, format!("{:.0}/s, p99 {:.1} ms", fixed.per_second, fixed.p99_ms));
            cells.push(format!("{:.0} MB", side.resident()?));
            cells.push(format!("{:.0} ms", side.restart()? * 1000.0));
            columns.push(cells);
        }
        let [ours, peers] = columns.as_slice() else { anyhow::bail!("two servers are measured") };
        let rows = WHATS.iter().zip(ours).zip(peers);
        Ok(rows.map(|(((what, least, aim), ours), peers)| row(what, ours, peers, least, aim)).collect())
    }

    /// The storage in PostgreSQL, and credentials for it, beside what PostgreSQL does by itself.
    fn over_postgres(&self) -> Result<String> {
        let postgres = Postgres::start(self.scratch.join("postgres"))?;
        postgres.ask("CREATE DATABASE own")?;
        postgres.ask("CREATE TABLE own (k text PRIMARY KEY, v bytea)")?;
        let insert = "\\set n random(1, 1000)\nINSERT INTO own VALUES ('row/secret/data/app/' || :n, \
                      decode(repeat('ab', 400), 'hex')) ON CONFLICT (k) DO UPDATE SET v = excluded.v;\n";
        let storage = format!("storage \"postgresql\" {{\n  connection_url = \"{}\"\n}}", postgres.url());
        let side = self.ours("over-postgres", &storage)?;
        let loads = side.set_up()?;
        let (mut writes, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let own = postgres.rate("commits.sql", insert, SECONDS)?;
            let figures = side.load(&loads.write, SECONDS)?;
            shares.push(figures.per_second / own);
            writes.push(figures);
        }
        let written = median(writes)?;
        let mut text = row(
            "KV 2 durable write, PostgreSQL",
            &format!(
                "{:.0}/s, p99 {:.1} ms, {:.2} of PostgreSQL's own commits",
                written.per_second,
                written.p99_ms,
                middle(shares)?
            ),
            "140/s published",
            "4,000/s",
            "0.7 of PostgreSQL's own commits",
        );
        drop(side);
        text += &self.credentials(&postgres)?;
        Ok(text)
    }

    fn credentials(&self, postgres: &Postgres) -> Result<String> {
        let side = self.embedded("credentials")?;
        let loads = side.set_up()?;
        side.call("POST", "sys/mounts/database", &json!({ "type": "database" }))?;
        let statement = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';";
        let connection = json!({
            "plugin_name": "postgresql-database-plugin",
            "connection_url": postgres.url(),
            "allowed_roles": "*",
            "username": "postgres",
            "password": "none",
            "max_open_connections": 16,
        });
        side.call("POST", "database/config/one", &connection)?;
        let role =
            json!({ "db_name": "one", "creation_statements": [statement], "default_ttl": "1h", "max_ttl": "2h" });
        side.call("POST", "database/roles/app", &role)?;
        let own = "\\set n random(1, 9000000000)\nCREATE ROLE \"v-approle-app-:n\" WITH LOGIN PASSWORD \
                   'n0t-S0-secret-:n' VALID UNTIL '2031-01-01 00:00:00+0000';\n";
        let (mut made, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let own = postgres.rate("roles.sql", own, SECONDS)?;
            let figures = side.load(&loads.credentials, SECONDS)?;
            shares.push(figures.per_second / own);
            made.push(figures);
        }
        let made = median(made)?;
        Ok(row(
            "PostgreSQL credentials",
            &format!(
                "{:.0}/s, p99 {:.1} ms, {:.2} of PostgreSQL's own CREATE ROLE",
                made.per_second,
                made.p99_ms,
                middle(shares)?
            ),
            "254/s published",
            "0.7 of PostgreSQL's own CREATE ROLE",
            "0.85",
        ))
    }

    /// A million logins that nobody ends, then a start.
    fn leases(&self) -> Result<String> {
        let mut side = self.embedded("leases")?;
        let loads = side.set_up()?;
        let mut made = 0.0;
        while made < LEASES {
            made += side.load(&loads.login, BURST)?.answers;
        }
        let seconds = side.restart()?;
        let first = side.resident()?;
        side.load(&loads.transit, SECONDS)?;
        Ok(row(
            &format!("{made:.0} leases, made by logins"),
            &format!("{first:.0} MB after the start, {:.0} MB under load, serving in {seconds:.2} s", side.resident()?),
            "2-3 KB of heap each, minutes to start",
            "150 MB, 1 s",
            "",
        ))
    }
}

/// Beside each other: rounds of a fixed answer, and of what is measured.
fn compare(side: &Side, fixed: &Load, what: &Load, all: &mut Vec<Figures>) -> Result<Measured> {
    let (mut figures, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let floor = side.load(fixed, 1)?;
        let one = side.load(what, SECONDS)?;
        shares.push(one.per_second / floor.per_second);
        all.push(floor);
        figures.push(one);
    }
    Ok(Measured { figures: median(figures)?, share: middle(shares)? })
}

fn middle(mut all: Vec<f64>) -> Result<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().context("nothing measured")
}

fn row(what: &str, ours: &str, peers: &str, least: &str, aim: &str) -> String {
    format!("| {what} | {ours} | {peers} | {least} | {aim} |\n")
}

/// What both servers are measured by, what is asked at least, and what is aimed at.
const WHATS: [(&str, &str, &str); 7] = [
    ("a fixed answer", "", ""),
    ("KV 2 read", "15,000/s, p99 5 ms, 0.5 of the fixed answer", "30,000/s"),
    ("KV 2 durable write, embedded", "8,000/s, p99 15 ms", "0.7 of the disk's group commits"),
    ("AppRole login", "6,000/s", "10,000/s"),
    ("transit encrypt, 256 B", "20,000/s", "0.5 of the fixed answer"),
    ("memory under that load", "60 MB", "40 MB"),
    ("restart to serving", "500 ms", ""),
];
