//! What is asked for: sources that are missing, filters, streams, repeats, dry runs.

use super::*;

#[test]
fn missing_sources_are_reported_and_only_all_of_them_end_the_run() {
    let bench = Bench::new();
    bench.write("file", "x");
    let mut request = bench.request();
    request.paths.push(b"/no such folder".to_vec());
    let findings = Collected::default();
    let outcome = run(&bench.repository, &request, &findings).unwrap();
    assert_eq!(outcome.manifest.counts.problems, 1);
    assert!(findings.take().iter().any(|finding| finding.kind == FindingKind::Unreadable && finding.path == b"/no such folder"));
    let request = Request::new(vec![b"/no such folder".to_vec()], "host", "user");
    assert_eq!(run(&bench.repository, &request, &Silent).err().unwrap().kind(), ErrorKind::NotFound);
}

#[test]
fn filters_and_the_repository_itself_are_left_out() {
    use std::os::unix::fs::MetadataExt;
    let bench = Bench::new();
    bench.write("keep/a.txt", "a");
    bench.write("keep/a.tmp", "a");
    bench.write("repository/packs/x", "x");
    bench.write("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    bench.write("cache/big", "x");
    let itself = fs::metadata(bench.source.path().join("repository")).unwrap();
    let mut request = bench.request();
    request.options.excludes = vec!["*.tmp".to_owned()];
    request.options.exclude_caches = true;
    request.skip = vec![(itself.dev(), itself.ino())];
    let outcome = run(&bench.repository, &request, &Silent).unwrap();
    let root = bench.source.path().to_str().unwrap();
    let names: Vec<String> = bench.read(&outcome).into_keys().filter_map(|path| path.strip_prefix(root).map(str::to_owned)).collect();
    assert_eq!(names, ["", "/cache", "/keep", "/keep/a.txt"]);
}

#[test]
fn a_stream_is_one_file_and_a_failing_command_commits_nothing() {
    let bench = Bench::new();
    let request = |stream| {
        let mut request = Request { stream: Some(stream), ..Request::new(Vec::new(), "host", "user") };
        request.options.stream = Some("dump.sql".to_owned());
        request
    };
    let content = noise("dump", 10 << 20);
    let outcome = run(&bench.repository, &request(Stream::reader(std::io::Cursor::new(content.clone()))), &Silent).unwrap();
    assert!(bench.read(&outcome)["/dump.sql"].1 == content);
    let shell = |script: &str| Stream::Command(vec!["sh".into(), "-c".into(), script.into()]);
    let outcome = run(&bench.repository, &request(shell("printf hello")), &Silent).unwrap();
    assert_eq!(bench.read(&outcome)["/dump.sql"].1, b"hello");
    let before = bench.repository.objects().list_snapshots().unwrap().len();
    let error = run(&bench.repository, &request(shell("printf hello; exit 3")), &Silent).err().unwrap();
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    assert_eq!(bench.repository.objects().list_snapshots().unwrap().len(), before);
    let repeated = repeat(&bench.repository, "host", "user", None, None).unwrap();
    assert_eq!((repeated.requests.len(), &repeated.streams[..]), (0, &["host:dump.sql".to_owned()][..]), "it cannot be read again");
}

#[test]
fn a_repeat_has_the_paths_and_filters_of_the_last_run() {
    let bench = Bench::new();
    bench.write("a", "a");
    let mut request = bench.request();
    request.options.excludes = vec!["*.tmp".to_owned()];
    request.series = Some("shop".to_owned());
    run(&bench.repository, &request, &Silent).unwrap();
    let again = repeat(&bench.repository, "host", "user", None, None).unwrap().requests.remove(0);
    assert_eq!(again.options.excludes, ["*.tmp"]);
    assert_eq!(again.series.as_deref(), Some("shop"));
    assert_eq!(again.paths, bench.request().paths);
    assert!(repeat(&bench.repository, "other", "user", None, None).is_err());
}

#[test]
fn a_dry_run_counts_and_stores_nothing() {
    let bench = Bench::new();
    bench.write("a", noise("a", 3 << 20));
    bench.storage.clear();
    let outcome = run(&bench.repository, &Request { dry_run: true, ..bench.request() }, &Silent).unwrap();
    assert_eq!(outcome.id, None);
    assert_eq!(outcome.manifest.counts.bytes_new, 3 << 20);
    assert_eq!(bench.storage.count(Verb::Create, ""), 0);
}

#[test]
fn a_thousand_levels_are_an_ordinary_tree() {
    let bench = Bench::new();
    let mut folder = rustix::fs::open(bench.source.path(), rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    for level in 0..1000 {
        let name = format!("level-{level}");
        rustix::fs::mkdirat(&folder, &name, rustix::fs::Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &name, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    }
    let file =
        rustix::fs::openat(&folder, "deep", rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY, rustix::fs::Mode::RWXU).unwrap();
    rustix::io::write(&file, b"deep down").unwrap();
    bench.write("z", "behind");
    let outcome = bench.snapshot();
    assert_eq!(outcome.manifest.counts.directories, 1001);
    assert_eq!(outcome.manifest.counts.problems, 0);
    let entries = bench.read(&outcome);
    let (_, deep) = entries.iter().find(|(path, _)| path.ends_with("/deep")).unwrap();
    assert_eq!(deep.1, b"deep down");
    assert_eq!(bench.snapshot().manifest.root, outcome.manifest.root);
}
