//! Reads a locked database to its end and releases it at once, in threads of its own.
//!
//! One thread reads, and releases after the last page, long before all was taken by whoever stores it. Another one watches
//! the difference file, the room that it has, and the time; when that becomes too little, it releases the lock itself,
//! because a disk may hang under the first. A difference file on a full disk stops every writer, and even the release.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::header::shown;
use super::lock::Lock;
use super::settings::{Firebird, Limits, Step};
use super::spool::{Spool, Taken};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{content, durability, file_systems, open};
use crate::progress::{Finding, FindingKind, Topic};
use crate::units::ByteCount;

/// Read at once. A whole number of pages of every size.
const PIECE_BYTES: u64 = 1 << 20;
/// The room of the difference file is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A locked database that is being read, or was.
struct Frozen {
    lock: Lock,
    told: Option<fn(Step)>,
    limits: Limits,
    spool: Spool,
    seen: Mutex<Seen>,
    has_released: Condvar,
}

/// What the threads have seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Bytes of the difference file at most.
    pub delta_bytes: u64,
    /// From the question for the lock until the one for its release.
    pub hold: Duration,
    /// How long the release took; none when it stays locked.
    pub merge: Option<Duration>,
    /// Bytes that were in the scratch file at most.
    pub scratch_bytes: u64,
    /// What was found and not told yet.
    pub findings: Vec<Finding>,
    has_released: bool,
    has_failed: bool,
    has_warned: bool,
}

impl Seen {
    /// Whether all that was read is good: it was read to its end, and the lock was there all the time.
    pub fn is_whole(&self) -> bool {
        self.has_released && !self.has_failed
    }
}

/// Tells who waits that the database was let go, also when its thread panics.
struct Ending<'f>(&'f Frozen);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.seen().has_released = true;
        self.0.has_released.notify_all();
    }
}

/// Its threads. Dropping this stops them, and with them the lock.
pub struct Reading {
    frozen: Arc<Frozen>,
    threads: Vec<JoinHandle<()>>,
}

impl Reading {
    /// Begins to read.
    ///
    /// # Errors
    /// When threads cannot be started; then the lock is released.
    pub fn begin(firebird: &Firebird, lock: Lock) -> Result<Self> {
        let limits = firebird.limits;
        let bytes = lock.pages * u64::from(lock.page_bytes);
        let spool = Spool::new(&firebird.scratch_folder, limits.memory_bytes, limits.scratch_bytes.unwrap_or(bytes));
        let (seen, has_released) = Default::default();
        let frozen = Arc::new(Frozen { lock, told: firebird.told, limits, spool, seen, has_released });
        // Made before its threads: when one cannot be started, dropping it releases.
        let mut reading = Self { frozen: Arc::clone(&frozen), threads: Vec::new() };
        for work in [Frozen::watch, Frozen::read] {
            let frozen = Arc::clone(&frozen);
            let thread = std::thread::Builder::new().name("firebird".to_owned()).spawn(move || work(&frozen));
            reading.threads.push(thread.map_err(|error| Error::io("cannot start", "a thread", error))?);
        }
        Ok(reading)
    }

    /// Takes the next bytes, or waits a moment for them.
    ///
    /// # Errors
    /// When a scratch file cannot be read.
    pub fn take(&self, time: Duration) -> Result<Taken> {
        self.frozen.spool.take(time)
    }

    /// What was found since this was asked last.
    pub fn findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.frozen.seen().findings)
    }

    /// Waits until the database is released, and says what was seen. What was not taken goes.
    pub fn finish(mut self) -> Seen {
        self.stop();
        let mut seen = self.frozen.seen().clone();
        seen.scratch_bytes = self.frozen.spool.most_file_bytes();
        seen
    }

    fn stop(&mut self) {
        self.frozen.spool.leave();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Frozen {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: Error) {
        self.seen().has_failed = true;
        self.spool.fail(error);
    }

    fn found(&self, kind: FindingKind, message: String) {
        self.seen().findings.push(Finding::new(kind, crate::platform::names::to_bytes(&self.lock.path), message));
    }

    /// Once, while it is held or when it is let go.
    fn warn_of_long_hold(&self, seen: &mut Seen, held: Duration, delta_bytes: u64) {
        if held > self.limits.hold_warning && !std::mem::replace(&mut seen.has_warned, true) {
            let path = crate::platform::names::to_bytes(&self.lock.path);
            seen.findings.push(Finding::new(FindingKind::Warning(Topic::Source), path, long_hold(held, delta_bytes)));
        }
    }

    fn release(&self) {
        {
            let mut seen = self.seen();
            if seen.hold.is_zero() {
                seen.hold = self.lock.begun.elapsed();
            }
            let (hold, delta) = (seen.hold, seen.delta_bytes);
            self.warn_of_long_hold(&mut seen, hold, delta);
            // Before anything is written back.
            let bytes = std::fs::metadata(&self.lock.difference).map(|found| found.len());
            seen.delta_bytes = seen.delta_bytes.max(bytes.unwrap_or(0));
        }
        match self.lock.release() {
            Ok(None) => {}
            Ok(Some(released)) => {
                self.seen().merge.get_or_insert(released.took);
                if !released.was_ours {
                    // After the last page: that was looked at.
                    self.found(FindingKind::Note(Topic::Source), "somebody else has released it".to_owned());
                }
            }
            // What was read is good all the same, and the next run releases; but until then the difference file grows.
            Err(error) => {
                let hint = match error.hint() {
                    crate::error::Hint::Instead(hint) => format!(": {hint}"),
                    _ => String::new(),
                };
                self.found(FindingKind::Warning(Topic::Source), format!("{error}{hint}"));
            }
        }
    }

    fn read(&self) {
        let _ending = Ending(self);
        match self.read_pages() {
            Ok(true) => self.spool.end(),
            // Nobody wants it any more.
            Ok(false) => self.seen().has_failed = true,
            Err(error) => self.fail(error),
        }
        self.release();
    }

    /// False when nobody wants it any more.
    fn read_pages(&self) -> Result<bool> {
        let lock = &self.lock;
        let path = &lock.path;
        let file = open::file(path).map_err(|failure| Error::io("cannot open", shown(path), failure))?;
        durability::advise_sequential(&file);
        let page_bytes = u64::from(lock.page_bytes);
        let bytes = lock.pages.checked_mul(page_bytes).ok_or_else(|| Error::damaged(shown(path), "it has too many pages"))?;
        let mut offset = 0;
        while offset < bytes {
            if self.seen().has_failed {
                return Ok(false);
            }
            let mut piece = vec![0; PIECE_BYTES.min(bytes - offset) as usize];
            content::read_exact_at(&file, &mut piece, offset).map_err(|error| Error::io("cannot read", shown(path), error))?;
            offset += piece.len() as u64;
            if !self.spool.put(piece)? {
                return Ok(false);
            }
            self.tell(Step::Read(offset / page_bytes));
        }
        self.tell(Step::AllRead);
        // Somebody may have released it, or released it and locked it anew.
        if !lock.is_held()? {
            return Err(Error::new(ErrorKind::Changed, format!("{} was released by somebody else while it was read", shown(path))));
        }
        Ok(true)
    }

    fn tell(&self, step: Step) {
        if let Some(told) = self.told {
            told(step);
        }
    }

    fn watch(&self) {
        let folder = self.lock.difference.parent().and_then(|folder| open::folder(folder).ok());
        loop {
            {
                let seen = self.seen();
                let is_held = |seen: &mut Seen| !seen.has_released;
                let (seen, waited) =
                    self.has_released.wait_timeout_while(seen, LOOK_EVERY, is_held).unwrap_or_else(PoisonError::into_inner);
                if !waited.timed_out() || seen.has_released {
                    return;
                }
                if !seen.hold.is_zero() {
                    // It is being released.
                    continue;
                }
            }
            let (held, delta) = (self.lock.begun.elapsed(), std::fs::metadata(&self.lock.difference).map_or(0, |found| found.len()));
            {
                let mut seen = self.seen();
                seen.delta_bytes = seen.delta_bytes.max(delta);
                self.warn_of_long_hold(&mut seen, held, delta);
            }
            let free = folder.as_ref().and_then(file_systems::free_bytes);
            if let Some(error) = too_little(&self.lock.difference, &self.limits, held, delta, free) {
                self.fail(error);
                self.release();
                return;
            }
        }
    }
}

/// What to say of a lock that lasts long. A merge was measured to write about 1.2 MB/s where every write is waited for.
fn long_hold(held: Duration, delta_bytes: u64) -> String {
    format!(
        "it has been locked for {} s, and its difference file has {}; writing that back takes about {} s more, in which commits wait",
        held.as_secs(),
        ByteCount(delta_bytes),
        delta_bytes / 1_200_000 + 1
    )
}

/// Why a lock cannot be kept, if it cannot. Writing back may need as much again in the file of the database.
fn too_little(difference: &Path, limits: &Limits, held: Duration, delta_bytes: u64, free: Option<u64>) -> Option<Error> {
    if limits.hold.is_some_and(|limit| held > limit) {
        let message =
            format!("reading takes longer than the {} s for which the database may be locked", limits.hold.unwrap_or_default().as_secs());
        return Some(Error::new(ErrorKind::Other, message));
    }
    let needed = (limits.delta_room_bytes / 4).saturating_add(delta_bytes);
    let free = free.filter(|free| *free < needed)?;
    let message =
        format!("only {} are free for the difference file {}, so the lock was released early", ByteCount(free), shown(difference));
    Some(Error::new(ErrorKind::Full, message).with_hint("make room on that disk, or run when less is written"))
}

/// Refuses where the difference file would not have the room that is asked for.
pub fn check_room(difference: &Path, limits: &Limits) -> Result<()> {
    let folder = difference.parent().unwrap_or(difference);
    let handle = open::folder(folder).map_err(|failure| Error::io("cannot open", shown(folder), failure))?;
    match file_systems::free_bytes(&handle) {
        Some(free) if free < limits.delta_room_bytes => {
            let needed = ByteCount(limits.delta_room_bytes);
            let message = format!(
                "{} has {} free, and {needed} must be for what is written while the database is locked",
                shown(folder),
                ByteCount(free)
            );
            Err(Error::new(ErrorKind::Full, message)
                .with_hint("make room there, set a smaller room, or use the method gbak, which locks nothing"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_given_up_before_its_difference_file_cannot_be_written_back() {
        let limits = Limits { delta_room_bytes: 400, hold: Some(Duration::from_secs(9)), ..Limits::default() };
        let judge = |held, delta, free| {
            too_little(Path::new("/a.delta"), &limits, Duration::from_secs(held), delta, free).map(|error| error.kind())
        };
        assert_eq!(judge(1, 0, Some(100)), None);
        assert_eq!(judge(1, 0, Some(99)), Some(ErrorKind::Full));
        assert_eq!(judge(1, 50, Some(149)), Some(ErrorKind::Full));
        assert_eq!(judge(1, 50, Some(150)), None);
        assert_eq!(judge(1, 50, None), None);
        assert_eq!(judge(10, 0, Some(1000)), Some(ErrorKind::Other));
    }
}
