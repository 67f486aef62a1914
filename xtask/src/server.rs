//! Programs that serve on a free port of loopback until the chore is done with them.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs until this is dropped.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Starts a program that then listens at `address`, and says nothing.
pub(crate) fn start(command: &mut Command, address: &str) -> Result<Server> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let name = command.get_program().to_string_lossy().into_owned();
    let server = Server(child.with_context(|| format!("cannot start {name}"))?);
    listening(address)?;
    Ok(server)
}

/// Debian's registry with its storage in `folder`, and its address.
pub(crate) fn docker_registry(folder: &Path) -> Result<(Server, String)> {
    let address = free()?;
    let config = folder.join("registry.yml");
    let storage = folder.join("registry");
    fs::write(
        &config,
        format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {address}}}\n",
            storage.display()
        ),
    )?;
    let server = start(Command::new("docker-registry").arg("serve").arg(&config), &address)?;
    Ok((server, address))
}

/// An address that nothing listens at yet.
pub(crate) fn free() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Waits until something listens.
pub(crate) fn listening(address: &str) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(begun.elapsed() < PATIENCE, "nothing listens at {address}");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
