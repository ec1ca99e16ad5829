//! What the cache folder saves, and that it changes no answer.

use super::*;

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
fn however_many_threads_there_are_no_more_than_four_segments_are_in_memory_at_once() {
    let segments = Segments::new((0..16).map(|at| segment(at, at * 10..at * 10 + 10)));
    let (loading, most, all_there) = (AtomicUsize::new(0), AtomicUsize::new(0), std::sync::Barrier::new(SEGMENTS_AT_ONCE));
    let load = |id| {
        most.fetch_max(loading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Nobody is done before as many as may be are at it.
        all_there.wait();
        let segment = segments.load(id);
        loading.fetch_sub(1, Ordering::SeqCst);
        segment
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(16).build().unwrap();
    let index = pool.install(|| Index::open(None, &segments.ids(), &load)).unwrap();
    assert_eq!((index.chunk_count(), segments.take_loads(), most.into_inner()), (160, 16, SEGMENTS_AT_ONCE));
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
