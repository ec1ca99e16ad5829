//! Holds a snapshot against the last good one.

use super::limits::Limits;
use super::noise::Sample;
use super::renamed::Renamed;
use crate::browse::{Place, diff};
use crate::error::Result;
use crate::manifest::{ChangeKind, Content, DATABASES_FOLDER, Manifest, Node};
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::units::{ByteCount, PathText};

/// Of fewer files a loss cannot be told from work, unless none is left.
const FILES_MIN: u64 = 20;
/// So many files that rot are named.
const ROTTEN_NAMED_MAX: usize = 5;
/// Most of a sample.
const MOST_OF_THREE: u64 = 2;

/// Why `now` is to be distrusted beside `before`, the last good snapshot of the series; one sentence each, none where it is
/// as it should be.
///
/// # Errors
/// `Interrupted`, and others when what is stored cannot be read: then nothing is known.
pub fn judge(reader: &ChunkReader, before: &Manifest, now: &Manifest, limits: &Limits, progress: &dyn Progress) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    judge_sources(before, now, limits, &mut reasons);
    judge_databases(before, now, limits, &mut reasons)?;
    if limits.rewritten.is_some() {
        judge_changes(reader, before, now, limits, &mut reasons, progress)?;
    }
    Ok(reasons)
}

/// Sources of which files are gone.
fn judge_sources(before: &Manifest, now: &Manifest, limits: &Limits, reasons: &mut Vec<String>) {
    let Some(limit) = limits.lost_files else { return };
    let left = now.source_counts();
    for had in before.source_counts() {
        let Some(has) = left.iter().find(|source| source.path == had.path) else { continue };
        let gone = had.files.saturating_sub(has.files);
        let is_counted = gone >= FILES_MIN || has.files == 0;
        if had.files > 0 && gone > 0 && is_counted && limit.is_reached(gone, had.files) {
            reasons.push(format!("{gone} of {} files of {} are gone", had.files, PathText(&had.path)));
        }
    }
}

/// Databases that shrank.
fn judge_databases(before: &Manifest, now: &Manifest, limits: &Limits, reasons: &mut Vec<String>) -> Result<()> {
    let has = now.databases()?;
    for had in before.databases()? {
        let (name, was) = (&had.account.name, had.account.bytes);
        let Some(is) = has.iter().find(|is| is.account.name == *name && is.account.method == had.account.method) else { continue };
        let is = is.account.bytes;
        if limits.floor(name).is_some_and(|floor| !floor.is_reached(is, was)) {
            reasons.push(format!("database `{name}` has {}, and had {} before", ByteCount(is), ByteCount(was)));
        }
    }
    Ok(())
}

/// Files that were written anew.
fn judge_changes(
    reader: &ChunkReader,
    before: &Manifest,
    now: &Manifest,
    limits: &Limits,
    reasons: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<()> {
    let (mut renamed, mut sample, mut modified) = (Renamed::default(), Sample::default(), 0u64);
    let mut rotten = Rotten::default();
    let is_file = |node: &Option<Node>| node.as_ref().is_some_and(|node| matches!(node.content, Content::File(..)));
    let mut each = |change: &crate::manifest::Change| {
        if change.path.starts_with(DATABASES_FOLDER) {
            return Ok(());
        }
        match (change.kind, &change.old, &change.new) {
            (ChangeKind::Removed, old, _) if is_file(old) => renamed.take_removed(&change.path),
            (ChangeKind::Added, _, new) if is_file(new) => renamed.take_added(&change.path),
            (ChangeKind::Modified, Some(old), Some(new)) if is_file(&change.old) && is_file(&change.new) => {
                modified += 1;
                if is_rotten(old, new) {
                    rotten.take(&change.path);
                }
                sample.take(old, new);
            }
            _ => {}
        }
        Ok(())
    };
    diff(reader, &Place::whole(before), &Place::whole(now), &mut each, progress)?;
    reasons.extend(rotten.reason());
    let files = before.files();
    let is_many = |count: u64| count >= FILES_MIN && limits.rewritten.is_some_and(|limit| limit.is_reached(count, files));
    if is_many(renamed.count) {
        reasons.push(format!("{} of {files} files have another ending behind their names", renamed.count));
    }
    if is_many(modified) {
        reasons.push(format!("{modified} of {files} files were written anew"));
    }
    if modified >= FILES_MIN
        && let Some((looked, noise)) = sample.judge(reader)
        && noise * 3 >= looked * MOST_OF_THREE
    {
        reasons.push(format!("of {looked} files that were written anew and looked at, {noise} are noise now, as if encrypted"));
    }
    Ok(())
}

/// Whether a file has other bytes though its length and all its times are as they were: nobody writes like that, a disk
/// that rots does. Only a run that reads everything can see it.
fn is_rotten(old: &Node, new: &Node) -> bool {
    let (before, now) = (&old.metadata, &new.metadata);
    old.file_bytes() == new.file_bytes() && (before.mtime, before.ctime, before.inode) == (now.mtime, now.ctime, now.inode)
}

/// Files that rot.
#[derive(Debug, Default)]
struct Rotten {
    named: Vec<String>,
    count: u64,
}

impl Rotten {
    fn take(&mut self, path: &[u8]) {
        self.count += 1;
        if self.named.len() < ROTTEN_NAMED_MAX {
            self.named.push(PathText(path).to_string());
        }
    }

    fn reason(&self) -> Option<String> {
        let more = self.count - self.named.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (self.count > 0)
            .then(|| format!("other bytes though nobody has changed them, as on a disk that rots: {}{more}", self.named.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{ContentList, Metadata};
    use crate::units::Timestamp;
    use crate::wire::Extensions;

    #[test]
    fn a_file_rots_only_when_its_length_and_all_its_times_are_as_they_were() {
        let metadata = Metadata { mtime: Timestamp::new(5, 0), ctime: Timestamp::new(6, 0), inode: 7, ..Metadata::default() };
        let node = |metadata: Metadata, bytes| Node {
            name: b"a".to_vec(),
            metadata,
            content: Content::File(bytes, ContentList::default()),
            flags: 0,
            extensions: Extensions::none(),
        };
        let old = node(metadata.clone(), 9);
        assert!(is_rotten(&old, &node(metadata.clone(), 9)));
        for other in [
            node(metadata.clone(), 8),
            node(Metadata { mtime: Timestamp::new(5, 1), ..metadata.clone() }, 9),
            node(Metadata { ctime: Timestamp::new(7, 0), ..metadata.clone() }, 9),
            node(Metadata { inode: 8, ..metadata.clone() }, 9),
        ] {
            assert!(!is_rotten(&old, &other));
        }
        let mut rotten = Rotten::default();
        assert_eq!(rotten.reason(), None);
        (0..7).for_each(|number| rotten.take(format!("/{number}").as_bytes()));
        assert!(rotten.reason().unwrap().ends_with("/0, /1, /2, /3, /4 and 2 more"));
    }
}
