//! What is named as a source is saved, by whatever path it is named and whatever lies around it.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::progress::Finding;

fn findings(bench: &Bench, request: Request) -> (Outcome, Vec<Finding>) {
    let progress = Collected::default();
    let outcome = run(&bench.repository, &request, &progress).unwrap();
    (outcome, progress.take())
}

fn of(bench: &Bench, names: &[&str]) -> Request {
    Request { paths: names.iter().map(|name| at(bench, name).into_bytes()).collect(), ..bench.request() }
}

fn at(bench: &Bench, name: &str) -> String {
    bench.source.path().canonicalize().unwrap().join(name).to_str().unwrap().trim_end_matches('/').to_owned()
}

/// The paths of regular files, relative to the source folder.
fn files(bench: &Bench, outcome: &Outcome) -> Vec<String> {
    let root = at(bench, "");
    let entries = bench.read(outcome).into_iter().filter(|(_, (node, _))| matches!(node.content, Content::File(..)));
    entries.map(|(path, _)| path.strip_prefix(&root).unwrap_or(&path).to_owned()).collect()
}

#[test]
fn a_source_that_is_a_link_saves_what_it_leads_to_today_and_reads_it_once() {
    let bench = Bench::new();
    bench.write("release 1/a", "1");
    bench.write("release 2/a", "2");
    symlink("release 1", bench.source.path().join("current")).unwrap();
    let (outcome, said) = findings(&bench, of(&bench, &["current/"]));
    assert_eq!(files(&bench, &outcome), ["/release 1/a"]);
    assert!(said.iter().any(|finding| finding.message.contains("symbolic link")), "{said:?}");
    let again = || Request { clock: an_hour_later, ..repeat(&bench.repository, "host", "user", None, None).unwrap().requests.remove(0) };
    let (outcome, _) = findings(&bench, again());
    assert_eq!((outcome.manifest.counts.files_unchanged, outcome.manifest.counts.bytes_read), (1, 0));
    fs::remove_file(bench.source.path().join("current")).unwrap();
    symlink("release 2", bench.source.path().join("current")).unwrap();
    let (outcome, _) = findings(&bench, again());
    assert_eq!(files(&bench, &outcome), ["/release 2/a"]);
    assert_eq!(outcome.manifest.series, format!("host:{}", at(&bench, "current")));
}

#[test]
fn a_folder_that_became_a_link_since_the_last_run_is_still_saved() {
    let bench = Bench::new();
    bench.write("data/a", "1");
    findings(&bench, of(&bench, &["data"]));
    fs::rename(bench.source.path().join("data"), bench.source.path().join("larger disk")).unwrap();
    symlink("larger disk", bench.source.path().join("data")).unwrap();
    let (outcome, _) = findings(&bench, repeat(&bench.repository, "host", "user", None, None).unwrap().requests.remove(0));
    assert_eq!(files(&bench, &outcome), ["/larger disk/a"]);
}

#[test]
fn a_link_that_leads_nowhere_is_a_source_that_cannot_be_read() {
    let bench = Bench::new();
    bench.write("a", "1");
    symlink("not mounted", bench.source.path().join("link")).unwrap();
    let (outcome, said) = findings(&bench, of(&bench, &["a", "link"]));
    assert_eq!((files(&bench, &outcome).len(), outcome.manifest.counts.problems), (1, 1));
    assert!(said.iter().any(|finding| finding.kind == FindingKind::Unreadable && finding.message.contains("leads nowhere")), "{said:?}");
    assert_eq!(run(&bench.repository, &of(&bench, &["link"]), &Silent).err().unwrap().kind(), ErrorKind::NotFound);
}

#[test]
fn a_source_behind_a_link_in_another_source_is_saved_where_it_is() {
    let bench = Bench::new();
    bench.write("disk/photos/2020/a", "1");
    fs::create_dir(bench.source.path().join("home")).unwrap();
    symlink("../disk/photos", bench.source.path().join("home/photos")).unwrap();
    let (outcome, _) = findings(&bench, of(&bench, &["home", "home/photos/2020"]));
    assert_eq!(files(&bench, &outcome), ["/disk/photos/2020/a"]);
    let (outcome, _) = findings(&bench, of(&bench, &["home", "home/photos"]));
    assert_eq!(files(&bench, &outcome), ["/disk/photos/2020/a"]);
}

#[test]
fn a_source_within_a_folder_that_is_left_out_is_saved_and_nothing_beside_it() {
    let bench = Bench::new();
    for name in ["a", "out/b", "out/deep/keep/c", "out/deep/d", "out/one file", "cache/CACHEDIR.TAG", "cache/e", "cache/keep/f"] {
        bench.write(name, "Signature: 8a477f597d28d172789f06886806bc55");
    }
    let mut request = of(&bench, &["", "out/deep/keep", "out/one file", "cache/keep"]);
    request.options.excludes = vec!["out".to_owned()];
    request.options.exclude_caches = true;
    let expected = ["/a", "/cache/keep/f", "/out/deep/keep/c", "/out/one file"];
    let options = request.options.clone();
    let (first, said) = findings(&bench, request);
    assert_eq!(files(&bench, &first), expected);
    assert!(said.iter().all(|finding| finding.kind.is_note()), "{said:?}");
    // A later run finds them in its base.
    let (second, _) = findings(&bench, repeat(&bench.repository, "host", "user", None, None).unwrap().requests.remove(0));
    assert_eq!((second.manifest.root, second.manifest.counts.bytes_read), (first.manifest.root, 0));
    // And without the name they are left out, although the base has them.
    let (third, _) = findings(&bench, Request { options, series: Some(first.manifest.series), ..of(&bench, &[""]) });
    assert_eq!(files(&bench, &third), ["/a"]);
}

#[test]
fn a_pattern_for_everything_below_a_folder_is_not_meant_for_a_source_that_is_named_there() {
    let bench = Bench::new();
    for name in ["a", "out/b", "out/keep/c", "out/keep/deep/d", "out/keep/deep/e.tmp"] {
        bench.write(name, "1");
    }
    for sources in [&["", "out/keep"][..], &["out/keep"]] {
        let mut request = of(&bench, sources);
        request.options.excludes = vec![format!("{}/**", at(&bench, "out")), "*.tmp".to_owned()];
        let found = files(&bench, &findings(&bench, request).0);
        let expected = ["/a", "/out/keep/c", "/out/keep/deep/d"];
        assert_eq!(found, if sources.len() == 2 { &expected[..] } else { &expected[1..] });
    }
}

#[test]
fn a_source_within_another_that_is_not_there_is_missed() {
    let bench = Bench::new();
    bench.write("a", "1");
    for missing in ["none", "none/deeper", "a/b"] {
        let (outcome, said) = findings(&bench, of(&bench, &["", missing]));
        assert_eq!(outcome.manifest.counts.problems, 1, "{missing}: {said:?}");
        let path = at(&bench, missing).into_bytes();
        assert!(said.iter().any(|finding| finding.kind == FindingKind::Unreadable && finding.path == path), "{said:?}");
    }
}

#[test]
fn the_repository_is_left_out_also_when_it_is_named_within_a_source_and_that_is_told() {
    let bench = Bench::new();
    bench.write("a", "1");
    bench.write("repository/packs/x", "1");
    let itself = fs::metadata(bench.source.path().join("repository")).unwrap();
    let request = Request { skip: vec![(itself.dev(), itself.ino())], ..of(&bench, &["", "repository"]) };
    let (outcome, _) = findings(&bench, request);
    assert_eq!((files(&bench, &outcome), outcome.manifest.counts.problems), (vec!["/a".to_owned()], 1));
}

#[test]
fn filters_know_a_source_by_each_of_its_paths() {
    let bench = Bench::new();
    for name in ["disk/me/cache/a", "disk/me/b", "disk/me/c.o", "disk/me/link target/x"] {
        bench.write(name, "1");
    }
    symlink("disk", bench.source.path().join("home")).unwrap();
    symlink("home/me", bench.source.path().join("alias")).unwrap();
    symlink("link target", bench.source.path().join("disk/me/link")).unwrap();
    let left = ["/b", "/c.o", "/link target/x"];
    for source in ["disk/me", "home/me", "alias"] {
        let patterns = [at(&bench, "disk/me/cache"), at(&bench, "home/me/cache"), at(&bench, "alias/cache"), at(&bench, "al*/ca*/")];
        for pattern in &patterns[..if source == "alias" { 4 } else { 3 }] {
            let mut request = of(&bench, &[source]);
            request.options.excludes = vec![pattern.clone()];
            let found: Vec<String> = files(&bench, &findings(&bench, request).0);
            let found: Vec<&str> = found.iter().map(|path| &path[path.find("/me/").unwrap() + 3..]).collect();
            assert_eq!(found, left, "{source} without {pattern}");
        }
    }
    // A pattern without a slash at its beginning is matched with the path that was given, too; and what a
    // link in the source leads to is left out when it is named through the link.
    let mut request = of(&bench, &["alias"]);
    request.options.excludes =
        vec!["alias/cache".to_owned(), at(&bench, "disk/me/link/*"), "*.o".to_owned(), format!("!{}", at(&bench, "alias/c.o"))];
    assert_eq!(files(&bench, &findings(&bench, request).0), ["/disk/me/b", "/disk/me/c.o"]);
}

#[test]
fn a_file_of_length_zero_that_has_content_is_saved_with_it_each_time() {
    let bench = Bench::new();
    let request = || Request { paths: vec![b"/proc/version".to_vec(), b"/proc/sys/kernel/ostype".to_vec()], ..bench.request() };
    for _ in 0..2 {
        let (outcome, said) = findings(&bench, request());
        assert!(said.iter().all(|finding| finding.kind.is_note()), "{said:?}");
        let entries = bench.read(&outcome);
        for path in ["/proc/version", "/proc/sys/kernel/ostype"] {
            assert_eq!(entries[path].1, fs::read(path).unwrap());
        }
        assert_eq!(outcome.manifest.counts.files_unchanged + outcome.manifest.counts.files_new, 2);
        assert!(outcome.manifest.counts.bytes_read > 0);
    }
}

#[test]
fn a_file_that_is_shorter_than_the_kernel_says_is_saved_without_complaint() {
    let bench = Bench::new();
    let path = "/sys/kernel/mm/transparent_hugepage/enabled";
    let Ok(content) = fs::read(path) else { return };
    let (outcome, said) = findings(&bench, Request { paths: vec![path.into()], ..bench.request() });
    assert_eq!((outcome.manifest.counts.problems, &bench.read(&outcome)[path].1), (0, &content), "{said:?}");
}

#[test]
fn a_folder_that_may_be_entered_and_not_listed_is_saved_as_one_above_a_source() {
    let bench = Bench::new();
    bench.write("home/me/a", "1");
    let home = bench.source.path().join("home");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o711)).unwrap();
    let (outcome, _) = findings(&bench, of(&bench, &["home/me"]));
    assert_eq!(bench.read(&outcome)[&at(&bench, "home")].0.metadata.mode, 0o711);
}
