//! Merges tables in tiers, so that a look-up touches few of them.
//!
//! Tables of similar size form a tier, each tier eight times the one below. When a tier has more
//! than eight tables, all of them become one, which may fill the tier above. Every row is so
//! rewritten a few times in the life of a repository, and a hundred segments are about ten tables.
//!
//! Rows are merged as streams: one row of each table is in memory.

use std::path::Path;

use super::layout::Counts;
use super::ordered::OrderedRows;
use super::rows::{ChunkRow, FrameRow};
use super::table::Table;
use super::table_build::TableWriter;
use crate::error::Result;
use crate::id::SegmentId;

/// A tier holds so many tables at most.
const TABLES_PER_TIER: usize = 8;
/// Tables of fewer chunks are all of the lowest tier.
const LOWEST_TIER_CHUNKS: u64 = 1 << 15;

/// The tier of a table with so many chunks.
fn tier_of(chunks: u64) -> u32 {
    (chunks / LOWEST_TIER_CHUNKS).checked_ilog2().unwrap_or(0) / 3
}

/// Merges until no tier is too full. The tables that were merged are dropped and their files
/// removed.
///
/// # Errors
/// `Damaged` when a table cannot be read; those of the operating system when the merged one cannot
/// be written. `tables` then still covers what it did.
pub(super) fn merge_tiers(folder: Option<&Path>, tables: &mut Vec<Table>) -> Result<()> {
    while let Some(chosen) = choose_tier(&tables.iter().map(Table::counts).collect::<Vec<_>>()) {
        let inputs: Vec<&Table> = chosen.iter().map(|at| &tables[*at]).collect();
        let merged = merge_tables(folder, &inputs)?;
        for at in chosen.iter().rev() {
            let old = tables.remove(*at);
            if old.path() != merged.path() {
                old.remove_file();
            }
        }
        tables.push(merged);
    }
    Ok(())
}

/// The places, ascending, of the tables of the lowest tier that is too full; `sizes` are the counts
/// of all tables.
fn choose_tier(sizes: &[Counts]) -> Option<Vec<usize>> {
    (0..=tier_of(u64::from(u32::MAX))).find_map(|tier| {
        let members: Vec<usize> = (0..sizes.len()).filter(|at| tier_of(sizes[*at].chunks) == tier).collect();
        // Row numbers end at 2^32; tables that would go beyond stay apart.
        let fits = |count: fn(&Counts) -> u64| members.iter().map(|at| count(&sizes[*at])).sum::<u64>() <= u64::from(u32::MAX);
        let all_fit = fits(|size| size.chunks) && fits(|size| size.frames) && fits(|size| size.packs);
        (members.len() > TABLES_PER_TIER && all_fit).then_some(members)
    })
}

/// Writes one table with the rows of all `inputs`.
///
/// # Errors
/// As [`merge_tiers`].
pub(super) fn merge_tables(folder: Option<&Path>, inputs: &[&Table]) -> Result<Table> {
    let mut segments: Vec<SegmentId> = inputs.iter().flat_map(|table| table.segments()).collect();
    segments.sort_unstable();
    let sum = |count: fn(&Counts) -> u64| inputs.iter().map(|table| count(&table.counts())).sum();
    let counts = Counts {
        segments: segments.len() as u64,
        packs: sum(|counts| counts.packs),
        frames: sum(|counts| counts.frames),
        chunks: sum(|counts| counts.chunks),
    };
    let mut writer = TableWriter::create(folder, &segments, counts)?;
    let mut first_pack = 0;
    for table in inputs {
        for row in 0..table.pack_count() {
            writer.push_pack(&table.read_pack(row)?)?;
        }
        for row in 0..table.frame_count() {
            let frame = table.read_frame(row)?;
            writer.push_frame(&FrameRow { pack: first_pack + frame.pack, ..frame })?;
        }
        first_pack += table.pack_count();
    }
    merge_chunks(inputs, &mut writer)?;
    writer.finish()
}

fn merge_chunks(inputs: &[&Table], writer: &mut TableWriter) -> Result<()> {
    let mut first_frames = Vec::with_capacity(inputs.len());
    let mut first_frame = 0;
    for table in inputs {
        first_frames.push(first_frame);
        first_frame += table.frame_count();
    }
    let mut rows = OrderedRows::new(inputs.iter().copied())?;
    while let Some((at, chunk)) = rows.next_row()? {
        writer.push_chunk(&ChunkRow { frame: first_frames[at] + chunk.frame, ..chunk })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_grow_eightfold() {
        assert_eq!([0, 1, 32_767, 262_143].map(tier_of), [0; 4]);
        assert_eq!([262_144, 2_097_151].map(tier_of), [1; 2]);
        assert_eq!(tier_of(100_000_000), 3);
        assert_eq!(tier_of(u64::from(u32::MAX)), 5);
    }

    #[test]
    fn the_lowest_tier_with_more_than_eight_tables_is_merged_and_larger_tables_are_left() {
        let size = |chunks| Counts { chunks, ..Counts::default() };
        let mut sizes = vec![size(1_000_000)];
        sizes.extend([size(500); 8]);
        assert_eq!(choose_tier(&sizes), None);
        sizes.push(size(20_000));
        assert_eq!(choose_tier(&sizes), Some((1..=9).collect()));
        assert_eq!(choose_tier(&[size(1 << 29); 9]), None, "row numbers would not reach");
    }
}
