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
const ROUNDS: usize = 6;

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

/// What is on `disk` is the repository, and nothing is left of what a command made before.
fn prepare(place: &Place, disk: &MemoryStorage) {
    for folder in ["repository", "cache", "state", "back"] {
        let _ = fs::remove_dir_all(place.path(folder));
    }
    write_out(disk, &place.path("repository"));
}

fn restorable(folder: &Path) -> Restorable {
    LocalStorage::open(folder).map_or_else(|_| Restorable::default(), |storage| Restorable::of(Arc::new(storage)))
}

/// What is wrong after `arguments` met a damage.
fn judge(place: &Place, bench: &Bench, damage: &Damage, arguments: &[&str]) -> Option<String> {
    let repository = place.path("repository");
    prepare(place, &damaged(&bench.disk, damage));
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

/// What is wrong where nothing is damaged: a command that is not understood would stand in the matrix for nothing.
fn judge_code(place: &Place, bench: &Bench, arguments: &[&str]) -> Option<String> {
    prepare(place, &bench.disk);
    let ran = place.run(arguments);
    (ran.code == 2).then(|| format!("{arguments:?}: {}", ran.stderr))
}

/// One job over the source, whose rules keep little, and which is drilled in its first run.
fn write_configuration(place: &Place, source: &str) {
    let (repository, key, scratch) = (place.text("repository"), place.text("key"), place.text("scratch"));
    fs::create_dir(&scratch).unwrap();
    let head = format!("version = 1\nrepository = \"{repository}\"\npassword = {{ key_file = \"{key}\" }}\n");
    let job = format!("[job.shop]\nsource = [\"{source}\"]\nkeep = {{ last = 1 }}\n[check]\ndaily = \"50%\"\n");
    let drill = format!("[drill]\nschedule = \"monthly\"\nsample = {{ newest = 2, random = 2 }}\nscratch = \"{scratch}\"\n");
    fs::write(place.path("repo.toml"), head + &job + &drill).unwrap();
}

#[test]
fn the_program_itself_makes_nothing_unrestorable_in_a_sample_of_the_matrix() {
    let (bench, place) = (Bench::new(4, true).with_company(), Place::new());
    fs::write(place.path("key"), [0; 32]).unwrap();
    fs::write(place.path("other key"), [1; 32]).unwrap();
    let (source, other) = (bench.source.path().to_str().unwrap(), place.text("other key"));
    let (back, first, kit) = (place.text("back"), bench.snapshots[0].to_string(), place.text("kit"));
    let configuration = place.text("repo.toml");
    write_configuration(&place, source);
    let by = ["-q", "--config", &configuration];
    let commands: [&[&str]; 19] = [
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
        &[&by[..], &["run"]].concat(),
        &[&by[..], &["status"]].concat(),
        &[&by[..], &["doctor"]].concat(),
        &[&by[..], &["recovery-kit", "--html", &kit]].concat(),
    ];
    let damages = of_one(&bench.disk);
    for arguments in commands {
        let said = judge_code(&place, &bench, arguments);
        assert!(said.is_none(), "{}", said.unwrap_or_default());
    }
    let cases: Vec<(&Damage, &[&str])> =
        (0..commands.len() * ROUNDS).map(|number| (&damages[number * 37 % damages.len()], commands[number % commands.len()])).collect();
    let wrong: Vec<String> = cases.iter().filter_map(|(damage, arguments)| judge(&place, &bench, damage, arguments)).collect();
    eprintln!("the ratchet, by the program: {} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!names(&place.path("repository")).is_empty());
}
