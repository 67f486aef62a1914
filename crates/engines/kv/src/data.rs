use logical::{Error, Map, Secret};
use serde::Serialize;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// JSON in one buffer that never grew, so that no copy is left behind.
pub(crate) fn encode(value: &impl Serialize) -> Result<Secret, Error> {
    let mut size = Count(0);
    serde_json::to_writer(&mut size, value).map_err(Error::internal)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *bytes, value).map_err(Error::internal)?;
    Ok(bytes)
}

/// An object that [`encode`] wrote. The message of a parser could quote the secret, so it is dropped.
pub(crate) fn decode(bytes: &[u8]) -> Result<Map, Error> {
    serde_json::from_slice(bytes).map_err(|_| Error::internal("a row's data is not what was written"))
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
