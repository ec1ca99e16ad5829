//! A repository with two snapshots, to which every kind of damage is done in turn.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::cli_place::{Place, Ran, copy, names};
use crate::picture::Picture;

/// What may happen to a file, or to a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Deleted,
    Emptied,
    Truncated,
    Zeroed,
    /// The second half is zeros, as after a power cut that a file system did not survive well.
    TailZeroed,
    FlippedAtTheBeginning,
    FlippedInTheMiddle,
    FlippedAtTheEnd,
    /// Two files of one kind have each other's bytes.
    Swapped,
    /// The folder is what it was after the first snapshot.
    Older,
}

impl Way {
    pub const ALL: [Way; 10] = [
        Way::Deleted,
        Way::Emptied,
        Way::Truncated,
        Way::Zeroed,
        Way::TailZeroed,
        Way::FlippedAtTheBeginning,
        Way::FlippedInTheMiddle,
        Way::FlippedAtTheEnd,
        Way::Swapped,
        Way::Older,
    ];

    /// All of them where objects are sealed; without encryption those that a hash alone has to see.
    pub fn all(is_encrypted: bool) -> Vec<Way> {
        let is_tried = |way: &Way| is_encrypted || matches!(way, Way::Truncated | Way::FlippedInTheMiddle | Way::Swapped);
        Self::ALL.into_iter().filter(is_tried).collect()
    }

    /// True where one bit is another, and the length the same.
    pub fn is_a_flip(self) -> bool {
        matches!(self, Way::FlippedAtTheBeginning | Way::FlippedInTheMiddle | Way::FlippedAtTheEnd)
    }
}

/// A repository with two snapshots of a source; only the second has `new` and a changed `changing`.
pub struct Bench {
    place: Place,
    /// Id and picture of each snapshot, the first one first.
    pub snapshots: [(String, Picture); 2],
    /// Options that every command gets.
    options: Vec<String>,
}

impl Bench {
    /// One with a key file, or without encryption.
    pub fn new(is_encrypted: bool) -> Self {
        let place = Place::new();
        let options = if is_encrypted { Vec::new() } else { vec!["--allow-unencrypted".to_owned()] };
        let bench = Self { place, snapshots: Default::default(), options };
        let init: &[&str] = if is_encrypted { &["init"] } else { &["init", "--encryption", "none"] };
        if is_encrypted {
            bench.run(init).expect(0);
        } else {
            crate::cli_place::run(bench.place.bare().args(init)).expect(0);
        }
        bench.write("steady", 1);
        bench.write("changing", 2);
        let first = bench.save();
        copy(&bench.place.path("repository"), &bench.place.path("older"));
        bench.write("changing", 3);
        bench.write("new", 4);
        let second = bench.save();
        for (id, name) in [(&first.0, "one"), (&second.0, "two")] {
            bench.run(&["tag", id, "--add", name]).expect(0);
        }
        if is_encrypted {
            fs::write(bench.place.path("second"), [9; 32]).unwrap();
            bench.run(&["key", "add", "--new-key-file", &bench.place.text("second")]).expect(0);
        }
        copy(&bench.place.path("repository"), &bench.place.path("good"));
        Self { snapshots: [first, second], ..bench }
    }

    fn write(&self, name: &str, seed: u64) {
        let mut content = vec![0; 150_000];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut content);
        fs::write(self.place.path("source").join(name), content).unwrap();
    }

    fn save(&self) -> (String, Picture) {
        let id = self.run(&["-q", "snapshot", &self.place.text("source")]).expect(0).stdout.trim().to_owned();
        (id, Picture::of(&self.place.path("source")))
    }

    /// Runs a command with the options of this repository.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        self.place.run(&[&options, arguments].concat())
    }

    /// The files below a folder of the repository, by name from its top; `repository.json` for itself.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let top = self.place.text("good");
        let path = self.place.path("good").join(folder);
        let all = if path.is_dir() { names(&path) } else { vec![path.to_str().unwrap().to_owned()] };
        all.into_iter().filter(|name| PathBuf::from(name).is_file()).map(|name| name[top.len() + 1..].to_owned()).collect()
    }

    /// The bytes of a file of the good repository.
    pub fn good(&self, name: &str) -> Vec<u8> {
        fs::read(self.place.path("good").join(name)).unwrap()
    }

    /// Does damage to `name`, and to nothing else; what was done before is undone. False where there is
    /// no such damage.
    pub fn damage(&self, name: &str, way: Way) -> bool {
        copy(&self.place.path("good"), &self.place.path("repository"));
        // Tables and catalog would know better.
        let _ = fs::remove_dir_all(self.place.path("cache"));
        self.damage_also(name, way)
    }

    /// As [`Bench::damage`], on top of what was done before.
    pub fn damage_also(&self, name: &str, way: Way) -> bool {
        let folder = name.split('/').next().unwrap();
        let mut bytes = self.good(name);
        let middle = bytes.len() / 2;
        match way {
            Way::Deleted => fs::remove_file(self.place.path("repository").join(name)).unwrap(),
            Way::Emptied => self.replace(name, b""),
            Way::Truncated => self.replace(name, &bytes[..middle]),
            Way::Zeroed => self.replace(name, &vec![0; bytes.len()]),
            Way::TailZeroed => self.replace(name, &[&bytes[..middle], &vec![0; bytes.len() - middle]].concat()),
            Way::FlippedAtTheBeginning => bytes[9] ^= 1,
            Way::FlippedInTheMiddle => bytes[middle] ^= 0x10,
            Way::FlippedAtTheEnd => *bytes.last_mut().unwrap() ^= 0x80,
            Way::Swapped => {
                let Some(other) = self.files(folder).into_iter().find(|other| other != name) else { return false };
                self.replace(name, &self.good(&other));
                self.replace(&other, &bytes);
            }
            Way::Older => copy(&self.place.path("older").join(folder), &self.place.path("repository").join(folder)),
        }
        if way.is_a_flip() {
            self.replace(name, &bytes);
        }
        true
    }

    /// Puts other bytes in the place of a file.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let path = self.place.path("repository").join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Restores a snapshot and expects nothing wrong under its own name; returns the exit code and how
    /// many of the entries came back as they were saved.
    #[track_caller]
    pub fn restore(&self, snapshot: usize, what: &str) -> (i32, usize) {
        let (id, saved) = &self.snapshots[snapshot];
        let (back, target) = (self.place.path("back"), format!("{id}:{}", self.place.text("source")));
        let _ = fs::remove_dir_all(&back);
        let ran = self.run(&["-q", "restore", &target, &self.place.text("back")]);
        if ran.code == 0 {
            saved.assert_same(&Picture::of(&back));
            return (0, saved.entries.len());
        }
        if !back.exists() {
            return (ran.code, 0);
        }
        let restored = Picture::of(&back);
        for (path, entry) in &restored.entries {
            let is_marked = path.ends_with(".damaged");
            let is_right = saved.entries.get(path).is_some_and(|saved| saved.content == entry.content);
            assert!(is_marked || is_right, "{what}: {path} has other content and its own name");
        }
        let right = restored.entries.iter().filter(|(path, entry)| saved.entries.get(*path) == Some(entry)).count();
        assert!(right < saved.entries.len(), "{what}: all is there, but the exit code is {}", ran.code);
        (ran.code, right)
    }

    /// Runs a command with a key file of this place.
    pub fn with_key(&self, key: &str, arguments: &[&str]) -> Ran {
        crate::cli_place::run(self.place.bare().env("REPO_KEY_FILE", self.place.path(key)).args(arguments))
    }

    /// Restores the second snapshot with a key file of this place; the exit code, and with 0 all is right.
    #[track_caller]
    pub fn restore_with(&self, key: &str, what: &str) -> i32 {
        let (id, saved) = &self.snapshots[1];
        let back = self.place.path("back");
        let _ = fs::remove_dir_all(&back);
        let target = format!("{id}:{}", self.place.text("source"));
        let ran = self.with_key(key, &["-q", "restore", &target, &self.place.text("back")]);
        if ran.code == 0 {
            saved.assert_same(&Picture::of(&back));
        } else {
            assert!(!back.exists(), "{what}: something was restored");
        }
        ran.code
    }

    /// A path in the source.
    pub fn source(&self, name: &str) -> String {
        self.place.text(&format!("source/{name}"))
    }

    /// A new path to restore to.
    pub fn target(&self, name: &str) -> String {
        let _ = fs::remove_dir_all(self.place.path(name));
        self.place.text(name)
    }

    /// Checks everything and returns the exit code.
    pub fn check(&self) -> i32 {
        self.run(&["-q", "check", "--read-data"]).code
    }
}
