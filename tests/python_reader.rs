//! A reader in another language, which follows `docs/format.md` and shares no code with the program,
//! restores what the library wrote.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, XattrFlags};
use strongroom::crypto::{Algorithm, Argon2Cost};
use strongroom::id::to_hex;
use strongroom::progress::Silent;
use strongroom::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use strongroom::snapshot::{self, Request};
use strongroom::storage::LocalStorage;
use strongroom::units::Timestamp;

const PASSWORD: &[u8] = b"correct horse";
const KEY: [u8; 32] = [7; 32];

/// True when the reader can run here. Where it must (`CI`), a missing package is a failure.
pub fn can_run() -> bool {
    let imports = "import sys, argon2, blake3, cryptography, zstandard; assert sys.version_info >= (3, 11)";
    let found = Command::new("python3").args(["-c", imports]).output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "python3 with blake3, zstandard, cryptography, argon2-cffi is missing");
        eprintln!("skipped: needs python3 with blake3, zstandard, cryptography, argon2-cffi");
    }
    found
}

/// A repository on disk with one snapshot of a source that has some of everything.
struct Bench {
    folder: tempfile::TempDir,
    credential: Option<(&'static str, OsString)>,
}

impl Bench {
    fn new(algorithm: Algorithm, credential: Option<Credential>, make_source: fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), KEY).unwrap();
        let variable = credential.as_ref().map(|credential| match credential {
            Credential::Password(password) => ("REPO_PASSWORD", OsStr::from_bytes(password).to_owned()),
            Credential::KeyFile(_) => ("REPO_KEY_FILE", folder.path().join("key").into_os_string()),
        });
        make_source(&folder.path().join("source"));
        let bench = Self { folder, credential: variable };
        let storage = Arc::new(LocalStorage::create(&bench.path("repository")).unwrap());
        // The cheapest cost that Argon2 takes: what is tested is that both sides do the same.
        let cost = Argon2Cost { memory_kib: 64, passes: 2, lanes: 4 };
        let options = CreateOptions { algorithm, credential: credential.as_ref().map(copy), cost, now: Timestamp::new(1, 0) };
        repository::create(&*storage, &options).unwrap();
        let repository = Repository::open(storage, OpenOptions { credential, ..OpenOptions::default() }).unwrap();
        let source = bench.path("source").into_os_string();
        snapshot::run(&repository, &Request::new(vec![source.as_bytes().to_vec()], "host", "user"), &Silent).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, arguments: &[&OsStr]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader/read_repository.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).args(arguments).env_remove("REPO_PASSWORD").env_remove("REPO_KEY_FILE");
        if let Some((name, value)) = &self.credential {
            command.env(name, value);
        }
        command.output().unwrap()
    }

    fn restore(&self, destination: &str) -> Output {
        self.read(&["restore".as_ref(), self.path("repository").as_os_str(), "latest".as_ref(), self.path(destination).as_os_str()])
    }

    /// Restores and compares everything that can be compared.
    fn assert_restores(&self) {
        let output = self.restore("restored");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Sources keep their absolute path below the destination.
        let restored = self.path("restored").join(self.path("source").strip_prefix("/").unwrap());
        let (wanted, found) = (describe_tree(&self.path("source")), describe_tree(&restored));
        assert!(wanted.len() > 300, "only {} entries were compared", wanted.len());
        assert_eq!(wanted.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (path, entry) in &wanted {
            assert_eq!(entry, &found[path], "{}", path.display());
        }
        let sparse = fs::metadata(restored.join("sparse")).unwrap();
        assert!(sparse.blocks() * 512 < sparse.size() / 2, "the hole takes space");
    }
}

fn copy(credential: &Credential) -> Credential {
    match credential {
        Credential::Password(bytes) => Credential::Password(bytes.clone()),
        Credential::KeyFile(bytes) => Credential::KeyFile(bytes.clone()),
    }
}

fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new_derive_key(seed).finalize_xof().fill(&mut out);
    out
}

fn make_small_source(root: &Path) {
    fs::create_dir(root).unwrap();
    fs::write(root.join("file"), noise("small", 1000)).unwrap();
}

/// Some of everything that a restore gives back.
fn make_source(root: &Path) {
    let at = |name: &[u8]| root.join(OsStr::from_bytes(name));
    fs::create_dir_all(at(b"folder/below")).unwrap();
    fs::create_dir(at(b"empty")).unwrap();
    fs::write(at(b"folder/empty file"), b"").unwrap();
    fs::write(at(b"folder/below/small"), b"small").unwrap();
    fs::write(at(b"name \xff\n\xc3\xa9"), b"no text").unwrap();
    fs::write(at(b"text"), b"all work and no play ".repeat(50_000)).unwrap();
    fs::write(at(b"noise"), noise("noise", 3_000_000)).unwrap();
    fs::write(at(b"picture.jpg"), [b"\xff\xd8\xff\xe0".to_vec(), noise("picture", 5_000_000)].concat()).unwrap();
    // 300 pages of 16 KiB are more than a node holds, so that there are list pages.
    fs::write(at(b"base.sqlite"), [b"SQLite format 3\0".to_vec(), noise("base", 300 * 16384)].concat()).unwrap();
    let sparse = fs::File::create(at(b"sparse")).unwrap();
    sparse.write_all_at(b"begin", 0).unwrap();
    sparse.write_all_at(&noise("sparse", 70_000), 8 << 20).unwrap();
    sparse.set_len(16 << 20).unwrap();
    // Names long enough that the folder has inner pages.
    fs::create_dir(at(b"wide")).unwrap();
    for n in 0..300 {
        let name = format!("wide/{n:04}-{}", to_hex(&noise(&n.to_string(), 120)));
        fs::write(at(name.as_bytes()), format!("{n}")).unwrap();
        rustix::fs::setxattr(at(name.as_bytes()), "user.note", &noise("note", 1000), XattrFlags::empty()).unwrap();
    }
    symlink("../nowhere", at(b"folder/link")).unwrap();
    fs::hard_link(at(b"text"), at(b"folder/second name")).unwrap();
    fs::hard_link(at(b"folder/link"), at(b"second link")).unwrap();
    rustix::fs::mkfifoat(CWD, at(b"pipe"), Mode::RUSR).unwrap();
    rustix::fs::setxattr(at(b"folder"), "user.folder", b"", XattrFlags::empty()).unwrap();
    for (name, mode) in [(&b"text"[..], 0o4711), (b"noise", 0o600), (b"empty", 0o1755), (b"folder/below", 0o500), (b"pipe", 0o444)] {
        rustix::fs::chmod(at(name), Mode::from_raw_mode(mode)).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        for name in [&b"noise"[..], b"folder/link", b"empty"] {
            std::os::unix::fs::lchown(at(name), Some(1234), Some(5678)).unwrap();
        }
    }
    for (name, seconds) in [(&b"folder/below/small"[..], -5), (b"folder/link", 1_000_000_000), (b"folder/below", 7), (b"wide", 8)] {
        let time = Timespec { tv_sec: seconds, tv_nsec: 123_456_789 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, at(name), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

/// Everything about one entry that a restore gives back.
#[derive(Debug, PartialEq)]
struct Entry {
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    links: u64,
    content: Vec<u8>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The first name of the same inode.
    inode: PathBuf,
}

fn describe_tree(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let (mut entries, mut first_names, mut waiting) = (BTreeMap::new(), BTreeMap::new(), vec![root.to_owned()]);
    let mut paths = Vec::new();
    while let Some(path) = waiting.pop() {
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        paths.push(path);
    }
    paths.sort();
    for path in paths {
        let stat = fs::symlink_metadata(&path).unwrap();
        let content = if stat.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().as_bytes().to_vec()
        } else if stat.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        let name = path.strip_prefix(root).unwrap().to_owned();
        let inode = first_names.entry(stat.ino()).or_insert_with(|| name.clone()).clone();
        let entry = Entry {
            mode: stat.mode(),
            owner: (stat.uid(), stat.gid()),
            mtime: (stat.mtime(), stat.mtime_nsec()),
            links: if stat.is_dir() { 0 } else { stat.nlink() },
            content: if content.len() > 100 { blake3::hash(&content).as_bytes().to_vec() } else { content },
            xattrs: user_xattrs(&path),
            inode,
        };
        entries.insert(name, entry);
    }
    entries
}

fn user_xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = vec![0; 65536];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    let mut xattrs: Vec<_> = names
        .map(|name| {
            let mut value = vec![0; 65536];
            let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            (name.to_vec(), value[..length].to_vec())
        })
        .collect();
    xattrs.sort();
    xattrs
}

fn password() -> Credential {
    Credential::Password(PASSWORD.to_vec().into())
}

fn key_file() -> Credential {
    Credential::KeyFile(KEY.to_vec().into())
}

#[test]
fn a_repository_of_aes_with_a_password_is_read_by_the_independent_reader() {
    if can_run() {
        Bench::new(Algorithm::Aes256Gcm, Some(password()), make_source).assert_restores();
    }
}

#[test]
fn a_repository_of_chacha20_with_a_key_file_is_read_by_the_independent_reader() {
    if can_run() {
        Bench::new(Algorithm::ChaCha20Poly1305, Some(key_file()), make_source).assert_restores();
    }
}

#[test]
fn a_repository_without_encryption_is_read_by_the_independent_reader() {
    if can_run() {
        Bench::new(Algorithm::None, None, make_source).assert_restores();
    }
}

#[test]
fn the_independent_reader_lists_snapshots_and_refuses_a_wrong_password() {
    if !can_run() {
        return;
    }
    let mut bench = Bench::new(Algorithm::Aes256Gcm, Some(password()), make_source);
    let list = |bench: &Bench| bench.read(&["list".as_ref(), bench.path("repository").as_os_str()]);
    let text = String::from_utf8(list(&bench).stdout).unwrap();
    let id = fs::read_dir(bench.path("repository/snapshots")).unwrap().next().unwrap().unwrap().file_name();
    assert_eq!(text.lines().count(), 1);
    assert!(text.starts_with(id.to_str().unwrap()), "{text}");
    bench.credential = Some(("REPO_PASSWORD", "wrong".into()));
    assert_eq!(list(&bench).status.code(), Some(1));
}

#[test]
fn the_independent_reader_notices_one_changed_byte_in_any_kind_of_object() {
    if !can_run() {
        return;
    }
    for (algorithm, credential) in [(Algorithm::Aes256Gcm, Some(key_file())), (Algorithm::None, None)] {
        let bench = Bench::new(algorithm, credential, make_small_source);
        let mut n = 0;
        for object in objects(&bench.path("repository")) {
            let whole = fs::read(&object).unwrap();
            for at in [0, whole.len() / 2, whole.len() - 1] {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                fs::write(&object, &changed).unwrap();
                n += 1;
                let output = bench.restore(&format!("damaged {n}"));
                assert_eq!(output.status.code(), Some(1), "byte {at} of {}", object.display());
            }
            fs::write(&object, &whole).unwrap();
        }
        assert!(bench.restore("whole").status.success());
    }
}

/// All objects of a repository; locks and the reserve are none.
fn objects(repository: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![repository.to_owned()]);
    while let Some(path) = waiting.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_none_or(|extension| extension != "lock") && !path.ends_with("lock") && !path.ends_with("reserve")
            {
                found.push(path);
            }
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    found
}
