//! The last step for databases that were restored: what a copy needs to be a database again, and whether it is one.
//!
//! A Firebird file was frozen when it was read and says so of itself; beside a SQLite file the journal of an earlier one
//! may lie, which would be played into it. Only files that this restore has made are touched. Whether the copy is sound
//! is said by the tools of the database, where they are there.

use std::path::Path;

use super::plan::Plan;
use super::request::What;
use crate::databases::{check_sqlite_copy, firebird, remove_stale_sqlite};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, SavedDatabase, database_folder};
use crate::platform::names;
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::trees::{SnapshotView, Step};
use crate::units::Timestamp;

/// Finishes the copies of databases that the plan has restored since `begun`; how many are damaged. What was left as it
/// was is none of its business.
///
/// # Errors
/// When the snapshot cannot be read.
pub(super) fn finish_databases(plan: &Plan<'_>, begun: Timestamp, progress: &dyn Progress) -> Result<u64> {
    let mut damaged = 0;
    for saved in plan.snapshot.manifest.databases()? {
        for path in files(plan, &saved)? {
            let Some(target) = target(plan, &path) else { continue };
            // A copy that is newer than the restore is one that it made.
            let told = match firebird::NewCopy::made_since(names::to_path(&target).as_ref(), begun) {
                Ok(copy) => finish(&saved, copy, progress),
                Err(why) if is_unfinished(&saved, names::to_path(&target).as_ref()) => Err(unfinished(why)),
                Err(_) => continue,
            };
            let (kind, message) = match told {
                Ok(Told { wrong, note }) if wrong.is_empty() => (FindingKind::Note(Topic::Database), note),
                Ok(Told { wrong, .. }) => (FindingKind::Damaged, format!("the restored database is damaged: {}", wrong.join("; "))),
                Err(error) => (FindingKind::Damaged, format!("the restored database could not be finished: {error}")),
            };
            damaged += u64::from(kind == FindingKind::Damaged);
            progress.report(Finding::new(kind, target, message));
        }
    }
    Ok(damaged)
}

/// Whether what was left as it was is frozen: a copy that a restore made before it was killed, or one that is held now.
fn is_unfinished(saved: &SavedDatabase, path: &Path) -> bool {
    saved.account.kind == "firebird" && firebird::Header::of_path(path).is_ok_and(|header| header.state != firebird::State::Normal)
}

fn unfinished(why: Error) -> Error {
    let message = "its file says that it is locked, and was left so, because this restore has not made it";
    Error::new(ErrorKind::Changed, message.to_owned())
        .context(why)
        .with_hint("where it is a copy that a restore began, remove it and restore again; where people work with it, release its lock")
}

struct Told {
    wrong: Vec<String>,
    note: String,
}

fn finish(saved: &SavedDatabase, copy: firebird::NewCopy, progress: &dyn Progress) -> Result<Told> {
    let account = &saved.account;
    match (account.kind.as_str(), account.method.as_str()) {
        ("firebird", "nbackup") => {
            let workshop = firebird::Workshop::new(&std::env::temp_dir());
            let finished = firebird::finish_copy(&copy, &workshop, progress)?;
            let (wrong, looked) = match finished.checked {
                firebird::Checked::Sound(_) => (Vec::new(), "gfix finds it sound".to_owned()),
                firebird::Checked::Damaged(wrong) => (wrong, String::new()),
                firebird::Checked::NotChecked(why) => (Vec::new(), format!("it was not looked through: {why}")),
            };
            Ok(Told { wrong, note: format!("the database is ready to be opened; {looked}") })
        }
        ("sqlite", _) => {
            let stale = remove_stale_sqlite(copy.path())?;
            let left = if stale > 0 { ", and what lay beside it from an earlier one is removed" } else { "" };
            Ok(Told { wrong: check_sqlite_copy(copy.path())?, note: format!("the database is sound{left}") })
        }
        _ => Ok(Told { wrong: Vec::new(), note: "the file is whole; the tool of its database reads it".to_owned() }),
    }
}

/// The files of a database in the snapshot that are to be finished.
fn files(plan: &Plan<'_>, saved: &SavedDatabase) -> Result<Vec<Vec<u8>>> {
    if !matches!((saved.account.kind.as_str(), saved.account.method.as_str()), ("firebird", "nbackup") | ("sqlite", _)) {
        return Ok(Vec::new());
    }
    let (view, folder) = (SnapshotView::new(plan.snapshot.reader, plan.snapshot.manifest), database_folder(&saved.account.name));
    let Some(node) = view.lookup(&folder)? else { return Ok(Vec::new()) };
    let (mut walk, mut found) = (view.walk_below(&folder, &node), Vec::new());
    while let Some(step) = walk.next_step()? {
        if matches!(&step, Step::Entry(node) if matches!(node.content, Content::File(..))) {
            found.push(walk.path().to_vec());
        }
    }
    Ok(found)
}

/// Where the entry at `path` of the snapshot was restored to; none where it was not asked for.
fn target(plan: &Plan<'_>, path: &[u8]) -> Option<Vec<u8>> {
    let destination = plan.request.destination.strip_suffix(b"/").unwrap_or(&plan.request.destination);
    let below = |rest: &[u8]| [destination, rest].concat();
    match &plan.request.what {
        What::Everything => Some(below(path)),
        What::InPlace(asked) => is_at_or_below(path, asked).then(|| below(path)),
        What::Path(asked) if asked == b"/" => Some(below(path)),
        // A file comes directly into the destination, perhaps under another name.
        What::Path(asked) if asked == path => {
            let own = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            Some([destination, b"/", plan.request.name.as_deref().unwrap_or(own)].concat())
        }
        What::Path(asked) => is_at_or_below(path, asked).then(|| below(&path[asked.len()..])),
    }
}

fn is_at_or_below(path: &[u8], above: &[u8]) -> bool {
    above == b"/" || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}
