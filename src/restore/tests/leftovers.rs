//! What a restore that was killed has left.

use super::*;
use crate::target::{Destination, temporary_name};

/// A file under a name as a restore gives it.
fn leave(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(std::ffi::OsStr::from_bytes(&temporary_name().unwrap()));
    fs::write(&path, "half").unwrap();
    path
}

fn is_told(findings: &[Finding], path: &Path) -> bool {
    findings.iter().any(|finding| finding.kind.is_warning() && finding.path == path.as_os_str().as_bytes())
}

#[test]
fn what_a_killed_restore_left_is_removed_and_nothing_that_looks_like_it() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    let manifest = bench.snapshot();
    let left = [leave(bench.target.path()), leave(&bench.restored("folder"))];
    let notes = bench.restored(".repo-restore-notes");
    let alike = bench.restored("folder/.repo-restore-0123456789abcdef0123456789abcdef");
    let folder = bench.restored("folder").join(std::ffi::OsStr::from_bytes(&temporary_name().unwrap()));
    fs::create_dir(&folder).unwrap();
    for path in [&notes, &alike] {
        fs::write(path, "of the user").unwrap();
    }
    let (planned, _) = bench.foresee(&manifest, &bench.request());
    assert_eq!((planned.leftovers, left.iter().all(|path| path.exists())), (2, true));
    assert_eq!(planned.actions.iter().filter(|action| action.kind == ActionKind::Delete).count(), 2);
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::IfChanged, ..bench.request() });
    assert_eq!((outcome.leftovers, outcome.files, left.iter().any(|path| path.exists())), (2, 1, false));
    assert!(notes.exists() && alike.exists() && folder.exists());
    assert!(is_told(&findings, &alike) && is_told(&findings, &folder) && !is_told(&findings, &notes), "{findings:?}");
}

#[test]
fn what_a_restore_still_writes_is_left_to_it_by_every_other_one() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    let manifest = bench.snapshot();
    let path = leave(&bench.restored("folder"));
    for place in ["", "folder"] {
        let other = Destination::open(bench.restored(place).as_os_str().as_bytes(), true).unwrap();
        let (outcome, _) = bench.restore(&manifest, &Request { delete: true, overwrite: Overwrite::IfChanged, ..bench.request() });
        assert_eq!((outcome.leftovers, outcome.deleted, path.exists()), (0, 0, true), "{place}");
        drop(other);
    }
    // One into a folder that is part of a greater destination.
    let other = Destination::open(bench.target.path().as_os_str().as_bytes(), true).unwrap();
    let into_folder = Request::new(What::Path(bench.saved("folder")), bench.restored("folder").as_os_str().as_bytes());
    assert_eq!(bench.restore(&manifest, &into_folder).0.leftovers, 0);
    drop(other);
    assert_eq!((bench.restore(&manifest, &into_folder).0.leftovers, path.exists()), (1, false));
}

#[test]
fn folders_that_a_restore_does_not_come_to_are_looked_through_after_one_was_killed() {
    let bench = Bench::new();
    bench.write("a/file", "x");
    bench.write("b/file", "x");
    let manifest = bench.snapshot();
    let records = tempfile::tempdir().unwrap();
    let request = || Request { records: Some(records.path().join("restores")), ..bench.request() };
    let only_a = || Request { include: Some(crate::source::Filter::new(&["a".to_owned()]).unwrap()), ..request() };
    bench.restore(&manifest, &request());
    assert_eq!(fs::read_dir(records.path().join("restores")).unwrap().count(), 0);
    let path = leave(&bench.restored("b/c"));
    assert_eq!(bench.restore(&manifest, &only_a()).0.leftovers, 0, "nothing was killed");
    let destination = bench.target.path().canonicalize().unwrap();
    fs::write(records.path().join("restores/killed"), destination.as_os_str().as_bytes()).unwrap();
    let elsewhere = Request { destination: bench.restored("a").as_os_str().as_bytes().to_vec(), ..only_a() };
    assert_eq!(bench.restore(&manifest, &elsewhere).0.leftovers, 0);
    for leftovers in [1, 1] {
        let (planned, _) = bench.foresee(&manifest, &only_a());
        let deleted = planned.actions.iter().filter(|action| action.kind == ActionKind::Delete).count();
        assert_eq!((planned.leftovers, deleted, path.exists()), (leftovers, 1, true));
    }
    assert_eq!((bench.restore(&manifest, &only_a()).0.leftovers, path.exists()), (1, false));
    assert_eq!(fs::read_dir(records.path().join("restores")).unwrap().count(), 0);
}

#[test]
fn what_the_snapshot_has_under_such_a_name_or_a_pattern_excludes_is_no_leftover() {
    let bench = Bench::new();
    let names: Vec<_> = (0..3).map(|_| String::from_utf8(temporary_name().unwrap().to_vec()).unwrap()).collect();
    for name in &names[..2] {
        bench.write(&format!("folder/{name}"), "saved");
    }
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request());
    fs::write(bench.restored("folder").join(&names[2]), "of the user").unwrap();
    let exclude = || Some(crate::source::Filter::new(&[names[2].clone()]).unwrap());
    for (is_dry, delete) in [(true, false), (false, false), (true, true), (false, true)] {
        let request = Request { exclude: exclude(), delete, overwrite: Overwrite::IfChanged, ..bench.request() };
        let (outcome, _) = bench.restore_or_foresee(is_dry, &manifest, &request);
        assert_eq!((outcome.leftovers, outcome.deleted, outcome.unchanged), (0, 0, 2), "{is_dry} {delete}");
        assert_eq!(names_in(&bench.restored("folder")).len(), 3);
    }
}
