//! What people write: patterns, names of snapshots, and the description of a repository, which is
//! plain text that anybody can change.

use std::sync::OnceLock;

use strongroom::browse::Pattern;
use strongroom::catalog::Listing;
use strongroom::crypto::Algorithm;
use strongroom::repository::{Description, OpenOptions, Repository};
use strongroom::source::Filter;
use strongroom::units::Timestamp;

use crate::examples;

/// So many patterns of one input are compiled.
const PATTERNS_MAX: usize = 8;
/// A pattern of more bytes is cut off by no one but this target: compiling takes a time that grows
/// with the pattern.
const PATTERN_BYTES_MAX: usize = 512;

/// `repository.json`.
pub fn description(bytes: &[u8]) {
    let Ok(description) = Description::decode(bytes) else { return };
    assert_eq!(&description.hash, blake3::hash(bytes).as_bytes());
    assert_eq!(Algorithm::from_name(description.algorithm.name()).ok(), Some(description.algorithm));
}

/// Patterns of `--exclude`: the first line is a path, each further line a pattern. All together give
/// what the last one that matches alone says.
pub fn filter_patterns(bytes: &[u8]) {
    let mut lines = bytes.splitn(PATTERNS_MAX + 1, |byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let patterns: Vec<String> = lines.filter_map(|line| String::from_utf8(line.to_vec()).ok()).collect();
    if patterns.iter().any(|pattern| pattern.len() > PATTERN_BYTES_MAX) {
        return;
    }
    let Ok(filter) = Filter::new(&patterns) else { return };
    for is_directory in [false, true] {
        let mut expected = false;
        for pattern in &patterns {
            let (takes_in, alone) = match pattern.strip_prefix('!') {
                Some(rest) if rest.starts_with('!') => (true, format!("\\{rest}")),
                Some(rest) => (true, rest.to_owned()),
                None => (false, pattern.clone()),
            };
            let Ok(alone) = Filter::new(&[alone]) else { panic!("what is valid among others is valid alone") };
            if alone.is_excluded(path, is_directory) {
                expected = !takes_in;
            }
        }
        assert_eq!(filter.is_excluded(path, is_directory), expected);
    }
}

/// The pattern of `repo find`: the first line is a path, the rest the pattern. Whoever takes upper
/// and lower case as equal finds all that one who does not would find.
pub fn find_pattern(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (path, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    if text.len() > PATTERN_BYTES_MAX {
        return;
    }
    let (Ok(exact), Ok(either)) = (Pattern::new(text, false), Pattern::new(text, true)) else { return };
    assert_eq!(exact.is_on_paths(), either.is_on_paths());
    let (exact, either) = (exact.fits(path), either.fits(path));
    // `?` and sets are about bytes, of which another case may have another number; `[!a]` leaves more
    // out when case does not count.
    assert!(either || !exact || text.contains(['?', '[']));
}

/// `latest~2`, `latest@SERIES`, a time, or the beginning of an id: what is chosen is in the listing, and its
/// whole id chooses it too.
pub fn snapshot_selection(bytes: &[u8]) {
    static PLACE: OnceLock<(Repository, Listing)> = OnceLock::new();
    let (repository, listing) = PLACE.get_or_init(|| {
        let storage = examples::repository();
        let repository = Repository::open(storage, OpenOptions::default()).expect("it was made just now");
        (repository, examples::listing())
    });
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // In the middle of what the listing may hold.
    let now = Timestamp::new(1_700_000_000, 0);
    if let Ok(id) = repository.select(listing, text, now) {
        assert!(listing.summaries().iter().any(|summary| summary.id == id));
        assert_eq!(repository.select(listing, &id.to_string(), now).ok(), Some(id));
    }
}
