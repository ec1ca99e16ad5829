//! Saves what the profiles give.

use super::folder::Folder;
use super::means::Means;
use super::{is_file, of_database};
use crate::databases::Profile;
use crate::error::Result;
use crate::manifest::{DATABASES_FOLDER, RootEntry, SavedDatabase, database_folder};
use crate::snapshot::paths::split_path;

/// What was saved of all databases of a run.
pub(in crate::snapshot) struct SavedDatabases {
    /// The folder of all databases.
    pub entry: RootEntry,
    /// What the manifest says of each.
    pub told: Vec<SavedDatabase>,
    /// How many files the base has of its databases that this run has too.
    pub base_files_met: u64,
}

/// Saves all of `profiles`, one after the other; each is let go before the next is held.
///
/// # Errors
/// The first failure of a database, with its name; those of the repository. Then nothing may be committed.
pub(in crate::snapshot) fn save_databases(profiles: &[Box<dyn Profile>], means: &mut Means<'_, '_, '_>) -> Result<SavedDatabases> {
    let mut all = Folder::new(means.node(split_path(DATABASES_FOLDER).1, 0o700, means.now));
    let (mut told, mut base_files_met) = (Vec::new(), 0);
    for profile in profiles {
        let name = profile.name();
        all.add(name.as_bytes(), means.node(name.as_bytes(), 0o700, means.now))?;
        let before = means.base_nodes(&database_folder(name));
        let mut held = profile.hold(means.with.saver.progress).map_err(|error| of_database(name, error))?;
        let mut files = 0;
        while let Some(entry) = held.next_entry().map_err(|error| of_database(name, error))? {
            let path = [name.as_bytes(), b"/", &entry.path].concat();
            let is_new = !before.contains_key(&entry.path);
            let node = means.save(&mut *held, &entry).map_err(|error| of_database(name, error))?;
            if is_file(&entry.kind) {
                files += 1;
                base_files_met += u64::from(!is_new);
                means.count(before.get(&entry.path).map(|node| &node.content), &node);
            }
            all.add(&path, node)?;
        }
        let mut account = held.finish().map_err(|error| of_database(name, error))?;
        account.name = name.to_owned();
        told.push(SavedDatabase { account, files });
    }
    let node = all.write(&mut means.pages)?;
    let node = means.as_before(DATABASES_FOLDER, node);
    Ok(SavedDatabases { entry: RootEntry { path: DATABASES_FOLDER.to_vec(), node }, told, base_files_met })
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
