//! A real OpenBao, whose program `cargo xtask test` names in `PALISADE_OPENBAO`.
#![expect(clippy::print_stderr, reason = "a test that is left out says so")]

use crate::Bench;
use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server in memory, gone when dropped.
pub(crate) struct OpenBao {
    child: Child,
    program: OsString,
    pub(crate) address: String,
    /// Its root token.
    pub(crate) token: &'static str,
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OpenBao {
    /// Nothing, with a word why, where there is none.
    pub(crate) fn start(bench: &Bench) -> Option<Self> {
        let Some(program) = std::env::var_os("PALISADE_OPENBAO") else {
            eprintln!("ignored: PALISADE_OPENBAO names no OpenBao");
            return None;
        };
        let token = "canary-root-token";
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new(&program);
        command.args(["server", "-dev", "-dev-no-store-token", &format!("-dev-listen-address={listen}")]);
        command.arg(format!("-dev-root-token-id={token}")).env_clear().env("HOME", bench.path("home"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, program, address: format!("http://{listen}"), token };
        let begun = Instant::now();
        while TcpStream::connect(&listen).is_err() || server.command(&["token", "lookup"]).status.code() != Some(0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "OpenBao does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn command(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("BAO_ADDR", &self.address).env("BAO_TOKEN", self.token);
        command.env("HOME", "/nonexistent").output().unwrap()
    }

    /// Runs its own command line, which must succeed, and gives what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
