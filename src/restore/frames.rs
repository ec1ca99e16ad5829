//! Executes a window: reads each frame once and writes its chunks where they belong.
//!
//! Threads draw frames in the order of the packs, so that a disk streams, and hold one at a time; where a request
//! costs more than bytes, those that one request reads. A chunk is written only after its id was verified. What a frame does not give is looked for in the
//! chunk's other places, then once more after the index was loaded again, because a prune may have
//! moved it; what is in no place is missing from its files.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::window::{FrameKey, FramePlan, KEPT_FRAMES, PlacedWant, Want, Window};
use super::writer::Writer;
use crate::error::Result;
use crate::id::{ChunkId, PackId};
use crate::index::Location;
use crate::pack::{FramePlace, PackKind};
use crate::platform::failure::is_shortage;
use crate::storage::{Properties, join_parts, work_at_once};

/// The index is loaded again at most so often: each prune that runs meanwhile needs one, a
/// repository with many damaged packs must not need one for each.
const RELOADS_MAX: usize = 16;

/// A frame, or the place of one chunk in it, that does not give what the index says.
type BadPlace = (FrameKey, Option<u32>);

/// Frames that are read because another failed, with what is wanted of each.
type OtherFrames = HashMap<FrameKey, (Location, Vec<PlacedWant>)>;

/// What is kept from window to window.
#[derive(Default)]
pub(super) struct Frames {
    /// Frames that were opened, those planned last at the end.
    kept: Vec<(FrameKey, Arc<Vec<u8>>)>,
    bad: Mutex<HashSet<BadPlace>>,
    /// Packs for whose sake the index was loaded again.
    reloaded_for: Mutex<HashSet<PackId>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Sets of finished answers, whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Frames {
    /// Writes all files of `window`, or stops early when the restore is over.
    pub fn execute(&mut self, writer: &Writer<'_>, window: &Window) {
        let mut order: Vec<usize> = (0..window.frames.len()).collect();
        order.sort_unstable_by_key(|at| (window.frames[*at].place.pack, window.frames[*at].place.frame.offset));
        let storage = &**writer.task.reader.objects().storage();
        let drawn = self.draw(&order, window, storage.properties());
        let steps = drawn.len() + window.ready.len() + 1;
        let next = AtomicUsize::new(0);
        let kept_next = Mutex::new(HashMap::new());
        let run = Run { writer, window, frames: self };
        let work = || {
            while !writer.task.is_over() {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if let Some(frames) = drawn.get(at) {
                    run.write_frames(&order[frames.clone()], &mut |frame, plain| {
                        lock(&kept_next).insert(window.frames[frame].key(), plain);
                    });
                } else if let Some(file) = window.ready.get(at - drawn.len()) {
                    window.files[*file as usize].finish(writer);
                } else if at < steps {
                    run.recover(window.unplaced.clone(), None);
                } else {
                    break;
                }
            }
        };
        work_at_once(storage, steps, &work);
        let mut read = kept_next.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.kept.retain(|(key, _)| !read.contains_key(key));
        self.kept.extend(window.last_frames().filter_map(|key| Some((key, read.remove(&key)?))));
        self.kept.drain(..self.kept.len().saturating_sub(KEPT_FRAMES));
    }

    /// Which of the frames in this order are read together.
    fn draw(&self, order: &[usize], window: &Window, properties: Properties) -> Vec<Range<usize>> {
        if properties.gap_bytes == 0 {
            return (0..order.len()).map(|at| at..at + 1).collect();
        }
        // What is kept is not read, and so by itself.
        let part = |at: &usize| {
            let plan = &window.frames[*at];
            ((plan.place.pack, self.keeps(plan).then_some(*at)), plan.place.frame.in_pack().range())
        };
        let parts: Vec<_> = order.iter().map(part).collect();
        let request_bytes = properties.request_bytes(parts.iter().map(|(_, range)| range.end - range.start).sum());
        join_parts(&parts, properties.gap_bytes, request_bytes)
    }

    fn keeps(&self, frame: &FramePlan) -> bool {
        self.kept.iter().any(|(key, _)| *key == frame.key())
    }

    fn is_bad(&self, place: &Location) -> bool {
        let (bad, key) = (lock(&self.bad), (place.pack, place.frame.number));
        bad.contains(&(key, None)) || bad.contains(&(key, Some(place.chunk_offset)))
    }

    fn set_bad(&self, key: FrameKey, chunk_offset: Option<u32>) {
        lock(&self.bad).insert((key, chunk_offset));
    }
}

/// Chunks that lie one behind the other in a frame as they do in a file: written at once.
struct Stretch {
    /// The number of the file in the window.
    file: u32,
    /// Where it belongs in the file.
    offset: u64,
    pieces: u64,
    /// Where it lies in the plain bytes of the frame.
    begin: usize,
    end: usize,
}

impl Stretch {
    fn goes_on_with(&self, want: &Want, begin: usize) -> bool {
        let offset = self.offset.checked_add((self.end - self.begin) as u64);
        self.file == want.file && self.end == begin && offset == Some(want.offset)
    }

    fn extend(&mut self, end: usize) {
        self.end = end;
        self.pieces += 1;
    }
}

struct Run<'a> {
    writer: &'a Writer<'a>,
    window: &'a Window,
    frames: &'a Frames,
}

impl Run<'_> {
    /// Reads frames of one pack that lie beside each other, and writes their chunks; `keep` takes those that are to be
    /// kept.
    fn write_frames(&self, frames: &[usize], keep: &mut dyn FnMut(usize, Arc<Vec<u8>>)) {
        let mut write = |at: usize, plain: Result<Arc<Vec<u8>>>| {
            if let Some(plain) = self.write_frame(at, plain) {
                keep(at, plain);
            }
        };
        if let [at] = frames {
            let plan = &self.window.frames[*at];
            let plain = match self.frames.kept.iter().find(|(key, _)| *key == plan.key()) {
                Some((_, plain)) => Ok(Arc::clone(plain)),
                None => self.writer.task.reader.read_frame(&plan.place).map(Arc::new),
            };
            return write(*at, plain);
        }
        let Some(Location { pack, pack_bytes, .. }) = frames.first().map(|at| self.window.frames[*at].place) else { return };
        let places: Vec<FramePlace> = frames.iter().map(|at| self.window.frames[*at].place.frame.in_pack()).collect();
        self.writer.task.reader.read_frames_beside(&pack, pack_bytes, &places, &mut |number, plain| {
            if !self.writer.task.is_over() {
                write(frames[number], plain.map(Arc::new));
            }
        });
    }

    /// Writes the chunks of the frame with the number `at`, which was read; returns it if it is to be kept.
    fn write_frame(&self, at: usize, plain: Result<Arc<Vec<u8>>>) -> Option<Arc<Vec<u8>>> {
        let plan = &self.window.frames[at];
        let plain = match plain {
            Ok(plain) => plain,
            Err(error) if is_shortage(&error) => {
                self.writer.task.end(error);
                return None;
            }
            Err(_) => {
                self.frames.set_bad(plan.key(), None);
                self.recover(plan.wants.iter().map(|placed| placed.want).collect(), Some(plan.place.pack));
                return None;
            }
        };
        let mut wants = plan.wants.clone();
        let rest = self.write_chunks(plan.key(), &plain, &mut wants);
        if !rest.is_empty() {
            self.recover(rest, Some(plan.place.pack));
        }
        self.window.is_kept(at).then_some(plain)
    }

    /// Writes what `plain` has of `wants`; returns those that it does not have.
    fn write_chunks(&self, key: FrameKey, plain: &[u8], wants: &mut [PlacedWant]) -> Vec<Want> {
        // Places of one chunk stand together, so that its id is computed once.
        wants.sort_unstable_by_key(|placed| (placed.chunk_offset, placed.chunk_bytes, placed.want.id));
        let mut rest = Vec::new();
        let mut verified: Option<(u32, u32, ChunkId, bool)> = None;
        let mut stretch: Option<Stretch> = None;
        for PlacedWant { chunk_offset, chunk_bytes, want } in wants.iter() {
            let start = *chunk_offset as usize;
            let bytes = plain.get(start..start + *chunk_bytes as usize);
            let is_right = match verified {
                Some((offset, bytes, id, is_right)) if (offset, bytes, id) == (*chunk_offset, *chunk_bytes, want.id) => is_right,
                _ => bytes.is_some_and(|bytes| self.writer.task.reader.verify(PackKind::Data, &want.id, bytes)),
            };
            verified = Some((*chunk_offset, *chunk_bytes, want.id, is_right));
            match bytes {
                Some(bytes) if is_right => {
                    let end = start + bytes.len();
                    match &mut stretch {
                        Some(stretch) if stretch.goes_on_with(want, start) => stretch.extend(end),
                        _ => {
                            let begun = Stretch { file: want.file, offset: want.offset, pieces: 1, begin: start, end };
                            self.deliver(plain, stretch.replace(begun));
                        }
                    }
                }
                _ => {
                    self.frames.set_bad(key, Some(*chunk_offset));
                    rest.push(*want);
                }
            }
        }
        self.deliver(plain, stretch);
        rest
    }

    fn deliver(&self, plain: &[u8], stretch: Option<Stretch>) {
        let Some(Stretch { file, offset, pieces, begin, end }) = stretch else { return };
        self.window.files[file as usize].write(self.writer, offset, &plain[begin..end], pieces);
        self.settle(file, pieces);
    }

    fn settle(&self, file: u32, pieces: u64) {
        let file = &self.window.files[file as usize];
        if file.settle(pieces) && !self.writer.task.is_over() {
            file.finish(self.writer);
        }
    }

    /// Looks for chunks in other places than those known to be bad; `failed` is the pack that did not
    /// have them.
    fn recover(&self, mut rest: Vec<Want>, failed: Option<PackId>) {
        let mut is_reloaded = false;
        while !rest.is_empty() && !self.writer.task.is_over() {
            let (found, nowhere) = self.other_places(&rest);
            rest = nowhere;
            if found.is_empty() {
                if is_reloaded || rest.is_empty() || !self.reload_index(&rest[0].id, failed) {
                    break;
                }
                is_reloaded = true;
            }
            for (key, (place, mut wants)) in found {
                match self.writer.task.reader.read_frame(&place) {
                    Ok(plain) => rest.extend(self.write_chunks(key, &plain, &mut wants)),
                    Err(error) if is_shortage(&error) => self.writer.task.end(error),
                    Err(_) => {
                        self.frames.set_bad(key, None);
                        rest.extend(wants.iter().map(|placed| placed.want));
                    }
                }
            }
        }
        if self.writer.task.is_over() {
            return;
        }
        for want in rest {
            self.window.files[want.file as usize].add_missing(want.offset..want.offset.saturating_add(want.bytes));
            self.settle(want.file, 1);
        }
    }

    /// Groups chunks by the first place of each that is not known to be bad; and those without one.
    fn other_places(&self, wants: &[Want]) -> (OtherFrames, Vec<Want>) {
        let mut found = OtherFrames::new();
        let mut nowhere = Vec::new();
        for want in wants {
            // Damaged tables are made anew when the index is loaded again.
            let places = self.writer.task.reader.places(&want.id).unwrap_or_default();
            let usable = |place: &&Location| u64::from(place.chunk_bytes) == want.bytes && !self.frames.is_bad(place);
            match places.iter().find(usable) {
                None => nowhere.push(*want),
                Some(place) => {
                    let placed = PlacedWant { chunk_offset: place.chunk_offset, chunk_bytes: place.chunk_bytes, want: *want };
                    let entry = found.entry((place.pack, place.frame.number)).or_insert_with(|| (*place, Vec::new()));
                    entry.1.push(placed);
                }
            }
        }
        (found, nowhere)
    }

    /// Lets the reader load the index again, once for each pack that failed. True when it did.
    fn reload_index(&self, id: &ChunkId, failed: Option<PackId>) -> bool {
        let mut reloaded_for = lock(&self.frames.reloaded_for);
        if reloaded_for.len() >= RELOADS_MAX || !reloaded_for.insert(failed.unwrap_or(PackId([0; 32]))) {
            // Another thread may have loaded it since the places were looked up.
            return true;
        }
        // It loads the index when it does not find the chunk; finding it is just as good.
        let _ = self.writer.task.reader.data_chunk(id);
        true
    }
}
