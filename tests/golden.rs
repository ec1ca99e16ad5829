//! Golden repositories: what a released version wrote is read and written by this one, and by the reader in
//! Python. They lie in `tests/golden/`, one folder for each format, and never change; `make.py` there says
//! how they were made.
//!
//! They also are what git made of them: without empty folders, without locks, without the reserve.

#[path = "golden/listing.rs"]
mod listing;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cli_place::{Place, Ran, copy, run};
use crate::python_reader;

/// The folders of all formats and what lies in them: a folder that is lost must not look like a test that
/// passed.
const ALL: [(&str, &[&str]); 2] = [("format-0", &["keys"]), ("format-1", &["everything", "keys", "large", "mended", "strong"])];

/// A golden repository, copied to where it can be used.
struct Golden {
    place: Place,
    from: PathBuf,
    /// What opens it: a variable of the environment, and its value.
    credential: Option<(&'static str, OsString)>,
}

impl Golden {
    /// A copy of the repository `name`, which the file `opens` of its folder opens.
    fn new(format: &str, name: &str, opens: Option<&str>) -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format).join(name);
        let place = Place::new();
        copy(&from.join("repository"), &place.path("repository"));
        let credential = opens.map(|opens| credential(&from.join(opens)));
        let golden = Self { place, from, credential };
        golden.litter();
        golden
    }

    /// What desktops and sync tools leave in folders is passed over.
    fn litter(&self) {
        // Without encryption it is empty, and so is not there.
        fs::create_dir_all(self.place.path("repository/keys")).unwrap();
        for folder in ["", "keys", "index", "snapshots", "records", "packs", "packs/00"] {
            let folder = self.place.path("repository").join(folder);
            if folder.is_dir() {
                fs::write(folder.join(".DS_Store"), "not ours").unwrap();
                fs::write(folder.join("with space.txt"), "not ours").unwrap();
            }
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.place.bare();
        if let Some((name, value)) = &self.credential {
            command.env(name, value);
        }
        run(command.args(arguments))
    }

    /// Runs the reader in Python.
    fn read(&self, arguments: &[&OsStr]) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader/read_repository.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).args(arguments).env_remove("REPO_PASSWORD").env_remove("REPO_KEY_FILE");
        if let Some((name, value)) = &self.credential {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// What the listing said when the repository was made, by id.
    fn wanted(&self) -> Vec<(String, Value)> {
        let text = fs::read_to_string(self.from.join("snapshots.jsonl")).unwrap();
        text.lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                (line["id"].as_str().unwrap().to_owned(), line)
            })
            .collect()
    }

    fn listed(&self) -> Vec<Value> {
        let ran = self.run(&["-q", "snapshots", "--json"]).expect(0);
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The listing says all that it ever said, oldest first; it may say more.
    fn assert_lists(&self) {
        let (wanted, listed) = (self.wanted(), self.listed());
        assert_eq!(listed.len(), wanted.len(), "{listed:?}");
        let times: Vec<&str> = listed.iter().map(|line| line["time"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        for (id, wanted) in &wanted {
            let listed = listed.iter().find(|line| line["id"] == **id).unwrap();
            for (field, value) in wanted.as_object().unwrap() {
                assert_eq!(&listed[field], value, "{field} of {id}");
            }
        }
    }

    /// A restore of the snapshot gives back what its list says.
    fn assert_restores(&self, id: &str) {
        let wanted = self.list_of(id);
        let to = self.place.path("restored");
        expect_restored(self.run(&["-q", "restore", id, to.to_str().unwrap()]));
        listing::assert_same(&wanted, listing::list(&to), &format!("restore of {id}"));
        remove(&to);
    }

    fn assert_python_restores(&self, id: &str) {
        let (repository, to) = (self.place.path("repository"), self.place.path("restored by python"));
        self.read(&["restore".as_ref(), repository.as_ref(), id.as_ref(), to.as_ref()]).expect(0);
        listing::assert_same(&self.list_of(id), listing::list(&to), &format!("the reader in Python on {id}"));
        remove(&to);
    }

    fn list_of(&self, id: &str) -> BTreeMap<String, listing::Entry> {
        let list = listing::read(&self.from.join(format!("{id}.list")));
        assert!(!list.is_empty());
        list
    }

    fn description(&self) -> Vec<u8> {
        fs::read(self.place.path("repository/repository.json")).unwrap()
    }

    /// Everything that is promised of an old repository.
    fn hold(&self) {
        let description = self.description();
        self.assert_lists();
        self.run(&["-q", "check", "--read-data"]).expect(0);
        let wanted = self.wanted();
        wanted.iter().for_each(|(id, _)| self.assert_restores(id));
        if python_reader::can_run() {
            let ran = self.read(&["list".as_ref(), self.place.path("repository").as_ref()]).expect(0);
            let ids: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
            assert_eq!(ids, wanted.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
            wanted.iter().for_each(|(id, _)| self.assert_python_restores(id));
        }
        self.go_on();
        assert_eq!(self.description(), description, "it stays of the format that it is of");
    }

    /// Today's program writes into it, removes from it, and everything that is left restores.
    fn go_on(&self) {
        let before = self.listed().len();
        let ran = self.run(&["-q", "snapshot", "--host", "golden", &self.place.text("source")]).expect(0);
        let new = ran.stdout.trim().to_owned();
        assert_eq!(self.listed().len(), before + 1);
        // The clock of the test may be behind that of the day when the repository was made.
        self.run(&["-q", "prune", "--keep-last", "1", "--override-protection"]).expect(0);
        self.run(&["-q", "check", "--read-data"]).expect(0);
        let left: Vec<String> = self.listed().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        assert!(left.contains(&new) && left.len() >= 2, "{left:?}");
        left.iter().filter(|id| **id != new).for_each(|id| self.assert_restores(id));
        let to = self.place.text("restored");
        expect_restored(self.run(&["-q", "restore", &new, &to]));
        let source = self.place.text("restored") + &self.place.text("source");
        assert_eq!(fs::read(Path::new(&source).join("sub/c d")).unwrap(), b"third");
        let ran = self.run(&["repair", "--json"]).expect(0);
        assert_eq!(ran.json()["found_damage"], false, "{}", ran.stdout);
    }
}

/// Removes a restored folder, also with folders in it that their owner may not write to.
fn remove(folder: &Path) {
    assert!(Command::new("chmod").args(["-R", "u+rwX"]).arg(folder).status().unwrap().success());
    fs::remove_dir_all(folder).unwrap();
}

/// Who is not root cannot give files away, and is told so.
#[track_caller]
fn expect_restored(ran: Ran) {
    let is_root = rustix::process::geteuid().is_root();
    let is_about_owners = ran.stderr.lines().all(|line| line.contains("owner ") || line.contains("group "));
    if is_root || ran.code != 3 || !is_about_owners {
        ran.expect(0);
    }
}

fn credential(path: &Path) -> (&'static str, OsString) {
    if path.file_name() == Some("key".as_ref()) {
        return ("REPO_KEY_FILE", path.as_os_str().to_owned());
    }
    let mut password = fs::read(path).unwrap();
    assert_eq!(password.pop(), Some(b'\n'));
    ("REPO_PASSWORD", OsString::from_vec(password))
}

#[test]
fn every_golden_repository_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folders = |path: &Path| {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir() && entry.file_name() != "__pycache__");
        let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(folders(&folder), ALL.map(|(format, _)| format));
    for (format, names) in ALL {
        assert_eq!(folders(&folder.join(format)), names);
    }
}

#[test]
fn a_repository_of_format_1_with_everything_in_it_is_read_and_written_on() {
    let golden = Golden::new("format-1", "everything", Some("password"));
    golden.hold();
}

#[test]
fn a_repository_of_format_1_without_encryption_and_with_large_files_and_folders_is_read_and_written_on() {
    Golden::new("format-1", "large", None).hold();
}

#[test]
fn a_repository_of_format_1_that_was_mended_is_read_and_written_on() {
    Golden::new("format-1", "mended", Some("key")).hold();
}

#[test]
fn a_repository_of_format_1_is_opened_by_each_of_its_keys_and_not_by_one_that_was_removed() {
    assert_keys_open("format-1");
}

#[test]
fn a_repository_of_format_0_is_read_and_written_on_and_stays_of_format_0() {
    let golden = assert_keys_open("format-0");
    assert!(String::from_utf8(golden.description()).unwrap().contains("\"format\": 0,"));
}

fn assert_keys_open(format: &str) -> Golden {
    let mut golden = Golden::new(format, "keys", Some("key"));
    golden.hold();
    for (opens, code) in [("password", 0), ("second password", 0), ("removed password", 12)] {
        golden.credential = Some(credential(&golden.from.join(opens)));
        golden.run(&["-q", "snapshots"]).expect(code);
    }
    golden
}

#[test]
fn a_password_of_format_1_whose_guess_takes_two_gigabytes_opens() {
    let mut golden = Golden::new("format-1", "strong", Some("key"));
    golden.hold();
    let memory = fs::read_to_string("/proc/meminfo").unwrap();
    let available = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    if available.is_some_and(|kib| kib > 4 << 20) {
        golden.credential = Some(credential(&golden.from.join("password")));
        golden.run(&["-q", "snapshots"]).expect(0);
    } else {
        eprintln!("skipped: needs 4 GiB of free memory");
    }
}

#[test]
fn a_lost_description_is_made_again_with_the_number_that_the_repository_has() {
    for (format, name, opens) in [("format-0", "keys", Some("password")), ("format-1", "keys", Some("key")), ("format-1", "large", None)] {
        let mut golden = Golden::new(format, name, opens);
        let (good, path) = (golden.description(), golden.place.path("repository/repository.json"));
        fs::remove_file(&path).unwrap();
        let right = golden.credential.replace(("REPO_PASSWORD", "wrong".into()));
        if right.is_some() {
            // Nothing is written that might be wrong and could then not be told from what is right.
            golden.run(&["repair"]).expect(12);
            assert!(!path.exists());
        }
        golden.credential = right;
        golden.run(&["repair"]).expect(0);
        assert_eq!(golden.description(), good);
        golden.assert_lists();
    }
}

#[test]
fn a_later_format_is_refused_with_13_before_anything_else_is_read() {
    let golden = Golden { credential: None, ..Golden::new("format-1", "keys", None) };
    let repository = golden.place.path("repository");
    for folder in ["keys", "packs", "index", "snapshots", "records"] {
        fs::remove_dir_all(repository.join(folder)).unwrap();
        fs::write(repository.join(folder), "another thing altogether").unwrap();
    }
    // Nothing but the number is as it is today.
    fs::write(repository.join("repository.json"), "{\"format\": 2, \"id\": [7], \"encryption\": {}}").unwrap();
    let before = crate::cli_place::names(&repository);
    let source = golden.place.text("source");
    let commands: [&[&str]; 12] = [
        &["snapshots"],
        &["snapshot", &source],
        &["restore", "latest", &source],
        &["ls", "latest"],
        &["stats"],
        &["check"],
        &["repair"],
        &["prune"],
        &["forget", "latest"],
        &["tag", "latest", "--add", "x"],
        &["key", "list"],
        &["settings"],
    ];
    for command in commands {
        let ran = golden.run(command).expect(13);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("format 2"), "{command:?}: {}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(crate::cli_place::names(&repository), before);
    if python_reader::can_run() {
        assert!(golden.read(&["list".as_ref(), repository.as_ref()]).expect(1).stderr.contains("unknown format"));
    }
}

/// Removes every empty folder, the locks and the reserve.
fn drop_what_is_empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            drop_what_is_empty(&path);
            // One that is not empty stays.
            let _ = fs::remove_dir(&path);
        } else if ["lock", "prune.lock", "reserve"].iter().any(|name| path.ends_with(name)) {
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_copy_that_lost_its_empty_folders_works_for_every_command() {
    let place = Place::with_repository();
    copy(&place.path("repository"), &place.path("fresh"));
    let source = place.text("source");
    let commands: [&[&str]; 8] = [
        &["snapshots"],
        &["snapshot", &source],
        &["prune", "--keep-last", "1"],
        &["check", "--read-data"],
        &["repair"],
        &["key", "list"],
        &["settings", "protect", "1d"],
        &["stats"],
    ];
    for command in commands {
        copy(&place.path("fresh"), &place.path("repository"));
        // This machine has seen snapshots in the copy before this one.
        copy(&place.path("nothing"), &place.path("cache"));
        let again = || drop_what_is_empty(&place.path("repository"));
        again();
        assert!(!place.path("repository/snapshots").exists() && !place.path("repository/packs").exists());
        place.run(command).expect(0);
        for next in [&["snapshot", &source][..], &["prune", "--keep-last", "1"], &["check", "--read-data"], &["repair"]] {
            again();
            place.run(next).expect(0);
        }
        expect_restored(place.run(&["-q", "restore", "latest", &place.text("restored")]));
        fs::remove_dir_all(place.path("restored")).unwrap();
    }
}
