//! What lies around the sources: the disk of the repository, and folders that no job covers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::platform::same_disk;

/// So many folders are named.
const UNCOVERED_MAX: usize = 20;

/// Jobs whose sources lie on the disk of the repository: a backup that dies with what it is of.
pub(super) fn on_one_disk(config: &Config, repository: &Path) -> Vec<String> {
    let is_on_it = |path: &PathBuf| same_disk(path, repository) == Some(true);
    config.jobs.iter().filter(|job| job.source.iter().any(is_on_it)).map(|job| job.name.clone()).collect()
}

/// Folders beside the sources that no job covers. What lies at the top of the system is not beside anything.
pub(super) fn uncovered(config: &Config, repository: &Path) -> Vec<PathBuf> {
    let sources: Vec<&PathBuf> = config.jobs.iter().flat_map(|job| &job.source).collect();
    let parents: BTreeSet<&Path> = sources.iter().filter_map(|source| source.parent()).filter(|parent| parent.parent().is_some()).collect();
    let is_covered = |path: &Path| sources.iter().any(|source| path.starts_with(source) || source.starts_with(path));
    let mut found = Vec::new();
    for parent in parents.into_iter().filter(|parent| !is_temporary(parent) && !sources.iter().any(|source| parent.starts_with(source))) {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
        let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        found.extend(
            folders.filter(|path| !is_covered(path) && !is_hidden(path) && !repository.starts_with(path) && !path.starts_with(repository)),
        );
    }
    found.sort();
    found.truncate(UNCOVERED_MAX);
    found
}

/// Where programs leave what nobody keeps.
fn is_temporary(path: &Path) -> bool {
    ["/tmp", "/var/tmp", "/run", "/dev", "/proc", "/sys"].iter().any(|folder| path == Path::new(folder))
}
