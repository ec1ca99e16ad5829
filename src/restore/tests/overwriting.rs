//! What the destination has already.

use crate::cancel::Cancel;
use std::os::unix::fs::symlink;

use super::*;

/// A snapshot of three files; in the target the first is there as saved, the second differs.
fn half_there() -> (Bench, Manifest) {
    let bench = Bench::new();
    for name in ["same", "differs", "absent"] {
        bench.write(name, format!("saved {name}"));
        set_mtime(&bench.source.path().join(name), 1_500_000_000);
    }
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request_below("same"));
    fs::write(bench.restored("differs"), "of the user").unwrap();
    (bench, manifest)
}

#[test]
fn by_default_a_file_that_differs_is_left_and_reported() {
    let (bench, manifest) = half_there();
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.files, outcome.left, outcome.unchanged), (1, 1, 1));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.kind, finding.path.ends_with(b"/differs")), (FindingKind::LeftAsIs, true));
    assert_eq!(fs::read(bench.restored("differs")).unwrap(), b"of the user");
    assert_eq!(fs::read(bench.restored("absent")).unwrap(), b"saved absent");
}

#[test]
fn if_changed_replaces_what_differs_and_leaves_what_matches() {
    let (bench, manifest) = half_there();
    let inode = fs::metadata(bench.restored("same")).unwrap().ino();
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::IfChanged, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.left, outcome.unchanged), (2, 0, 1));
    assert_eq!(fs::read(bench.restored("differs")).unwrap(), b"saved differs");
    assert_eq!(fs::metadata(bench.restored("same")).unwrap().ino(), inode);
}

#[test]
fn always_replaces_everything_whatever_it_is() {
    let (bench, manifest) = half_there();
    fs::create_dir_all(bench.restored("absent/full/of")).unwrap();
    let inode = fs::metadata(bench.restored("same")).unwrap().ino();
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, delete: true, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.unchanged, outcome.deleted), (3, 0, 2), "what was in the folder");
    assert_ne!(fs::metadata(bench.restored("same")).unwrap().ino(), inode);
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
}

#[test]
fn links_and_pipes_are_replaced_like_files() {
    let bench = Bench::new();
    symlink("saved", bench.source.path().join("link")).unwrap();
    set_mtime(&bench.source.path().join("link"), 5);
    bench.write("one", "content");
    fs::hard_link(bench.source.path().join("one"), bench.source.path().join("two")).unwrap();
    let manifest = bench.snapshot();
    symlink("other", bench.restored("link")).unwrap();
    set_mtime(&bench.restored("link"), 5);
    fs::write(bench.restored("two"), "in the way").unwrap();
    let (outcome, _) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.left, outcome.files), (2, 1), "a link with a target of the same length differs");
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::IfChanged, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.others, outcome.hard_links, outcome.unchanged), (1, 1, 1));
    assert_eq!(fs::read_link(bench.restored("link")).unwrap(), Path::new("saved"));
    assert_eq!(fs::metadata(bench.restored("one")).unwrap().ino(), fs::metadata(bench.restored("two")).unwrap().ino());
    let (outcome, _) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, ..bench.request() });
    assert_eq!((outcome.files, outcome.hard_links), (1, 1));
    assert_eq!(names_in(bench.target.path()), ["link", "one", "two"]);
}

#[test]
fn a_link_in_the_place_of_a_folder_is_never_followed() {
    let bench = Bench::new();
    bench.write("folder/file", "secret");
    let manifest = bench.snapshot();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), bench.restored("folder")).unwrap();
    for overwrite in [Overwrite::Never, Overwrite::IfChanged] {
        let (outcome, findings) = bench.restore(&manifest, &Request { overwrite, ..bench.request() });
        assert_eq!((outcome.files, outcome.left), (0, 1));
        assert_eq!(findings[0].kind, FindingKind::LeftAsIs);
        assert!(bench.restored("folder").is_symlink());
    }
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(outcome.files, 1);
    assert!(!bench.restored("folder").is_symlink());
    assert!(names_in(outside.path()).is_empty());
}

#[test]
fn a_destination_that_a_user_filled_keeps_its_own_metadata() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.write("file", "x");
    fs::set_permissions(bench.source.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let manifest = bench.snapshot();
    fs::write(bench.restored("mine"), "x").unwrap();
    fs::set_permissions(bench.target.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mode = || fs::metadata(bench.target.path()).unwrap().mode() & 0o7777;
    bench.restore(&manifest, &bench.request());
    assert_eq!(mode(), 0o755);
    bench.restore(&manifest, &Request { overwrite: Overwrite::Always, ..bench.request() });
    assert_eq!(mode(), 0o700);
}

#[test]
fn delete_removes_what_the_snapshot_does_not_have_and_only_there() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    bench.write("folder/sub/deep", "x");
    let manifest = bench.snapshot();
    for name in ["folder/sub", "folder/extra/deep", "folder/keep"] {
        fs::create_dir_all(bench.restored(name)).unwrap();
    }
    for name in ["extra", "folder/extra/deep/file", "folder/keep/it.keep", "folder/keep/not", "folder/sub/new"] {
        fs::write(bench.restored(name), "x").unwrap();
    }
    let excluded = || Some(crate::source::Filter::new(&["*.keep".to_owned()]).unwrap());
    let dry = Request { delete: true, exclude: excluded(), ..bench.request() };
    let (planned, _) = bench.foresee(&manifest, &dry);
    let mut deleted: Vec<_> = planned.actions.iter().filter(|action| action.kind == ActionKind::Delete).collect();
    deleted.sort_by_key(|action| &action.path);
    assert_eq!(deleted.first().unwrap().path, bench.restored("extra").as_os_str().as_bytes());
    let (outcome, findings) = bench.restore(&manifest, &Request { delete: true, exclude: excluded(), ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(outcome.deleted, 6, "extra, extra/deep/file, extra/deep, extra, keep/not, sub/new");
    assert_eq!(names_in(bench.target.path()), ["folder"]);
    assert_eq!(names_in(&bench.restored("folder")), ["file", "keep", "sub"]);
    assert_eq!(names_in(&bench.restored("folder/keep")), ["it.keep"]);
    let (outcome, _) = bench.restore(&manifest, &Request { delete: true, ..bench.request() });
    assert_eq!(outcome.deleted, 2, "a folder goes with everything in it");
    assert_eq!(names_in(&bench.restored("folder")), ["file", "sub"]);
}

#[test]
fn delete_touches_nothing_beside_the_sources() {
    let bench = Bench::new();
    bench.write("file", "x");
    let manifest = bench.snapshot();
    fs::write(bench.restored("beside"), "x").unwrap();
    let everything = Request { delete: true, ..Request::new(What::Everything, bench.target.path().as_os_str().as_bytes()) };
    let (outcome, _) = bench.restore(&manifest, &everything);
    assert_eq!((outcome.deleted, outcome.files), (0, 1));
    assert!(bench.restored("beside").exists());
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let (bench, manifest) = half_there();
    let before = describe(bench.target.path());
    let request = |overwrite| Request { overwrite, delete: true, verify: true, ..bench.request() };
    let (outcome, _) = bench.foresee(&manifest, &request(Overwrite::Never));
    assert_eq!((outcome.files, outcome.left, outcome.unchanged), (1, 1, 1));
    let kinds: Vec<_> = outcome.actions.iter().map(|action| action.kind).collect();
    assert_eq!(kinds, [ActionKind::Create, ActionKind::Leave]);
    let (outcome, _) = bench.foresee(&manifest, &request(Overwrite::Always));
    assert_eq!((outcome.files, outcome.bytes_written), (3, 35));
    assert_eq!(describe(bench.target.path()), before);
    let none = bench.restored("none/at/all");
    let (outcome, _) =
        bench.foresee(&manifest, &Request { destination: none.as_os_str().as_bytes().to_vec(), ..request(Overwrite::Never) });
    assert_eq!((outcome.files, none.exists()), (3, false));
}

/// Somebody takes the names `file` and `folder` as soon as there is work, as a file system does that
/// takes two names for one.
struct TakeNames(PathBuf);

impl Cancel for TakeNames {}

impl Progress for TakeNames {
    fn add_total(&self, _: u64, _: u64) {
        let _ = fs::write(self.0.join("file"), "another");
        let _ = fs::create_dir(self.0.join("folder"));
        let _ = fs::write(self.0.join("link"), "another");
        let _ = fs::write(self.0.join("later"), "another");
    }
}

#[test]
fn a_name_that_is_taken_unexpectedly_gives_another_name_and_is_never_overwritten() {
    let bench = Bench::new();
    bench.write("file", "saved");
    bench.write("folder/deep/file", "saved");
    symlink("saved", bench.source.path().join("link")).unwrap();
    fs::hard_link(bench.source.path().join("file"), bench.source.path().join("later")).unwrap();
    let manifest = bench.snapshot();
    let reader = bench.repository.reader().unwrap();
    for overwrite in [Overwrite::Always, Overwrite::Never] {
        let target = tempfile::tempdir().unwrap();
        let destination = target.path().as_os_str().as_bytes().to_vec();
        let request = Request { overwrite, delete: true, verify: true, destination, ..bench.request() };
        let outcome = run(&Snapshot { reader: &reader, manifest: &manifest }, &request, &TakeNames(target.path().to_owned())).unwrap();
        assert_eq!((outcome.files, outcome.notes, outcome.verified, outcome.verify_failed), (2, 4, 2, 0));
        let names = ["file", "file~2", "folder", "folder~2", "later", "later~2", "link", "link~2"];
        assert_eq!(names_in(target.path()), names, "and what this restore made is not deleted as foreign");
        assert_eq!(fs::read(target.path().join("file")).unwrap(), b"another");
        assert_eq!(fs::read(target.path().join("folder~2/deep/file")).unwrap(), b"saved");
        assert!(names_in(&target.path().join("folder")).is_empty());
    }
}
