//! Patterns, changed paths, and reading back.

use super::*;
use crate::cancel::Cancel;
use crate::source::Filter;

fn filter(patterns: &[&str]) -> Option<Filter> {
    Some(Filter::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).unwrap())
}

fn bench() -> (Bench, Manifest) {
    let bench = Bench::new();
    for name in ["photos/2020/a.jpg", "photos/2020/note.txt", "mail/inbox", "mail/photo.jpg", "empty/.keep"] {
        bench.write(name, name);
    }
    fs::remove_file(bench.source.path().join("empty/.keep")).unwrap();
    let manifest = bench.snapshot();
    (bench, manifest)
}

fn files(bench: &Bench) -> Vec<String> {
    let names = describe(bench.target.path()).into_keys().filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8(name).unwrap()).collect()
}

#[test]
fn include_restores_what_matches_with_its_parents_and_nothing_else() {
    let (bench, manifest) = bench();
    let (outcome, _) = bench.restore(&manifest, &Request { include: filter(&["*.jpg"]), verify: true, ..bench.request() });
    assert_eq!(files(&bench), ["mail", "mail/photo.jpg", "photos", "photos/2020", "photos/2020/a.jpg"]);
    assert_eq!((outcome.files, outcome.directories, outcome.verified), (2, 4, 2));
    let mtime = |path: &Path| fs::metadata(path).unwrap().mtime_nsec();
    assert_eq!(mtime(&bench.restored("photos/2020")), mtime(&bench.source.path().join("photos/2020")));
}

#[test]
fn a_folder_that_is_included_comes_with_everything_below_it() {
    let (bench, manifest) = bench();
    let include = filter(&["photos"]);
    bench.restore(&manifest, &Request { include, exclude: filter(&["note.*"]), ..bench.request() });
    assert_eq!(files(&bench), ["photos", "photos/2020", "photos/2020/a.jpg"]);
}

#[test]
fn exclude_leaves_out_what_matches() {
    let (bench, manifest) = bench();
    bench.restore(&manifest, &Request { exclude: filter(&["photos/", "inbox"]), ..bench.request() });
    assert_eq!(files(&bench), ["empty", "mail", "mail/photo.jpg"]);
}

#[test]
fn changed_only_restores_what_the_caller_names() {
    let (bench, manifest) = bench();
    let wanted = [bench.saved("mail/inbox"), bench.saved("empty")];
    let is_changed = |path: &[u8]| wanted.iter().any(|wanted| wanted == path);
    bench.restore(&manifest, &Request { changed_only: Some(&is_changed), ..bench.request() });
    assert_eq!(files(&bench), ["empty", "mail", "mail/inbox"]);
}

#[test]
fn a_hard_link_whose_first_name_is_left_out_becomes_a_file() {
    let bench = Bench::new();
    bench.write("a", "content");
    for name in ["b", "c"] {
        fs::hard_link(bench.source.path().join("a"), bench.source.path().join(name)).unwrap();
    }
    let manifest = bench.snapshot();
    let (outcome, findings) = bench.restore(&manifest, &Request { exclude: filter(&["a"]), ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.hard_links), (1, 1));
    assert_eq!(fs::read(bench.restored("c")).unwrap(), b"content");
}

/// Changes a restored file before it is read back.
struct ChangeAtVerify(PathBuf);

impl Cancel for ChangeAtVerify {}

impl Progress for ChangeAtVerify {
    fn stage(&self, stage: crate::progress::Stage) {
        if stage == crate::progress::Stage::ReadBack {
            let mut bytes = fs::read(&self.0).unwrap();
            bytes[0] ^= 1;
            fs::write(&self.0, bytes).unwrap();
        }
    }
}

#[test]
fn verify_notices_a_file_that_changed_after_it_was_written() {
    let (bench, manifest) = bench();
    let reader = bench.repository.reader().unwrap();
    let progress = ChangeAtVerify(bench.restored("mail/inbox"));
    let outcome = run(&Snapshot { reader: &reader, manifest: &manifest }, &Request { verify: true, ..bench.request() }, &progress).unwrap();
    assert_eq!((outcome.files, outcome.verified, outcome.verify_failed), (4, 3, 1));
}
