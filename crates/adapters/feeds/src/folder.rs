//! Reading a folder: one thread unpacks and splits, as many as there are processors parse, the caller gets the items in
//! the order of the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Deserialize;

use crate::config::Config;
use crate::error::FeedError;
use crate::format::FeedItem;
use crate::open::{Chunk, FileFacts, Splitter};
use crate::parse::{Output, parse};
use crate::report::Report;

/// Chunks in the air for each worker; with chunks of a megabyte this bounds the memory.
const CHUNKS_PER_WORKER: usize = 3;

/// More workers than this have nothing to do: one thread unpacks.
const MAX_WORKERS: usize = 16;

/// How deep folders may nest.
const MAX_DEPTH: usize = 32;

/// Files that describe a folder and are no feeds.
const NOT_FEEDS: &[&str] = &["MANIFEST.json", "SHA256SUMS", "PROVENANCE.tsv"];

/// Reads every feed in a folder, whatever its layout: files are known by their content. Items go to `sink` in the
/// order of the files' paths. A `MANIFEST.json` beside them may tell the day of each file's data, and `SHA256SUMS` its
/// digest.
///
/// # Errors
/// When the folder cannot be read, holds no feed, or holds files of a source of which nothing could be read. Single
/// records that are malformed are in the report.
pub fn read_folder(folder: &Path, config: &Config, sink: &mut dyn FnMut(FeedItem)) -> Result<Report, FeedError> {
    let files = Listing::of(folder, config)?;
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let mut report = Report::default();
    thread::scope(|scope| {
        let (work, jobs) = sync_channel::<Job>(workers * CHUNKS_PER_WORKER);
        let (order, answers) = sync_channel::<Receiver<Output>>(workers * CHUNKS_PER_WORKER);
        let jobs = std::sync::Arc::new(Mutex::new(jobs));
        for _ in 0..workers {
            let jobs = std::sync::Arc::clone(&jobs);
            scope.spawn(move || serve(&jobs, config));
        }
        // The workers alone hold the receiving end: when all of them are gone, the splitter must stop too.
        drop(jobs);
        scope.spawn(move || files.split(config, &work, &order));
        for answer in answers {
            // A worker that panicked drops its answer; the panic itself comes out of the scope.
            let Ok(output) = answer.recv() else { break };
            report.merge(output.report);
            output.items.into_iter().for_each(&mut *sink);
        }
    });
    check(&report, folder)?;
    Ok(report)
}

/// A chunk, and where its result goes.
struct Job {
    chunk: Chunk,
    answer: SyncSender<Output>,
}

fn serve(jobs: &Mutex<Receiver<Job>>, config: &Config) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if job.answer.send(parse(job.chunk, config)).is_err() {
            return;
        }
    }
}

fn check(report: &Report, folder: &Path) -> Result<(), FeedError> {
    if report.sources.is_empty() {
        return Err(FeedError::NothingFound { folder: folder.to_owned() });
    }
    match report.sources.iter().find(|(_, source)| source.records == 0 && source.withheld == 0) {
        Some((name, source)) => Err(FeedError::EmptySource {
            name: name.clone(),
            cause: source.causes.first().cloned().unwrap_or_else(|| "it holds none".to_owned()),
        }),
        None => Ok(()),
    }
}

/// The files of a folder.
struct Listing {
    folder: PathBuf,
    /// Paths under the folder, in order.
    files: Vec<String>,
    dates: BTreeMap<String, String>,
    digests: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Provenance {
    file: String,
    #[serde(default)]
    date: String,
}

impl Listing {
    fn of(folder: &Path, config: &Config) -> Result<Self, FeedError> {
        let mut files = Vec::new();
        let mut stack = vec![(folder.to_owned(), String::new(), 0)];
        while let Some((path, under, depth)) = stack.pop() {
            for entry in fs::read_dir(&path).map_err(|error| FeedError::io(&path, error))? {
                let entry = entry.map_err(|error| FeedError::io(&path, error))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                let below = if under.is_empty() { name } else { format!("{under}/{name}") };
                // Follows links: a mirror may be made of them; the depth bounds cycles.
                let meta = fs::metadata(entry.path()).map_err(|error| FeedError::io(entry.path(), error))?;
                if meta.is_dir() && depth < MAX_DEPTH {
                    stack.push((entry.path(), below, depth + 1));
                } else if meta.is_file() && files.len() < config.limits.entries {
                    files.push(below);
                }
            }
        }
        files.sort_unstable();
        let dates = fs::read(folder.join("MANIFEST.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Vec<Provenance>>(&bytes).ok())
            .map(|list| list.into_iter().map(|entry| (entry.file, entry.date)).collect());
        let digests = fs::read_to_string(folder.join("SHA256SUMS")).ok().map(|text| sums(&text));
        Ok(Self {
            folder: folder.to_owned(),
            files,
            dates: dates.unwrap_or_default(),
            digests: digests.unwrap_or_default(),
        })
    }

    /// Unpacks and splits each file into jobs.
    fn split(&self, config: &Config, work: &SyncSender<Job>, order: &SyncSender<Receiver<Output>>) {
        let mut send = |chunk: Chunk| {
            let (answer, receiver) = sync_channel(1);
            work.send(Job { chunk, answer }).is_ok() && order.send(receiver).is_ok()
        };
        let mut splitter = Splitter::new(config.limits, &mut send);
        for path in &self.files {
            let name = path.rsplit('/').next().unwrap_or(path);
            if NOT_FEEDS.contains(&name) || name.ends_with(".md") || name.ends_with(".part") {
                continue;
            }
            let full = self.folder.join(path);
            match self.digests.get(path).map(|expected| (expected, sha256(&full))) {
                Some((expected, Ok(found))) if *expected != found => {
                    splitter.unread(path, format!("SHA256SUMS says {expected}, the file has {found}"));
                }
                Some((_, Err(error))) => splitter.unread(path, error.to_string()),
                _ => {
                    let date = self.dates.get(path).cloned().unwrap_or_default();
                    splitter.file(&full, FileFacts { path: path.clone(), date });
                }
            }
            if splitter.stopped() {
                return;
            }
        }
        splitter.finish();
    }
}

/// Lines of `digest  path`.
fn sums(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (digest, path) = line.split_once(' ')?;
            let path = path.trim_start_matches([' ', '*']).trim_start_matches("./");
            Some((path.to_owned(), digest.to_ascii_lowercase()))
        })
        .collect()
}

/// A file's SHA-256, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    digest(&mut BufReader::with_capacity(256 << 10, File::open(path)?))
}

/// SHA-256 of all that a reader gives, in hexadecimal.
pub(crate) fn digest(input: &mut impl Read) -> std::io::Result<String> {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
