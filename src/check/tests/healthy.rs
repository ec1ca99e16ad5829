//! A healthy repository has no finding, and the check did the work that it says.

use super::*;

#[test]
fn all_data_is_read_once_and_nothing_is_found() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305, Algorithm::None] {
        let (bench, _) = Bench::with_two_snapshots(algorithm);
        let none = bench.check(Data::None);
        bench.storage.clear();
        let all = bench.check(Data::All);
        assert!(!all.is_damaged() && all.notes.is_empty(), "{all:?}");
        assert_eq!((all.keys, all.snapshots, all.segments), (if algorithm == Algorithm::None { 0 } else { 2 }, 2, 2));
        assert!(all.records >= 1 && all.tree_pages >= 3 && all.references >= 4, "{all:?}");
        assert_eq!((all.packs_read, all.packs_not_read), (all.packs, 0));
        assert_eq!(all.packs, bench.names("packs").len() as u64);
        assert!(
            all.bytes_read > 450_000 && all.bytes_read <= all.pack_bytes && all.frames_read >= 4 && all.chunks_verified >= 8,
            "{all:?}"
        );
        // Every byte once, and of packs of trees at most once more for the walk; headers and
        // directories are small and read a few times.
        let read = bench.storage.bytes(Verb::ReadRange, "packs/");
        assert!(read >= all.bytes_read && read < all.pack_bytes + 60_000, "{read} of {}", all.pack_bytes);
        assert_eq!((none.frames_read, none.packs_read, none.packs_not_read), (0, 0, none.packs));
        assert!(!none.is_damaged(), "{none:?}");
    }
}

#[test]
fn without_data_no_frame_of_content_is_read() {
    let (bench, [first, _]) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let place = bench.places_of(&first, "a")[0];
    let name = repository::pack_name(&place.pack);
    bench.check(Data::None);
    bench.storage.clear();
    bench.check(Data::None);
    let read = bench.storage.bytes(Verb::ReadRange, &name);
    assert!(read > 0 && read < 8_000, "{read} bytes of a pack of {}", place.pack_bytes);
}

#[test]
fn thirty_daily_samples_read_every_pack() {
    let bench = Bench::new(Algorithm::Aes256Gcm);
    for n in 0..20 {
        bench.write("file", noise(n, 20_000 + 3_000 * n as usize));
        bench.snapshot();
    }
    let packs = bench.names("packs");
    let mut read = Vec::new();
    bench.storage.clear();
    for day in 0..30 {
        let outcome = bench.check_at(Data::Sample, START + day * DAY);
        assert!(outcome.packs_read >= 1 && !outcome.is_damaged(), "day {day}: {outcome:?}");
        assert!(outcome.packs_read < packs.len() as u64 / 2, "day {day} reads {} packs", outcome.packs_read);
        read.push(outcome.bytes_read);
    }
    let repository = bench.open().unwrap();
    let text = fs::read_to_string(repository.cache().unwrap().checked()).unwrap();
    assert_eq!(text.lines().count() - 1, packs.len());
    // Those that were read first come first again.
    let times: BTreeSet<&str> = text.lines().skip(1).map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert!(times.len() > 5, "{times:?}");
    assert!(read.iter().sum::<u64>() >= repository.chunks().open_index().unwrap().packs().iter().map(|(.., bytes)| bytes / 2).sum::<u64>());
}

#[test]
fn a_share_is_what_was_not_read_for_the_longest_time() {
    let bench = Bench::new(Algorithm::Aes256Gcm);
    for n in 0..8 {
        bench.write("file", noise(n, 50_000));
        bench.snapshot();
    }
    let half = bench.check_at(Data::Percent(50.0), START);
    assert!(half.packs_read > 0 && half.packs_not_read > 0, "{half:?}");
    let rest = bench.check_at(Data::Percent(50.0), START + DAY);
    assert!(half.packs_read + rest.packs_read >= half.packs, "{half:?} {rest:?}");
    let error = run(&bench.open().unwrap(), &Request { data: Data::Percent(0.0), clock: || Timestamp::new(START, 0) }, &Silent);
    assert_eq!(error.err().unwrap().kind(), crate::error::ErrorKind::Invalid);
}

#[test]
fn a_clock_that_was_wrong_leaves_no_pack_out() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    bench.check_at(Data::All, START + 4_000 * DAY);
    let packs = bench.names("packs").len() as u64;
    let mut read = 0;
    for day in 0..30 {
        read += bench.check_at(Data::Sample, START + day * DAY).packs_read;
    }
    assert!(read >= packs);
    let text = fs::read_to_string(bench.open().unwrap().cache().unwrap().checked()).unwrap();
    assert!(text.lines().skip(1).all(|line| line.split(' ').nth(1).unwrap().parse::<i64>().unwrap() < START + 31 * DAY), "{text}");
}

#[test]
fn strangers_and_left_over_packs_are_notes() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let pack = bench.names("packs")[0].clone();
    let bytes = [bench.read(&pack), b"more".to_vec()].concat();
    let left_over = repository::pack_name(&crate::id::PackId(*blake3::hash(&bytes).as_bytes()));
    bench.replace(&left_over, &bytes);
    for stranger in ["index/notes.txt", "snapshots/Copy", "packs/zz/what"] {
        bench.replace(stranger, b"?");
    }
    let outcome = bench.check(Data::All);
    assert!(!outcome.is_damaged(), "{outcome:?}");
    let mut noted: Vec<&str> = outcome.notes.iter().map(|note| note.name.as_str()).collect();
    noted.sort_unstable();
    let mut expected = ["index/notes.txt", &left_over, "packs/zz/what", "snapshots/Copy"];
    expected.sort_unstable();
    assert_eq!(noted, expected);
}

#[test]
fn names_of_all_objects_are_checked_without_a_key() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let outcome = check_names(&*bench.storage, &Silent).unwrap();
    let folders = ["keys", "records", "snapshots", "index", "packs"];
    assert_eq!(outcome.objects as usize, folders.iter().map(|folder| bench.names(folder).len()).sum::<usize>());
    assert!(outcome.damaged.is_empty() && outcome.notes.is_empty(), "{outcome:?}");
    for folder in folders {
        let name = bench.names(folder)[0].clone();
        let good = bench.read(&name);
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        for bytes in [bad, good[..good.len() - 1].to_vec(), Vec::new()] {
            bench.replace(&name, &bytes);
            let outcome = check_names(&*bench.storage, &Silent).unwrap();
            assert_eq!(outcome.damaged.iter().map(|object| &object.name).collect::<Vec<_>>(), [&name]);
        }
        bench.replace(&name, &good);
    }
}
