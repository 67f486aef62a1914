use crate::operator::Operator;
use crate::sealing::same;
use logical::{Batch, Error, Secret};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// Changes of one procedure that are tried while other nodes change it.
const CHANGES: usize = 16;
/// More than 255 shares and all else that a procedure holds.
const MOST_BYTES: usize = 16 << 10;

/// Where the state of a procedure is, as a row.
#[derive(Clone, Copy)]
pub(crate) struct Procedure(pub(crate) &'static str);

/// A secret of a procedure: stored as part of its row, encrypted, and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept(Vec<u8>);

/// Shares that were handed in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Collected {
    pub(crate) nonce: String,
    parts: Vec<Kept>,
}

impl Kept {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Collected {
    pub(crate) fn new() -> Self {
        Self { nonce: nonce(), parts: Vec::new() }
    }

    /// Whether it was not there yet.
    pub(crate) fn add(&mut self, part: &Secret) -> bool {
        // All are compared, so that it takes as long for each.
        let known = self.parts.iter().filter(|known| same(known.bytes(), part)).count();
        if known == 0 {
            self.parts.push(Kept::new(part));
        }
        known == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// All of them, to be tried; none are left.
    pub(crate) fn take(&mut self) -> Vec<Secret> {
        self.parts.drain(..).map(|mut part| Zeroizing::new(std::mem::take(&mut part.0))).collect()
    }
}

/// A name for one procedure, so that shares are not handed in for another.
pub(crate) fn nonce() -> String {
    Uuid::new_v4().to_string()
}

impl Operator {
    /// The state of a procedure, where it has begun.
    pub(crate) async fn procedure<T: DeserializeOwned>(&self, at: Procedure) -> Result<Option<T>, Error> {
        let row = self.barrier.rows().get(at.0).await?;
        row.map(|row| decode(&row.value)).transpose()
    }

    /// Changes the state of a procedure, for all nodes. The change is stored also where `change` answers with an error;
    /// what is not changed is not written.
    pub(crate) async fn alter<T: Serialize + DeserializeOwned, R>(
        &self,
        at: Procedure,
        mut change: impl FnMut(&mut Option<T>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        for _ in 0..CHANGES {
            let row = self.barrier.rows().get(at.0).await?;
            let mut state = row.as_ref().map(|row| decode(&row.value)).transpose()?;
            let result = change(&mut state);
            let bytes = state.as_ref().map(encode).transpose()?;
            if bytes.as_ref() == row.as_ref().map(|row| &row.value) {
                return result;
            }
            let mut batch = Batch::new();
            batch.require(at.0, row.map(|row| row.version));
            match bytes {
                Some(bytes) => batch.put(at.0, bytes),
                None => batch.delete(at.0),
            };
            match self.barrier.rows().commit("", &batch, space::Batch::new()).await {
                Ok(_) => return result,
                Err(Error::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Conflict)
    }
}

fn encode(state: &impl Serialize) -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new(vec![0; MOST_BYTES]);
    let length = postcard::to_slice(state, &mut bytes).map_err(Error::internal)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &Secret) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|_| Error::internal("the row of a procedure is damaged"))
}
