//! Whatever is wrong with a table file: never a wrong answer, and it is made anew.

use super::*;

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
