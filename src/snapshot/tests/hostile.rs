//! Signals, locks, odd sources: what should not happen and does.

use crate::cancel::Cancel;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::progress::Progress;
use crate::storage::{LOCK, LockMode, Storage};

/// The user asks to stop when it was asked so many times whether he did.
struct StopsAfter(AtomicUsize);

impl StopsAfter {
    fn looks(looks: usize) -> Self {
        Self(AtomicUsize::new(looks))
    }
}

impl Cancel for StopsAfter {
    fn is_cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

impl Progress for StopsAfter {}

fn stream_request(stream: Stream) -> Request {
    let mut request = Request { stream: Some(stream), ..Request::new(Vec::new(), "host", "user") };
    request.options.stream = Some("dump".to_owned());
    request
}

#[test]
fn a_request_to_stop_is_noticed_while_a_pipe_has_nothing_to_read() {
    let bench = Bench::new();
    let (reader, _writer) = std::io::pipe().unwrap();
    let error = run(
        &bench.repository,
        &stream_request(Stream::Handle(std::fs::File::from(std::os::fd::OwnedFd::from(reader)).into())),
        &StopsAfter::looks(3),
    )
    .err()
    .unwrap();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
}

#[test]
fn a_request_to_stop_is_noticed_while_a_command_says_nothing_or_does_not_end() {
    for script in ["exec sleep 1000", "exec sleep 1000 >&-"] {
        let bench = Bench::new();
        let command = Stream::Command(vec!["sh".into(), "-c".into(), script.into()]);
        let error = run(&bench.repository, &stream_request(command), &StopsAfter::looks(5)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{script}");
    }
}

#[test]
fn a_pipe_is_saved_to_its_end() {
    let bench = Bench::new();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let content = noise("pipe", 3 << 20);
    let outcome = std::thread::scope(|threads| {
        threads.spawn(|| {
            std::io::Write::write_all(&mut writer, &content).unwrap();
            drop(writer);
        });
        run(&bench.repository, &stream_request(Stream::Handle(std::fs::File::from(std::os::fd::OwnedFd::from(reader)).into())), &Silent)
            .unwrap()
    });
    assert!(bench.read(&outcome)["/dump"].1 == content);
}

#[test]
fn a_request_to_stop_is_noticed_while_another_holds_the_lock() {
    let bench = Bench::new();
    bench.write("a", "a");
    let held = bench.storage.lock(LOCK, LockMode::Exclusive, true).unwrap();
    let error = run(&bench.repository, &bench.request(), &StopsAfter::looks(2)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    drop(held);
    bench.assert_same(&bench.snapshot());
}

#[test]
fn an_interrupted_run_commits_what_it_has_for_the_next_one() {
    let bench = Bench::new();
    for n in 0..300 {
        bench.write(&format!("file-{n}"), noise(&n.to_string(), 60_000));
    }
    // The walk looks once for each entry, a worker once for each file.
    let error = run(&bench.repository, &bench.request(), &StopsAfter::looks(450)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
    let outcome = bench.snapshot();
    bench.assert_same(&outcome);
    assert!(outcome.manifest.counts.bytes_new < 300 * 60_000, "what was stored before is stored again");
}

#[test]
fn a_long_stream_makes_checkpoints_on_the_way() {
    let bench = Bench::new();
    let content = noise("long", 56 << 20);
    let request = Request { checkpoint_chunks: Some(1), ..stream_request(Stream::reader(std::io::Cursor::new(content.clone()))) };
    let outcome = run(&bench.repository, &request, &Silent).unwrap();
    assert!(bench.repository.objects().list_segments().unwrap().len() > 1);
    assert!(bench.read(&outcome)["/dump"].1 == content);
}

#[test]
fn nothing_is_committed_when_no_source_could_be_saved() {
    let bench = Bench::new();
    let path = bench.source.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let request = Request { paths: vec![path.as_os_str().as_bytes().to_vec()], ..bench.request() };
    assert!(run(&bench.repository, &request, &Silent).is_err());
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
}

#[test]
fn a_repository_does_not_save_itself_even_when_it_is_asked_to() {
    let bench = Bench::new();
    bench.write("packs/x", "x");
    let itself = fs::metadata(bench.source.path()).unwrap();
    let request = Request { skip: vec![(itself.dev(), itself.ino())], ..bench.request() };
    assert_eq!(run(&bench.repository, &request, &Silent).err().unwrap().kind(), ErrorKind::Invalid);
}

#[test]
fn two_runs_at_once_in_one_repository_both_commit_whole_snapshots() {
    let bench = Bench::new();
    for n in 0..60 {
        bench.write(&format!("file-{n}"), noise(&n.to_string(), 50_000));
    }
    let repositories = [open(&bench.storage), open(&bench.storage)];
    let request = || Request { checkpoint_chunks: Some(10), ..bench.request() };
    let outcomes = std::thread::scope(|threads| {
        let runs = repositories.each_ref().map(|repository| threads.spawn(move || run(repository, &request(), &Silent).unwrap()));
        runs.map(|run| run.join().unwrap())
    });
    for outcome in &outcomes {
        bench.assert_same(outcome);
    }
    assert_eq!(outcomes[0].manifest.root, outcomes[1].manifest.root);
}

#[test]
fn every_sort_of_type_change_is_seen() {
    let bench = Bench::new();
    let at = |name: &str| bench.source.path().join(name);
    for name in ["a", "b", "c", "d"] {
        bench.write(name, name);
    }
    bench.write("e/inside", "inside");
    bench.write("f/inside", "inside");
    bench.snapshot();
    for name in ["a", "b"] {
        fs::remove_file(at(name)).unwrap();
    }
    bench.write("a/below", "now a folder");
    std::os::unix::fs::symlink("c", at("b")).unwrap();
    for name in ["e", "f"] {
        fs::remove_dir_all(at(name)).unwrap();
    }
    bench.write("e", "now a file");
    std::os::unix::fs::symlink("d", at("f")).unwrap();
    let outcome = bench.snapshot();
    let saved = bench.read(&outcome);
    let content = |name: &str| saved[at(name).to_str().unwrap()].0.content.clone();
    assert!(saved[at("a").to_str().unwrap()].0.is_directory());
    assert_eq!(saved[at("a/below").to_str().unwrap()].1, b"now a folder");
    assert_eq!(content("b"), Content::Symlink(b"c".to_vec()));
    assert_eq!(saved[at("e").to_str().unwrap()].1, b"now a file");
    assert_eq!(content("f"), Content::Symlink(b"d".to_vec()));
    assert!(!saved.contains_key(at("e/inside").to_str().unwrap()));
}
