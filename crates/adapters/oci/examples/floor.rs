//! The least that an inventory of an image with file digests can cost: every layer's stored bytes verified, inflated,
//! and the inflated bytes hashed. `cargo xtask bench image` measures it beside the product.
//!
//! `floor LAYOUT THREADS`

use aws_lc_rs::digest::{Context, SHA256};
use std::error::Error;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [layout, threads] = arguments.as_slice() else { return Err("usage: floor LAYOUT THREADS".into()) };
    let image = oci::open(oci::ImageScheme::OciDir, layout, &oci::OpenOptions::default())?;
    let mut layers: Vec<&oci::Layer> = image.layers.iter().collect();
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.descriptor.size));
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), String> {
        while let Some(layer) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut reader = image.layer(layer, &|_| ()).map_err(|error| error.to_string())?;
            io::copy(&mut reader, &mut Hash(Context::new(&SHA256))).map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let results: Vec<Result<(), String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.parse().unwrap_or(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("panicked".to_owned()))).collect()
    });
    Ok(results.into_iter().collect::<Result<(), String>>()?)
}

struct Hash(Context);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
