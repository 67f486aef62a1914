use crate::rows::Rows;
use crate::sealing::{Seal, SealWrap};
use crate::view::View;
use space::Space;
use std::sync::Arc;

/// The barrier: everything that is stored passes it encrypted. Cloning it costs nothing; clones are the same barrier.
#[derive(Clone)]
pub struct Barrier {
    rows: Arc<Rows>,
}

impl Barrier {
    /// Over the rows of a space whose keys begin with `base`; sealed at first.
    pub fn new(space: Arc<dyn Space>, base: impl Into<Vec<u8>>, seal: Seal) -> Self {
        Self { rows: Arc::new(Rows::new(space, base.into(), seal, None)) }
    }

    /// The same, where the store may still have another seal, which is migrated from. Shamir's need not be given.
    pub fn migrating(space: Arc<dyn Space>, base: impl Into<Vec<u8>>, seal: Seal, earlier: Arc<dyn SealWrap>) -> Self {
        Self { rows: Arc::new(Rows::new(space, base.into(), seal, Some(earlier))) }
    }

    /// The rows under a prefix.
    pub fn view(&self, prefix: &str) -> View {
        View::new(Arc::clone(&self.rows), prefix)
    }

    /// How the root key is kept.
    pub fn seal_type(&self) -> &Seal {
        &self.rows.seal
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }
}
