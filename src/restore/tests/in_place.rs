//! What is there already: read when that is asked for, and compared in all that a restore sets.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use rustix::fs::{CWD, Mode, XattrFlags, mkfifoat};

use super::*;

/// Restores everything once.
fn restored(bench: &Bench) -> Manifest {
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request());
    manifest
}

/// Writes other bytes over a file and gives it the old time again.
fn spoil(path: &Path, offset: u64) {
    use std::os::unix::fs::FileExt;
    let stat = fs::metadata(path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_at(b"!", offset).unwrap();
    file.set_modified(stat.modified().unwrap()).unwrap();
}

#[test]
fn what_stays_as_it_was_is_read_when_verifying_and_never_called_good_when_it_differs() {
    let bench = Bench::new();
    bench.write("good", noise(1, 50_000));
    bench.write("spoiled", noise(2, 50_000));
    let sparse = fs::File::create(bench.source.path().join("sparse")).unwrap();
    sparse.set_len(1 << 20).unwrap();
    drop(sparse);
    let manifest = restored(&bench);
    spoil(&bench.restored("spoiled"), 40_000);
    spoil(&bench.restored("sparse"), 700_000);
    let request = |overwrite| Request { overwrite, verify: true, ..bench.request() };
    let (outcome, _) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.left, outcome.unchanged), (0, 3), "without verifying only looks are compared");
    let (outcome, findings) = bench.restore(&manifest, &request(Overwrite::Never));
    assert_eq!((outcome.left, outcome.unchanged, outcome.verified), (2, 1, 1));
    assert!(
        findings.iter().all(|finding| finding.kind == FindingKind::LeftAsIs && finding.message.contains("other content")),
        "{findings:?}"
    );
    let (outcome, _) = bench.foresee(&manifest, &request(Overwrite::IfChanged));
    assert_eq!((outcome.files, outcome.actions.len()), (2, 2));
    let (outcome, findings) = bench.restore(&manifest, &request(Overwrite::IfChanged));
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.unchanged, outcome.verified), (2, 1, 3));
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
}

#[test]
fn hard_links_with_other_content_are_made_again_together() {
    let bench = Bench::new();
    bench.write("one", noise(1, 5000));
    fs::hard_link(bench.source.path().join("one"), bench.source.path().join("two")).unwrap();
    let manifest = restored(&bench);
    spoil(&bench.restored("one"), 9);
    bench.restore(&manifest, &Request { overwrite: Overwrite::IfChanged, verify: true, ..bench.request() });
    assert_eq!(fs::read(bench.restored("two")).unwrap(), noise(1, 5000));
    assert_eq!(fs::metadata(bench.restored("one")).unwrap().ino(), fs::metadata(bench.restored("two")).unwrap().ino());
}

/// A source of all sorts, restored; then the metadata of each is changed, and no content.
fn with_other_metadata() -> (Bench, Manifest, u64) {
    let bench = Bench::new();
    bench.write("mode", "x");
    bench.write("attribute", "x");
    bench.write("folder/same", "x");
    mkfifoat(CWD, bench.source.path().join("pipe"), Mode::RUSR).unwrap();
    symlink("x", bench.source.path().join("link")).unwrap();
    let has_attributes = rustix::fs::lsetxattr(bench.source.path().join("attribute"), "user.a", b"saved", XattrFlags::empty()).is_ok();
    let manifest = restored(&bench);
    let mut changed = 3;
    fs::set_permissions(bench.restored("mode"), Permissions::from_mode(0o606)).unwrap();
    fs::set_permissions(bench.restored("folder"), Permissions::from_mode(0o777)).unwrap();
    set_mtime(&bench.restored("pipe"), 77);
    if has_attributes {
        rustix::fs::lsetxattr(bench.restored("attribute"), "user.a", b"other", XattrFlags::empty()).unwrap();
        changed += 1;
    }
    if is_root() {
        std::os::unix::fs::lchown(bench.restored("link"), Some(7), Some(7)).unwrap();
        chown(bench.restored("folder/same"), Some(7), Some(7)).unwrap();
        changed += 2;
    }
    (bench, manifest, changed)
}

#[test]
fn the_same_content_with_other_metadata_is_not_as_it_was_and_is_left_and_listed() {
    let (bench, manifest, changed) = with_other_metadata();
    let before = describe(bench.target.path());
    let (planned, _) = bench.foresee(&manifest, &bench.request());
    assert!(planned.actions.iter().all(|action| action.kind == ActionKind::Leave), "{:?}", planned.actions);
    assert_eq!((planned.left, planned.actions.len() as u64), (changed, changed));
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.left, findings.len() as u64), (changed, changed), "{findings:?}");
    assert!(findings.iter().all(|finding| finding.kind == FindingKind::LeftAsIs && finding.message.contains("only")), "{findings:?}");
    assert_eq!(describe(bench.target.path()), before);
}

#[test]
fn metadata_is_set_on_what_has_the_right_content_without_writing_it_again() {
    let (bench, manifest, changed) = with_other_metadata();
    let inode = |name: &str| fs::symlink_metadata(bench.restored(name)).unwrap().ino();
    let before = ["mode", "attribute", "link", "pipe", "folder/same"].map(inode);
    let request = Request { overwrite: Overwrite::IfChanged, ..bench.request() };
    let (planned, _) = bench.foresee(&manifest, &request);
    assert_eq!((planned.metadata_set, planned.files, planned.others), (changed, 0, 0));
    assert!(planned.actions.iter().all(|action| action.kind == ActionKind::SetMetadata), "{:?}", planned.actions);
    let (outcome, findings) = bench.restore(&manifest, &request);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.metadata_set, outcome.files, outcome.others, outcome.left), (changed, 0, 0, 0));
    assert_eq!(before, ["mode", "attribute", "link", "pipe", "folder/same"].map(inode));
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
    let mut value = [0; 16];
    if let Ok(count) = rustix::fs::lgetxattr(bench.restored("attribute"), "user.a", &mut value[..]) {
        assert_eq!(&value[..count], b"saved");
    }
    let (outcome, _) = bench.restore(&manifest, &Request { overwrite: Overwrite::IfChanged, ..bench.request() });
    assert_eq!((outcome.metadata_set, outcome.unchanged), (0, 5), "and then all is as it was");
}

#[test]
fn a_folder_that_an_interrupted_restore_left_is_finished_also_when_nothing_is_overwritten() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    fs::set_permissions(bench.source.path().join("folder"), Permissions::from_mode(0o755)).unwrap();
    let manifest = bench.snapshot();
    let destination = crate::target::Destination::open(bench.target.path().as_os_str().as_bytes(), true).unwrap();
    destination.make_folder(b"folder").unwrap();
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.left), (1, 0));
    assert_eq!(fs::metadata(bench.restored("folder")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_folder_of_a_user_that_looks_like_one_of_a_killed_restore_is_left_as_it_is() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    fs::set_permissions(bench.source.path().join("folder"), Permissions::from_mode(0o755)).unwrap();
    let manifest = bench.snapshot();
    fs::create_dir(bench.restored("folder")).unwrap();
    fs::set_permissions(bench.restored("folder"), Permissions::from_mode(0o1700)).unwrap();
    if rustix::fs::setxattr(bench.restored("folder"), "user.a", b"x", XattrFlags::empty()).is_err() {
        return;
    }
    rustix::fs::removexattr(bench.restored("folder"), "user.a").unwrap();
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.files, outcome.left), (1, 1), "{findings:?}");
    assert_eq!(fs::metadata(bench.restored("folder")).unwrap().mode() & 0o7777, 0o1700);
}

#[test]
fn attributes_that_the_snapshot_does_not_have_go_or_are_told() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    for name in ["security", "trusted"] {
        bench.write(name, "x");
    }
    let manifest = restored(&bench);
    let set = |name: &str| rustix::fs::setxattr(bench.restored(name), format!("{name}.extra"), b"x", XattrFlags::empty()).is_ok();
    if !set("security") || !set("trusted") {
        return;
    }
    let has = |name: &str| rustix::fs::getxattr(bench.restored(name), format!("{name}.extra"), &mut [0u8; 1][..]).is_ok();
    let request = |trusted_xattrs| Request { overwrite: Overwrite::IfChanged, trusted_xattrs, ..bench.request() };
    let (outcome, findings) = bench.restore(&manifest, &request(false));
    assert_eq!((outcome.metadata_set, has("security"), has("trusted")), (1, false, true));
    assert!(findings.iter().any(|finding| finding.message.contains("that the snapshot does not have stay")), "{findings:?}");
    let (outcome, findings) = bench.restore(&manifest, &request(true));
    assert_eq!((outcome.metadata_set, has("trusted")), (1, false), "{findings:?}");
}

#[test]
fn the_destination_itself_is_finished_when_the_restore_that_made_it_was_killed() {
    let bench = Bench::new();
    bench.write("file", "x");
    fs::set_permissions(bench.source.path(), std::os::unix::fs::PermissionsExt::from_mode(0o751)).unwrap();
    set_mtime(bench.source.path(), 5);
    let manifest = bench.snapshot();
    let place = bench.restored("new");
    // What a restore leaves that is killed when it has given one name.
    drop(crate::target::Destination::open(place.as_os_str().as_bytes(), true).unwrap());
    fs::write(place.join("other"), "x").unwrap();
    let request = || Request { destination: place.as_os_str().as_bytes().to_vec(), ..bench.request() };
    bench.restore(&manifest, &request());
    let stat = fs::metadata(&place).unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.mtime()), (0o751, 5));
    // Finished by now, so what a user sets stays.
    fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    bench.restore(&manifest, &request());
    assert_eq!(fs::metadata(&place).unwrap().mode() & 0o7777, 0o700);
}
