//! Random changes between snapshots of every kind: each snapshot equals the source as it was then.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

/// Few places, some within others, so that names change their type often.
const PLACES: [&str; 9] = ["a", "a/b", "a/b/c", "a/d", "e", "e-f", "e/g", "h", "h/i/j"];

#[derive(Clone, Debug)]
enum Change {
    Write(usize, u16, bool),
    Remove(usize),
    Rename(usize, usize),
    Folder(usize),
    Link(usize, u8),
    Many(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..PLACES.len();
    prop_oneof![
        4 => (place.clone(), any::<u16>(), prop::bool::weighted(0.1)).prop_map(|(at, seed, is_large)| Change::Write(at, seed, is_large)),
        2 => place.clone().prop_map(Change::Remove),
        2 => (place.clone(), place.clone()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => place.clone().prop_map(Change::Folder),
        1 => (place.clone(), any::<u8>()).prop_map(|(at, target)| Change::Link(at, target)),
        1 => place.prop_map(Change::Many),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![1 => Just(Kind::Full), 3 => Just(Kind::Incremental), 2 => Just(Kind::Differential)]
}

/// The source, changed in steps.
struct Source {
    root: PathBuf,
    /// Each write gets a time of its own: the kernel's may stand still between two.
    tick: u64,
}

impl Source {
    fn clear(&self, path: &Path) {
        let _ = if path.symlink_metadata().is_ok_and(|found| found.is_dir()) { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }

    /// Makes room for a new entry: its parents are folders, and nothing has its name.
    fn make_room(&self, place: usize) -> PathBuf {
        let path = self.root.join(PLACES[place]);
        for above in path.ancestors().skip(1).take_while(|above| *above != self.root) {
            if above.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                self.clear(above);
            }
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        self.clear(&path);
        path
    }

    fn write(&mut self, path: &Path, content: &[u8]) {
        self.tick += 1;
        fs::write(path, content).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + self.tick);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Write(place, seed, is_large) => {
                let path = self.root.join(PLACES[place]);
                // A file that is there is written over in place, with the same length more often than not.
                let path = if path.symlink_metadata().is_ok_and(|found| found.is_file()) { path } else { self.make_room(place) };
                self.write(&path, &noise(&seed.to_string(), if is_large { 5 << 20 } else { 100 + usize::from(seed % 3) }));
            }
            Change::Remove(place) => self.clear(&self.root.join(PLACES[place])),
            Change::Rename(from, to) => {
                let (old, new) = (PLACES[from], PLACES[to]);
                let is_within = Path::new(new).starts_with(old) || Path::new(old).starts_with(new);
                if !is_within && self.root.join(old).symlink_metadata().is_ok() {
                    let aside = self.root.join("aside");
                    fs::rename(self.root.join(old), &aside).unwrap();
                    fs::rename(aside, self.make_room(to)).unwrap();
                }
            }
            Change::Folder(place) => fs::create_dir(self.make_room(place)).unwrap(),
            Change::Link(place, target) => std::os::unix::fs::symlink(format!("target-{target}"), self.make_room(place)).unwrap(),
            Change::Many(place) => {
                let path = self.make_room(place);
                fs::create_dir(&path).unwrap();
                for n in 0..150 {
                    self.write(&path.join(format!("many-{n}")), n.to_string().as_bytes());
                }
            }
        }
    }

    /// What is there now: path to type and content.
    fn copy(&self) -> BTreeMap<String, (&'static str, Vec<u8>)> {
        let mut copy = BTreeMap::new();
        let mut waiting = vec![self.root.clone()];
        while let Some(path) = waiting.pop() {
            let found = path.symlink_metadata().unwrap();
            let entry = if found.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                ("directory", Vec::new())
            } else if found.is_symlink() {
                ("symlink", fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
            } else {
                ("file", fs::read(&path).unwrap())
            };
            copy.insert(path.to_str().unwrap().to_owned(), entry);
        }
        copy
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_snapshot_is_the_source_as_it_was_whatever_its_kind(
        rounds in prop::collection::vec((prop::collection::vec(change(), 0..8), kind()), 1..7)
    ) {
        let bench = Bench::new();
        let mut source = Source { root: bench.source.path().to_owned(), tick: 0 };
        let mut taken = Vec::new();
        for (changes, kind) in &rounds {
            changes.iter().for_each(|change| source.apply(change));
            let outcome = run(&bench.repository, &Request { kind: *kind, ..bench.request() }, &Silent).unwrap();
            prop_assert_eq!(outcome.manifest.counts.problems, 0);
            taken.push((outcome, source.copy()));
        }
        for (outcome, copy) in &taken {
            let mut saved = bench.read(outcome);
            saved.retain(|path, _| path.starts_with(bench.source.path().to_str().unwrap()));
            let saved: BTreeMap<_, _> = saved
                .into_iter()
                .map(|(path, (node, plain))| match &node.content {
                    Content::Symlink(target) => (path, (node.type_name(), target.clone())),
                    _ => (path, (node.type_name(), plain)),
                })
                .collect();
            prop_assert!(&saved == copy, "a snapshot differs from its source");
        }
        // The same source saved in full has the same trees: what was kept is what would be made anew.
        let last = &taken[taken.len() - 1].0;
        let full = run(&bench.repository, &Request { kind: Kind::Full, ..bench.request() }, &Silent).unwrap();
        prop_assert_eq!(full.manifest.root, last.manifest.root);
    }
}
