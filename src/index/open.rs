//! Opens the index: finds the tables that fit the segments listed now, builds what is missing,
//! merges, and clears away what is not needed any more.
//!
//! The folder is a cache: whatever is wrong with it costs time, never an answer. A table that covers
//! a segment which is not listed is not used, because its packs may be gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::folder::list_tables;
use super::lookup::Index;
use super::merge::merge_tiers;
use super::segment::{IndexSegment, SEGMENTS_AT_ONCE};
use super::table::Table;
use super::table_build::build_table;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SegmentId;
use crate::storage::map_by;

/// How a segment is fetched from the repository: unsealed, decoded, and verified against its id.
pub type LoadSegment<'a> = dyn Fn(SegmentId) -> Result<IndexSegment> + Sync + 'a;

impl Index {
    /// Opens the index over exactly these segments, those that are listed in the repository now.
    ///
    /// Tables are kept in `folder`, which belongs to this repository and to nothing else; without
    /// one, or where it cannot be written, they are built in memory (see
    /// [`Index::cache_problem`]). `load` is called, from several threads, once for each segment
    /// that no table covers. It must return what the segment holds: the table made of it is kept
    /// for as long as the segment is listed.
    ///
    /// # Errors
    /// Those of `load`. A damaged or unwritable cache is never an error.
    pub fn open(folder: Option<&Path>, segments: &[SegmentId], load: &LoadSegment<'_>) -> Result<Self> {
        Self::open_sparing(folder, &[], segments, SEGMENTS_AT_ONCE, load)
    }

    /// As [`Index::open`], and files of tables that know what the `spared` segments said stay where they are, unused:
    /// these are damaged, and the tables may be the last that tells of their packs. Where more segments than are
    /// usual may be in memory `at_once`, as many are loaded at the same time.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_sparing(
        folder: Option<&Path>,
        spared: &[SegmentId],
        segments: &[SegmentId],
        at_once: usize,
        load: &LoadSegment<'_>,
    ) -> Result<Self> {
        let wanted: BTreeSet<SegmentId> = segments.iter().copied().collect();
        let mut problem = None;
        let mut folder = folder;
        let mut tables = Vec::new();
        if let Some(path) = folder {
            match list_tables(path) {
                Ok(files) => tables = choose_tables(&files, &wanted, spared),
                Err(error) => {
                    problem = Some(error);
                    folder = None;
                }
            }
        }
        loop {
            tables.retain(|table| !table.is_damaged());
            let covered: BTreeSet<SegmentId> = tables.iter().flat_map(Table::segments).collect();
            let missing: Vec<SegmentId> = wanted.difference(&covered).copied().collect();
            for group in missing.chunks(at_once) {
                let built: Vec<(Table, Option<Error>)> = if at_once > SEGMENTS_AT_ONCE {
                    map_by(at_once, group, || (), |(), id| build(folder, *id, load))?
                } else if at_once == 1 {
                    group.iter().map(|id| build(folder, *id, load)).collect::<Result<Vec<_>>>()?
                } else {
                    group.par_iter().map(|id| build(folder, *id, load)).collect::<Result<Vec<_>>>()?
                };
                for (table, error) in built {
                    tables.push(table);
                    problem = problem.or(error);
                }
            }
            match merge_tiers(folder, &mut tables) {
                Ok(()) => break,
                // A table was damaged: its segments are built anew, in memory, so that the loop ends
                // even on a disk that returns other bytes each time.
                Err(error) if tables.iter().any(Table::is_damaged) => {
                    problem = Some(error);
                    folder = None;
                }
                // It could not be written. More tables than there should be work as well.
                Err(error) => {
                    problem = Some(error);
                    break;
                }
            }
        }
        Ok(Self::new(tables, problem))
    }
}

/// Opens the table files and keeps those that cover listed segments only and none twice, widest
/// first. The others are removed, but for those that know of `spared`.
fn choose_tables(files: &[PathBuf], wanted: &BTreeSet<SegmentId>, spared: &[SegmentId]) -> Vec<Table> {
    let mut opened: Vec<Table> = files
        .par_iter()
        .filter_map(|path| match Table::open(path) {
            Ok(table) => Some(table),
            Err(error) => {
                // Best effort: where it cannot be removed it will be replaced or passed over again.
                // A table that could not be opened for another reason may be good.
                if error.kind() == ErrorKind::Damaged {
                    let _ = fs::remove_file(path);
                }
                None
            }
        })
        .collect();
    opened.sort_by_key(|table| std::cmp::Reverse(table.segments().count()));
    let mut covered = BTreeSet::new();
    opened.retain(|table| {
        let fits = table.segments().all(|id| wanted.contains(&id) && !covered.contains(&id));
        if fits {
            covered.extend(table.segments());
        } else if !table.segments().any(|id| spared.contains(&id)) {
            table.remove_file();
        }
        fits
    });
    opened
}

/// Builds the table of one segment, in memory when the folder does not take it.
fn build(folder: Option<&Path>, id: SegmentId, load: &LoadSegment<'_>) -> Result<(Table, Option<Error>)> {
    let named = |error: Error| error.context(format!("index segment {id}"));
    let segment = load(id).map_err(named)?;
    let problem = match folder {
        Some(_) => match build_table(folder, id, &segment) {
            Ok(table) => return Ok((table, None)),
            Err(error) => Some(error),
        },
        None => None,
    };
    // A segment that contradicts itself fails here too, and for good.
    Ok((build_table(None, id, &segment).map_err(named)?, problem))
}
