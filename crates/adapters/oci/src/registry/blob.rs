//! A blob as it arrives, resumed where the connection breaks.

use super::client::{self, Client};
use super::error::RegistryError;
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_RANGE;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// How often one blob is resumed.
const MAX_RESUMES: u32 = 5;
/// A blob that arrives more slowly, measured after [`PATIENCE`], counts as cut: nothing may trickle for ever.
const MIN_BYTES_PER_SECOND: u64 = 1024;
const PATIENCE: Duration = Duration::from_secs(60);

/// The stored bytes of a blob. Whoever reads verifies the digest, which covers the pieces of a resumed blob too.
pub(crate) struct Blob<'a> {
    client: &'a Client,
    digest: String,
    /// 0: unknown.
    size_bytes: u64,
    received_bytes: u64,
    response: Response,
    resumes: u32,
    waited: Duration,
    waited_for_bytes: u64,
}

impl<'a> Blob<'a> {
    pub(crate) fn open(client: &'a Client, digest: &str, size_bytes: u64) -> Result<Self, RegistryError> {
        let response = client.get(&format!("blobs/{digest}"), "*/*", 0)?;
        Ok(Self {
            client,
            digest: digest.to_owned(),
            size_bytes,
            received_bytes: 0,
            response,
            resumes: 0,
            waited: Duration::ZERO,
            waited_for_bytes: 0,
        })
    }

    fn resume(&mut self) -> Result<(), RegistryError> {
        let cut = || RegistryError::Cut {
            host: self.client.host.clone(),
            digest: self.digest.clone(),
            received_bytes: self.received_bytes,
        };
        self.resumes += 1;
        if self.resumes > MAX_RESUMES {
            return Err(cut());
        }
        std::thread::sleep(client::pause(self.resumes));
        let mut response = self.client.get(&format!("blobs/{}", self.digest), "*/*", self.received_bytes)?;
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let start = format!("bytes {}-", self.received_bytes);
        match (response.status(), range) {
            (StatusCode::PARTIAL_CONTENT, Some(range)) if range.starts_with(&start) => {}
            (StatusCode::OK, _) => {
                // It knows no ranges: pass over what is already here.
                let skipped = io::copy(&mut response.by_ref().take(self.received_bytes), &mut io::sink());
                if skipped.ok() != Some(self.received_bytes) {
                    return Err(cut());
                }
            }
            _ => return Err(cut()),
        }
        self.response = response;
        (self.waited, self.waited_for_bytes) = (Duration::ZERO, 0);
        Ok(())
    }

    fn is_too_slow(&self) -> bool {
        self.waited > PATIENCE && self.waited_for_bytes < self.waited.as_secs() * MIN_BYTES_PER_SECOND
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let started = Instant::now();
            let result = self.response.read(buffer);
            self.waited += started.elapsed();
            match result {
                Ok(0) if buffer.is_empty() || self.received_bytes >= self.size_bytes => return Ok(0),
                Ok(read) if read > 0 && !self.is_too_slow() => {
                    self.received_bytes += read as u64;
                    self.waited_for_bytes += read as u64;
                    return Ok(read);
                }
                // Without a size there is no telling what is missing; the digest will tell that something is.
                Err(error) if self.size_bytes == 0 => return Err(error),
                _ => self.resume().map_err(io::Error::other)?,
            }
        }
    }
}
