//! Databases of our own, on free ports of loopback, in temporary folders.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) struct Server {
    start: Box<dyn Fn() -> Command + Send + Sync>,
    child: Option<Child>,
    signal: &'static str,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A command as the user of a database, which refuses to run as root.
fn command(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]).arg(program);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// A certificate of `localhost`, signed by itself.
fn certify(user: &str, data: &Path, more: &[&str]) {
    let mut openssl = command(user, Path::new("openssl"));
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]).args(more).arg("-keyout");
    run(openssl.arg(data.join("server.key")).arg("-out").arg(data.join("server.crt")));
}

impl Server {
    fn prepare(user: &str) -> (tempfile::TempDir, PathBuf, u16) {
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("chown").arg(user).arg(folder.path()));
        let data = folder.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        (folder, data, port)
    }

    /// PostgreSQL with passwords and TLS; the superuser is `postgres` with the password `root`.
    pub(crate) fn postgres() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
        let programs =
            versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
        let Some(programs) = programs.filter(|_| is_root()) else {
            println!("skipped: needs root and Debian's package postgresql");
            return None;
        };
        let (folder, data, port) = Self::prepare("postgres");
        let password = folder.path().join("password");
        std::fs::write(&password, "root").unwrap();
        run(Command::new("chown").arg("postgres").arg(&password));
        let mut initdb = command("postgres", &programs.join("initdb"));
        run(initdb
            .args(["-A", "scram-sha-256", "-N", "-U", "postgres", "-D"])
            .arg(&data)
            .arg("--pwfile")
            .arg(&password));
        certify("postgres", &data, &[]);
        let socket = folder.path().to_owned();
        let start = move || {
            let mut server = command("postgres", &programs.join("postgres"));
            server.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-p"]);
            server.arg(port.to_string()).arg("-k").arg(&socket);
            server
        };
        let server = Self { start: Box::new(start), child: None, signal: "QUIT", folder, port }.started();
        server.ready();
        Some(server)
    }

    /// Waits until PostgreSQL has read its log.
    pub(crate) fn ready(&self) {
        while self.psql("postgres", "root", "SELECT 1").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// MariaDB; the superuser is `root` without a password.
    pub(crate) fn mariadb() -> Option<Self> {
        let daemon =
            ["/usr/sbin/mariadbd", "/usr/sbin/mysqld"].map(PathBuf::from).into_iter().find(|path| path.exists());
        let Some(daemon) = daemon.filter(|_| is_root()) else {
            println!("skipped: needs root and Debian's package mariadb-server");
            return None;
        };
        let (folder, data, port) = Self::prepare("mysql");
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--user=mysql", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--datadir={}", data.display())).stdout(Stdio::null()).stderr(Stdio::null());
        run(&mut install);
        // Its driver takes no authority as a server.
        certify("mysql", &data, &["-addext", "basicConstraints=critical,CA:FALSE"]);
        let socket = folder.path().join("socket");
        let start = move || {
            let mut server = command("mysql", &daemon);
            server.args(["--no-defaults", "--bind-address=127.0.0.1"]).arg(format!("--port={port}"));
            server.arg(format!("--ssl-cert={}", data.join("server.crt").display()));
            server.arg(format!("--ssl-key={}", data.join("server.key").display()));
            server.arg(format!("--datadir={}", data.display())).arg(format!("--socket={}", socket.display()));
            server
        };
        Some(Self { start: Box::new(start), child: None, signal: "KILL", folder, port }.started())
    }

    fn started(mut self) -> Self {
        self.start();
        self
    }

    /// Starts it, and waits until it accepts connections.
    pub(crate) fn start(&mut self) {
        self.child = Some((self.start)().spawn().unwrap());
        for _ in 0..400 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the database does not start");
    }

    /// Ends it at once, with all its processes: PostgreSQL's outlive the first one otherwise.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            run(Command::new("kill").args(["-s", self.signal, &child.id().to_string()]));
            child.wait().unwrap();
        }
    }

    pub(crate) fn certificate(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data/server.crt")).unwrap()
    }

    /// Whether psql can log in, and what it prints then.
    pub(crate) fn psql(&self, user: &str, password: &str, sql: &str) -> Option<String> {
        let mut psql = Command::new("psql");
        psql.args(["-h", "127.0.0.1", "-d", "postgres", "-At", "-c", sql, "-p", &self.port.to_string(), "-U", user]);
        output(psql.env("PGPASSWORD", password))
    }

    /// The same with MariaDB's client.
    pub(crate) fn mariadb_client(&self, user: &str, password: &str, sql: &str) -> Option<String> {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-h", "127.0.0.1", "-N", "-e", sql, "-P", &self.port.to_string(), "-u", user]);
        output(client.env("MYSQL_PWD", password))
    }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}
