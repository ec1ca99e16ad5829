//! The index against a plain map, and against everything that can be wrong with its cache.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::folder::list_tables;
use super::layout::{BLOCK_BYTES, HEADER_BYTES, Layout, Section};
use super::merge::merge_tables;
use super::table::Table;
use super::table_build::build_table;
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, PackId, SegmentId};
use crate::pack::{ChunkEntry, FrameEntry, PackKind};

fn hash(what: &str, number: u64) -> [u8; 32] {
    *blake3::hash(format!("{what} {number}").as_bytes()).as_bytes()
}

fn chunk(number: u64) -> ChunkId {
    ChunkId(hash("chunk", number))
}

fn segment_id(number: u64) -> SegmentId {
    SegmentId(hash("segment", number))
}

/// A segment with the chunks of these numbers, 20 to a frame and 10 frames to a pack. Packs are
/// named by `number` and their place, so that every segment has its own.
fn segment(number: u64, chunks: impl IntoIterator<Item = u64>) -> IndexSegment {
    let entries: Vec<_> = chunks.into_iter().map(|at| ChunkEntry { id: chunk(at), bytes: 1 + (at % 4096) as u32 }).collect();
    let packs = entries.chunks(200).enumerate().map(|(pack, entries)| {
        let mut offset = 64;
        let mut frames = Vec::new();
        for chunks in entries.chunks(20) {
            let plain_bytes = chunks.iter().map(|chunk| chunk.bytes).sum();
            frames.push(FrameEntry { offset, sealed_bytes: plain_bytes / 2 + 28, plain_bytes, codec: 1, chunks: chunks.to_vec() });
            offset += u64::from(plain_bytes / 2 + 28);
        }
        let kind = if pack % 5 == 4 { PackKind::Meta } else { PackKind::Data };
        let id = PackId(hash("pack", number * 1_000_000 + pack as u64));
        IndexedPack { id, kind, bytes: offset + 100, data_begin: 64, data_end: offset, frames }
    });
    IndexSegment::new(packs.collect())
}

/// What is in the repository, and how often it was asked.
#[derive(Default)]
struct Segments {
    all: HashMap<SegmentId, IndexSegment>,
    loads: AtomicUsize,
}

impl Segments {
    fn new(segments: impl IntoIterator<Item = IndexSegment>) -> Self {
        let all = segments.into_iter().enumerate().map(|(number, segment)| (segment_id(number as u64), segment)).collect();
        Self { all, loads: AtomicUsize::new(0) }
    }

    fn ids(&self) -> Vec<SegmentId> {
        self.all.keys().copied().collect()
    }

    fn open(&self, folder: Option<&Path>) -> Index {
        self.open_some(folder, &self.ids())
    }

    fn open_some(&self, folder: Option<&Path>, ids: &[SegmentId]) -> Index {
        Index::open(folder, ids, &|id| self.load(id)).unwrap()
    }

    fn load(&self, id: SegmentId) -> Result<IndexSegment> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.all.get(&id).cloned().ok_or_else(|| Error::new(ErrorKind::NotFound, "no such segment"))
    }

    fn take_loads(&self) -> usize {
        self.loads.swap(0, Ordering::Relaxed)
    }

    /// Every place of every chunk, found the plain way.
    fn expected(&self) -> HashMap<ChunkId, BTreeSet<Location>> {
        let mut places: HashMap<ChunkId, BTreeSet<Location>> = HashMap::new();
        for pack in self.all.values().flat_map(|segment| &segment.packs) {
            for (number, frame) in pack.frames.iter().enumerate() {
                let (offset, codec, number) = (frame.offset, frame.codec, number as u32);
                let at = FrameRef { offset, sealed_bytes: frame.sealed_bytes, plain_bytes: frame.plain_bytes, codec, number };
                let mut chunk_offset = 0;
                for chunk in &frame.chunks {
                    places.entry(chunk.id).or_default().insert(Location {
                        pack: pack.id,
                        pack_kind: pack.kind,
                        pack_bytes: pack.bytes,
                        frame: at,
                        chunk_offset,
                        chunk_bytes: chunk.bytes,
                    });
                    chunk_offset += chunk.bytes;
                }
            }
        }
        places
    }

    fn packs(&self) -> HashMap<PackId, u64> {
        self.all.values().flat_map(|segment| &segment.packs).map(|pack| (pack.id, pack.bytes)).collect()
    }
}

fn places(index: &Index, id: &ChunkId) -> BTreeSet<Location> {
    let mut places = Vec::new();
    index.places(id, &mut places).unwrap();
    let set: BTreeSet<Location> = places.iter().copied().collect();
    assert_eq!(set.len(), places.len(), "a place is given once");
    set
}

fn assert_complete(index: &Index, segments: &Segments) {
    let expected = segments.expected();
    for (id, there) in &expected {
        assert_eq!(&places(index, id), there);
    }
    for number in 0..1000 {
        assert!(places(index, &chunk(u64::MAX - number)).is_empty());
    }
}

#[test]
fn a_hundred_thousand_chunks_are_found_where_a_plain_map_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    // The segments overlap, so that a quarter of the chunks have two places.
    let segments = Segments::new((0..4).map(|at| segment(at, at * 20_000..at * 20_000 + 25_000)));
    let index = segments.open(Some(folder.path()));
    assert_eq!(index.chunk_count(), 100_000);
    assert_complete(&index, &segments);
    assert_eq!((index.memory_bytes(), index.cache_problem().is_none()), (0, true));
}

#[test]
fn the_second_open_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..5).map(|at| segment(at, at * 500..at * 500 + 500)));
    segments.open(Some(folder.path()));
    assert_eq!(segments.take_loads(), 5);
    let index = segments.open(Some(folder.path()));
    assert_eq!(segments.take_loads(), 0);
    assert_complete(&index, &segments);
}

#[test]
fn without_a_folder_the_tables_are_in_memory() {
    let segments = Segments::new((0..12).map(|at| segment(at, at * 50..at * 50 + 60)));
    let index = segments.open(None);
    assert_complete(&index, &segments);
    assert!(index.memory_bytes() > 12 * 60 * 44 && index.cache_problem().is_none());
}

#[test]
fn a_folder_that_takes_no_files_costs_memory_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let segments = Segments::new([segment(0, 0..500)]);
    let index = segments.open(Some(&file.join("below a file")));
    assert!(index.cache_problem().is_some() && index.memory_bytes() > 0);
    assert_complete(&index, &segments);
}

#[test]
fn an_index_of_nothing_knows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for segments in [Segments::default(), Segments::new([segment(0, [])])] {
        let index = segments.open(Some(folder.path()));
        assert_eq!((index.chunk_count(), index.packs().len()), (0, 0));
        assert!(places(&index, &chunk(1)).is_empty());
        assert!(!index.is_known(&chunk(1), &index.presence(&HashMap::new())));
    }
}

#[test]
fn a_chunk_is_known_only_when_its_pack_is_there_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new([segment(0, 0..1000), segment(1, 900..1100)]);
    let index = segments.open(Some(folder.path()));
    let expected = segments.expected();
    let mut packs = segments.packs();
    let whole = index.presence(&packs);
    assert!(whole.missing_packs().is_empty());
    assert!(expected.keys().all(|id| index.is_known(id, &whole)));
    assert!(!index.is_known(&chunk(5000), &whole));

    // One pack is gone and one is a byte longer: both count as missing.
    let mut changed: Vec<PackId> = [10, 950].map(|at| expected[&chunk(at)].first().unwrap().pack).to_vec();
    packs.remove(&changed[0]);
    *packs.get_mut(&changed[1]).unwrap() += 1;
    changed.sort();
    let presence = index.presence(&packs);
    assert_eq!(presence.missing_packs(), changed);
    let mut unknown = 0;
    for (id, there) in &expected {
        let is_there = there.iter().any(|place| !changed.contains(&place.pack));
        assert_eq!(index.is_known(id, &presence), is_there);
        unknown += usize::from(!is_there);
    }
    // Chunks 900 to 999 have a second place.
    assert!((200..=400).contains(&unknown), "{unknown}");
}

#[test]
fn a_presence_of_another_index_vouches_for_nothing() {
    let segments = Segments::new([segment(0, 0..100)]);
    let (one, other) = (segments.open(None), segments.open(None));
    let presence = one.presence(&segments.packs());
    assert!(one.is_known(&chunk(1), &presence));
    assert!(!other.is_known(&chunk(1), &presence));
}

#[test]
fn packs_and_entries_are_listed_completely() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..3).map(|at| segment(at, at * 800..at * 800 + 1000)));
    let index = segments.open(Some(folder.path()));
    let mut packs: Vec<_> = segments.all.values().flat_map(|segment| &segment.packs).map(|pack| (pack.id, pack.kind, pack.bytes)).collect();
    packs.sort();
    assert_eq!(index.packs(), packs);
    assert!(packs.iter().any(|pack| pack.1 == PackKind::Meta));
    let mut listed: HashMap<ChunkId, BTreeSet<Location>> = HashMap::new();
    let mut add = |id: &ChunkId, place: &Location| {
        listed.entry(*id).or_default().insert(*place);
        Ok(())
    };
    index.for_each_chunk(&mut add).unwrap();
    assert_eq!(listed, segments.expected());
}

#[test]
fn a_pack_that_two_segments_list_gives_each_place_once() {
    let one = segment(0, 0..300);
    let segments = Segments::new([one.clone(), one]);
    let index = segments.open(None);
    assert_eq!(places(&index, &chunk(7)).len(), 1);
    assert_eq!(index.packs().len(), 2);
}

#[test]
fn many_tables_become_few_and_answer_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..60).map(|at| segment(at, at * 100..at * 100 + 130)));
    let index = segments.open(Some(folder.path()));
    assert_eq!(index.table_count(), 1);
    assert_eq!(list_tables(folder.path()).unwrap().len(), 1, "the tables that were merged are gone");
    assert_complete(&index, &segments);
    assert_eq!(segments.take_loads(), 60);
    assert_complete(&segments.open(Some(folder.path())), &segments);
    assert_eq!(segments.take_loads(), 0);
}

#[test]
fn a_merged_table_answers_as_its_parts_together_in_any_order() {
    let segments = Segments::new((0..3).map(|at| segment(at, at * 300..at * 300 + 400)));
    let expected = segments.expected();
    let build = |(id, segment): (&SegmentId, &IndexSegment)| build_table(None, *id, segment).unwrap();
    let tables: Vec<_> = segments.all.iter().map(build).collect();
    for inputs in [tables.iter().collect::<Vec<_>>(), tables.iter().rev().collect()] {
        let merged = merge_tables(None, &inputs).unwrap();
        assert_eq!(merged.chunk_count(), 1200);
        assert!(merged.segments().is_sorted() && merged.segments().count() == 3);
        let (merged, parts) = (Index::new(vec![merged], None), segments.open(None));
        for (id, there) in &expected {
            assert_eq!(&places(&merged, id), there);
            assert_eq!(&places(&parts, id), there);
        }
        assert_eq!(merged.packs(), parts.packs());
    }
}

#[test]
fn fifty_tables_open_without_reading_a_chunk_row_and_a_miss_reads_one_filter_block() {
    let folder = tempfile::tempdir().unwrap();
    let segment = segment(0, 0..20_000);
    let table = build_table(Some(folder.path()), segment_id(0), &segment).unwrap();
    let good = fs::read(table.path().unwrap()).unwrap();
    let layout = Layout::read(&good).unwrap();
    for number in 0..50 {
        let path = folder.path().join(format!("{number}.table"));
        fs::write(&path, &good).unwrap();
        restrict(&path);
        let table = Table::open(&path).unwrap();
        let blocks_at_open = layout.extent(Section::Packs).blocks();
        assert_eq!(table.verified_blocks(), blocks_at_open);
        assert!(layout.blocks > 40 * blocks_at_open);
        let miss = (0..).map(|at| chunk(u64::MAX - at)).find(|id| !table.may_contain(id).unwrap()).unwrap();
        table.for_each_row(&miss, |_| panic!("it is not there")).unwrap();
        assert!(table.verified_blocks() <= blocks_at_open + layout.extent(Section::Filter).blocks());
    }
}

#[test]
fn fewer_than_two_in_a_hundred_absent_ids_pass_the_filter_of_a_table() {
    let table = build_table(None, segment_id(0), &segment(0, 0..50_000)).unwrap();
    let passed = (50_000..100_000).filter(|number| table.may_contain(&chunk(*number)).unwrap()).count();
    assert!(passed < 1000, "{passed} of 50,000");
}

#[test]
fn several_openers_share_one_folder() {
    use rayon::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..20).map(|at| segment(at, at * 100..at * 100 + 130)));
    // Whoever loses a race works in memory, with the same answers.
    (0..6).into_par_iter().for_each(|_| assert_complete(&segments.open(Some(folder.path())), &segments));
    assert_complete(&segments.open(Some(folder.path())), &segments);
}

#[test]
fn a_table_over_a_segment_that_is_not_listed_any_more_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..10).map(|at| segment(at, at * 100..at * 100 + 100)));
    assert_eq!(segments.open(Some(folder.path())).table_count(), 1);
    segments.take_loads();
    let rest: Vec<SegmentId> = segments.ids().into_iter().filter(|id| *id != segment_id(3)).collect();
    let index = segments.open_some(Some(folder.path()), &rest);
    assert_eq!(segments.take_loads(), 9);
    assert!(places(&index, &chunk(350)).is_empty());
    assert_eq!(places(&index, &chunk(450)).len(), 1);
    assert_eq!(list_tables(folder.path()).unwrap().len(), 1);
}

#[test]
fn an_index_stays_whole_while_another_process_removes_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..3).map(|at| segment(at, at * 100..at * 100 + 100)));
    let index = segments.open(Some(folder.path()));
    segments.open_some(Some(folder.path()), &[]);
    assert!(list_tables(folder.path()).unwrap().is_empty());
    assert_complete(&index, &segments);
}

#[test]
fn a_segment_that_cannot_be_loaded_is_named_in_the_error() {
    let lost = segment_id(99);
    let error = Index::open(None, &[lost], &|id| Segments::default().load(id)).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains(&lost.to_string()));
}

#[test]
fn a_segment_that_contradicts_itself_makes_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = segment(0, 0..100);
    wrong.packs[0].frames[0].chunks[0].bytes = u32::MAX;
    let segments = Segments::new([wrong]);
    let error = Index::open(Some(folder.path()), &segments.ids(), &|id| segments.load(id)).unwrap_err();
    assert!(error.is_damage());
    assert!(list_tables(folder.path()).unwrap().is_empty());
}

/// Looks every chunk up in an index over a damaged table: each answer is right or an error. Returns
/// whether there was an error.
fn look_everywhere(index: &Index, expected: &HashMap<ChunkId, BTreeSet<Location>>, presence: &Presence) -> bool {
    let mut found = Vec::new();
    let mut errors = 0;
    for (id, there) in expected {
        match index.places(id, &mut found) {
            Ok(()) => assert_eq!(&found.iter().copied().collect::<BTreeSet<_>>(), there),
            Err(error) => {
                assert!(error.is_damage());
                assert!(found.iter().all(|place| there.contains(place)));
                errors += 1;
            }
        }
    }
    for number in 0..200 {
        let id = chunk(u64::MAX - number);
        assert!(index.places(&id, &mut found).is_err() || found.is_empty());
        assert!(!index.is_known(&id, presence));
    }
    errors > 0
}

#[test]
fn a_flipped_bit_anywhere_never_gives_a_wrong_answer_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new([segment(0, 0..3000)]);
    segments.open(Some(folder.path()));
    let expected = segments.expected();
    let path = list_tables(folder.path()).unwrap().remove(0);
    let good = fs::read(&path).unwrap();
    let layout = Layout::read(&good).unwrap();
    let sections = [Section::Packs, Section::Frames, Section::FanOut, Section::Filter, Section::Chunks].map(|at| *layout.extent(at));
    assert!(sections[4].bytes > 4 * BLOCK_BYTES);
    let mut offsets: Vec<u64> = (0..HEADER_BYTES).step_by(5).collect();
    offsets.extend([HEADER_BYTES, layout.segments_begin - 1, layout.segments_begin, layout.prelude_end() - 1]);
    for section in sections {
        offsets.extend((0..4).map(|part| section.begin + section.bytes * part / 4));
        offsets.push(section.begin + section.bytes - 1);
    }
    for offset in offsets {
        let mut bad = good.clone();
        bad[offset as usize] ^= 4;
        // A new file, as the kernel keeps the pages of the old one.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bad).unwrap();
        restrict(&path);
        segments.take_loads();
        let index = segments.open(Some(folder.path()));
        let presence = index.presence(&segments.packs());
        let healed_at_open = segments.take_loads() == 1;
        let met_damage = look_everywhere(&index, &expected, &presence);
        assert!(healed_at_open != met_damage, "offset {offset}: damage is found, once");
        assert_eq!(index.is_damaged(), met_damage);
        let again = segments.open(Some(folder.path()));
        assert_eq!(segments.take_loads(), usize::from(met_damage));
        assert!(!look_everywhere(&again, &expected, &again.presence(&segments.packs())));
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[test]
fn truncated_zeroed_and_foreign_files_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new([segment(0, 0..500)]);
    segments.open(Some(folder.path()));
    let path = list_tables(folder.path()).unwrap().remove(0);
    let good = fs::read(&path).unwrap();
    let half = good[..good.len() / 2].to_vec();
    let longer = [good.clone(), vec![0]].concat();
    for bad in [vec![], vec![0; 64], half, vec![0; good.len()], longer, vec![0xff; good.len()], b"other".to_vec()] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bad).unwrap();
        restrict(&path);
        segments.take_loads();
        let index = segments.open(Some(folder.path()));
        assert_eq!(segments.take_loads(), 1);
        assert_complete(&index, &segments);
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[test]
fn a_table_that_others_may_write_is_not_mapped() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new([segment(0, 0..500)]);
    segments.open(Some(folder.path()));
    let path = list_tables(folder.path()).unwrap().remove(0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    segments.take_loads();
    segments.open(Some(folder.path()));
    assert_eq!(segments.take_loads(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn damage_met_while_merging_is_built_anew_from_the_segment() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..9).map(|at| segment(at, at * 100..at * 100 + 130)));
    let (first, ids) = (segments.ids()[..8].to_vec(), segments.ids());
    assert_eq!(segments.open_some(Some(folder.path()), &first).table_count(), 8);
    let path = list_tables(folder.path()).unwrap().remove(0);
    let mut bad = fs::read(&path).unwrap();
    *bad.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bad).unwrap();
    restrict(&path);
    segments.take_loads();
    let index = segments.open_some(Some(folder.path()), &ids);
    assert_eq!(segments.take_loads(), 2, "the ninth segment, and the damaged one");
    assert!(!index.is_damaged());
    assert_complete(&index, &segments);
}

#[test]
fn all_threads_look_up_at_once() {
    use rayon::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..4).map(|at| segment(at, at * 1000..at * 1000 + 1500)));
    let index = segments.open(Some(folder.path()));
    let expected = segments.expected();
    let presence = index.presence(&segments.packs());
    expected.par_iter().for_each(|(id, there)| {
        assert_eq!(&places(&index, id), there);
        assert!(index.is_known(id, &presence));
    });
}

/// Table files are private to their user, whatever the umask of the test is.
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
