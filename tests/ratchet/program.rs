//! A sample of the matrix, by the program itself in a folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use strongroom::id::SnapshotId;
use strongroom::storage::{LocalStorage, MemoryStorage, Storage};

use super::bench::Bench;
use super::damage::{Damage, Harm, damaged, of_one};
use super::restorable::{Restorable, open_any};
use crate::cli_place::{Place, names};

/// Each command meets so many damages.
const ROUNDS: usize = 2;

/// Writes what is on `disk` to a folder that is not there yet. Empty folders are left out, as some tools
/// do that copy.
fn write_out(disk: &MemoryStorage, folder: &Path) {
    fs::create_dir(folder).unwrap();
    for listed in disk.list("").unwrap() {
        let path = folder.join(&listed.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, disk.read(&listed.name, u64::MAX).unwrap()).unwrap();
    }
}

fn restorable(folder: &Path) -> Restorable {
    LocalStorage::open(folder).map_or_else(|_| Restorable::default(), |storage| Restorable::of(Arc::new(storage)))
}

/// What is wrong after `arguments` met a damage.
fn judge(place: &Place, bench: &Bench, damage: &Damage, arguments: &[&str]) -> Option<String> {
    let repository = place.path("repository");
    for folder in [&repository, &place.path("cache"), &place.path("back")] {
        let _ = fs::remove_dir_all(folder);
    }
    write_out(&damaged(&bench.disk, damage), &repository);
    let before = restorable(&repository);
    let ran = place.run(arguments);
    let said = format!("{arguments:?} after {damage:?} exits {}: {}", ran.code, ran.stderr.lines().next().unwrap_or_default());
    let is_prune_by_rules = arguments.contains(&"--keep-last");
    if let Some(lost) = before.lost_in(&restorable(&repository), if is_prune_by_rules { &bench.remove } else { &[] }) {
        return Some(format!("{said}: {lost}"));
    }
    if ran.code < 0 || ran.stderr.contains("panicked") {
        return Some(format!("{said}: {}", ran.stderr));
    }
    let content = bench.content_packs();
    let is_hidden = damage.iter().any(|(name, harm)| content.contains(name) && matches!(harm, Harm::Flipped(_) | Harm::Older));
    if arguments.contains(&"snapshot") && matches!(ran.code, 0 | 3) && !is_hidden {
        let opened = open_any(Arc::new(LocalStorage::open(&repository).unwrap())).unwrap();
        let id = SnapshotId::parse(ran.stdout.trim()).unwrap();
        return Restorable::check_files(&opened, id, bench.source.path(), bench.source.files())
            .err()
            .map(|wrong| format!("{said}: {wrong}"));
    }
    None
}

#[test]
fn the_program_itself_makes_nothing_unrestorable_in_a_sample_of_the_matrix() {
    let (bench, place) = (Bench::new(4, true).with_company(), Place::new());
    fs::write(place.path("key"), [0; 32]).unwrap();
    fs::write(place.path("other key"), [1; 32]).unwrap();
    let (source, other) = (bench.source.path().to_str().unwrap(), place.text("other key"));
    let (back, first) = (place.text("back"), bench.snapshots[0].to_string());
    let commands: [&[&str]; 15] = [
        &["-q", "init"],
        &["-q", "snapshot", "--init", source],
        &["-q", "snapshot", source],
        &["-q", "snapshot", "--kind", "full", source],
        &["-q", "snapshot", "--kind", "differential", source],
        &["-q", "prune"],
        &["-q", "prune", "--keep-last", "2", "--override-protection"],
        &["-q", "forget", &first],
        &["-q", "tag", &first, "--add", "word", "--pin"],
        &["-q", "settings", "protect", "1d"],
        &["-q", "repair"],
        &["-q", "check", "--read-data"],
        &["-q", "key", "change", "--new-key-file", &other],
        &["-q", "restore", "latest", &back],
        &["-q", "catalog", "rebuild"],
    ];
    let damages = of_one(&bench.disk);
    let cases: Vec<(&Damage, &[&str])> =
        (0..commands.len() * ROUNDS).map(|number| (&damages[number * 37 % damages.len()], commands[number % commands.len()])).collect();
    let wrong: Vec<String> = cases.iter().filter_map(|(damage, arguments)| judge(&place, &bench, damage, arguments)).collect();
    eprintln!("the ratchet, by the program: {} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!names(&place.path("repository")).is_empty());
}
