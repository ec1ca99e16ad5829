//! Whether a source has lost its files since the last snapshot: a disk that is not mounted, a tree that
//! was emptied, files cut to nothing. Such a run is made as asked, and its owner must hear of it.
//!
//! Each manifest tells how many files and bytes each source had. What one run cannot look at is not
//! gone: there the numbers of the last one stay.

use std::collections::{HashMap, HashSet};

use super::sources::outer_paths;
use crate::id::SnapshotId;
use crate::manifest::{Manifest, SourceCounts, SourceLoss, is_most_of_files};
use crate::progress::{Finding, FindingKind};
use crate::units::{ByteCount, PathText};

/// Adds to each source what the sources within it have.
pub(super) fn with_inner(counts: &[SourceCounts]) -> Vec<SourceCounts> {
    let mut sums: HashMap<&[u8], (u64, u64)> = counts.iter().map(|one| (one.path.as_slice(), (0, 0))).collect();
    for one in counts {
        for path in std::iter::once(one.path.as_slice()).chain(outer_paths(&one.path)) {
            if let Some((files, bytes)) = sums.get_mut(path) {
                (*files, *bytes) = (*files + one.files, *bytes + one.bytes);
            }
        }
    }
    let sum = |path: &[u8]| sums.get(path).copied().unwrap_or_default();
    let whole = |path: &Vec<u8>| SourceCounts { path: path.clone(), files: sum(path).0, bytes: sum(path).1 };
    counts.iter().map(|one| whole(&one.path)).collect()
}

/// An earlier snapshot of the same series.
pub(super) struct Before<'m> {
    pub id: SnapshotId,
    pub manifest: &'m Manifest,
}

/// What is said of the sources of a run that has counted `now` (inner ones included) in comparison with
/// `before`. `is_same_request` tells that the same was asked for: who leaves out more expects less.
pub(super) fn judge(now: &[SourceCounts], before: &Before<'_>, is_same_request: bool) -> Vec<Finding> {
    let earlier = before.manifest.source_counts();
    let mut of_path: HashMap<&[u8], &SourceCounts> = HashMap::new();
    earlier.iter().for_each(|one| _ = of_path.entry(&one.path).or_insert(one));
    let pairs = now.iter().filter_map(|now| Some((now, *of_path.get(now.path.as_slice())?)));
    let id = before.id.short();
    let mut found: Vec<Finding> = pairs
        .filter_map(|(now, before)| Some((now, message(now, before, is_same_request, &id.to_string())?)))
        .map(|(now, message)| Finding::new(FindingKind::Gone, now.path.clone(), message))
        .collect();
    if found.is_empty() && is_same_request {
        // Sources that another path leads to now have no pair.
        let sum = |all: &[SourceCounts]| {
            let paths: HashSet<&[u8]> = all.iter().map(|one| one.path.as_slice()).collect();
            let outer = all.iter().filter(|one| !outer_paths(&one.path).any(|path| paths.contains(path)));
            outer.fold(SourceCounts::of(Vec::new()), |sum, one| SourceCounts {
                files: sum.files + one.files,
                bytes: sum.bytes + one.bytes,
                ..sum
            })
        };
        let message = message(&sum(now), &sum(&earlier), true, &id.to_string());
        found.extend(message.map(|message| Finding::new(FindingKind::Gone, [], format!("of all sources: {message}"))));
    }
    found
}

fn message(now: &SourceCounts, before: &SourceCounts, is_same_request: bool, id: &str) -> Option<String> {
    match before.loss(now)? {
        SourceLoss::Everything => Some(format!("no file is left of the {} that snapshot {id} has; is its disk mounted?", before.files)),
        _ if !is_same_request => None,
        SourceLoss::Files => {
            Some(format!("{} files are left of the {} that snapshot {id} has; is everything mounted?", now.files, before.files))
        }
        SourceLoss::Bytes => {
            let (now, before) = (ByteCount(now.bytes), ByteCount(before.bytes));
            Some(format!("{now} are left of the {before} that snapshot {id} has; were files emptied?"))
        }
    }
}

/// What is said when more than half of the files of the base are gone and hardly any came: also where as
/// many of other names keep the number up in part.
pub(super) fn judge_removed(removed: u64, new: u64, before: &Before<'_>) -> Option<Finding> {
    let all = before.manifest.files();
    (is_most_of_files(removed, all) && new <= removed / 2).then(|| {
        let message = format!("{removed} of the {all} files that snapshot {} has are gone, and {new} are new", before.id.short());
        Finding::new(FindingKind::Gone, [], message)
    })
}

/// The sources of a run in a few words.
pub fn name_sources(paths: &[Vec<u8>]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = paths.iter().take(SHOWN_MAX).map(|path| PathText(path).to_string()).collect();
    let more = paths.len().saturating_sub(SHOWN_MAX);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(files: u64, bytes: u64) -> SourceCounts {
        SourceCounts { path: b"/a".to_vec(), files, bytes }
    }

    #[test]
    fn more_than_half_is_a_loss_and_a_few_files_are_not_unless_nothing_is_left() {
        let is_loss =
            |before: (u64, u64), now: (u64, u64)| message(&counts(now.0, now.1), &counts(before.0, before.1), true, "x").is_some();
        for (before, now) in [(1, 0), (3, 0), (10, 4), (5, 1), (7, 3), (1000, 499), (1000, 0)] {
            assert!(is_loss((before, 0), (now, 0)), "{before} {now}");
        }
        for (before, now) in [(0, 0), (0, 5), (3, 1), (10, 5), (10, 6), (1000, 500), (5, 2), (10, 20)] {
            assert!(!is_loss((before, 0), (now, 0)), "{before} {now}");
        }
        assert!(is_loss((10, 10 << 20), (10, 4 << 20)), "files were cut short");
        assert!(!is_loss((10, 10 << 20), (10, 5 << 20)));
        assert!(!is_loss((3, 10 << 20), (2, 1)), "one of three files");
        assert!(!is_loss((10, 1000), (10, 0)), "hardly anything");
        // Who asks for less gets less.
        assert!(message(&counts(4, 0), &counts(10, 0), false, "x").is_none());
        assert!(message(&counts(0, 0), &counts(10, 0), false, "x").is_some());
    }

    #[test]
    fn sources_within_others_count_for_these() {
        let of = |path: &str, files| SourceCounts { path: path.into(), files, bytes: files };
        let found = with_inner(&[of("/a", 1), of("/a/b", 2), of("/a/b/c", 3), of("/ab", 4)]);
        assert_eq!(found, [of("/a", 6), of("/a/b", 5), of("/a/b/c", 3), of("/ab", 4)]);
    }

    #[test]
    fn a_long_list_of_sources_is_cut() {
        let paths: Vec<Vec<u8>> = (1..8).map(|n| format!("/{n}").into_bytes()).collect();
        assert_eq!(name_sources(&paths), "/1, /2, /3, /4, /5 and 2 more");
        assert_eq!(name_sources(&paths[..1]), "/1");
    }
}
