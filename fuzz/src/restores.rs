//! A restore of a snapshot that was made to do harm.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom::cancel::Cancel;
use strongroom::progress::{Finding, Progress};
use strongroom::restore::{self, ActionKind, Outcome, Overwrite, Request, Snapshot, What};
use tempfile::TempDir;

use crate::choices::Choices;
use crate::forgery::{Forgery, forge};

/// A restore that asks so often whether to stop is stopped: pages that name each other many times
/// over make folders without end.
const QUESTIONS_MAX: usize = 5_000;
/// A plan of more actions or bytes is not executed.
const ACTIONS_MAX: usize = 64;
const BYTES_MAX: u64 = 1 << 20;

/// A forged snapshot is planned, and restored where the plan is small: what is planned has plain names
/// below the destination, planning changes nothing, and restoring nothing outside of the destination
/// nor anything that was not planned.
pub fn restore_plan(bytes: &[u8]) {
    plan_and_restore(bytes);
}

/// What was planned, and what a restore then did. None where nothing was, because the forgery was refused
/// or the plan is too long.
fn plan_and_restore(bytes: &[u8]) -> Option<(Outcome, Outcome)> {
    let mut choices = Choices::new(bytes);
    let place = Place::new(choices.byte());
    let mut request = place.request(&mut choices);
    let forgery = forge(&mut choices, place.outside().as_os_str().as_bytes())?;
    let (outside, target) = (place.describe_outside(), describe(&place.target()));
    let plan = run(&forgery, &request, true)?;
    assert!(place.describe_outside() == outside && describe(&place.target()) == target, "a dry run changes nothing");
    let mut planned = HashSet::new();
    for action in &plan.actions {
        let relative = action.path.strip_prefix(&*request.destination).expect("what is planned lies below the destination");
        assert!(relative.is_empty() || relative[0] == b'/', "and not beside it");
        let mut names = relative.split(|byte| *byte == b'/').skip(1);
        assert!(names.all(is_plain), "{:?} is a plain name at each level", relative);
        planned.insert(action.path.clone());
    }
    if plan.actions.len() > ACTIONS_MAX || plan.bytes_written > BYTES_MAX {
        return None;
    }
    let restored = run(&forgery, &request, false);
    assert_eq!(place.describe_outside(), outside, "nothing outside of the destination is changed");
    for path in describe(&place.target()).keys().filter(|path| !target.contains_key(*path)) {
        assert!(planned.contains(path) || path.windows(8).any(|part| part == b".damaged"), "{path:?} was planned");
    }
    for action in plan.actions.iter().filter(|action| action.kind == ActionKind::Leave) {
        let (before, after) = (target.get(&action.path), describe(&place.target()));
        // A folder may get metadata; anything else that was to be left is as it was.
        assert_eq!(before, after.get(&action.path), "{:?} was to be left", action.path);
    }
    // Once more, over what the first one has made.
    request.overwrite = Overwrite::Always;
    let _ = run(&forgery, &request, false);
    assert_eq!(place.describe_outside(), outside, "nor by a second restore");
    Some((plan, restored?))
}

fn run(forgery: &Forgery, request: &Request<'_>, is_dry: bool) -> Option<Outcome> {
    let reader = forgery.repository.reader().expect("memory is read");
    let (snapshot, patience) = (Snapshot { reader: &reader, manifest: &forgery.manifest }, Patience(AtomicUsize::new(QUESTIONS_MAX)));
    let plan = restore::plan(&snapshot, request, &patience).ok()?;
    if is_dry { restore::foresee(&plan, &patience).ok() } else { restore::execute(&plan, &patience).ok() }
}

fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && name.len() <= 255 && !name.contains(&0)
}

struct Patience(AtomicUsize);

impl Cancel for Patience {
    fn is_cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

impl Progress for Patience {
    fn report(&self, finding: Finding) {
        let _ = finding.to_string();
    }
}

/// A folder with the destination, and another one that no restore may touch.
struct Place {
    base: TempDir,
}

impl Place {
    fn new(how: u8) -> Self {
        // In memory where that is possible: a restore ends with a sync.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let place = Self { base: base.expect("there is room for a folder") };
        let (outside, target) = (place.outside(), place.target());
        let fill = || {
            fs::create_dir(&outside)?;
            fs::write(outside.join("witness"), "as it was")?;
            if how & 1 == 0 {
                fs::create_dir(&target)?;
            }
            if how & 3 == 2 {
                fs::write(target.join("a"), "12345")?;
                fs::create_dir(target.join("b"))?;
                fs::write(target.join("b/inner"), "inner")?;
                symlink(&outside, target.join("link"))?;
                symlink("../../outside", target.join("b/link"))?;
                symlink("../outside/witness", target.join("c"))?;
            }
            std::io::Result::Ok(())
        };
        fill().expect("there is room for a few files");
        place
    }

    fn outside(&self) -> std::path::PathBuf {
        self.base.path().join("outside")
    }

    fn target(&self) -> std::path::PathBuf {
        self.base.path().join("target")
    }

    fn request(&self, choices: &mut Choices<'_>) -> Request<'static> {
        let how = choices.byte();
        let what = match how & 3 {
            0 | 1 => What::Path(b"/srv/data".to_vec()),
            2 => What::Everything,
            _ => What::Path(b"/srv/data/a".to_vec()),
        };
        let overwrite = [Overwrite::Never, Overwrite::IfChanged, Overwrite::Always][usize::from(how >> 2 & 3) % 3];
        let target = self.target().as_os_str().as_bytes().to_vec();
        Request { overwrite, delete: how & 16 == 16, verify: how & 32 == 32, sparse: how & 64 == 0, ..Request::new(what, target) }
    }

    /// Everything outside of the destination.
    fn describe_outside(&self) -> (BTreeMap<Vec<u8>, String>, Vec<Vec<u8>>) {
        let names = fs::read_dir(self.base.path()).expect("it is there").flatten().map(|entry| entry.file_name().as_bytes().to_vec());
        let mut names: Vec<_> = names.filter(|name| name != b"target").collect();
        names.sort();
        (describe(&self.outside()), names)
    }
}

/// Everything at and below `top` by path. The time of the last change of an inode tells of any change.
fn describe(top: &Path) -> BTreeMap<Vec<u8>, String> {
    let (mut lines, mut waiting) = (BTreeMap::new(), vec![top.to_owned()]);
    while let Some(path) = waiting.pop() {
        let Ok(stat) = fs::symlink_metadata(&path) else { continue };
        if stat.is_dir() {
            waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        let content = if stat.is_file() && stat.len() < 4096 { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        let (ctime, length) = ((stat.ctime(), stat.ctime_nsec()), if stat.is_dir() { 0 } else { stat.len() });
        let line = format!("{:o} {}:{} {} {length} {ctime:?} {content:?}", stat.mode(), stat.uid(), stat.gid(), stat.nlink());
        lines.insert(path.as_os_str().as_bytes().to_vec(), line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(wanted: &str) -> (Outcome, Outcome) {
        let seeds = crate::examples::seeds();
        let (.., bytes) = seeds.iter().find(|(target, name, _)| (*target, *name) == ("restore_plan", wanted)).unwrap();
        plan_and_restore(bytes).unwrap()
    }

    #[test]
    fn the_seeds_are_planned_and_restored() {
        for (name, planned, done) in [
            ("files", 4, [2, 1, 2, 0]),
            ("folders", 7, [2, 4, 0, 0]),
            ("link_in_the_way", 3, [1, 2, 1, 0]),
            ("destination_is_filled", 6, [4, 3, 0, 0]),
            ("evil_names", 6, [0, 5, 1, 3]),
            ("missing_chunks", 2, [1, 1, 0, 1]),
            ("sources", 5, [1, 3, 0, 0]),
            ("pages_again", 1, [0, 2, 0, 1]),
        ] {
            let (plan, restored) = seed(name);
            assert_eq!(plan.actions.len(), planned, "{name}");
            assert_eq!([restored.files, restored.directories, restored.others, restored.damaged], done, "{name}");
        }
    }
}
