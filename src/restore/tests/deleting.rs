//! What `delete` leaves alone: what the snapshot did not look at.

use std::os::unix::net::UnixListener;

use super::*;
use crate::manifest::{Content, SnapshotOptions};
use crate::progress::Silent;
use crate::wire::Extensions;

const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";

fn snapshot_with(bench: &Bench, options: SnapshotOptions, skip: Vec<(u64, u64)>) -> Manifest {
    let paths = vec![bench.source.path().as_os_str().as_bytes().to_vec()];
    let request = snapshot::Request { clock: an_hour_later, options, skip, ..snapshot::Request::new(paths, "host", "user") };
    snapshot::run(&bench.repository, &request, &Silent).unwrap().manifest
}

fn write(path: PathBuf) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

/// Everything below the target by its path.
fn all(bench: &Bench) -> Vec<String> {
    let names = describe(bench.target.path()).into_keys().filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8(name).unwrap()).collect()
}

fn delete(bench: &Bench) -> Request<'static> {
    Request { delete: true, overwrite: Overwrite::Always, ..bench.request() }
}

/// Restores after a dry run, which must have listed exactly what then went.
fn restore_as_foretold(bench: &Bench, manifest: &Manifest, delete_excluded: bool) -> Outcome {
    let before = all(bench);
    let request = Request { delete_excluded, ..delete(bench) };
    let (planned, _) = bench.foresee(manifest, &request);
    assert_eq!(all(bench), before);
    let (outcome, _) = bench.restore(manifest, &request);
    let after = all(bench);
    let gone: Vec<_> = before.iter().filter(|name| !after.contains(name)).map(|name| bench.restored(name)).collect();
    let deleted = planned.actions.iter().filter(|action| action.kind == ActionKind::Delete);
    let mut foretold: Vec<_> = deleted.map(|action| PathBuf::from(std::ffi::OsStr::from_bytes(&action.path))).collect();
    foretold.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    assert_eq!(foretold, gone);
    assert_eq!((outcome.deleted, outcome.kept, outcome.left), (planned.deleted, planned.kept, planned.left));
    outcome
}

fn excluding(patterns: &[&str]) -> SnapshotOptions {
    SnapshotOptions { excludes: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(), ..SnapshotOptions::default() }
}

#[test]
fn what_the_filters_of_the_snapshot_left_out_stays_also_deep_in_a_folder_that_goes() {
    let bench = Bench::new();
    bench.write("file", "x");
    let manifest = snapshot_with(&bench, excluding(&["*.iso", "cache/"]), Vec::new());
    for name in ["a.iso", "extra", "cache/deep", "new/b.iso", "new/file", "gone/file"] {
        write(bench.restored(name));
    }
    let outcome = restore_as_foretold(&bench, &manifest, false);
    assert_eq!(all(&bench), ["a.iso", "cache", "cache/deep", "file", "new", "new/b.iso"]);
    assert_eq!((outcome.deleted, outcome.kept), (4, 3));
    restore_as_foretold(&bench, &manifest, true);
    assert_eq!(all(&bench), ["file"]);
}

#[test]
fn what_is_in_a_folder_that_was_a_cache_stays_whether_it_still_says_so_or_not() {
    let bench = Bench::new();
    bench.write("was/CACHEDIR.TAG", TAG);
    bench.write("was/entry", "x");
    let manifest = snapshot_with(&bench, SnapshotOptions { exclude_caches: true, ..SnapshotOptions::default() }, Vec::new());
    for name in ["was/entry", "now/entry", "extra"] {
        write(bench.restored(name));
    }
    fs::write(bench.restored("now/CACHEDIR.TAG"), TAG).unwrap();
    let outcome = restore_as_foretold(&bench, &manifest, false);
    assert_eq!(all(&bench), ["now", "now/CACHEDIR.TAG", "now/entry", "was", "was/entry"]);
    assert_eq!(outcome.kept, 2);
    restore_as_foretold(&bench, &manifest, true);
    assert_eq!(all(&bench), ["was"]);
}

#[test]
fn sockets_and_folders_that_no_snapshot_saves_stay() {
    let bench = Bench::new();
    bench.write("folder/file", "x");
    fs::create_dir(bench.source.path().join("repository")).unwrap();
    let own = fs::metadata(bench.source.path().join("repository")).unwrap();
    let manifest = snapshot_with(&bench, SnapshotOptions::default(), vec![(own.dev(), own.ino())]);
    write(bench.restored("repository/packs/pack"));
    write(bench.restored("new/file"));
    let listener = UnixListener::bind(bench.restored("new/socket")).unwrap();
    restore_as_foretold(&bench, &manifest, false);
    assert_eq!(all(&bench), ["folder", "folder/file", "new", "new/socket", "repository", "repository/packs", "repository/packs/pack"]);
    restore_as_foretold(&bench, &manifest, true);
    assert_eq!(all(&bench), ["folder", "folder/file"]);
    drop(listener);
}

#[test]
fn an_older_snapshot_does_not_say_why_a_folder_is_empty_so_what_is_there_stays() {
    let bench = Bench::new();
    bench.write("file", "x");
    fs::create_dir(bench.source.path().join("mounted")).unwrap();
    let mut manifest = bench.snapshot();
    manifest.options.one_file_system = true;
    write(bench.restored("mounted/file"));
    manifest.extensions = Extensions::none();
    restore_as_foretold(&bench, &manifest, false);
    assert_eq!(all(&bench), ["file", "mounted", "mounted/file"]);
    manifest.set_tells_unseen();
    restore_as_foretold(&bench, &manifest, false);
    assert_eq!(all(&bench), ["file", "mounted"]);
}

#[test]
fn a_folder_makes_way_for_a_file_only_when_all_that_is_in_it_may_go() {
    let bench = Bench::new();
    bench.write("place", "x");
    let manifest = snapshot_with(&bench, excluding(&["*.iso"]), Vec::new());
    for name in ["place/a", "place/deep/b.iso"] {
        write(bench.restored(name));
    }
    let before = all(&bench);
    let outcome = restore_as_foretold(&bench, &manifest, false);
    assert_eq!((outcome.left, all(&bench)), (1, before));
    let (_, findings) = bench.restore(&manifest, &delete(&bench));
    assert!(findings[0].message.contains("\"place/deep/b.iso\" in it stays: the snapshot leaves it out"), "{findings:?}");
    bench.restore(&manifest, &Request { delete_excluded: true, ..delete(&bench) });
    assert_eq!(fs::read(bench.restored("place")).unwrap(), b"x");
}

#[test]
fn another_repository_is_never_deleted() {
    let bench = Bench::new();
    bench.write("file", "x");
    let manifest = bench.snapshot();
    for name in ["backup/repository.json", "backup/packs/pack", "extra"] {
        write(bench.restored(name));
    }
    let outcome = restore_as_foretold(&bench, &manifest, true);
    assert_eq!((outcome.deleted, outcome.left), (1, 1));
    assert_eq!(all(&bench), ["backup", "backup/packs", "backup/packs/pack", "backup/repository.json", "file"]);
}

/// A snapshot of the folder `link`, a link to `real`, restored to its place with what it left out there.
fn delete_in_place_behind_a_link(pattern: impl Fn(&Bench) -> String, prepare: impl Fn(&Bench)) -> Vec<String> {
    let bench = Bench::new();
    for name in ["real/file", "real/cache/left"] {
        bench.write(name, "x");
    }
    let (link, real) = (bench.source.path().join("link"), bench.source.path().join("real"));
    std::os::unix::fs::symlink("real", &link).unwrap();
    let paths = vec![link.as_os_str().as_bytes().to_vec()];
    let options = excluding(&[&pattern(&bench)]);
    let request = snapshot::Request { clock: an_hour_later, options, ..snapshot::Request::new(paths, "host", "user") };
    let manifest = snapshot::run(&bench.repository, &request, &Silent).unwrap().manifest;
    bench.write("real/extra", "x");
    prepare(&bench);
    let what = What::Path(real.as_os_str().as_bytes().to_vec());
    let (outcome, _) = bench.restore(&manifest, &Request { delete: true, ..Request::new(what, real.as_os_str().as_bytes()) });
    assert_eq!(outcome.deleted, 1, "what is too many goes");
    names_in(&real)
}

#[test]
fn what_was_left_out_by_the_name_of_a_link_to_the_source_stays() {
    assert_eq!(delete_in_place_behind_a_link(|_| "link/cache".to_owned(), |_| {}), ["cache", "file"]);
}

#[test]
fn what_was_left_out_by_an_absolute_path_through_a_link_stays() {
    let pattern = |bench: &Bench| format!("{}/link/cache/", bench.source.path().display());
    assert_eq!(delete_in_place_behind_a_link(pattern, |_| {}), ["cache", "file"]);
    // By another link than the source.
    let other = |bench: &Bench| {
        std::os::unix::fs::symlink("real", bench.source.path().join("other")).unwrap();
        format!("{}/other/cache", bench.source.path().display())
    };
    assert_eq!(delete_in_place_behind_a_link(other, |_| {}), ["cache", "file"]);
    // That is gone, or leads elsewhere, when it is restored.
    let unlink = |bench: &Bench| fs::remove_file(bench.source.path().join("other")).unwrap();
    assert_eq!(delete_in_place_behind_a_link(other, unlink), ["cache", "file"]);
    let relink = |bench: &Bench| {
        unlink(bench);
        fs::create_dir_all(bench.source.path().join("other/cache")).unwrap();
    };
    assert_eq!(delete_in_place_behind_a_link(other, relink), ["cache", "file"]);
}

#[test]
fn what_was_left_out_by_the_name_of_a_link_stays_when_the_link_is_gone() {
    let unlink = |bench: &Bench| fs::remove_file(bench.source.path().join("link")).unwrap();
    assert_eq!(delete_in_place_behind_a_link(|_| "link/cache".to_owned(), unlink), ["cache", "file"]);
    let pattern = |bench: &Bench| format!("{}/link/cache", bench.source.path().display());
    assert_eq!(delete_in_place_behind_a_link(pattern, unlink), ["cache", "file"]);
}

#[test]
fn a_repository_in_a_folder_that_the_snapshot_knows_stays_whole() {
    let bench = Bench::new();
    bench.write("file", "x");
    for name in ["backup/packs/64", "other"] {
        fs::create_dir_all(bench.source.path().join(name)).unwrap();
    }
    let manifest = bench.snapshot();
    let repository = ["backup/repository.json", "backup/packs/64/pack", "backup/packs/new/pack"];
    for name in repository.into_iter().chain(["other/extra", "extra"]) {
        write(bench.restored(name));
    }
    let outcome = restore_as_foretold(&bench, &manifest, true);
    assert_eq!((outcome.deleted, outcome.left), (2, 3), "extra and other/extra; repository.json, packs/64/pack and packs/new");
    assert!(repository.iter().all(|name| bench.restored(name).exists()));
    let (_, findings) = bench.restore(&manifest, &delete(&bench));
    assert_eq!(findings.len(), 3);
    for finding in findings {
        assert_eq!(finding.kind, FindingKind::LeftAsIs);
        assert!(finding.message.ends_with("are left: a repository is here"), "{finding:?}");
    }
}

#[test]
fn a_destination_that_is_itself_a_repository_is_refused() {
    let bench = Bench::new();
    bench.write("packs/file", "x");
    let manifest = bench.snapshot();
    let repository = ["repository.json", "index/page", "snapshots/one", "packs/pack"];
    repository.iter().for_each(|name| write(bench.restored(name)));
    let before = describe(bench.target.path());
    for (destination, overwrite) in [("", Overwrite::Never), ("packs", Overwrite::Always), ("new/deep", Overwrite::Always)] {
        let destination = bench.restored(destination).as_os_str().as_bytes().to_vec();
        let (outcome, _) = bench.try_restore(&manifest, &Request { delete: true, destination, overwrite, ..bench.request() });
        assert_eq!(error_of(outcome).kind(), ErrorKind::Invalid);
    }
    assert_eq!(describe(bench.target.path()), before);
}

#[test]
fn a_snapshot_of_what_did_not_change_has_the_same_root_also_with_folders_that_were_left_out() {
    let bench = Bench::new();
    bench.write("was/CACHEDIR.TAG", TAG);
    fs::create_dir(bench.source.path().join("repository")).unwrap();
    let own = fs::metadata(bench.source.path().join("repository")).unwrap();
    let options = SnapshotOptions { exclude_caches: true, ..SnapshotOptions::default() };
    let save = || snapshot_with(&bench, options.clone(), vec![(own.dev(), own.ino())]);
    let (first, second) = (save(), save());
    assert_eq!(first.root, second.root);
    assert_eq!(second.counts.bytes_stored, 0);
    let Content::Directory(_) = first.entries.last().unwrap().node.content else { panic!("a folder") };
    assert!(first.entries.last().unwrap().node.is_unseen(b"repository") && !first.entries.last().unwrap().node.is_unseen(b"was"));
}
