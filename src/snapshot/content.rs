//! From bytes to chunks: read, cut, hash, gather.
//!
//! A small file is read whole into the worker's buffer. A large one is read in windows by one worker;
//! the chunks of each window are hashed, compressed and sealed by whichever worker is free, so that
//! one file of 10 GiB keeps all cores busy while memory stays at a few windows.

use crate::cancel::check_cancelled;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::writeback::Writeback;
use crate::chunker::{Class, Cutter, HEAD_BYTES, Method, recognise};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChunkId;
use crate::manifest::{ContentList, Item, ListPage, ListWriter};
use crate::progress::Progress;
use crate::repository::{FrameGatherer, Sink};
use crate::wire;

/// Files up to this length are read whole.
pub(super) const SMALL_FILE_BYTES: u64 = 4 << 20;
/// A large file is read in windows of this length, or of two of the longest chunks where that is more:
/// a window that holds no whole chunk would never end.
const WINDOW_BYTES: usize = 8 << 20;

/// A failure while a file is saved: of the source, which costs only the file, or of the repository,
/// which ends the run.
#[derive(Debug)]
pub(super) enum SaveError {
    Source(Error),
    Repository(Error),
}

impl SaveError {
    /// The error itself, where both kinds end the run.
    pub(super) fn into_error(self) -> Error {
        match self {
            SaveError::Source(error) | SaveError::Repository(error) => error,
        }
    }
}

/// Fills a buffer from an offset of the source; may fill less, and 0 at the end.
pub(super) type ReadAt<'r> = dyn FnMut(u64, &mut [u8]) -> Result<usize> + Send + 'r;

/// What the workers share.
pub(super) struct Saver<'s> {
    pub sink: &'s Sink,
    pub cutter: &'s Cutter,
    pub progress: &'s dyn Progress,
    pub writeback: Writeback,
    gatherers: Mutex<Vec<FrameGatherer>>,
    windows: Mutex<Vec<Vec<u8>>>,
    windows_in_work: AtomicUsize,
    windows_max: usize,
    window_bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<'s> Saver<'s> {
    pub(super) fn new(sink: &'s Sink, cutter: &'s Cutter, progress: &'s dyn Progress) -> Self {
        Self {
            sink,
            cutter,
            progress,
            writeback: Writeback::new(),
            gatherers: Mutex::new(Vec::new()),
            windows: Mutex::new(Vec::new()),
            windows_in_work: AtomicUsize::new(0),
            windows_max: rayon::current_num_threads() + 2,
            window_bytes: cutter.table().0.iter().map(|cut| 2 * cut.max_bytes as usize).fold(WINDOW_BYTES, usize::max),
        }
    }

    /// Lends a set of open frames for a run of consecutive files.
    pub(super) fn with_gatherer<T>(&self, work: impl FnOnce(&mut FrameGatherer) -> T) -> T {
        let mut gatherer = lock(&self.gatherers).pop().unwrap_or_default();
        let result = work(&mut gatherer);
        lock(&self.gatherers).push(gatherer);
        result
    }

    /// Closes all frames that are open. No worker may be at work.
    pub(super) fn flush(&self) -> Result<()> {
        lock(&self.gatherers).iter_mut().try_for_each(|gatherer| self.sink.flush(gatherer))
    }

    /// Fails with `Interrupted` when the user asked to stop.
    pub(super) fn check_interrupt(&self) -> Result<()> {
        check_cancelled(self.progress)
    }
}

/// The content of one file as it is found.
pub(super) struct ContentWriter<'w, 's> {
    saver: &'w Saver<'s>,
    class: Option<Class>,
    list: ListWriter,
    bytes: u64,
}

impl<'w, 's> ContentWriter<'w, 's> {
    pub(super) fn new(saver: &'w Saver<'s>) -> Self {
        Self { saver, class: None, list: ListWriter::default(), bytes: 0 }
    }

    fn push(&mut self, item: Item) -> Result<()> {
        self.bytes += item.bytes();
        let sink = self.saver.sink;
        self.list.push(item, &mut |page: &ListPage| sink.store_meta(&wire::encode(page)))
    }

    /// Adds a hole. A file that begins with one is cut as general content.
    pub(super) fn push_hole(&mut self, bytes: u64) -> std::result::Result<(), SaveError> {
        self.class.get_or_insert(Class::General);
        if bytes == 0 { Ok(()) } else { self.push(Item::Hole(bytes)).map_err(SaveError::Repository) }
    }

    /// Closes the content: its length and its list.
    pub(super) fn finish(self) -> std::result::Result<(u64, ContentList), SaveError> {
        let sink = self.saver.sink;
        let list = self.list.finish(&mut |page| sink.store_meta(&wire::encode(page)));
        Ok((self.bytes, list.map_err(SaveError::Repository)?))
    }

    /// Adds the data from `start` to `end`, or to the end of the source if that comes first. Returns
    /// where it ended.
    pub(super) fn push_data(
        &mut self,
        gatherer: &mut FrameGatherer,
        start: u64,
        end: u64,
        read_at: &mut ReadAt<'_>,
    ) -> std::result::Result<u64, SaveError> {
        if end - start <= SMALL_FILE_BYTES { self.push_small(gatherer, start, end, read_at) } else { self.push_large(start, end, read_at) }
    }

    fn push_small(
        &mut self,
        gatherer: &mut FrameGatherer,
        start: u64,
        end: u64,
        read_at: &mut ReadAt<'_>,
    ) -> std::result::Result<u64, SaveError> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut buffer = BUFFER.take();
        let wanted = (end - start) as usize;
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let result = (|| {
            let filled = fill(&mut buffer[..wanted], 0, start, read_at).map_err(SaveError::Source)?;
            let plain = &buffer[..filled];
            let class = *self.class.get_or_insert_with(|| recognise(&plain[..plain.len().min(HEAD_BYTES)]));
            let mut at = 0;
            while at < plain.len() {
                let bytes = next_chunk_bytes(self.saver.cutter, class, start + at as u64, &plain[at..]);
                let chunk = &plain[at..at + bytes];
                let id = self.saver.sink.store_data(gatherer, class, chunk).map_err(SaveError::Repository)?;
                self.push(Item::Chunk(id, bytes as u64)).map_err(SaveError::Repository)?;
                at += bytes;
            }
            Ok(start + filled as u64)
        })();
        BUFFER.set(buffer);
        result
    }

    fn push_large(&mut self, start: u64, end: u64, read_at: &mut ReadAt<'_>) -> std::result::Result<u64, SaveError> {
        let saver = self.saver;
        let mut offset = start;
        let mut waiting: VecDeque<Window> = VecDeque::new();
        let outcome = rayon::in_place_scope(|scope| {
            let mut rest: Vec<u8> = Vec::new();
            loop {
                saver.check_interrupt().map_err(SaveError::Repository)?;
                // `rest` begins at `offset`; the window goes on behind it.
                let mut buffer = lock(&saver.windows).pop().unwrap_or_default();
                buffer.resize(saver.window_bytes, 0);
                buffer[..rest.len()].copy_from_slice(&rest);
                let wanted = ((end - offset).min(saver.window_bytes as u64)) as usize;
                let filled = fill(&mut buffer[..wanted], rest.len(), offset, read_at).map_err(SaveError::Source)?;
                let is_end = filled < wanted || offset + filled as u64 == end;
                let class = *self.class.get_or_insert_with(|| recognise(&buffer[..filled.min(HEAD_BYTES)]));
                let longest = saver.cutter.table().cut(class).max_bytes as usize;
                let (mut ranges, mut at) = (Vec::new(), 0);
                while at < filled && (is_end || filled - at >= longest) {
                    let bytes = next_chunk_bytes(saver.cutter, class, offset + at as u64, &buffer[at..filled]);
                    ranges.push(at..at + bytes);
                    at += bytes;
                }
                rest.clear();
                rest.extend_from_slice(&buffer[at..filled]);
                offset += at as u64;
                let window = Window { ranges: ranges.clone(), ids: Arc::new(OnceLock::new()) };
                let ids = Arc::clone(&window.ids);
                waiting.push_back(window);
                let work = move || {
                    let stored = saver.with_gatherer(|gatherer| store_ranges(saver, gatherer, class, &buffer, &ranges));
                    lock(&saver.windows).push(buffer);
                    saver.windows_in_work.fetch_sub(1, Ordering::Relaxed);
                    // Set once only, so it is never taken already.
                    let _ = ids.set(Mutex::new(Some(stored)));
                };
                // When the others have enough to do, the reader does this one itself.
                if saver.windows_in_work.fetch_add(1, Ordering::Relaxed) < saver.windows_max {
                    scope.spawn(move |_| work());
                } else {
                    work();
                }
                while waiting.front().is_some_and(|window| window.ids.get().is_some()) {
                    self.take_window(waiting.pop_front())?;
                }
                if is_end {
                    return Ok(offset);
                }
            }
        });
        // The scope has waited for every window.
        while let Some(window) = waiting.pop_front() {
            self.take_window(Some(window))?;
        }
        outcome
    }

    fn take_window(&mut self, window: Option<Window>) -> std::result::Result<(), SaveError> {
        let Some(window) = window else { return Ok(()) };
        let stored = window.ids.get().and_then(|stored| lock(stored).take());
        let lost = || Err(Error::new(ErrorKind::Other, "a worker ended early"));
        let ids = stored.unwrap_or_else(lost).map_err(SaveError::Repository)?;
        for (id, range) in ids.into_iter().zip(window.ranges) {
            self.push(Item::Chunk(id, range.len() as u64)).map_err(SaveError::Repository)?;
        }
        Ok(())
    }
}

/// A window whose chunks are being stored, or are.
struct Window {
    ranges: Vec<Range<usize>>,
    ids: Arc<OnceLock<Stored>>,
}

/// What storing a window gave; taken out once.
type Stored = Mutex<Option<Result<Vec<ChunkId>>>>;

fn store_ranges(
    saver: &Saver<'_>,
    gatherer: &mut FrameGatherer,
    class: Class,
    buffer: &[u8],
    ranges: &[Range<usize>],
) -> Result<Vec<ChunkId>> {
    let store = |range: &Range<usize>| {
        let id = saver.sink.store_data(gatherer, class, &buffer[range.clone()])?;
        saver.progress.add_done(0, range.len() as u64);
        Ok(id)
    };
    ranges.iter().map(store).collect()
}

/// The length of the chunk at `offset` of a file. Fixed pieces stay aligned to the file, wherever its
/// holes end.
fn next_chunk_bytes(cutter: &Cutter, class: Class, offset: u64, data: &[u8]) -> usize {
    let cut = cutter.table().cut(class);
    if cut.method == Method::Fixed {
        let piece = u64::from(cut.average_bytes);
        return data.len().min((piece - offset % piece) as usize);
    }
    cutter.next_bytes(class, data)
}

/// Fills `buffer` from `from` on with the source from `offset + from` on; returns how far it is filled.
fn fill(buffer: &mut [u8], from: usize, offset: u64, read_at: &mut ReadAt<'_>) -> Result<usize> {
    let mut filled = from;
    while filled < buffer.len() {
        match read_at(offset + filled as u64, &mut buffer[filled..])? {
            0 => break,
            bytes => filled += bytes,
        }
    }
    Ok(filled)
}
