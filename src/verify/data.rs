//! Reads the data of packs: every frame opens, and every chunk has its id.
//!
//! Threads draw runs of frames in the order in which they lie on the disk, and hold one frame each.
//! Each byte is read once.

use crate::cancel::check_cancelled;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::damage::{Damage, is_bad_pack};
use super::frames::{OpenPack, Read, Scratch, add, order_by_offset};
use super::objects::problem_of;
use super::outcome::Outcome;
use crate::crypto::Algorithm;
use crate::error::{Error, Result};
use crate::id::PackId;
use crate::pack::{PackDirectory, PackKeys, open_directory};
use crate::progress::Progress;
use crate::repository::{Repository, pack_name};
use crate::storage::{waits_for_answers, work_at_once};

/// A run of frames has about so many stored bytes.
const RUN_BYTES: u64 = 4 << 20;

/// A pack that is being read, by several threads.
struct Reading {
    id: PackId,
    bytes: u64,
    name: String,
    keys: PackKeys,
    directory: PackDirectory,
    /// Runs that are not done yet.
    runs_left: AtomicUsize,
    is_whole: AtomicBool,
    /// Bytes that were told as read.
    told_bytes: AtomicU64,
}

/// Frames of one pack.
struct Run {
    reading: Arc<Reading>,
    frames: Vec<u32>,
}

struct Queue<'p> {
    packs: std::slice::Iter<'p, (PackId, u64)>,
    /// Runs of the packs that were opened last, the next one at the end.
    runs: Vec<Run>,
    /// How many packs are being opened.
    opening: usize,
}

struct Shared<'a> {
    repository: &'a Repository,
    damage: &'a Mutex<Damage>,
    progress: &'a dyn Progress,
    /// Nothing is sealed: only the hash of the whole pack vouches for it.
    is_plain: bool,
    /// Packs are opened while others are, because that waits for answers; else one after the other, as they are read.
    opens_many: bool,
    queue: Mutex<Queue<'a>>,
    /// Told when one of these is opened.
    opened: Condvar,
    read: Mutex<(Read, Vec<PackId>)>,
    failure: Mutex<Option<Error>>,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads `packs`, which have been found to have good directories, and returns those that are whole.
/// That is said even of a reading that ends early, with its error.
pub fn read_packs(
    repository: &Repository,
    packs: &[(PackId, u64)],
    damage: &Mutex<Damage>,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> (Vec<PackId>, Result<()>) {
    progress.add_total(packs.len() as u64, packs.iter().map(|(_, bytes)| bytes).sum());
    progress.end_total();
    let shared = Shared {
        repository,
        damage,
        progress,
        is_plain: repository.description().algorithm == Algorithm::None,
        opens_many: waits_for_answers(&**repository.storage()),
        queue: Mutex::new(Queue { packs: packs.iter(), runs: Vec::new(), opening: 0 }),
        opened: Condvar::new(),
        read: Mutex::new((Read::default(), Vec::new())),
        failure: Mutex::new(None),
        is_over: AtomicBool::new(false),
    };
    work_at_once(&**repository.storage(), usize::MAX, &|| shared.work());
    let (read, whole) = shared.read.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.packs_read = whole.len() as u64;
    outcome.frames_read = read.frames;
    outcome.bytes_read = read.bytes;
    outcome.chunks_verified = read.chunks;
    let failure = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    (whole, failure.map_or(Ok(()), Err))
}

impl Shared<'_> {
    fn work(&self) {
        let mut scratch = Scratch::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let outcome = check_cancelled(self.progress).and_then(|()| self.next_run());
            match outcome.and_then(|run| run.map(|run| self.read_run(&run, &mut scratch)).transpose()) {
                Ok(Some(())) => {}
                Ok(None) => return,
                Err(error) => {
                    lock(&self.failure).get_or_insert(error);
                    self.is_over.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// The next run; opens the next pack when the last one is given out.
    fn next_run(&self) -> Result<Option<Run>> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(run) = queue.runs.pop() {
                return Ok(Some(run));
            }
            match queue.packs.next() {
                Some((id, bytes)) if self.opens_many => {
                    queue.opening += 1;
                    drop(queue);
                    let opened = self.open_or_note(*id, *bytes);
                    queue = lock(&self.queue);
                    queue.opening -= 1;
                    self.opened.notify_all();
                    queue.runs.extend(opened?);
                }
                Some((id, bytes)) => queue.runs = self.open_or_note(*id, *bytes)?,
                // It may have runs for this thread too.
                None if queue.opening > 0 => queue = self.opened.wait(queue).unwrap_or_else(PoisonError::into_inner),
                None => return Ok(None),
            }
        }
    }

    /// The runs of a pack; none of one that is damaged, which is noted.
    fn open_or_note(&self, id: PackId, bytes: u64) -> Result<Vec<Run>> {
        self.open(id, bytes).or_else(|error| {
            if !is_bad_pack(&error) {
                return Err(error);
            }
            lock(self.damage).add_pack(id, problem_of(&pack_name(&id), &error));
            self.progress.add_done(1, bytes);
            Ok(Vec::new())
        })
    }

    fn open(&self, id: PackId, bytes: u64) -> Result<Vec<Run>> {
        let (storage, keys, name) = (&**self.repository.storage(), self.repository.keys(), pack_name(&id));
        let (keys, directory, _) = open_directory(storage, keys, &name, bytes)?;
        let order = order_by_offset(&directory.frames);
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut room = 0;
        for number in order {
            let sealed_bytes = u64::from(directory.frames[number as usize].sealed_bytes);
            match groups.last_mut() {
                Some(group) if self.is_plain || room >= sealed_bytes => group.push(number),
                _ => {
                    groups.push(vec![number]);
                    room = RUN_BYTES;
                }
            }
            room = room.saturating_sub(sealed_bytes);
        }
        if groups.is_empty() {
            // A pack without frames still has a name to be checked.
            groups.push(Vec::new());
        }
        let (runs_left, is_whole) = (AtomicUsize::new(groups.len()), AtomicBool::new(true));
        let told_bytes = AtomicU64::new(0);
        let reading = Arc::new(Reading { id, bytes, name, keys, directory, runs_left, is_whole, told_bytes });
        Ok(groups.into_iter().rev().map(|frames| Run { reading: Arc::clone(&reading), frames }).collect())
    }

    fn read_run(&self, run: &Run, scratch: &mut Scratch) -> Result<()> {
        let reading = &*run.reading;
        let pack = OpenPack {
            repository: self.repository,
            id: reading.id,
            name: &reading.name,
            keys: &reading.keys,
            frames: &reading.directory.frames,
            damage: self.damage,
        };
        let read =
            if self.is_plain { pack.read_whole(&run.frames, reading.bytes, scratch)? } else { pack.read_frames(&run.frames, scratch)? };
        if !read.is_whole {
            reading.is_whole.store(false, Ordering::Relaxed);
        }
        self.progress.add_done(0, read.bytes);
        reading.told_bytes.fetch_add(read.bytes, Ordering::Relaxed);
        let mut total = lock(&self.read);
        total.0 = add(total.0, read);
        // The lock above orders this after what the other threads said of the pack.
        if reading.runs_left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Headers and directories are no frames, and part of the total.
            self.progress.add_done(1, reading.bytes.saturating_sub(reading.told_bytes.load(Ordering::Relaxed)));
            if reading.is_whole.load(Ordering::Relaxed) {
                total.1.push(reading.id);
            }
        }
        Ok(())
    }
}
