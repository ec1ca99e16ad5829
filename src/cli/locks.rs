//! What a user should hear of locks that may not reach other machines.

use super::message;
use crate::repository::Repository;
use crate::storage::LockKind;

/// The file of the cache folder that says that the user was told.
const TOLD: &str = "told-of-locks";

/// Warns once on each machine of a repository that lies where locks may not reach others.
pub fn warn_once(repository: &Repository) {
    let LockKind::Here(file_system) = repository.storage().properties().lock else { return };
    if repository.cache().is_none_or(|cache| cache.is_first_time(TOLD)) {
        message::warn(warning(&file_system.name()));
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
