//! Images of real daemons: Debian's `podman`, whose service also speaks Docker's API, and `containerd`.

use crate::Bench;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A daemon and its socket; ended when dropped.
struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the daemon of `command` has made its socket; `Err` where the machine can't run it.
fn start(command: &mut Command, socket: PathBuf) -> Result<Daemon, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.map_err(|error| format!("{name}: {error}"))?;
    let mut daemon = Daemon { child, socket };
    let started = Instant::now();
    while !daemon.socket.exists() {
        if let Some(status) = daemon.child.try_wait().unwrap() {
            return Err(format!("{name} does not run here ({status})"));
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{name} makes no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(daemon)
}

fn podman(folder: &Path) -> Result<Daemon, String> {
    let socket = folder.join("podman.sock");
    let mut command = Command::new("podman");
    command.arg("--root").arg(folder.join("root")).arg("--runroot").arg(folder.join("run"));
    command.args(["--storage-driver", "vfs", "--events-backend", "none", "--cgroup-manager", "cgroupfs"]);
    command.args(["system", "service", "--time=0"]).arg(format!("unix://{}", socket.display()));
    start(&mut command, socket)
}

fn containerd(folder: &Path) -> Result<Daemon, String> {
    let (socket, config) = (folder.join("containerd.sock"), folder.join("containerd.toml"));
    let place = folder.display();
    let text = format!(
        "version = 2\nroot = '{place}/content'\nstate = '{place}/state'\n\
         disabled_plugins = ['io.containerd.grpc.v1.cri']\n[grpc]\naddress = '{}'\n",
        socket.display()
    );
    fs::write(&config, text).unwrap();
    start(Command::new("containerd").arg("--config").arg(config), socket)
}

fn did(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Builds the pipeline's image of the folder `app`.
fn build(bench: &Bench, podman: &Daemon) {
    fs::write(bench.path("Dockerfile"), "FROM scratch\nCOPY app /app\n").unwrap();
    let url = format!("unix://{}", podman.socket.display());
    let build = ["build", "--isolation", "chroot", "-t", "my-container-image:latest", "."];
    did(Command::new("podman").args(["--url", &url]).args(build).current_dir(bench.path("")));
    let save = ["save", "--format", "docker-archive", "-o"];
    did(Command::new("podman").args(["--url", &url]).args(save).arg(bench.path("image.tar")).arg("my-container-image"));
}

/// The pipeline's two lines, as a Jenkins job runs them, with one daemon told of.
fn pipeline(bench: &Bench, variable: &str, socket: &str, image: &str) -> Output {
    let line = format!("syft {image} -o cyclonedx-json > sbom.json && grype sbom.json");
    let path = format!("{}:/usr/bin:/bin", bench.path("bin").display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(bench.path("")).env_clear().env("PATH", path);
    shell.env("HOME", bench.path("home")).env("XDG_CACHE_HOME", bench.path("cache"));
    shell.envs([("DOCKER_HOST", "unix:///none"), ("CONTAINER_HOST", "unix:///none"), ("CONTAINERD_ADDRESS", "/none")]);
    shell.env(variable, socket).output().unwrap()
}

#[test]
fn what_was_built_is_found_in_each_daemon() {
    let bench = Bench::new();
    bench.build_database();
    let podman = match podman(&bench.path("")) {
        Ok(daemon) => daemon,
        Err(cause) => {
            eprintln!("ignored: {cause}");
            return;
        }
    };
    build(&bench, &podman);
    let found = |variable: &str, socket: &str, image: &str| {
        let output = pipeline(&bench, variable, socket, image);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("GHSA-jfh8-c2jp-5v3q"), "{variable}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let socket = format!("unix://{}", podman.socket.display());
    for variable in ["DOCKER_HOST", "CONTAINER_HOST"] {
        found(variable, &socket, "my-container-image:latest");
    }

    let containerd = match containerd(&bench.path("")) {
        Ok(daemon) => daemon,
        Err(cause) => {
            eprintln!("ignored: {cause}");
            return;
        }
    };
    let import = ["images", "import", "--no-unpack"];
    let ctr = |arguments: &[&str]| did(Command::new("ctr").arg("-a").arg(&containerd.socket).args(arguments));
    let archive = bench.path("image.tar").display().to_string();
    ctr(&[&import[..], &[&archive]].concat());
    let name = "docker.io/library/my-container-image:latest";
    ctr(&["images", "tag", "localhost/my-container-image:latest", name]);
    let socket = containerd.socket.display().to_string();
    found("CONTAINERD_ADDRESS", &socket, "my-container-image:latest");
    found("CONTAINERD_ADDRESS", &socket, "containerd:localhost/my-container-image:latest");
    let mut missing = bench.command("palisade", &["sbom", "containerd:nothing:1"]);
    let output = missing.env("CONTAINERD_ADDRESS", &socket).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("containerd has no image"), "{said}");
}
