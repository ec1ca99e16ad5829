//! A restore of the stream of gbak into a new database.
//!
//! gbak says success over indices that it could not build, and asks a person for the next tape when its stream ends early,
//! for ever. So its words are watched, not its exit code alone. It works under a name of its own in a folder of its own,
//! and the database gets its real name only when it is whole, so that half of one is never found there, and what has to be
//! removed is nothing but ours.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::check::{Checked, OwnLocks, Workshop, look_through};
use super::header::shown;
use super::messages::{Rows, complaints_of_gbak, rows_of};
use super::tools::Tool;
use crate::cancel::Cancel;
use crate::children::{Ended, Running};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{entries, names, open, private, random};

/// What gbak says when its stream ends early.
const WANTS_MORE: &[u8] = b"Done with volume";

/// A database that was made from a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Rows of each table.
    pub rows: Rows,
    /// What a look through it has shown.
    pub checked: Checked,
}

/// Makes the database `path` from a stream whose bytes are known to be those that were saved. With `expected`, the rows of
/// each table are compared.
///
/// # Errors
/// `Exists`; `Damaged` when the stream ends early, an index cannot be built, or rows are missing; those of the stream.
/// Then nothing has the name `path`.
pub fn restore_logical(
    stream: &mut dyn Read,
    path: &Path,
    expected: Option<&Rows>,
    workshop: &Workshop,
    cancel: &dyn Cancel,
) -> Result<Restored> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::new(ErrorKind::Exists, format!("{} is there already", shown(path))));
    }
    let bench = Bench::beside(path)?;
    let locks = OwnLocks::new(&workshop.scratch_folder)?;
    let (made, messages) = (bench.0.join("restored.fdb"), bench.0.join("messages"));
    let tool = locks.tool(Tool::Gbak, workshop.tools_folder.as_deref())?.args(["-c", "-v", "-y"]).arg(&messages).arg("stdin").arg(&made);
    let ended = feed(tool.taking_input().time_limit(workshop.time_limit).start()?, stream, cancel)?;
    let said = std::fs::read(&messages).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let complaints = complaints_of_gbak(&format!("{said}\n{}", ended.complaint));
    if !ended.status.success() {
        let failure = ended.failure();
        return Err(if complaints.is_empty() {
            failure
        } else {
            Error::new(ErrorKind::Other, format!("{failure}: {}", complaints.join("; ")))
        });
    }
    if !complaints.is_empty() {
        return Err(Error::damaged("the restored database", complaints.join("; ")));
    }
    let rows = rows_of(&said);
    compare_rows(&rows, expected)?;
    let checked = look_through(&made, workshop, cancel)?;
    bench.give_name(&made, path)?;
    Ok(Restored { rows, checked })
}

/// Feeds a stream to gbak and waits for its end.
fn feed(mut running: Running, stream: &mut dyn Read, cancel: &dyn Cancel) -> Result<Ended> {
    let input = running.input().ok_or_else(|| Error::new(ErrorKind::Other, "`gbak` takes no input"))?;
    let stop = Stop { asked: cancel, given_up: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        let stop = &stop;
        let waiting = scope.spawn(move || {
            let mut heard = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                match running.read(&mut buffer, stop)? {
                    0 => return running.finish(stop),
                    count => heard.extend_from_slice(&buffer[..count]),
                }
                if heard.windows(WANTS_MORE.len()).any(|window| window == WANTS_MORE) {
                    return Err(Error::damaged("the stream of gbak", "it ends early"));
                }
                // A word may come in two pieces.
                heard.drain(..heard.len().saturating_sub(WANTS_MORE.len()));
            }
        });
        let fed = pour(stream, input, stop);
        if fed.is_err() {
            stop.given_up.store(true, Ordering::Relaxed);
        }
        let ended = waiting.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "waiting for `gbak` has failed")));
        fed.and(ended)
    })
}

/// Pours all of a stream into a program. One that ended before is no failure of the stream.
fn pour(stream: &mut dyn Read, mut input: impl Write, cancel: &dyn Cancel) -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        crate::cancel::check_cancelled(cancel)?;
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other.map_err(|error| Error::io("cannot read", "the stream of gbak", error))?,
        };
        if input.write_all(&buffer[..count]).is_err() {
            return Ok(());
        }
    }
}

/// Whether to stop: because the user wants it, or because the stream has failed.
struct Stop<'c> {
    asked: &'c dyn Cancel,
    given_up: AtomicBool,
}

impl Cancel for Stop<'_> {
    fn is_cancelled(&self) -> bool {
        self.asked.is_cancelled() || self.given_up.load(Ordering::Relaxed)
    }
}

fn compare_rows(rows: &Rows, expected: Option<&Rows>) -> Result<()> {
    for (table, count) in expected.into_iter().flatten() {
        let found = rows.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count);
        if found != *count {
            return Err(Error::damaged("the restored database", format!("table {table} has {found} rows, and {count} were saved")));
        }
    }
    Ok(())
}

/// A folder beside the database to come, on its file system; it goes with all that is in it.
struct Bench(PathBuf);

impl Bench {
    fn beside(path: &Path) -> Result<Self> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |error: std::io::Error| Error::io("cannot write to", shown(parent), error);
        let mut number = [0; 8];
        random::fill(&mut number).map_err(|failure| failed(failure.into()))?;
        let folder = parent.join(format!(".repo-restore-{:016x}", u64::from_le_bytes(number)));
        std::fs::metadata(parent).and_then(|_| private::make_folder(&folder)).map_err(failed)?;
        Ok(Self(folder))
    }

    fn give_name(&self, made: &Path, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("cannot give its name to", shown(path), error);
        let file = std::fs::File::open(made).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let parent = self.0.parent().unwrap_or(Path::new("."));
        let folder = open::folder(parent).map_err(|failure| failed(failure.into()))?;
        let inner = self.0.file_name().map(PathBuf::from).unwrap_or_default().join(made.file_name().unwrap_or_default());
        let name = path.file_name().map(names::to_bytes).unwrap_or_default();
        entries::rename_to_free(&folder, names::to_bytes(&inner), name).map_err(|failure| failed(failure.into()))?;
        crate::platform::durability::sync_names(&folder).map_err(|failure| failed(failure.into()))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_lost_rows_are_damage_and_tables_that_nobody_counted_are_not() {
        let rows = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Rows>();
        let saved = rows(&[("A", 3), ("B", 0)]);
        compare_rows(&rows(&[("A", 3), ("B", 0)]), Some(&saved)).unwrap();
        compare_rows(&rows(&[("A", 3), ("C", 9)]), Some(&saved)).unwrap();
        compare_rows(&rows(&[]), None).unwrap();
        assert_eq!(compare_rows(&rows(&[("A", 2)]), Some(&saved)).unwrap_err().kind(), ErrorKind::Damaged);
    }
}
