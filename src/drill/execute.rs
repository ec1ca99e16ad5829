//! A drill from its choice to its outcome.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::choose::choose;
use super::compare::{Compared, compare};
use super::outcome::{Failure, FormCount, Outcome, Rung};
use super::request::Request;
use crate::browse;
use crate::catalog::Listing;
use crate::error::{Error, Result};
use crate::id::SnapshotId;
use crate::manifest::{DATABASES_FOLDER, Manifest};
use crate::opening::{self, Verdict};
use crate::platform::{names, private, same_disk};
use crate::progress::{Collected, FindingKind, Progress, Silent};
use crate::repository::{ChunkReader, Repository};
use crate::restore;
use crate::trees::SnapshotView;

/// So many pictures are kept for the page.
const PICTURES_MAX: usize = 12;

/// Restores a sample of `snapshot`, and opens it. `repository` was opened without what this machine remembers, and lies at
/// `location`.
///
/// # Errors
/// When the snapshot cannot be read, or nothing can be written to the scratch folder: then nothing was shown.
pub fn run(repository: &Repository, location: &Path, snapshot: &SnapshotId, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let shared_disk = same_disk(&request.scratch, location) == Some(true);
    let (manifest, reader) = (repository.objects().read_manifest(snapshot)?, repository.reader()?);
    let chosen = choose(&reader, &manifest, request.sample, request.seed, progress)?;
    let mut outcome = Outcome {
        snapshot: *snapshot,
        seed: request.seed,
        rung: Rung::Read,
        files: 0,
        bytes: chosen.bytes,
        databases: chosen.databases as u64,
        files_total: chosen.files_total,
        bytes_total: chosen.bytes_total,
        compared: 0,
        forms: Vec::new(),
        failures: Vec::new(),
        rot_suspects: Vec::new(),
        restore_ms: 0,
        pictures: Vec::new(),
        shared_disk,
    };
    let scratch = Scratch::new(&request.scratch)?;
    let begun = Instant::now();
    let told = restore_to(&scratch.0, &reader, &manifest, &chosen.paths, progress)?;
    outcome.restore_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    for (path, reason) in told {
        outcome.failures.push(Failure { path, reason, earlier: None, is_of_source: false });
    }
    let listing = repository.catalogued()?.listing;
    let listing = of_series(&listing, &manifest.series);
    let mut paths: Vec<&Vec<u8>> = chosen.paths.iter().collect();
    paths.sort();
    let mut forms: BTreeMap<&'static str, FormCount> = BTreeMap::new();
    let view = SnapshotView::new(&reader, &manifest);
    for path in paths {
        crate::cancel::check_cancelled(progress)?;
        let copy = scratch.0.join(names::to_path(path.strip_prefix(b"/").unwrap_or(path)));
        if outcome.failures.iter().any(|failure| failure.path == *path) || !copy.is_file() {
            if !outcome.failures.iter().any(|failure| failure.path == *path) {
                outcome.failures.push(Failure {
                    path: path.clone(),
                    reason: "it was not restored".to_owned(),
                    earlier: None,
                    is_of_source: false,
                });
            }
            continue;
        }
        outcome.files += 1;
        let is_database = path.starts_with(DATABASES_FOLDER);
        if let Some(node) = view.lookup(path)?.filter(|_| !is_database) {
            match compare(&copy, names::to_path(path).as_ref(), &node) {
                Compared::Same => outcome.compared += 1,
                Compared::Rotten => outcome.rot_suspects.push(path.clone()),
                Compared::Nothing => {}
            }
        }
        let opened = opening::open(&copy)?;
        let count = forms.entry(opened.form.code()).or_default();
        match opened.verdict {
            Verdict::Opens => count.opened += 1,
            Verdict::NotKnown(_) => count.not_known += 1,
            Verdict::Broken(reason) => {
                count.broken += 1;
                let reason = format!("it does not open: {reason}");
                outcome.failures.push(Failure { path: path.clone(), reason, earlier: None, is_of_source: true });
            }
        }
        if let Some(picture) = opened.picture.filter(|_| outcome.pictures.len() < PICTURES_MAX) {
            outcome.pictures.push((path.clone(), picture.shrunk(160)));
        }
    }
    for failure in &mut outcome.failures {
        failure.earlier = earlier(&reader, &listing, snapshot, &failure.path);
    }
    outcome.forms = forms.into_iter().collect();
    let is_restored = outcome.failures.iter().all(|failure| failure.is_of_source);
    let is_opened = outcome.failures.is_empty();
    outcome.rung = if is_opened {
        Rung::Opened
    } else if is_restored {
        Rung::Restored
    } else {
        Rung::Read
    };
    Ok(outcome)
}

/// A folder that goes with the drill.
struct Scratch(PathBuf);

impl Scratch {
    fn new(below: &Path) -> Result<Self> {
        let number = crate::id::to_hex(&crate::crypto::random_bytes::<6>()?);
        let path = below.join(format!("repo-drill-{number}"));
        private::make_folder(&path).map_err(|error| Error::io("cannot make the folder", path.display(), error))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Restores the paths, and returns what went wrong with which.
fn restore_to(
    scratch: &Path,
    reader: &ChunkReader,
    manifest: &Manifest,
    paths: &std::collections::HashSet<Vec<u8>>,
    progress: &dyn Progress,
) -> Result<Vec<(Vec<u8>, String)>> {
    let collected = Collected::default();
    let destination = names::to_bytes(&scratch).to_vec();
    let is_chosen = |path: &[u8]| paths.contains(path);
    let request = restore::Request {
        changed_only: Some(&is_chosen),
        numeric_owner: true,
        set_id: false,
        ..restore::Request::new(restore::What::Everything, destination.clone())
    };
    crate::cancel::check_cancelled(progress)?;
    restore::run(&restore::Snapshot { reader, manifest }, &request, &collected)?;
    let wrong = collected.take().into_iter().filter(|finding| finding.kind == FindingKind::Damaged);
    Ok(wrong.map(|finding| (finding.path.strip_prefix(&destination[..]).unwrap_or(&finding.path).to_vec(), finding.message)).collect())
}

fn of_series(listing: &Listing, series: &str) -> Listing {
    Listing::new(listing.of_series(series).cloned().collect(), Vec::new())
}

/// The newest snapshot before this one in which the path was otherwise.
fn earlier(reader: &ChunkReader, listing: &Listing, snapshot: &SnapshotId, path: &[u8]) -> Option<SnapshotId> {
    let mut versions: Vec<(SnapshotId, SnapshotId)> = Vec::new();
    let mut take = |version: &browse::Version<'_>| {
        versions.push((version.first.id, version.last.id));
        Ok(())
    };
    browse::history(reader, listing, path, &mut take, &Silent).ok()?;
    let order = |id: &SnapshotId| listing.get(id).map(crate::catalog::Summary::order);
    let now = versions.iter().rposition(|(first, last)| order(first) <= order(snapshot) && order(snapshot) <= order(last))?;
    versions[..now].last().map(|(_, last)| *last)
}
