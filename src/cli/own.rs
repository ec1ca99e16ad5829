//! What belongs to this program itself on this machine, which no restore may touch.

use std::path::PathBuf;
use std::sync::Arc;

use super::global::Global;
use crate::error::Result;
use crate::repository::{Repository, cache_root};
use crate::target::Protected;

/// The repository, its cache, and the files with its keys, whether they are used or only named.
///
/// # Errors
/// `Invalid` when no repository is named.
pub fn protected(global: &Global, repository: &Repository) -> Result<Arc<Protected>> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let mut protected = Protected::default();
    protected.close(&global.location()?, "the repository");
    if let Some(cache) = repository.cache() {
        protected.close(cache.path(), "the cache of the repository");
    }
    let cache = cache_root(|name| std::env::var_os(name));
    let named = |given: &Option<PathBuf>, name| given.clone().into_iter().chain(variable(name).map(PathBuf::from));
    let keys = named(&global.key_file, "REPO_KEY_FILE").map(|path| (path, "a key file of the repository"));
    let passwords = named(&global.password_file, "REPO_PASSWORD_FILE").map(|path| (path, "a password file of the repository"));
    let caches = cache.into_iter().map(|path| (path, "the cache of this program"));
    keys.chain(passwords).for_each(|(path, what)| protected.add_with_content(&path, what));
    caches.for_each(|(path, what)| protected.add(&path, what));
    Ok(Arc::new(protected))
}
