//! What a user should hear of locks that may not reach other machines.

use std::path::Path;

use super::message;
use crate::platform::names;
use crate::repository::Repository;
use crate::source::{FileSystem, Folder};

/// The file of the cache folder that says that the user was told.
const TOLD: &str = "told-of-locks";

/// Warns once on each machine of a repository that lies where locks may not reach others.
pub fn warn_once(repository: &Repository, location: &Path) {
    // Where it cannot be looked at, the run itself says why.
    let Ok(file_system) = Folder::open(names::to_bytes(&location)).and_then(|folder| FileSystem::of(&folder)) else { return };
    let is_news = || repository.cache().is_none_or(|cache| cache.is_first_time(TOLD));
    if file_system.has_local_locks_only() && is_news() {
        message::warn(warning(&file_system.kind_name()));
    }
}

fn warning(kind: &str) -> String {
    format!(
        "the repository lies on a network file system ({kind}), whose locks may not reach other machines; \
         prune only while no snapshot runs anywhere (this is said once)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_the_kind_and_what_to_avoid() {
        let text = warning("nfs");
        assert!(text.contains("(nfs)") && text.contains("locks") && text.contains("prune only while"), "{text}");
    }
}
