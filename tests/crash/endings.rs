//! How a verb may end before its end, and what must be true afterwards.

use std::sync::Arc;

use strongroom::error::ErrorKind;
use strongroom::repository::Repository;
use strongroom::storage::faults::{Faults, Lasts};
use strongroom::storage::{Choices, MemoryStorage};

use super::verbs::{Start, Verb, open_any};
use super::world::{Expected, Verdict, check_all, create, failed, repair_all, run_prune, take_snapshot};

/// What happens at a writing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The power goes, and what was pending is left as the seed says.
    PowerCut(u64),
    /// The process dies; what was pending is pending. The next command, which the number chooses, builds
    /// on it, and then the power goes and takes what is pending still.
    Killed(u64),
    /// The call fails: for once, or with all after it.
    Error(Lasts),
    /// The disk is full: for a moment, or until the verb has ended.
    Full(Lasts),
}

impl Ending {
    /// What the calls of the verb meet.
    pub fn fault(self) -> (ErrorKind, Lasts) {
        match self {
            Ending::PowerCut(_) | Ending::Killed(_) => (ErrorKind::Other, Lasts::Forever),
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
    recover(verb, start, disk.after_crash(call), &mut expected, outcome.is_ok(), Follows::Random(call))?;
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
    let follows = match ending {
        Ending::PowerCut(seed) => Follows::Random(seed),
        Ending::Killed(number) => Follows::ThenPowerCut(number),
        _ => Follows::Random(call),
    };
    recover(verb, start, left, &mut expected, outcome.is_ok(), follows)?;
    Ok(is_reached)
}

/// What follows after a schedule.
#[derive(Clone, Copy, Debug)]
pub enum Follows {
    /// Commands, and power cuts between them, as the seed says.
    Random(u64),
    /// The command of this number, and then a power cut that takes all that is pending.
    ThenPowerCut(u64),
}

/// The commands that may follow.
const COMMANDS: u64 = 4;

/// The next commands succeed without a manual step, and lose nothing even if they are followed by a
/// power cut.
pub fn recover(verb: &Verb, start: &Start, left: MemoryStorage, expected: &mut Expected, is_reported: bool, follows: Follows) -> Verdict {
    let (mut choices, first, steps) = match follows {
        Follows::ThenPowerCut(number) => (Choices::new(number), number, 1),
        Follows::Random(seed) => {
            let mut choices = Choices::new(seed);
            // Mostly one command follows, sometimes each of them.
            let (first, steps) = (choices.below(COMMANDS), if choices.eighths(2) { COMMANDS } else { 1 });
            (choices, first, steps)
        }
    };
    let mut disk = left;
    if let Err(error) = open_any(Arc::new(disk.clone())) {
        if is_reported || error.kind() != ErrorKind::NoRepository || verb.name != "init" {
            return Err(failed("open")(error));
        }
        create(&disk).map_err(failed("make the repository again"))?;
        disk = disk.after_crash(choices.bits());
    }
    let open = |disk: &MemoryStorage| open_any(Arc::new(disk.open_again())).map_err(failed("open"));
    let repository = open(&disk)?;
    if is_reported && !(verb.is_done)(start, &repository) {
        return Err("it was reported as done and is not".to_owned());
    }
    if verb.needs_repair {
        repair_all(repository)?;
        disk = disk.after_crash(choices.bits());
    }
    expected.check_whole(&open(&disk)?, &start.source)?;
    for step in 0..steps {
        run_command((first + step) % COMMANDS, open(&disk)?, start, expected)?;
        if matches!(follows, Follows::ThenPowerCut(_)) {
            disk = disk.after_crash(0);
        } else if choices.eighths(4) {
            disk = disk.after_crash(choices.bits());
        }
        if verb.name == "init" && !is_reported && expected.stay.is_empty() && is_missing(&disk) {
            // Making it was not reported as done, and nothing was stored since.
            return Ok(());
        }
        expected.check_whole(&open(&disk)?, &start.source)?;
    }
    if steps > 1 { check_all(&open(&disk)?) } else { Ok(()) }
}

fn is_missing(disk: &MemoryStorage) -> bool {
    open_any(Arc::new(disk.clone())).is_err_and(|error| error.kind() == ErrorKind::NoRepository)
}

fn run_command(number: u64, repository: Repository, start: &Start, expected: &mut Expected) -> Verdict {
    match number {
        0 => {
            let id = take_snapshot(&repository, &start.source).map_err(failed("the next snapshot"))?;
            expected.add(id, &start.source);
            Ok(())
        }
        1 => check_all(&repository),
        2 => {
            run_prune(&repository, start.remove.clone()).map_err(failed("the next prune"))?;
            let listed = repository.objects().list_snapshots().map_err(failed("list"))?;
            let is_left = start.remove.iter().any(|id| listed.contains(id));
            if is_left { Err("the next prune left what it was to remove".to_owned()) } else { Ok(()) }
        }
        _ => repair_all(repository),
    }
}
