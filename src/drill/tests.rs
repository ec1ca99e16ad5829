//! A sample is repeatable and of every kind; what is broken is found, and the right place is blamed.

use std::fs;
use std::sync::Arc;

use super::choose::choose;
use super::*;
use crate::progress::Silent;
use crate::repository::{OpenOptions, Repository};
use crate::snapshot::tests::{Bench, credential, noise};

fn fresh(bench: &Bench) -> Repository {
    let options = OpenOptions { credential: Some(credential()), no_catalog: true, ..OpenOptions::default() };
    Repository::open(Arc::clone(&bench.storage) as _, options).unwrap()
}

fn drill(bench: &Bench, id: crate::id::SnapshotId) -> Outcome {
    let scratch = tempfile::tempdir().unwrap();
    let request = Request { sample: Sample::default(), scratch: scratch.path().to_owned(), seed: 7 };
    let outcome = run(&fresh(bench), scratch.path(), &id, &request, &Silent).unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing stays");
    outcome
}

#[test]
fn a_seed_chooses_the_same_again_and_another_one_others_of_every_kind() {
    let bench = Bench::new();
    for number in 0..200 {
        bench.write(&format!("many/{number:03}.txt"), format!("text {number}"));
    }
    bench.write("one.pdf", "%PDF-");
    bench.write("large.bin", noise("large", 300_000));
    let saved = bench.snapshot();
    let reader = bench.repository.reader().unwrap();
    let sample = Sample { newest: 0, random: 10, databases: 0 };
    let chosen = |seed| choose(&reader, &saved.manifest, sample, seed, &Silent).unwrap();
    assert_eq!(chosen(1), chosen(1));
    assert_ne!(chosen(1).paths, chosen(2).paths);
    let first = chosen(1);
    assert_eq!((first.paths.len(), first.files_total), (10, 202));
    for name in ["one.pdf", "large.bin"] {
        assert!(first.paths.iter().any(|path| path.ends_with(name.as_bytes())), "{name}");
    }
    let newest = choose(&reader, &saved.manifest, Sample { newest: 3, random: 0, databases: 0 }, 1, &Silent).unwrap();
    assert_eq!(newest.paths.len(), 3);
    let all: std::collections::HashSet<Vec<u8>> = (0..200).flat_map(|seed| chosen(seed).paths).collect();
    assert!(all.len() > 190, "in time everything is chosen: {}", all.len());
}

#[test]
fn what_is_whole_is_proved_and_what_was_broken_when_it_was_saved_is_named_with_an_earlier_version() {
    let bench = Bench::new();
    let picture = include_bytes!("../../tests/pictures/small.jpg");
    bench.write("a.jpg", picture);
    bench.write("note.txt", "words");
    let first = bench.snapshot().id.unwrap();
    let good = drill(&bench, first);
    assert!(good.is_proved(), "{:?}", good.failures);
    assert_eq!((good.files, good.compared, good.opened(), good.pictures.len()), (2, 2, 2, 1));

    bench.write("a.jpg", &picture[..picture.len() / 2]);
    let second = bench.snapshot().id.unwrap();
    let bad = drill(&bench, second);
    assert_eq!((bad.rung, bad.failures.len(), bad.is_proved()), (Rung::Restored, 1, false));
    let failure = &bad.failures[0];
    assert!(failure.path.ends_with(b"a.jpg") && failure.is_of_source && failure.reason.contains("does not open"), "{failure:?}");
    assert_eq!(failure.earlier, Some(first));
}

#[test]
fn a_live_file_with_other_bytes_and_the_same_time_is_a_rot_suspect() {
    let bench = Bench::new();
    bench.write("paper.txt", "the first words");
    let id = bench.snapshot().id.unwrap();
    let path = bench.source.path().join("paper.txt");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "the FIRST words").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let rotten = drill(&bench, id);
    assert_eq!(rotten.rot_suspects.len(), 1);
    assert!(!rotten.is_proved());
    fs::write(&path, "changed by somebody").unwrap();
    assert!(drill(&bench, id).is_proved(), "what somebody changed is no rot");
}

#[test]
fn data_that_is_lost_in_the_repository_is_blamed_there() {
    let bench = Bench::new();
    bench.write("paper.txt", noise("paper", 100_000));
    bench.write("other.txt", noise("other", 100_000));
    let id = bench.snapshot().id.unwrap();
    use crate::storage::Storage;
    let packs: Vec<String> = bench.storage.list("packs").unwrap().into_iter().map(|listed| listed.name).collect();
    assert!(!packs.is_empty());
    for name in packs {
        let mut bytes = bench.storage.read(&name, 1 << 30).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bench.storage.remove(&name).unwrap();
        let mut upload = bench.storage.create("packs").unwrap();
        upload.write(&bytes).unwrap();
        upload.publish(&name).unwrap();
    }
    let scratch = tempfile::tempdir().unwrap();
    let request = Request { sample: Sample::default(), scratch: scratch.path().to_owned(), seed: 7 };
    match run(&fresh(&bench), scratch.path(), &id, &request, &Silent) {
        Ok(outcome) => {
            assert!(!outcome.is_proved() && outcome.failures.iter().any(|failure| !failure.is_of_source), "{:?}", outcome.failures)
        }
        // The trees themselves cannot be read.
        Err(error) => assert!(error.is_damage(), "{error}"),
    }
}

#[test]
fn the_page_shows_pictures_and_has_no_script() {
    let bench = Bench::new();
    bench.write("<a>.jpg", include_bytes!("../../tests/pictures/small.jpg"));
    let outcome = drill(&bench, bench.snapshot().id.unwrap());
    let page = page(&outcome, "shop & co", "/mnt/backup", "Sunday", Some(12), "abc");
    assert!(page.contains("Proved: shop &amp; co on Sunday") && page.contains("data:image/png;base64,iVBOR"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<a>.jpg") && page.contains("A drill of this kind cannot show"));
}
