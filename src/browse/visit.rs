//! Walks one place of a snapshot, going on behind pages that cannot be read.

use super::place::Place;
use crate::cancel::check_cancelled;
use crate::error::Result;
use crate::manifest::Node;
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;
use crate::trees::{SnapshotView, Step, read_ahead};

/// What a walk meets.
pub(super) enum Visit<'p> {
    /// An entry and its path.
    Entry(&'p [u8], &'p Node),
    /// The end of the folder that was entered last.
    Leave,
    /// A page that cannot be read; it was reported.
    Unreadable,
}

/// Whether the entries of a folder are visited; for everything else it means nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Descend {
    /// They are.
    Enter,
    /// They are not, and no [`Visit::Leave`] follows.
    Skip,
}

/// Visits what lies at `place`: the entries below a folder, without the folder itself, or the one
/// entry that is no folder.
///
/// # Errors
/// `NotFound` when nothing is there; `Damaged` when the way there cannot be read; `Unsupported`,
/// `Interrupted`, those of `each`.
pub(super) fn visit(
    reader: &ChunkReader,
    place: &Place<'_>,
    each: &mut dyn FnMut(Visit<'_>) -> Result<Descend>,
    progress: &dyn Progress,
) -> Result<()> {
    read_ahead(reader, |ahead| visit_view(reader, SnapshotView::new(reader, place.manifest()).with_ahead(ahead), place, each, progress))
}

fn visit_view(
    reader: &ChunkReader,
    view: SnapshotView<'_>,
    place: &Place<'_>,
    each: &mut dyn FnMut(Visit<'_>) -> Result<Descend>,
    progress: &dyn Progress,
) -> Result<()> {
    let mut walk = match place.find(reader)? {
        Some(node) if node.is_directory() => view.walk_below(place.path(), &node),
        Some(node) => {
            each(Visit::Entry(place.path(), &node))?;
            return Ok(());
        }
        None if place.is_whole() => view.walk(),
        None => return Err(place.nothing_there()),
    };
    loop {
        check_cancelled(progress)?;
        match walk.next_step() {
            Ok(None) => return Ok(()),
            Ok(Some(Step::Leave)) => {
                each(Visit::Leave)?;
            }
            Ok(Some(Step::Entry(node))) => {
                if each(Visit::Entry(walk.path(), &node))? == Descend::Skip {
                    walk.skip_entries();
                }
            }
            Err(error) if error.is_damage() => {
                let message = format!("some entries of this folder cannot be read: {error}");
                progress.report(Finding::new(FindingKind::Damaged, walk.path(), message));
                each(Visit::Unreadable)?;
            }
            Err(error) => return Err(error),
        }
    }
}
