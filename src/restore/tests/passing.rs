//! Folders that are only passed through on the way to what was asked for.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::source::Filter;

/// Mode, time and an attribute of a folder.
fn look(path: &Path) -> (u32, i64, Option<Vec<u8>>) {
    let stat = fs::metadata(path).unwrap();
    let mut value = [0; 16];
    let attribute = rustix::fs::getxattr(path, "user.note", &mut value[..]).ok().map(|bytes| value[..bytes].to_vec());
    (stat.mode() & 0o7777, stat.mtime(), attribute)
}

/// Gives a folder a mode, a time and an attribute of its own.
fn make_own(path: &Path) -> (u32, i64, Option<Vec<u8>>) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o710)).unwrap();
    // Where there are no such attributes there is none to lose.
    let _ = rustix::fs::setxattr(path, "user.note", b"mine", rustix::fs::XattrFlags::empty());
    set_mtime(path, 1_000_000);
    look(path)
}

fn including(pattern: &str) -> Option<Filter> {
    Some(Filter::new(&[pattern.to_owned()]).unwrap())
}

#[test]
fn folders_that_were_there_and_are_only_passed_through_are_left_alone() {
    let bench = Bench::new();
    bench.write("a/b/c/one", "x");
    bench.write("a/b/two", "x");
    let manifest = bench.snapshot();
    fs::create_dir_all(bench.restored("a/b/c")).unwrap();
    let mut mine: Vec<_> = ["a", "a/b", "a/b/c", ""].iter().map(|name| make_own(&bench.restored(name))).collect();
    let (outcome, findings) = bench.restore(&manifest, &Request { include: including("one"), ..bench.request() });
    assert_eq!((outcome.files, outcome.directories, findings.len()), (1, 0, 0));
    // A folder in which something was made has changed; nothing else of it has.
    mine[2].1 = look(&bench.restored("a/b/c")).1;
    let now: Vec<_> = ["a", "a/b", "a/b/c", ""].iter().map(|name| look(&bench.restored(name))).collect();
    assert_eq!(now, mine);
}

#[test]
fn folders_that_are_made_on_the_way_get_what_was_saved_of_them() {
    let bench = Bench::new();
    bench.write("a/b/one", "x");
    fs::set_permissions(bench.source.path().join("a"), fs::Permissions::from_mode(0o751)).unwrap();
    let manifest = bench.snapshot();
    bench.restore(&manifest, &Request { include: including("one"), ..bench.request() });
    assert_eq!(look(&bench.restored("a")), look(&bench.source.path().join("a")));
    assert_eq!(look(&bench.restored("a/b")), look(&bench.source.path().join("a/b")));
}

#[test]
fn a_folder_that_was_asked_for_gets_its_metadata_and_the_one_above_it_does_not() {
    let bench = Bench::new();
    bench.write("a/b/one", "x");
    let manifest = bench.snapshot();
    fs::create_dir_all(bench.restored("a/b")).unwrap();
    let mine = make_own(&bench.restored("a"));
    make_own(&bench.restored("a/b"));
    bench.restore(&manifest, &Request { include: including("/**/a/b"), overwrite: Overwrite::IfChanged, ..bench.request() });
    assert_eq!(look(&bench.restored("a")), mine);
    assert_eq!(look(&bench.restored("a/b")), look(&bench.source.path().join("a/b")));
}

#[test]
fn folders_above_a_source_get_owner_and_mode_when_they_are_made_and_nothing_when_they_were_there() {
    let bench = Bench::new();
    bench.write("home/me/file", "x");
    let home = bench.source.path().join("home");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o751)).unwrap();
    let path = home.join("me").as_os_str().as_bytes().to_vec();
    let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
    let manifest = snapshot::run(&bench.repository, &request, &crate::progress::Silent).unwrap().manifest;
    let everything = || Request::new(What::Everything, bench.target.path().as_os_str().as_bytes());
    let below = |path: &Path| bench.target.path().join(path.strip_prefix("/").unwrap());

    bench.restore(&manifest, &everything());
    let (mode, time, _) = look(&below(&home));
    assert_eq!(mode, 0o751);
    assert!(time > 1_500_000_000, "a time of its own, not 1970: {time}");

    let mine = make_own(&below(&home));
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, ..everything() });
    assert_eq!(look(&below(&home)), mine);
    assert_eq!((outcome.directories, findings.len()), (1, 0), "the source itself");
}

#[test]
fn what_stands_in_the_place_of_a_folder_that_is_only_passed_through_is_never_replaced() {
    let bench = Bench::new();
    bench.write("a/b/one", "x");
    bench.write("one", "x");
    let manifest = bench.snapshot();
    let outside = tempfile::tempdir().unwrap();
    let place = bench.restored("a");
    let make_link = |place: &Path| std::os::unix::fs::symlink(outside.path(), place).unwrap();
    let make_file = |place: &Path| fs::write(place, "mine").unwrap();
    for make in [&make_link as &dyn Fn(&Path), &make_file] {
        make(&place);
        let before = fs::symlink_metadata(&place).unwrap().ino();
        for overwrite in [Overwrite::Never, Overwrite::IfChanged, Overwrite::Always] {
            let request = Request { include: including("one"), overwrite, ..bench.request() };
            let (planned, _) = bench.foresee(&manifest, &request);
            assert_eq!(planned.left, 1);
            let replaced = planned.actions.iter().any(|action| action.kind == ActionKind::Replace && action.path.ends_with(b"/a"));
            assert!(!replaced, "{:?}", planned.actions);
            let (outcome, findings) = bench.restore(&manifest, &request);
            assert_eq!((outcome.left, findings[0].kind), (1, FindingKind::LeftAsIs));
            assert_eq!(fs::symlink_metadata(&place).unwrap().ino(), before);
            assert!(bench.restored("one").exists() && names_in(outside.path()).is_empty());
        }
        fs::remove_file(&place).unwrap();
    }
}

#[test]
fn a_link_above_a_source_is_left_alone_whatever_is_overwritten() {
    let bench = Bench::new();
    bench.write("run/service/file", "x");
    let path = bench.source.path().join("run/service").as_os_str().as_bytes().to_vec();
    let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
    let manifest = snapshot::run(&bench.repository, &request, &crate::progress::Silent).unwrap().manifest;
    let outside = tempfile::tempdir().unwrap();
    let link = bench.target.path().join(bench.source.path().strip_prefix("/").unwrap()).join("run");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(outside.path(), &link).unwrap();
    let everything = Request::new(What::Everything, bench.target.path().as_os_str().as_bytes());
    let (outcome, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, delete: true, ..everything });
    assert_eq!((outcome.files, outcome.left, findings.len()), (0, 1, 1));
    assert!(link.is_symlink() && names_in(outside.path()).is_empty());
}
