//! A PostgreSQL of one's own, in a temporary folder; also used by the tests of other crates.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server, gone when dropped.
pub(crate) struct Cluster {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions.filter_map(Result::ok).map(|version| version.path().join("bin")).max()?;
    newest.join("initdb").exists().then_some(newest)
}

/// A command of PostgreSQL, which refuses to run as root.
fn command(programs: &Path, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(programs.join(program));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Cluster {
    /// Nothing, with a word why, where there is no PostgreSQL or its user cannot be taken on. `prepare` may put files
    /// into the folder, and gives further settings.
    pub(crate) fn start(prepare: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let Some(programs) = programs().filter(|_| root) else {
            println!("skipped: needs root and Debian's package postgresql");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let settings = prepare(folder.path());
        let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap();
        assert!(owned.success());
        let data = folder.path().join("data");
        let made = command(&programs, "initdb").args(["-A", "trust", "-N", "-D"]).arg(&data).status().unwrap();
        assert!(made.success(), "initdb failed");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = command(&programs, "postgres");
        server.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-p", &port.to_string(), "-k"]);
        server.arg(folder.path()).args(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        let cluster = Self { child: server.spawn().unwrap(), folder, port };
        let begun = std::time::Instant::now();
        let mut ready = command(&programs, "pg_isready");
        ready.args(["-q", "-p", &port.to_string(), "-h"]).arg(cluster.folder.path());
        while !ready.status().unwrap().success() {
            assert!(begun.elapsed().as_secs() < 30, "PostgreSQL does not answer");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Some(cluster)
    }

    /// A connection string that reaches it by its socket.
    pub(crate) fn local(&self) -> String {
        format!("host={} port={} user=postgres dbname=postgres", self.folder.path().display(), self.port)
    }

    /// One that reaches it by TCP.
    pub(crate) fn remote(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}
