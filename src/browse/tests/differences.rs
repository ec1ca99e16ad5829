//! What `diff` says, and what it reads to say it.

use super::*;
use crate::browse::diff::{DiffOutcome, diff, diff_keeping};
use crate::browse::place::Place;
use crate::cancel::Cancel;
use crate::error::ErrorKind;
use crate::manifest::{Change, ChangeKind};
use crate::progress::{Collected, FindingKind, Progress, Silent};

/// One line as text: the kind, the path, and where a rename came from.
fn line(change: &Change) -> String {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let from = change.from.as_deref().map(|from| format!(" from {}", text(from))).unwrap_or_default();
    format!("{:?} {}{from}", change.kind, text(&change.path)).to_lowercase()
}

fn compare_places(fixture: &Fixture, old: &Place<'_>, new: &Place<'_>) -> (Vec<String>, DiffOutcome) {
    let reader = fixture.repository.reader().unwrap();
    fixture.forget_reads();
    let mut lines = Vec::new();
    let mut take = |change: &Change| {
        lines.push(line(change));
        Ok(())
    };
    let outcome = diff(&reader, old, new, &mut take, &Silent).unwrap();
    (lines, outcome)
}

fn lines(fixture: &Fixture, old: &Manifest, new: &Manifest) -> Vec<String> {
    compare_places(fixture, &Place::whole(old), &Place::whole(new)).0
}

#[test]
fn each_kind_of_change_is_a_line_and_lines_are_sorted_by_path() {
    let f = Fixture::new();
    let link = |target: &[u8]| node("link", Content::Symlink(target.to_vec()));
    let old = vec![f.file("a", b"one"), f.file("b", b"two"), f.file("c", b"three"), link(b"x"), f.file("same", b"same")];
    let new = vec![f.file("a", b"ONE"), with_mode(f.file("b", b"two"), 0o600), f.file("d", b"four"), link(b"y"), f.file("same", b"same")];
    let (old, new) = (f.full(f.folder("data", old)), f.full(f.folder("data", new)));
    let (found, outcome) = compare_places(&f, &Place::whole(&old), &Place::whole(&new));
    assert_eq!(found, ["modified /data/a", "metadata /data/b", "removed /data/c", "added /data/d", "modified /data/link"]);
    let counts = outcome.counts;
    assert_eq!((counts.added, counts.modified, counts.metadata, counts.removed, counts.renamed), (1, 2, 1, 1, 0));
}

#[test]
fn equal_folders_are_not_read() {
    let f = Fixture::new();
    let same = f.folder("same", vec![f.folder("deep", vec![f.file("x", b"x")])]);
    let old = f.full(f.folder("data", vec![same.clone(), f.file("a", b"1")]));
    let new = f.full(f.folder("data", vec![same, f.file("a", b"2")]));
    assert_eq!(lines(&f, &old, &new), ["modified /data/a"]);
    assert_eq!(f.packs_read().len(), 2, "only the two versions of /data");
    assert_eq!(lines(&f, &old, &old), [""; 0]);
    assert_eq!(f.packs_read().len(), 0);
}

#[test]
fn shared_pages_of_a_big_folder_are_not_read() {
    let f = Fixture::new();
    let content = f.file("x", b"x").content;
    let mut entries: Vec<Node> = (0..6000).map(|n| node(&format!("file-{n:05}"), content.clone())).collect();
    let old = f.full(f.folder("big", entries.clone()));
    entries[3000].metadata.mode = 0o600;
    entries.remove(4000);
    entries.insert(5000, node("file-05000-b", content.clone()));
    let new = f.full(f.folder("big", entries));
    let (found, _) = compare_places(&f, &Place::whole(&old), &Place::whole(&new));
    assert_eq!(found, ["metadata /big/file-03000", "renamed /big/file-05000-b from /big/file-04000"]);
    // All pages of one version lie in one pack here, so what counts is how many bytes are fetched.
    let read = f.storage.bytes(Verb::ReadRange, "packs/");
    f.forget_reads();
    let reader = f.repository.reader().unwrap();
    crate::browse::list(&reader, &Place::whole(&old), true, &mut |_, _| Ok(()), &Silent).unwrap();
    let whole = f.storage.bytes(Verb::ReadRange, "packs/");
    assert!(read < whole, "{read} bytes for three changes, {whole} for the folder");
}

#[test]
fn a_file_under_another_name_is_renamed_and_one_of_the_same_name_is_preferred() {
    let f = Fixture::new();
    let twins = |a: &str, b: &str| vec![f.file(a, b"twin"), f.file(b, b"twin")];
    let old = f.full(f.folder("data", vec![f.folder("from", twins("a", "b")), f.file("keep", b"k")]));
    let new = f.full(f.folder("data", vec![f.folder("to", twins("b", "c")), f.file("keep", b"k")]));
    let expected = ["removed /data/from", "added /data/to", "renamed /data/to/b from /data/from/b", "renamed /data/to/c from /data/from/a"];
    assert_eq!(lines(&f, &old, &new), expected);
}

#[test]
fn a_rename_gives_the_entry_before_and_now() {
    let f = Fixture::new();
    let old = f.full(f.folder("data", vec![f.file("a", b"content")]));
    let new = f.full(f.folder("data", vec![with_mode(f.file("b", b"content"), 0o600)]));
    let reader = f.repository.reader().unwrap();
    let mut seen = 0;
    let mut take = |change: &Change| {
        seen += 1;
        assert_eq!(change.kind, ChangeKind::Renamed);
        assert_eq!(change.old.as_ref().map(|node| node.metadata.mode), Some(0o644));
        assert_eq!(change.new.as_ref().map(|node| node.metadata.mode), Some(0o600));
        Ok(())
    };
    diff(&reader, &Place::whole(&old), &Place::whole(&new), &mut take, &Silent).unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn a_renamed_folder_is_one_line_that_stands_for_all_below_it() {
    let f = Fixture::new();
    let inner = f.folder("inner", vec![f.file("x", b"x")]);
    let album = f.folder("album", vec![inner.clone(), f.file("y", b"y")]);
    let old = f.full(f.folder("data", vec![album.clone()]));
    let new = f.full(f.folder("data", vec![named(album.clone(), b"2024"), f.file("new", b"n")]));
    assert_eq!(lines(&f, &old, &new), ["renamed /data/2024 from /data/album", "added /data/new"]);
    // A part of it that was copied elsewhere as well is new: one thing is renamed once.
    let copied = f.full(f.folder("data", vec![named(album, b"2024"), named(inner, b"00")]));
    let expected = ["added /data/00", "added /data/00/x", "renamed /data/2024 from /data/album"];
    assert_eq!(lines(&f, &old, &copied), expected);
}

#[test]
fn empty_files_and_links_are_never_renamed() {
    let f = Fixture::new();
    let entries = |name: &str| {
        vec![f.file(name, b""), node(&format!("{name}-link"), Content::Symlink(b"t".to_vec())), f.folder(&format!("{name}-dir"), vec![])]
    };
    let (old, new) = (f.full(f.folder("data", entries("a"))), f.full(f.folder("data", entries("b"))));
    assert!(lines(&f, &old, &new).iter().all(|line| !line.starts_with("renamed")));
    assert_eq!(lines(&f, &old, &new).len(), 6);
}

#[test]
fn a_folder_that_became_a_file_is_modified_and_its_entries_are_removed() {
    let f = Fixture::new();
    let old = f.full(f.folder("data", vec![f.folder("x", vec![f.file("in", b"i")])]));
    let new = f.full(f.folder("data", vec![f.file("x", b"file")]));
    assert_eq!(lines(&f, &old, &new), ["modified /data/x", "removed /data/x/in"]);
    assert_eq!(lines(&f, &new, &old), ["modified /data/x", "added /data/x/in"]);
}

#[test]
fn above_the_limit_renames_are_left_out_and_the_outcome_says_so() {
    let f = Fixture::new();
    let old = f.full(f.folder("data", vec![f.file("a", b"a"), f.file("b", b"b")]));
    let new = f.full(f.folder("data", vec![f.file("c", b"a"), f.file("d", b"b")]));
    let reader = f.repository.reader().unwrap();
    for (kept_max, left_out, renamed) in [(3, true, 0), (4, false, 2)] {
        let outcome = diff_keeping(kept_max, &reader, &Place::whole(&old), &Place::whole(&new), &mut |_| Ok(()), &Silent).unwrap();
        assert_eq!((outcome.renames_left_out, outcome.counts.renamed), (left_out, renamed));
    }
}

#[test]
fn folders_of_other_names_can_be_compared() {
    let f = Fixture::new();
    let one = f.folder("one", vec![f.file("a", b"1"), f.file("b", b"b")]);
    let two = f.folder("two", vec![f.file("a", b"2"), f.file("c", b"c")]);
    let manifest = f.full(f.folder("data", vec![one, two]));
    let place = |path: &[u8]| Place::at(&manifest, path).unwrap();
    let (found, _) = compare_places(&f, &place(b"/data/one/"), &place(b"/data/two"));
    assert_eq!(found, ["modified /data/two/a", "removed /data/one/b", "added /data/two/c"]);
    let (found, _) = compare_places(&f, &place(b"/data/none"), &place(b"/data/two/c"));
    assert_eq!(found, ["added /data/two/c"]);
    let reader = f.repository.reader().unwrap();
    let error = diff(&reader, &place(b"/no"), &place(b"/none"), &mut |_| Ok(()), &Silent).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, "the snapshot has no /none"));
}

#[test]
fn a_source_that_moves_below_an_ancestor_is_compared_by_path() {
    let f = Fixture::new();
    let docs = f.folder("docs", vec![f.file("a", b"a")]);
    let whole_home = f.full(f.folder("home", vec![docs.clone(), f.file("z", b"z")]));
    let mut only_docs = f.full(node("home", Content::Ancestor));
    only_docs.entries.push(RootEntry { path: b"/home/docs".to_vec(), node: docs });
    assert_eq!(lines(&f, &whole_home, &only_docs), ["removed /home/z"]);
    assert_eq!(lines(&f, &only_docs, &whole_home), ["added /home/z"]);
    let mut root = f.full(f.folder("/", vec![named(whole_home.entries[0].node.clone(), b"home")]));
    root.entries[0].path = b"/".to_vec();
    assert_eq!(lines(&f, &whole_home, &root), ["added /"]);
}

#[test]
fn a_lost_page_is_a_finding_and_nothing_is_claimed_about_its_folder() {
    let f = Fixture::new();
    let lost = f.folder("lost", vec![f.file("gone", b"gone")]);
    let old = f.full(f.folder("data", vec![lost.clone(), f.file("a", b"1")]));
    let new = f.full(f.folder("data", vec![f.folder("lost", vec![f.file("here", b"here")]), f.file("a", b"2")]));
    f.lose(&lost);
    let reader = f.repository.reader().unwrap();
    let (progress, mut found) = (Collected::default(), Vec::new());
    let mut take = |change: &Change| {
        found.push(line(change));
        Ok(())
    };
    let outcome = diff(&reader, &Place::whole(&old), &Place::whole(&new), &mut take, &progress).unwrap();
    assert_eq!((found, outcome.unreadable), (vec!["modified /data/a".to_owned()], 1));
    let findings = progress.take();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].kind, &findings[0].path[..]), (FindingKind::Damaged, &b"/data/lost"[..]));
}

#[test]
fn an_interrupt_and_a_failing_callback_end_it() {
    struct Stop;
    impl Cancel for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }

    impl Progress for Stop {}
    let f = Fixture::new();
    let (old, new) = (f.full(f.folder("data", vec![])), f.full(f.folder("data", vec![f.file("a", b"a")])));
    let reader = f.repository.reader().unwrap();
    let (old, new) = (Place::whole(&old), Place::whole(&new));
    assert_eq!(diff(&reader, &old, &new, &mut |_| Ok(()), &Stop).unwrap_err().kind(), ErrorKind::Interrupted);
    let full = || crate::error::Error::new(ErrorKind::Full, "full");
    assert_eq!(diff(&reader, &old, &new, &mut |_| Err(full()), &Silent).unwrap_err().kind(), ErrorKind::Full);
}
