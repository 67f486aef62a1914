//! Credentials, which never print.

use std::fmt;
use zeroize::Zeroizing;

/// A password or token. It is wiped when dropped, and `Debug` shows nothing of it.
#[derive(Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The plain text. Use it late and in the smallest scope.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "(none)" } else { "(redacted)" })
    }
}
