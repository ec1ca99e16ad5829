//! Look-ups against a plain map.

use super::*;

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
fn packs_and_entries_are_listed_completely_and_entries_in_the_order_of_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let segments = Segments::new((0..3).map(|at| segment(at, at * 800..at * 800 + 1000)));
    let index = segments.open(Some(folder.path()));
    let mut packs: Vec<_> = segments.all.values().flat_map(|segment| &segment.packs).map(|pack| (pack.id, pack.kind, pack.bytes)).collect();
    packs.sort();
    assert_eq!(index.packs(), packs);
    assert!(packs.iter().any(|pack| pack.1 == PackKind::Meta));
    let (mut listed, mut ids) = (HashMap::<ChunkId, BTreeSet<Location>>::new(), Vec::new());
    let mut add = |id: &ChunkId, place: &Location| {
        ids.push(*id);
        listed.entry(*id).or_default().insert(*place);
        Ok(())
    };
    index.for_each_chunk(&mut add).unwrap();
    assert_eq!(listed, segments.expected());
    assert!(ids.is_sorted() && ids.len() == 3000, "once each, in order across three tables");
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
fn fewer_than_two_in_a_hundred_absent_ids_pass_the_filter_of_a_table() {
    let table = build_table(None, segment_id(0), &segment(0, 0..50_000)).unwrap();
    let passed = (50_000..100_000).filter(|number| table.may_contain(&chunk(*number)).unwrap()).count();
    assert!(passed < 1000, "{passed} of 50,000");
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
