//! Which files programs have open, as far as this user may know.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// Those of `paths` that another program has open.
pub fn open_elsewhere(paths: &HashSet<PathBuf>) -> HashSet<PathBuf> {
    let mut found = HashSet::new();
    let own = std::process::id().to_string();
    let is_process = |name: &str| name.bytes().all(|digit| digit.is_ascii_digit()) && name != own;
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !process.file_name().to_str().is_some_and(is_process) {
            continue;
        }
        // Those of other users cannot be looked at, unless this user is root.
        for handle in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            if let Ok(file) = fs::read_link(handle.path())
                && paths.contains(&file)
            {
                found.insert(file);
            }
        }
    }
    found
}
