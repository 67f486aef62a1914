//! Components and advisories to findings.
