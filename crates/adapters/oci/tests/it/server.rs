//! A real registry for tests; the tests of the binary use it too.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Debian's `docker-registry`, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A registry on a free loopback port with its storage in `folder`; `None` where the machine has none.
pub(crate) fn start(folder: &Path) -> Option<Server> {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let storage = folder.join("storage");
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {address}}}\n",
        storage.display()
    );
    let path = folder.join("config.yml");
    fs::write(&path, config).unwrap();
    let mut command = Command::new("docker-registry");
    let child = command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let server = Server { child, address };
    let started = Instant::now();
    while TcpStream::connect(&server.address).is_err() {
        assert!(started.elapsed() < Duration::from_secs(8), "the registry does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}
