//! Where a path that somebody types lies in a snapshot, and in which other snapshot when this one lacks it.

use super::history::covers;
use super::list::sources;
use super::place::{Place, normalise};
use crate::cancel::check_cancelled;
use crate::catalog::Summary;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::units::PathText;

/// The absolute path in the snapshot that `path` means; `None` when the snapshot has no such path. One that is not
/// absolute is tried from `current`, the folder that the user is in, then from each source and from the folder
/// that the source lies in.
///
/// # Errors
/// `Invalid` for a path with `..` in it, or one that several sources have; `Damaged` when a tree on the way cannot
/// be read.
pub fn locate(reader: &ChunkReader, manifest: &Manifest, path: &[u8], current: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let has = |path: &[u8]| -> Result<Option<Vec<u8>>> {
        let place = Place::at(manifest, path)?;
        Ok((place.is_whole() || place.find(reader)?.is_some()).then(|| place.path().to_vec()))
    };
    if path.first() == Some(&b'/') {
        return has(path);
    }
    let relative = without_dots(path);
    let below = |folder: &[u8]| [folder, b"/", &relative[..]].concat();
    if let Some(found) = current.map(|current| has(&below(current))).transpose()?.flatten() {
        return Ok(Some(found));
    }
    let mut found: Vec<Vec<u8>> = Vec::new();
    for entry in sources(manifest) {
        let parent = entry.path.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |slash| &entry.path[..slash]);
        for folder in [&entry.path[..], parent] {
            if let Some(path) = has(&below(folder))?
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
    }
    match &found[..] {
        [one, other, ..] => {
            let message = format!("`{}` may be {} or {}; write the whole path", PathText(path), PathText(one), PathText(other));
            Err(Error::new(ErrorKind::Invalid, message))
        }
        _ => Ok(found.pop()),
    }
}

/// A snapshot that answers for a path.
pub struct Located<'l> {
    /// The snapshot.
    pub summary: &'l Summary,
    /// Where the path lies in it; none where it is not there.
    pub path: Option<Vec<u8>>,
}

/// The first of `summaries` that has `path`, and where; with `stops` also the first that was asked to save it and has
/// it not, with `None`: then it was not there. A path that is not absolute is looked for below `current` in all of them
/// first: a newer snapshot of another folder may have one of that name too.
///
/// # Errors
/// As [`locate`]: what cannot be read may have it. `Interrupted`.
pub fn locate_first<'l>(
    reader: &ChunkReader,
    summaries: impl Iterator<Item = &'l Summary> + Clone,
    path: &[u8],
    current: Option<&[u8]>,
    stops: bool,
    progress: &dyn Progress,
) -> Result<Option<Located<'l>>> {
    let first = |path: &[u8]| first_with(reader, summaries.clone(), path, stops, progress);
    if path.first() == Some(&b'/') {
        return first(path);
    }
    if let Some(current) = current
        && let Some(found) = first(&[current, b"/", &without_dots(path)[..]].concat())?
    {
        return Ok(Some(found));
    }
    match first(path)? {
        // By its whole path it is known whether a newer one was asked to save it.
        Some(Located { path: Some(whole), .. }) if stops => first(&whole),
        found => Ok(found),
    }
}

/// As [`locate_first`], of a path that is tried as it is. Neighbours with the same tree are asked once.
fn first_with<'l>(
    reader: &ChunkReader,
    summaries: impl Iterator<Item = &'l Summary>,
    path: &[u8],
    stops: bool,
    progress: &dyn Progress,
) -> Result<Option<Located<'l>>> {
    let mut last: Option<&Summary> = None;
    for summary in summaries {
        check_cancelled(progress)?;
        if last.is_some_and(|last| last.root == summary.root && last.paths == summary.paths && !last.is_cut) {
            continue;
        }
        let manifest = reader.objects().read_manifest(&summary.id)?;
        if let Some(found) = locate(reader, &manifest, path, None)? {
            return Ok(Some(Located { summary, path: Some(found) }));
        }
        if stops && covers(&manifest, &normalise(path).unwrap_or_else(|_| path.to_vec())) {
            return Ok(Some(Located { summary, path: None }));
        }
        last = Some(summary);
    }
    Ok(None)
}

/// The path without needless slashes and dots; `..` stays, and is refused later.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}
