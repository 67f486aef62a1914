//! Images from registries, archives, layouts and daemons, as verified streams of layers.
//!
//! [`Image`] is what every source becomes: the manifest and configuration as bytes, and layers that can be opened.
//! A layer's stream is decompressed on the fly and its digest is checked when it ends; nothing is written to disk.

pub mod archive;
pub mod containerd;
pub mod daemon;
pub mod decode;
pub mod error;
pub mod image;
pub mod layout;
pub mod manifest;
pub mod open;
pub mod platform;
pub mod reference;
pub mod registry;
pub mod secret;
pub mod verify;

pub use error::OciError;
pub use image::{BlobSource, Image, Layer};
pub use manifest::Descriptor;
pub use open::{ImageScheme, OpenOptions, open};
pub use platform::Platform;
pub use reference::Reference;
pub use registry::{Document, Referrer, RegistryCredentials, RegistryOptions, Repository};
pub use secret::Secret;
