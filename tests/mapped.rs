//! Files that a program changes through a mapping, which leaves a time stamp only with the first change
//! of a page that is clean.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use strongroom::progress::Silent;
use strongroom::repository::{Credential, OpenOptions, Repository};
use strongroom::snapshot::{self, Request};
use strongroom::storage::LocalStorage;
use strongroom::units::Timestamp;

use crate::cli_place::Place;
use crate::needs::{has_tool, skip};

/// A program that has a file mapped and changes its first byte when it is told to.
struct Mapper {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Mapper {
    fn of(path: &Path) -> Self {
        let script = "import mmap, os, sys\n\
            file = os.open(sys.argv[1], os.O_RDWR)\n\
            mapped = mmap.mmap(file, 0)\n\
            os.close(file)\n\
            for line in sys.stdin:\n    mapped[0:1] = line[0].encode()\n    print(flush=True)\n";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn write(&mut self, byte: char) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{byte}").unwrap();
        self.answers.read_line(&mut String::new()).unwrap();
    }
}

impl Drop for Mapper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stamps of files that were just written are settled by then, if pages were written out.
fn soon() -> Timestamp {
    Timestamp::now().plus_seconds(30)
}

/// The number of bytes that a snapshot of `source` reads.
fn snapshot(place: &Place, source: &Path) -> u64 {
    let storage = Arc::new(LocalStorage::open(&place.path("repository")).unwrap());
    let options = OpenOptions { credential: Some(Credential::KeyFile(vec![7; 32].into())), ..OpenOptions::default() };
    let repository = Repository::open(storage, options).unwrap();
    let request = Request { clock: soon, ..Request::new(vec![source.as_os_str().as_bytes().to_vec()], "host", "user") };
    snapshot::run(&repository, &request, &Silent).unwrap().manifest.counts.bytes_read
}

/// Changes a mapped file in `parent` before and after it is saved.
fn change_and_save(parent: &Path) {
    let place = Place::with_repository();
    let folder = tempfile::tempdir_in(parent).unwrap();
    let source = folder.path().canonicalize().unwrap();
    let path: PathBuf = source.join("file");
    std::fs::write(&path, [b'0'; 8192]).unwrap();
    let mut mapper = Mapper::of(&path);
    for byte in ['a', 'b', 'c'] {
        mapper.write(byte);
        snapshot(&place, &source);
        let saved = place.run(&["cat", &format!("latest:{}", path.to_str().unwrap())]).expect(0).stdout;
        assert_eq!(saved.chars().next(), Some(byte), "in {}", parent.display());
    }
}

#[test]
fn a_page_that_is_changed_through_a_mapping_after_it_was_read_is_saved_by_the_next_run() {
    if has_tool("python3") {
        change_and_save(&std::env::temp_dir());
        change_and_save(Path::new(env!("CARGO_MANIFEST_DIR")).join("target").as_path());
    }
}

#[test]
fn a_file_in_memory_that_a_program_has_mapped_is_read_by_every_run() {
    if !Path::new("/dev/shm").is_dir() {
        return skip("a tmpfs at /dev/shm");
    }
    if has_tool("python3") {
        change_and_save(Path::new("/dev/shm"));
    }
}

#[test]
fn a_file_in_memory_that_nobody_has_mapped_is_not_read_again() {
    if !Path::new("/dev/shm").is_dir() {
        return skip("a tmpfs at /dev/shm");
    }
    let place = Place::with_repository();
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    std::fs::write(folder.path().join("file"), "content").unwrap();
    assert_eq!(snapshot(&place, folder.path()), 7);
    assert_eq!(snapshot(&place, folder.path()), 0);
}
