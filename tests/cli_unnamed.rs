//! What becomes of packs whose directory is damaged while the index segment that names them is damaged too, or
//! away for a while: nothing that restored before restores no longer.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli_place::Place;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn packs(place: &Place) -> Vec<PathBuf> {
    files(&place.path("repository/packs"))
}

fn segment(place: &Place) -> PathBuf {
    files(&place.path("repository/index")).remove(0)
}

/// Flips a bit near the end of a file: in the directory of a pack, in the last bytes of a segment.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - 40;
    bytes[at] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Appends what does not belong there.
fn append(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes.write_all(b"junk").unwrap();
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[track_caller]
fn assert_restores(place: &Place, name: &str) {
    place.run(&["restore", "latest", &place.text(name), "--verify"]).expect(0);
    assert_eq!(files(&place.path(name)).len(), 3);
}

#[test]
fn a_repair_saves_by_the_tables_of_this_machine_what_nothing_else_tells_of() {
    for damage in [flip, append] {
        let place = Place::with_snapshot();
        // From here on this machine knows what the segment says.
        assert_restores(&place, "first");
        packs(&place).iter().for_each(|pack| damage(pack));
        flip(&segment(&place));
        assert_restores(&place, "before");
        for read in [&["check"][..], &["check", "--read-data"]] {
            let ran = place.run(read).expect(4);
            let told = ran.stdout.clone() + &ran.stderr;
            assert!(told.contains("packs/") && !told.contains("no file of a snapshot"), "{told}");
        }
        let ran = place.run(&["snapshot", "--kind", "full", &place.text("source")]).expect(4);
        assert!(ran.stderr.contains("index segment"), "{}", ran.stderr);
        place.run(&["prune"]).expect(4);
        place.run(&["repair"]).expect(0);
        assert_restores(&place, "after");
        fs::remove_dir_all(place.path("cache")).unwrap();
        assert_restores(&place, "elsewhere");
        place.run(&["check", "--read-data"]).expect(0);
    }
}

#[test]
fn a_pack_that_nobody_can_read_stays_until_its_segment_is_back() {
    let place = Place::with_snapshot();
    packs(&place).iter().for_each(|pack| flip(pack));
    assert_restores(&place, "before");
    fs::remove_dir_all(place.path("cache")).unwrap();
    let (segment, before) = (segment(&place), packs(&place));
    fs::rename(&segment, place.path("away")).unwrap();
    for _ in 0..2 {
        let ran = place.run(&["repair"]).expect(4);
        assert!(ran.stdout.contains("it is left where it is"), "{}", ran.stdout);
        assert_eq!(packs(&place), before);
    }
    fs::rename(place.path("away"), &segment).unwrap();
    assert_restores(&place, "after");
    place.run(&["repair"]).expect(0);
    assert_restores(&place, "mended");
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn a_pack_that_comes_back_is_read_by_the_segment_that_a_repair_set_aside() {
    let place = Place::with_snapshot();
    packs(&place).iter().for_each(|pack| flip(pack));
    assert_restores(&place, "before");
    let away: Vec<PathBuf> = packs(&place);
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    let moved = |pack: &PathBuf| out.join(pack.file_name().unwrap());
    away.iter().for_each(|pack| fs::rename(pack, moved(pack)).unwrap());
    place.run(&["repair"]).expect(4);
    away.iter().for_each(|pack| fs::rename(moved(pack), pack).unwrap());
    fs::remove_dir_all(place.path("cache")).unwrap();
    assert_restores(&place, "after");
    place.run(&["repair"]).expect(0);
    assert_restores(&place, "mended");
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn a_repair_by_a_machine_that_knows_less_takes_nothing_from_one_that_knows_more() {
    let place = Place::with_snapshot();
    assert_restores(&place, "first");
    packs(&place).iter().for_each(|pack| flip(pack));
    flip(&segment(&place));
    let (cache, knowing) = (place.path("cache"), place.path("knowing"));
    fs::rename(&cache, &knowing).unwrap();
    place.run(&["repair"]).expect(4);
    fs::remove_dir_all(&cache).unwrap();
    fs::rename(&knowing, &cache).unwrap();
    assert_restores(&place, "after");
    place.run(&["repair"]).expect(0);
    fs::remove_dir_all(&cache).unwrap();
    assert_restores(&place, "elsewhere");
    place.run(&["check", "--read-data"]).expect(0);
}
