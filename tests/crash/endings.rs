//! How a verb may end before its end, and what must be true afterwards.

use std::sync::Arc;

use strongroom::error::ErrorKind;
use strongroom::storage::faults::{Faults, Lasts};
use strongroom::storage::{Choices, MemoryStorage};

use super::verbs::{Start, Verb, open_any};
use super::world::{Expected, Verdict, check_all, create, failed, run_prune, take_snapshot};

/// What happens at a writing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The power goes, and what was pending is left as the seed says.
    PowerCut(u64),
    /// The process dies; what was pending is pending.
    Killed,
    /// The call fails: for once, or with all after it.
    Error(Lasts),
    /// The disk is full: for a moment, or until the verb has ended.
    Full(Lasts),
}

impl Ending {
    /// What the calls of the verb meet.
    pub fn fault(self) -> (ErrorKind, Lasts) {
        match self {
            Ending::PowerCut(_) | Ending::Killed => (ErrorKind::Other, Lasts::Forever),
            Ending::Error(lasts) => (ErrorKind::Other, lasts),
            Ending::Full(lasts) => (ErrorKind::Full, lasts),
        }
    }

    /// The disk as the next program finds it.
    pub fn disk_after(self, disk: &MemoryStorage) -> MemoryStorage {
        match self {
            Ending::PowerCut(seed) => disk.after_crash(seed),
            _ => disk.open_again(),
        }
    }
}

/// Runs `verb` on an image of the disk of `start` while its reading call `call` fails with `kind`, and
/// checks that it has done no harm. Says whether the call was reached.
pub fn run_with_bad_read(verb: &Verb, start: &Start, call: u64, kind: ErrorKind) -> Verdict<bool> {
    let disk = start.disk.image();
    let faults = Arc::new(Faults::new(disk.clone()));
    faults.fail_reading_call(call, kind, Lasts::Once);
    let outcome = (verb.run)(start, Arc::clone(&faults) as _);
    let is_reached = faults.reading_calls() >= call;
    let mut expected = start.expected.clone();
    if let Ok(Some(id)) = outcome {
        expected.add(id, &start.source);
    }
    recover(verb, start, disk.after_crash(call), &mut expected, outcome.is_ok(), call)?;
    Ok(is_reached)
}

/// Runs `verb` on an image of the disk of `start`, ends it at the writing call `call`, and checks that
/// all is well and works without help. Says whether the call was reached.
pub fn run_schedule(verb: &Verb, start: &Start, call: u64, ending: Ending) -> Verdict<bool> {
    let disk = start.disk.image();
    let faults = Arc::new(Faults::new(disk.clone()));
    let (kind, lasts) = ending.fault();
    faults.fail_writing_call(call, kind, lasts);
    let outcome = (verb.run)(start, Arc::clone(&faults) as _);
    let is_reached = faults.writing_calls() >= call;
    let left = ending.disk_after(&disk);
    let mut expected = start.expected.clone();
    if let Ok(Some(id)) = outcome {
        expected.add(id, &start.source);
    }
    let seed = match ending {
        Ending::PowerCut(seed) => seed,
        _ => call,
    };
    recover(verb, start, left, &mut expected, outcome.is_ok(), seed)?;
    Ok(is_reached)
}

/// The next commands succeed without a manual step, and lose nothing even if each is followed by a
/// power cut.
pub fn recover(verb: &Verb, start: &Start, left: MemoryStorage, expected: &mut Expected, is_reported: bool, seed: u64) -> Verdict {
    let mut choices = Choices::new(seed);
    let mut disk = left;
    if let Err(error) = open_any(Arc::new(disk.clone())) {
        if is_reported || error.kind() != ErrorKind::NoRepository || !start.snapshots.is_empty() || verb.name != "init" {
            return Err(failed("open")(error));
        }
        create(&disk).map_err(failed("make the repository again"))?;
        disk = disk.after_crash(choices.bits());
    }
    let repository = open_any(Arc::new(disk.clone())).map_err(failed("open"))?;
    if is_reported && !(verb.is_done)(start, &repository) {
        return Err("it was reported as done and is not".to_owned());
    }
    expected.check_whole(&repository, &start.source)?;
    // Mostly one command follows, sometimes each of the three.
    let (first, steps) = (choices.below(3), if choices.eighths(2) { 3 } else { 1 });
    for step in 0..steps {
        let repository = open_any(Arc::new(disk.open_again())).map_err(failed("open"))?;
        match (first + step) % 3 {
            0 => {
                let id = take_snapshot(&repository, &start.source).map_err(failed("the next snapshot"))?;
                expected.add(id, &start.source);
            }
            1 => check_all(&repository)?,
            _ => {
                run_prune(&repository, start.remove.clone()).map_err(failed("the next prune"))?;
                if repository.list_snapshots().is_ok_and(|listed| start.remove.iter().any(|id| listed.contains(id))) {
                    return Err("the next prune left what it was to remove".to_owned());
                }
            }
        }
        if choices.eighths(4) {
            disk = disk.after_crash(choices.bits());
        }
        let repository = open_any(Arc::new(disk.clone())).map_err(failed("open"))?;
        expected.check_whole(&repository, &start.source)?;
    }
    if steps > 1 { check_all(&open_any(Arc::new(disk)).map_err(failed("open"))?) } else { Ok(()) }
}
