//! Saves what the profiles give.

use std::collections::HashMap;

use super::folder::Folder;
use super::{is_file, of_database};
use crate::databases::{Entry, EntryKind, Held, Profile};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChunkId;
use crate::manifest::{
    Content, ContentList, DATABASES_FOLDER, Metadata, Node, RootEntry, SavedDatabase, TreeRef, check_name, database_folder,
};
use crate::platform::process;
use crate::repository::SinkPages;
use crate::snapshot::checkpoint::Checkpoints;
use crate::snapshot::content::{ContentWriter, SaveError};
use crate::snapshot::surroundings::Surroundings;
use crate::snapshot::tally::add;
use crate::trees::{SnapshotView, Step};
use crate::units::Timestamp;
use crate::wire::Extensions;

/// What was saved of all databases of a run.
pub(in crate::snapshot) struct SavedDatabases {
    /// The folder of all databases.
    pub entry: RootEntry,
    /// What the manifest says of each.
    pub told: Vec<SavedDatabase>,
    /// How many files the base has of its databases that this run has too.
    pub base_files_met: u64,
}

/// What a run has for saving databases.
pub(in crate::snapshot) struct Means<'m, 's, 'x> {
    pub with: &'m Surroundings<'s, 'x>,
    pub pages: SinkPages<'m>,
    /// The start of the run.
    pub now: Timestamp,
}

/// Saves all of `profiles`, one after the other; each is let go before the next is held.
///
/// # Errors
/// The first failure of a database, with its name; those of the repository. Then nothing may be committed.
pub(in crate::snapshot) fn save_databases(profiles: &[Box<dyn Profile>], means: &mut Means<'_, '_, '_>) -> Result<SavedDatabases> {
    let mut all = Folder::new(means.node(DATABASES_FOLDER.rsplit(|byte| *byte == b'/').next().unwrap_or_default(), 0o700, means.now));
    let (mut told, mut base_files_met) = (Vec::new(), 0);
    for profile in profiles {
        let name = profile.name();
        all.add(name.as_bytes(), means.node(name.as_bytes(), 0o700, means.now))?;
        let before = means.base_contents(name);
        let mut held = profile.hold(means.with.saver.progress).map_err(|error| of_database(name, error))?;
        let mut files = 0;
        while let Some(entry) = held.next_entry().map_err(|error| of_database(name, error))? {
            let path = [name.as_bytes(), b"/", &entry.path].concat();
            let is_new = !before.contains_key(&entry.path);
            let node = means.save(&mut *held, &entry).map_err(|error| of_database(name, error))?;
            if is_file(&entry.kind) {
                files += 1;
                base_files_met += u64::from(!is_new);
                means.count(before.get(&entry.path), &node);
            }
            all.add(&path, node)?;
        }
        let mut account = held.finish().map_err(|error| of_database(name, error))?;
        account.name = name.to_owned();
        told.push(SavedDatabase { account, files });
    }
    let node = all.write(&mut means.pages)?;
    Ok(SavedDatabases { entry: RootEntry { path: DATABASES_FOLDER.to_vec(), node }, told, base_files_met })
}

impl Means<'_, '_, '_> {
    /// An empty folder of ours.
    fn node(&self, name: &[u8], mode: u32, mtime: Timestamp) -> Node {
        let tree = TreeRef { id: ChunkId([0; 32]), depth: 0, entries: 0 };
        Node {
            name: name.to_vec(),
            metadata: self.metadata(mode, mtime),
            content: Content::Directory(tree),
            flags: 0,
            extensions: Extensions::none(),
        }
    }

    fn metadata(&self, mode: u32, mtime: Timestamp) -> Metadata {
        let (uid, gid) = (process::user(), process::group());
        let (user, group) = (self.with.owners.user(uid), self.with.owners.group(gid));
        Metadata { mode: mode & 0o7777, uid, gid, user, group, mtime, ctime: mtime, links: 1, ..Metadata::default() }
    }

    /// Saves one entry.
    fn save(&self, held: &mut dyn Held, entry: &Entry) -> Result<Node> {
        let name = entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        check_name(name)?;
        let mut node = self.node(name, entry.mode, entry.mtime);
        match &entry.kind {
            EntryKind::Folder => {}
            EntryKind::Link(target) => node.content = Content::Symlink(target.clone()),
            EntryKind::File(expected) => {
                let (bytes, list) = self.save_content(held, *expected).map_err(SaveError::into_error)?;
                if expected.is_some_and(|expected| expected != bytes) {
                    let message =
                        format!("file `{}` has {bytes} bytes, and should have another length", String::from_utf8_lossy(&entry.path));
                    return Err(Error::new(ErrorKind::Changed, message));
                }
                add(&self.with.tally.bytes_read, bytes);
                add(&self.with.tally.bytes_total, bytes);
                node.content = Content::File(bytes, list);
            }
        }
        Ok(node)
    }

    fn save_content(&self, held: &mut dyn Held, expected: Option<u64>) -> std::result::Result<(u64, ContentList), SaveError> {
        let mut content = ContentWriter::new(self.with.saver);
        let mut checkpoints = Checkpoints::new(self.with.saver.sink);
        // One byte more than expected, so that a file that is too long is noticed.
        let end = expected.map_or(u64::MAX, |bytes| bytes.saturating_add(1));
        self.with.saver.progress.add_total(1, expected.unwrap_or_default());
        self.with.saver.with_gatherer(|gatherer| {
            content.push_data(gatherer, 0, end, &mut |_, buffer| {
                checkpoints.pass()?;
                held.read(buffer)
            })
        })?;
        content.finish()
    }

    /// Counts a file by what the base has of it.
    fn count(&self, before: Option<&Content>, node: &Node) {
        let counter = match before {
            None => &self.with.tally.files_new,
            Some(before) if *before == node.content => &self.with.tally.files_unchanged,
            Some(_) => &self.with.tally.files_changed,
        };
        add(counter, 1);
    }

    /// What the base has of the files of a database, by their path below its folder; nothing where it cannot be read.
    fn base_contents(&self, name: &str) -> HashMap<Vec<u8>, Content> {
        let mut contents = HashMap::new();
        let Some((manifest, reader)) = self.with.base else { return contents };
        let (view, folder) = (SnapshotView::new(reader, manifest), database_folder(name));
        let Ok(Some(node)) = view.lookup(&folder) else { return contents };
        let mut walk = view.walk_below(&folder, &node);
        while let Ok(Some(step)) = walk.next_step() {
            if let Step::Entry(node) = step
                && matches!(node.content, Content::File(..))
                && let Some(path) = walk.path().strip_prefix(&*folder).and_then(|path| path.strip_prefix(b"/"))
            {
                contents.insert(path.to_vec(), node.content);
            }
        }
        contents
    }
}

/// Patterns that leave out of a walk what the databases cover.
pub(in crate::snapshot) fn covered_patterns(profiles: &[Box<dyn Profile>]) -> Vec<String> {
    profiles.iter().flat_map(|profile| profile.covers()).map(|path| literal_pattern(&path)).collect()
}

/// The pattern that matches the absolute `path` and, where it is not text, whatever differs in those bytes alone.
fn literal_pattern(path: &[u8]) -> String {
    let mut pattern = String::new();
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.extend(chunk.invalid().iter().map(|_| '?'));
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Filter;

    #[test]
    fn a_covered_path_is_left_out_to_the_letter() {
        for path in [&b"/srv/a[1]{2}*?\\!.fdb"[..], b"/srv/plain.fdb", b"/srv/\xff\xfe/x", "/srv/ü.fdb".as_bytes()] {
            let filter = Filter::new(&[literal_pattern(path)]).unwrap();
            assert!(filter.is_excluded(path, false), "{path:?}");
            for other in [&b"/srv/a1"[..], b"/srv/a[1]{2}xy\\!.fdb", b"/other/srv/plain.fdb", b"/srv/plain.fdb.delta"] {
                assert!(!filter.is_excluded(other, false), "{other:?}");
            }
        }
    }
}
