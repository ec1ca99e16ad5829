//! A repository at the moment before a command, to which a test can go back.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::traced::{Traced, trace};
use crate::cli_place::{Place, Ran, copy, names};
use crate::picture::Picture;

/// A repository before a command.
pub struct Scene {
    pub place: Place,
    /// The command that is ended or failed.
    command: Vec<String>,
    /// What the snapshots hold that were reported, by id.
    reported: BTreeMap<String, Picture>,
    /// The source as it is.
    now: Picture,
}

impl Scene {
    fn new(place: Place, reported: BTreeMap<String, Picture>, command: &[&str]) -> Self {
        let now = Picture::of(&place.path("source"));
        let scene = Self { place, command: command.iter().map(|word| (*word).to_owned()).collect(), reported, now };
        for folder in ["repository", "cache"] {
            copy(&scene.place.path(folder), &scene.place.path(&format!("{folder} before")));
        }
        scene
    }

    /// Before there is a repository.
    pub fn before_init(place: Place) -> Self {
        Self::new(place, BTreeMap::new(), &["-q", "init"])
    }

    /// Before a second key is added.
    pub fn before_key_add(place: Place) -> Self {
        place.run(&["init"]).expect(0);
        fs::write(place.path("second"), [9; 32]).unwrap();
        let second = place.text("second");
        let reported = BTreeMap::from([save(&place)]);
        Self::new(place, reported, &["-q", "key", "add", "--new-key-file", &second])
    }

    /// Before the first snapshot, of a file of several packs' chunks and of small ones.
    pub fn before_first_snapshot(place: Place) -> Self {
        place.run(&["init"]).expect(0);
        let source = place.text("source");
        Self::new(place, BTreeMap::new(), &["-q", "snapshot", &source])
    }

    /// Before a second snapshot, of a source with a file more, one less, and one that changed.
    pub fn before_second_snapshot(place: Place) -> Self {
        place.run(&["init"]).expect(0);
        let reported = BTreeMap::from([save(&place)]);
        change(&place, 2);
        let source = place.text("source");
        Self::new(place, reported, &["-q", "snapshot", &source])
    }

    /// Before a prune that removes two snapshots of three, some packs whole, and writes others again.
    pub fn before_prune(place: Place) -> Self {
        place.run(&["init"]).expect(0);
        let mut reported = BTreeMap::new();
        for turn in 1..=3 {
            change(&place, turn);
            reported.extend([save(&place)]);
        }
        Self::new(place, reported, &["-q", "prune", "--keep-last", "1"])
    }

    /// True when the command is a prune.
    pub fn is_prune(&self) -> bool {
        self.command[1] == "prune"
    }

    /// Goes back to the moment before the command.
    pub fn reset(&self) {
        for folder in ["repository", "cache"] {
            copy(&self.place.path(&format!("{folder} before")), &self.place.path(folder));
        }
    }

    /// The command, as a user types it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
        command.args(&self.command).env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC");
        for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
            command.env(name, self.place.path(value));
        }
        command
    }

    /// Runs the command under `strace`.
    pub fn trace(&self, injection: Option<&str>) -> Traced {
        self.trace_with(&[], injection)
    }

    /// As [`Scene::trace`], with further arguments.
    pub fn trace_with(&self, extra: &[&str], injection: Option<&str>) -> Traced {
        let mut command = self.command();
        trace(command.args(extra), &self.place.path("log"), injection)
    }

    /// Expects that everything is right although the command ended early, and that it succeeds when it
    /// is run again. `said` is what it printed, `what` names the case in messages.
    #[track_caller]
    pub fn assert_goes_on(&self, said: &str, what: &str) {
        let is_init = self.command[1] == "init";
        let is_made = self.place.path("repository/repository.json").exists();
        if !is_init || is_made {
            self.assert_right(&format!("{what}, before anything else"));
        }
        let listed = if is_made { self.listed() } else { Vec::new() };
        if self.command[1] == "snapshot" {
            let is_told = said.trim().len() == 64;
            assert!(!is_told || listed.contains(&said.trim().to_owned()), "{what}: {said} was reported and is not there");
        }
        if !(is_init && is_made) {
            let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
            self.run(&words, what);
        }
        match self.command[1].as_str() {
            "prune" => assert_eq!(self.listed().len(), 1, "{what}"),
            "snapshot" => {
                assert!(self.listed().len() > self.reported.len(), "{what}");
                let left = names(&self.place.path("repository")).into_iter().find(|name| name.contains("/.tmp-"));
                assert_eq!(left, None, "{what}: the next run left what this one had begun");
            }
            "key" => self.assert_second_key_opens(what),
            _ => {
                self.run(&["-q", "snapshot", &self.place.text("source")], what);
            }
        }
        self.assert_right(&format!("{what}, then again"));
    }

    /// Expects that a command that reported success has done its work for good.
    pub fn assert_done(&self, said: &str, what: &str) {
        match self.command[1].as_str() {
            "init" => assert!(self.place.path("repository/repository.json").exists(), "{what}: the repository is gone"),
            "snapshot" => assert!(self.listed().contains(&said.trim().to_owned()), "{what}: the snapshot is gone"),
            "prune" => assert_eq!(self.listed(), [self.newest()], "{what}"),
            _ => self.assert_second_key_opens(what),
        }
    }

    fn assert_second_key_opens(&self, what: &str) {
        let ran = crate::cli_place::run(self.place.bare().env("REPO_KEY_FILE", self.place.path("second")).args(["-q", "check"]));
        assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
    }

    /// Expects that nothing is damaged and that every snapshot restores what it holds.
    #[track_caller]
    fn assert_right(&self, what: &str) {
        self.run(&["-q", "check", "--read-data"], what);
        let listed = self.listed();
        if self.command[1] != "prune" {
            for id in self.reported.keys() {
                assert!(listed.contains(id), "{what}: {id} is not there any more");
            }
        } else {
            assert!(listed.contains(&self.newest()), "{what}: the snapshot that is kept is gone");
        }
        for id in listed {
            let back = self.place.path("back");
            if back.exists() {
                fs::remove_dir_all(&back).unwrap();
            }
            self.run(&["-q", "restore", &format!("{id}:{}", self.place.text("source")), &self.place.text("back")], what);
            // What was not reported and is there all the same was made of the source as it is.
            self.reported.get(&id).unwrap_or(&self.now).assert_same(&Picture::of(&back));
        }
    }

    /// The snapshot of the source as it is.
    fn newest(&self) -> String {
        self.reported.iter().find(|(_, picture)| **picture == self.now).map(|(id, _)| id.clone()).unwrap()
    }

    fn listed(&self) -> Vec<String> {
        self.run(&["-q", "snapshots"], "snapshots").stdout.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], what: &str) -> Ran {
        let ran = self.place.run(arguments);
        assert_eq!(ran.code, 0, "{what}: {arguments:?}: {}", ran.stderr);
        ran
    }
}

/// Saves the source: id and picture.
fn save(place: &Place) -> (String, Picture) {
    let id = place.run(&["-q", "snapshot", &place.text("source")]).expect(0).stdout.trim().to_owned();
    (id, Picture::of(&place.path("source")))
}

/// Changes a file, adds one and removes the one that was added before.
fn change(place: &Place, turn: u64) {
    let mut content = vec![0; 200_000];
    blake3::Hasher::new().update(&turn.to_le_bytes()).finalize_xof().fill(&mut content);
    fs::write(place.path("source/changing"), &content).unwrap();
    fs::write(place.path(&format!("source/new {turn}")), &content[..50_000]).unwrap();
    let _ = fs::remove_file(place.path(&format!("source/new {}", turn - 1)));
}
