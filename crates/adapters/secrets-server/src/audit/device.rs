//! Devices that write lines, each on a thread of its own: a disk or a peer that hangs holds up nobody else.

use audit::{Chain, Completion, Device, DeviceError};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// Lines that wait for a device.
const MAX_WAITING: usize = 4096;
/// Lines that are written at once.
const MAX_BATCH: usize = 512;
const MODE: u32 = 0o600;
const SOCKET_TIMEOUT: Duration = Duration::from_secs(2);
/// A line at the end of a file is looked for in so many bytes.
const MAX_LINE: u64 = 64 << 20;

type Answer = oneshot::Sender<Result<(), DeviceError>>;

/// A device with its thread, which ends when this is dropped.
pub(crate) struct Worker {
    lines: RwLock<SyncSender<(Vec<u8>, Answer)>>,
    reopens: Arc<AtomicBool>,
}

impl Worker {
    /// Begins a device of this type; the message is for the client.
    pub(crate) fn start(kind: &str, options: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut sink = Sink::open(kind, options)?;
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let reopens = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&reopens);
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || sink.run(&receiver, &asked)).map_err(|error| error.to_string())?;
        Ok(Self { lines: RwLock::new(sender), reopens })
    }

    /// The file is opened again by its name before the next line.
    pub(crate) fn reopen(&self) {
        self.reopens.store(true, Ordering::Release);
    }
}

impl Device for Worker {
    fn write(&self, line: Vec<u8>) -> Completion {
        let (answer, answered) = oneshot::channel();
        let sent = self.lines.read().unwrap_or_else(PoisonError::into_inner).try_send((line, answer));
        Box::pin(async move {
            match sent {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => return Err(DeviceError("too many lines wait for it".to_owned())),
                Err(TrySendError::Disconnected(_)) => return Err(gone()),
            }
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

fn gone() -> DeviceError {
    DeviceError("the device has ended".to_owned())
}

/// Where lines go.
enum Target {
    File { path: PathBuf, mode: u32, file: Option<File> },
    Output,
    Discard,
    Tcp { address: String, stream: Option<TcpStream> },
    Unix { path: PathBuf, stream: Option<UnixStream> },
}

struct Sink {
    target: Target,
    chain: Chain,
}

impl Sink {
    fn open(kind: &str, options: &BTreeMap<String, String>) -> Result<Self, String> {
        let option = |name: &str| options.get(name).map(String::as_str).unwrap_or_default();
        let target = match kind {
            "file" => match ["file_path", "path"].map(option).into_iter().find(|path| !path.is_empty()) {
                None => return Err("file_path is required".to_owned()),
                Some("stdout") => Target::Output,
                Some("discard") => Target::Discard,
                Some(path) => {
                    let mode = match option("mode") {
                        "" => MODE,
                        text => u32::from_str_radix(text, 8).map_err(|_| format!("mode {text:?} is not octal"))?,
                    };
                    Target::File { path: PathBuf::from(path), mode, file: None }
                }
            },
            "socket" => match (option("address"), option("socket_type")) {
                ("", _) => return Err("address is required".to_owned()),
                (address, "" | "tcp") => Target::Tcp { address: address.to_owned(), stream: None },
                (path, "unix") => Target::Unix { path: PathBuf::from(path), stream: None },
                (_, other) => return Err(format!("sockets of type {other:?} are not there; use tcp or unix")),
            },
            other => return Err(format!("unknown backend type: {other:?}")),
        };
        let mut sink = Self { target, chain: Chain::default() };
        if matches!(sink.target, Target::File { .. }) {
            sink.connect()
                .map_err(|error| format!("sanity check failed; unable to open the file for writing: {error}"))?;
        }
        Ok(sink)
    }

    fn run(&mut self, lines: &Receiver<(Vec<u8>, Answer)>, reopens: &AtomicBool) {
        while let Ok(first) = lines.recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(more) = lines.try_recv()
            {
                batch.push(more);
            }
            if reopens.swap(false, Ordering::AcqRel)
                && let Target::File { file, .. } = &mut self.target
            {
                *file = None;
            }
            let result = self.write(&batch).map_err(|error| DeviceError(error.to_string()));
            for (_, answer) in batch {
                // Whoever asked may have gone.
                let _ = answer.send(result.clone());
            }
        }
    }

    fn write(&mut self, batch: &[(Vec<u8>, Answer)]) -> io::Result<()> {
        self.connect()?;
        let mut chain = self.chain;
        let mut bytes = Vec::new();
        for (line, _) in batch {
            let (sealed, next) = chain.seal(line);
            bytes.extend_from_slice(&sealed);
            chain = next;
        }
        self.send(&bytes).inspect_err(|_| self.disconnect())?;
        self.chain = chain;
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let absent = || io::Error::from(io::ErrorKind::NotConnected);
        match &mut self.target {
            Target::Discard => Ok(()),
            Target::Output => io::stdout().lock().write_all(bytes),
            Target::Tcp { stream, .. } => stream.as_mut().ok_or_else(absent)?.write_all(bytes),
            Target::Unix { stream, .. } => stream.as_mut().ok_or_else(absent)?.write_all(bytes),
            Target::File { file, .. } => {
                let file = file.as_mut().ok_or_else(absent)?;
                let end = file.seek(SeekFrom::End(0))?;
                // A part of a line would break the chain for the lines after it.
                file.write_all(bytes).inspect_err(|_| {
                    let _ = file.set_len(end);
                })
            }
        }
    }

    fn disconnect(&mut self) {
        match &mut self.target {
            Target::File { file, .. } => *file = None,
            Target::Tcp { stream, .. } => *stream = None,
            Target::Unix { stream, .. } => *stream = None,
            Target::Output | Target::Discard => {}
        }
    }

    /// Opens what is not open. The chain of a file goes on where it ended; that of a connection begins anew.
    fn connect(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::File { path, mode, file: file @ None } => {
                let mut options = OpenOptions::new();
                options.read(true).append(true).create(true);
                if *mode != 0 {
                    options.mode(*mode);
                }
                let mut opened = options.open(path)?;
                self.chain = resume(&mut opened)?;
                *file = Some(opened);
            }
            Target::Tcp { address, stream: stream @ None } => {
                let connected = TcpStream::connect(address.as_str())?;
                connected.set_write_timeout(Some(SOCKET_TIMEOUT))?;
                *stream = Some(connected);
                self.chain = Chain::default();
            }
            Target::Unix { path, stream: stream @ None } => {
                let connected = UnixStream::connect(path)?;
                connected.set_write_timeout(Some(SOCKET_TIMEOUT))?;
                *stream = Some(connected);
                self.chain = Chain::default();
            }
            _ => {}
        }
        Ok(())
    }
}

/// The chain at the end of a file, of which what follows the last line break is cut off. A file whose last line has no
/// chain, as the peer writes it, begins a new one.
fn resume(file: &mut File) -> io::Result<Chain> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(MAX_LINE);
    let mut tail = Vec::new();
    let mut from = length;
    // Back in steps until a whole line is there.
    while from > start && tail.iter().filter(|byte| **byte == b'\n').count() < 2 {
        from = from.saturating_sub(64 << 10).max(start);
        file.seek(SeekFrom::Start(from))?;
        tail.clear();
        file.take(length - from).read_to_end(&mut tail)?;
    }
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        if length > 0 {
            file.set_len(from)?;
        }
        return Ok(Chain::default());
    };
    let whole = tail.get(..end).unwrap_or_default();
    file.set_len(from + end as u64 + 1)?;
    let line = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Chain::resume(line).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Expected, verify};

    fn options(path: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("file_path".to_owned(), path.to_owned())])
    }

    #[tokio::test]
    async fn the_chain_of_a_file_goes_on_after_a_crash_in_the_middle_of_a_line() {
        let path = std::env::temp_dir().join(format!("palisade-audit-{}", std::process::id()));
        let name = path.display().to_string();
        let _ = std::fs::remove_file(&path);
        for _ in 0..3 {
            let worker = Worker::start("file", &options(&name)).unwrap();
            for number in 0..3 {
                worker.write(format!(r#"{{"n":{number}}}"#).into_bytes()).await.unwrap();
            }
            drop(worker);
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(br#"{"half":"#).unwrap();
        }
        let worker = Worker::start("file", &options(&name)).unwrap();
        worker.write(b"{}".to_vec()).await.unwrap();
        let text = std::fs::read(&path).unwrap();
        assert_eq!(verify(text.as_slice(), Expected::default()).unwrap().lines, 10);
        std::fs::rename(&path, path.with_extension("1")).unwrap();
        worker.reopen();
        worker.write(b"{}".to_vec()).await.unwrap();
        assert_eq!(verify(std::fs::read(&path).unwrap().as_slice(), Expected::default()).unwrap().lines, 1);
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(path.with_extension("1")).unwrap();
    }

    #[test]
    fn a_device_that_cannot_be_is_refused() {
        for (kind, options, part) in [
            ("file", BTreeMap::new(), "file_path"),
            ("file", options("/nowhere/at/all"), "unable to open"),
            ("syslog", BTreeMap::new(), "unknown"),
            ("socket", BTreeMap::new(), "address"),
        ] {
            let error = Worker::start(kind, &options).err().unwrap();
            assert!(error.contains(part), "{error}");
        }
    }
}
