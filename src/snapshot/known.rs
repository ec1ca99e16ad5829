//! Whether what a snapshot takes without reading its source is in the repository.

use std::sync::Arc;

use super::surroundings::Surroundings;
use super::tally::add;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::manifest::{Content, ContentList, Manifest, Node};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::{ChunkReader, Repository, Sink};
use crate::trees::{ContentVisitor, ListPlace, Piece, SnapshotView, Step, visit_content};

/// Whether every chunk of an unchanged file is in the repository, and every page that leads to it. What
/// cannot be told is not known: the file is read again then.
pub(super) fn is_content_known(with: &Surroundings<'_, '_>, node: &Node) -> bool {
    let (Content::File(_, list), Some((_, reader))) = (&node.content, with.base) else { return true };
    if with.base_is_whole && list.depth == 0 {
        return true;
    }
    // Pages are read also where all packs are there: that they can be read is known from reading only.
    let is_known = check_list_known(reader, list, &|id| with.base_is_whole || with.saver.sink.is_known(id)).is_ok();
    if !is_known {
        add(&with.tally.files_lost, 1);
    }
    is_known
}

/// Says that files were read again although they have not changed.
pub(super) fn tell_lost(files: u64, progress: &dyn Progress) {
    if files > 0 {
        let message = format!(
            "what was saved of {files} unchanged files is missing from the repository or damaged, so they were read again; \
             `repo check` says what else is damaged"
        );
        progress.report(Finding::new(FindingKind::Warning(Topic::StoredAgain), [], message));
    }
}

/// Says that pages of trees and content lists could not be read. What the snapshot needs of them is stored again.
pub(super) fn tell_unreadable(pages: u64, progress: &dyn Progress) {
    if pages > 0 {
        let message = format!(
            "{pages} pages of trees or lists in the repository are damaged or missing; what this snapshot needs of them is stored again. \
             Other snapshots may need more: `repo check --read-data` names it, and `repo repair` saves what can be read"
        );
        progress.report(Finding::new(FindingKind::Warning(Topic::StoredAgain), [], message));
    }
}

/// Lists what the run relies on again: before its manifest says that all of it is there, so that a snapshot
/// that would not restore is not made; and when it has its name (`published`), before it is reported. A prune
/// that no lock held back and that began between the two has not seen the manifest; one that begins later has.
///
/// # Errors
/// `Changed` when something that the snapshot needs is gone; those of the storage.
pub(super) fn check_still_there(repository: &Repository, sink: &Sink, manifest: &Manifest, published: Option<&SnapshotId>) -> Result<()> {
    let Some(gone) = sink.find_gone()? else { return Ok(()) };
    // A prune that this run could not see may have removed only what nothing needs.
    let index = Arc::new(repository.chunks().open_index()?);
    let presence = index.presence(gone.listing.packs());
    let reader = repository.chunks().reader_with(Arc::clone(&index));
    match check_all_known(&reader, manifest, &|id| index.is_known(id, &presence)) {
        Err(error) if error.is_damage() => {}
        settled => return settled,
    }
    let outcome = published.map_or_else(
        || "nothing was committed".to_owned(),
        |id| format!("snapshot {} is there and not whole, and the next run stores again what it lacks", id.short()),
    );
    let message = format!(
        "{} packs and {} index segments went from the repository while this run was under way, and the snapshot needs them; \
         {outcome}. Run it again, and prune only while no snapshot runs: locks may not reach other machines",
        gone.packs, gone.segments
    );
    Err(Error::new(ErrorKind::Changed, message))
}

type IsKnown<'k> = &'k dyn Fn(&ChunkId) -> bool;

/// # Errors
/// `NotFound` when a chunk or page is not known; `NotFound`, `Damaged` when a page cannot be read.
fn check_all_known(reader: &ChunkReader, manifest: &Manifest, is_known: IsKnown<'_>) -> Result<()> {
    let mut walk = SnapshotView::new(reader, manifest).walk();
    while let Some(step) = walk.next_step()? {
        if let Step::Entry(node) = step
            && let Content::File(_, list) = &node.content
        {
            check_list_known(reader, list, is_known)?;
        }
    }
    Ok(())
}

/// # Errors
/// As [`check_all_known`].
fn check_list_known(reader: &ChunkReader, list: &ContentList, is_known: IsKnown<'_>) -> Result<()> {
    visit_content(reader, list, &mut Known(is_known))
}

struct Known<'k>(IsKnown<'k>);

impl Known<'_> {
    fn check(&self, id: &ChunkId) -> Result<()> {
        if (self.0)(id) { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "not known")) }
    }
}

impl ContentVisitor for Known<'_> {
    fn take(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Chunk { id, .. } => self.check(&id),
            Piece::Hole(_) => Ok(()),
        }
    }

    fn enter(&mut self, page: &ListPlace) -> Result<bool> {
        self.check(page.id()).map(|()| true)
    }
}
