//! The layers of an image, several at once, largest first.

use crate::{Inventory, InventoryError};
use catalog::{Budget, LayerFacts, LayerOptions, Links};
use oci::{Image, Layer};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// Bytes of whole files held at once, for all layers.
const BUDGET: u64 = 48 << 20;

/// The facts of every layer, base first.
pub(crate) fn scan(inventory: &Inventory, image: &Image) -> Result<Vec<LayerFacts>, InventoryError> {
    let mut order: Vec<usize> = (0..image.layers.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(image.layers.get(*index).map_or(0, |layer| layer.descriptor.size)));
    let results: Vec<OnceLock<LayerFacts>> = image.layers.iter().map(|_| OnceLock::new()).collect();
    let failure: Mutex<Option<InventoryError>> = Mutex::new(None);
    let failed = || failure.lock().unwrap_or_else(PoisonError::into_inner);
    let next = AtomicUsize::new(0);
    let budget = Budget::new(BUDGET);
    let work = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (Some(layer), Some(result)) = (image.layers.get(index), results.get(index)) else { return };
            if failed().is_some() {
                return;
            }
            match facts(inventory, image, index, layer, &budget) {
                Ok(facts) => drop(result.set(facts)),
                Err(error) => drop(failed().get_or_insert(error)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..inventory.parallelism.min(image.layers.len()) {
            scope.spawn(work);
        }
        work();
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(results.into_iter().filter_map(OnceLock::into_inner).collect()),
    }
}

fn facts(
    inventory: &Inventory,
    image: &Image,
    index: usize,
    layer: &Layer,
    budget: &Budget,
) -> Result<LayerFacts, InventoryError> {
    let digest = &layer.descriptor.digest;
    let cached = inventory.cache.as_ref().and_then(|cache| cache.load(digest));
    inventory.progress.layer(index, layer.descriptor.size, cached.is_some());
    if let Some(facts) = cached {
        return Ok(facts);
    }
    let on_bytes = |count| inventory.progress.bytes(count);
    let reader = image.layer(layer, &on_bytes)?;
    let options = LayerOptions { file_digests: inventory.digests, ..LayerOptions::new(budget) };
    let failed = |source| InventoryError::Layer { index, digest: digest.clone(), source };
    let facts = with_read_ahead(reader, |reader| catalog::scan_tar(reader, &inventory.plan, options));
    let mut facts = facts.map_err(failed)?;
    let links = Links::resolve(&mut facts, &inventory.plan);
    if !links.is_empty() {
        let reader = image.layer(layer, &|_| ())?;
        let again = with_read_ahead(reader, |reader| links.scan(reader, facts, &inventory.plan, options));
        facts = again.map_err(failed)?;
    }
    facts.diff_id.clone_from(&layer.diff_id);
    if let Some(cache) = &inventory.cache {
        cache.store(digest, &facts);
    }
    Ok(facts)
}

/// Bytes that the decompressing thread hands over at once; few enough that they are still in the processor's cache.
const CHUNK: usize = 128 << 10;
/// Chunks between the two threads.
const CHUNKS: usize = 4;

/// Runs `work` on a reader that a thread of its own fills: one core inflates while the other looks at the files.
fn with_read_ahead<T>(mut reader: Box<dyn Read + Send + '_>, work: impl FnOnce(ReadAhead) -> T) -> T {
    let (full_sender, full) = sync_channel::<io::Result<Vec<u8>>>(CHUNKS);
    let (empty, empty_receiver) = sync_channel::<Vec<u8>>(CHUNKS + 2);
    thread::scope(|scope| {
        scope.spawn(move || fill(&mut *reader, &full_sender, &empty_receiver));
        // Dropping the reader when `work` is done ends the thread: its next send fails.
        work(ReadAhead { full, empty, chunk: Vec::new(), position: 0 })
    })
}

fn fill(reader: &mut dyn Read, full: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let mut filled = 0;
        while let Some(free) = chunk.get_mut(filled..).filter(|free| !free.is_empty()) {
            match reader.read(free) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What was read before is of no use: the layer fails as a whole.
                    let _ = full.send(Err(error));
                    return;
                }
            }
        }
        chunk.truncate(filled);
        let at_end = filled < CHUNK;
        if full.send(Ok(chunk)).is_err() || at_end {
            return;
        }
    }
}

struct ReadAhead {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    position: usize,
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.chunk.len() {
            // A closed channel is the end: the filling thread sends an error before it stops for one.
            let Ok(next) = self.full.recv() else { return Ok(0) };
            let used = std::mem::replace(&mut self.chunk, next?);
            self.position = 0;
            // With no room for it the chunk is simply freed.
            let _ = self.empty.try_send(used);
        }
        let ready = self.chunk.get(self.position..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.position += count;
        Ok(count)
    }
}
