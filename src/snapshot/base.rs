//! Which earlier snapshot a run is measured against.

use crate::catalog::{Summary, series_key};
use crate::error::{Error, Result};
use crate::id::{MachineId, SnapshotId};
use crate::manifest::{Content, Kind, Manifest};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::{Catalogued, ChunkReader, Marks, Repository};
use crate::trees::NodeStream;

/// A base that can be read.
pub(super) struct Base {
    pub id: SnapshotId,
    pub manifest: Manifest,
}

/// The base of a run of `kind`: the newest snapshot of the series, or the newest full of it, whose
/// manifest and top-level trees can be read. One that cannot is reported, and the next older is taken. Where
/// several machines share the series, those of `machine` come first.
///
/// # Errors
/// Those of the storage. Damage is not one.
pub(super) fn choose_base(
    repository: &Repository,
    reader: &ChunkReader,
    Catalogued { listing, marks, .. }: &Catalogued,
    series: &str,
    kind: Kind,
    machine: MachineId,
    progress: &dyn Progress,
) -> Result<Option<Base>> {
    if kind == Kind::Full {
        return Ok(None);
    }
    let mut candidates: Vec<&Summary> =
        listing.of_series(series).filter(|summary| kind == Kind::Incremental || summary.kind == Kind::Full).collect();
    // Stable: among equals the newest stays first.
    candidates.sort_by_key(|summary| Distance::of(summary, machine));
    for summary in candidates {
        // The catalog proposed; the sealed manifest decides.
        let outcome = repository
            .objects()
            .read_manifest(&summary.id)
            .and_then(|manifest| check_promise(manifest, marks, series, kind))
            .and_then(|manifest| check_trees(reader, manifest));
        match outcome {
            Ok(manifest) => return Ok(Some(Base { id: summary.id, manifest })),
            Err(error) if error.is_damage() => {
                let message = format!("snapshot {} cannot serve as base, an older one is taken: {error}", summary.id.short());
                progress.report(Finding::new(FindingKind::Warning(Topic::Base), [], message));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// How far a snapshot is from a machine, the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Distance {
    /// Made on it.
    Here,
    /// Made by a version that did not say where.
    Unsaid,
    /// Made on another.
    Elsewhere,
}

impl Distance {
    pub fn of(summary: &Summary, machine: MachineId) -> Self {
        match summary.machine {
            Some(of) if of == machine => Self::Here,
            None => Self::Unsaid,
            Some(_) => Self::Elsewhere,
        }
    }
}

/// A row of the catalog can be wrong about a snapshot.
fn check_promise(manifest: Manifest, marks: &Marks, series: &str, kind: Kind) -> Result<Manifest> {
    if marks.series_name(&manifest.series) != series_key(series) || (kind == Kind::Differential && manifest.kind != Kind::Full) {
        return Err(Error::damaged("the catalog", "the snapshot is of another series or kind than it says"));
    }
    Ok(manifest)
}

fn check_trees(reader: &ChunkReader, manifest: Manifest) -> Result<Manifest> {
    for entry in &manifest.entries {
        if let Content::Directory(tree) = &entry.node.content {
            NodeStream::new(reader, tree).next_node().map_err(|error| Error::damaged("its tree", error))?;
        }
    }
    Ok(manifest)
}
