//! A place for tests of the command line: a repository with a key file (a password would cost a tenth
//! of a second at each command), a cache of its own, and a source.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// Folders of one test.
pub struct Place {
    folder: TempDir,
}

/// What a command did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// A place with a key file, and a source of three files.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// As [`Place::new`], in a folder below `parent`.
    pub fn below(parent: &Path) -> Self {
        let place = Self { folder: tempfile::tempdir_in(parent).unwrap() };
        fs::write(place.path("key"), [7; 32]).unwrap();
        fs::create_dir_all(place.path("source/sub")).unwrap();
        fs::write(place.path("source/a"), "first").unwrap();
        fs::write(place.path("source/b"), vec![b'b'; 100_000]).unwrap();
        fs::write(place.path("source/sub/c d"), "third").unwrap();
        place
    }

    /// As [`Place::new`], with a repository.
    pub fn with_repository() -> Self {
        let place = Self::new();
        place.run(&["init"]).expect(0);
        place
    }

    /// As [`Place::with_repository`], with a full snapshot of the source.
    pub fn with_snapshot() -> Self {
        let place = Self::with_repository();
        place.run(&["snapshot", &place.text("source")]).expect(0);
        place
    }

    /// A path in this place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A command with nothing in its environment but what tells it where things are.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
        command.env_clear();
        command.env("PATH", "/usr/bin:/bin").env("REPO_CACHE_DIR", self.path("cache")).env("REPO_REPOSITORY", self.path("repository"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.env("TZ", "UTC").timeout(std::time::Duration::from_secs(120));
        command
    }

    /// A command that has the key file.
    pub fn command(&self) -> Command {
        let mut command = self.bare();
        command.env("REPO_KEY_FILE", self.path("key"));
        command
    }

    /// Runs a command that has the key file.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command().args(arguments))
    }
}

/// Copies the program, for users who may not look into the folder that it was built in. Another process writes it: one
/// that a test beside this starts at the same time would hold it open for writing, and it could not be run.
pub fn copy_program(target: &Path) {
    Command::new("cp").arg(env!("CARGO_BIN_EXE_repo")).arg(target).assert().success();
}

/// Runs a command.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Fails the test, with everything that was printed, unless the command exited with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The messages of a command with `--json`, without those that say how far it is.
    pub fn messages(&self) -> String {
        self.stderr.lines().filter(|line| !line.contains(r#""message_type":"progress""#)).collect()
    }

    /// The one object that `--json` printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The names of everything below `folder`, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.path().to_str().unwrap().to_owned());
        if entry.file_type().unwrap().is_dir() {
            names.extend(self::names(&entry.path()));
        }
    }
    names.sort();
    names
}

/// Makes `to` what `from` is, with modes and times; nothing where that is nothing.
pub fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    if from.exists() {
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    }
}
