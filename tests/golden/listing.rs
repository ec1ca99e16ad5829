//! Lists of entries, one a line, as `make.py` writes them for each snapshot: a second hand at the same
//! words, so that what a restore gives back is compared with what lay in the source when the repository was
//! made.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The columns of one entry behind its path: type, mode, owner, mtime, bytes, content, attributes, the first
/// path of the same file.
pub type Entry = Vec<String>;

const MODE: usize = 1;
const OWNER: usize = 2;
const MTIME: usize = 3;

/// Reads a list.
pub fn read(path: &Path) -> BTreeMap<String, Entry> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let split = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        assert_eq!(columns.len(), 9, "{line}");
        (columns[0].clone(), columns[1..].to_vec())
    };
    text.lines().map(split).collect()
}

/// Lists everything below `folder`, as if that were `/`.
pub fn list(folder: &Path) -> BTreeMap<String, Entry> {
    let (mut entries, mut firsts, mut waiting) = (BTreeMap::new(), BTreeMap::new(), vec![Vec::new()]);
    while let Some(path) = waiting.pop() {
        let place = folder.join(OsStr::from_bytes(path.strip_prefix(b"/").unwrap_or(&path)));
        let found = fs::symlink_metadata(&place).unwrap();
        if !path.is_empty() {
            let shown = escape(&path);
            let first = firsts.entry(found.ino()).or_insert_with(|| shown.clone());
            let same = if *first == shown { "-".to_owned() } else { first.clone() };
            entries.insert(shown, describe(&place, &found, same));
        }
        if found.is_dir() {
            let mut names: Vec<Vec<u8>> =
                fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().as_bytes().to_vec()).collect();
            // Depth first, names in order, so that the first of several names is the same for both hands.
            names.sort_by(|a, b| b.cmp(a));
            waiting.extend(names.into_iter().map(|name| [&path[..], b"/", &name].concat()));
        }
    }
    entries
}

fn describe(place: &Path, found: &fs::Metadata, same: String) -> Entry {
    let none = || "-".to_owned();
    let (kind, content) = if found.is_file() {
        ("file", blake3::hash(&fs::read(place).unwrap()).to_hex().to_string())
    } else if found.is_dir() {
        ("folder", none())
    } else if found.is_symlink() {
        ("link", escape(fs::read_link(place).unwrap().as_os_str().as_bytes()))
    } else {
        ("pipe", none())
    };
    let mode = if kind == "link" { none() } else { format!("{:04o}", found.mode() & 0o7777) };
    let owner = format!("{}:{}", found.uid(), found.gid());
    let mtime = format!("{}.{:09}", found.mtime(), found.mtime_nsec());
    let bytes = if kind == "file" { found.len().to_string() } else { none() };
    vec![kind.to_owned(), mode, owner, mtime, bytes, content, attributes(place), same]
}

fn attributes(place: &Path) -> String {
    let mut names = vec![0; 65536];
    let length = rustix::fs::llistxattr(place, &mut names[..]).unwrap();
    let mut names: Vec<&[u8]> = names[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")).collect();
    names.sort_unstable();
    let value = |name: &&[u8]| {
        let mut value = vec![0; 65536];
        let length = rustix::fs::lgetxattr(place, *name, &mut value[..]).unwrap();
        format!("{}={}", escape(name), escape(&value[..length]))
    };
    if names.is_empty() { "-".to_owned() } else { names.iter().map(value).collect::<Vec<_>>().join(",") }
}

fn escape(bytes: &[u8]) -> String {
    let is_plain = |byte: u8| (33..127).contains(&byte) && byte != b'\\' && byte != b',';
    bytes.iter().map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("\\x{byte:02x}") }).collect()
}

fn without_lent_rights(mode: &str) -> Option<u32> {
    u32::from_str_radix(mode, 8).ok().map(|mode| mode & !0o6000)
}

/// Fails unless `found` is what `wanted` says. Folders above the sources that the list does not name do not
/// count; who is not root cannot give files away.
#[track_caller]
pub fn assert_same(wanted: &BTreeMap<String, Entry>, mut found: BTreeMap<String, Entry>, what: &str) {
    let is_root = rustix::process::geteuid().is_root();
    found.remove("/tmp");
    for (path, entry) in &mut found {
        let Some(wanted) = wanted.get(path) else { continue };
        if !is_root {
            entry[OWNER] = wanted[OWNER].clone();
            // A file of another owner does not get the bits that lend the owner's rights.
            if without_lent_rights(&entry[MODE]) == without_lent_rights(&wanted[MODE]) {
                entry[MODE] = wanted[MODE].clone();
            }
        }
        if wanted[MTIME] == "-" {
            entry[MTIME] = "-".to_owned();
        }
    }
    let differences: Vec<String> = wanted
        .keys()
        .chain(found.keys().filter(|path| !wanted.contains_key(*path)))
        .filter(|path| wanted.get(*path) != found.get(*path))
        .map(|path| format!("{path}\n  wanted {:?}\n  found  {:?}", wanted.get(path), found.get(path)))
        .collect();
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}
