//! What scripts rely on: `-q` is silent when all is well, `--json` says everything as JSON, and waiting for a lock has an end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::cli_place::{Place, Ran, run};

/// The messages of a command with `--json`: every line of its standard error is an object.
#[track_caller]
fn messages(ran: &Ran) -> Vec<Value> {
    let lines = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("`{line}` is no JSON")));
    lines.collect()
}

#[track_caller]
fn only<'m>(messages: &'m [Value], message_type: &str) -> &'m Value {
    let mut found = messages.iter().filter(|message| message["message_type"] == message_type);
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        _ => panic!("one {message_type} is expected: {messages:?}"),
    }
}

#[test]
fn with_json_all_messages_are_objects_whose_fields_are_documented() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Messages")).unwrap();
    let words: BTreeSet<&str> = section.split('`').skip(1).step_by(2).collect();
    let place = Place::with_snapshot();
    let missing = place.text("missing");

    let busy = messages(&run(place.bare().args(["--json", "-r", &missing, "snapshots"])).expect(10));
    assert_eq!(only(&busy, "error")["exit_code"], 10);
    assert!(only(&busy, "error")["hint"].is_string());
    let usage = messages(&place.run(&["--json", "snapshots", "--no-such-option"]).expect(2));
    assert_eq!(only(&usage, "error")["exit_code"], 2);
    let unknown = messages(&place.run(&["--json", "backup"]).expect(2));
    assert!(only(&unknown, "error")["message"].as_str().unwrap().contains("`backup`"));
    let ran = place.run(&["--json", "snapshot", &place.text("source"), &missing]).expect(3);
    let torn = messages(&ran);
    let warning = only(&torn, "warning");
    assert_eq!((&warning["finding"], &warning["path"]), (&"unreadable".into(), &missing.into()));
    let progress = torn.iter().rfind(|message| message["message_type"] == "progress").unwrap();
    assert_eq!(
        (&progress["stage"], &progress["unit"], &progress["done"], &progress["total"]),
        (&"snapshot".into(), &"files".into(), &3.into(), &3.into())
    );
    assert_eq!(ran.stdout.lines().count(), 1, "the result stays one object on standard output");
    assert_eq!(messages(&place.run(&["--json", "-q", "check"]).expect(0)), [Value::Null; 0]);

    let packs: Vec<_> =
        crate::cli_place::names(&place.path("repository/packs")).into_iter().filter(|name| fs::metadata(name).unwrap().is_file()).collect();
    packs.iter().for_each(|pack| fs::write(pack, "damaged").unwrap());
    let damaged = messages(&place.run(&["--json", "check"]).expect(4));
    assert!(damaged.iter().any(|message| message["message_type"] == "hint" && message["message"].is_string()));
    assert!(damaged.iter().any(|message| message["finding"] == "damaged" && message["path"].is_string()));

    for message in [&busy[..], &usage, &unknown, &torn, &damaged].concat() {
        for name in message.as_object().unwrap().keys() {
            assert!(words.contains(&name[..]), "docs/json.md lacks `{name}` of messages");
        }
        assert!(words.contains(message["message_type"].as_str().unwrap()), "{message}");
    }
}

#[test]
fn a_quiet_command_prints_nothing_when_all_is_well() {
    let place = Place::new();
    let (source, back, second) = (place.text("source"), place.text("back"), place.text("second"));
    fs::write(&second, [9; 32]).unwrap();
    let ids = |place: &Place| place.run(&["-q", "snapshots"]).expect(0).stdout.lines().map(str::to_owned).collect::<Vec<_>>();
    let silent = |arguments: &[&str]| {
        let ran = place.run(&[&["-q"], arguments].concat()).expect(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{arguments:?}");
    };
    silent(&["init"]);
    // But for the id, with which scripts go on.
    for arguments in [&["-q", "snapshot", &source][..], &["-q", "snapshot"]] {
        let saved = place.run(arguments).expect(0);
        assert_eq!((saved.stdout.trim(), saved.stderr.as_str()), (&ids(&place).pop().unwrap()[..], ""));
    }
    silent(&["snapshot", "-n"]);
    silent(&["tag", "latest", "--add", "word"]);
    let newest = ids(&place).pop().unwrap();
    silent(&["forget", &newest]);
    silent(&["unforget", &newest]);
    silent(&["series", "rename", &series(&place), "papers"]);
    silent(&["series", "stop", "papers"]);
    silent(&["series", "resume", "papers"]);
    silent(&["settings", "protect", "1d"]);
    silent(&["settings", "protect", "off"]);
    silent(&["key", "add", "--new-key-file", &second]);
    silent(&["restore", "--verify", &format!("latest:{source}"), &back]);
    silent(&["prune", "--keep-last", "1", "--override-protection"]);
    silent(&["check", "--read-data"]);
    silent(&["repair"]);
    silent(&["catalog", "verify"]);
    silent(&["catalog", "rebuild"]);
    silent(&["problems"]);
    assert_eq!(ids(&place).len(), 1, "a query still answers");
}

fn series(place: &Place) -> String {
    place.run(&["-q", "series"]).expect(0).stdout.trim().to_owned()
}

#[test]
fn a_script_gets_the_id_alone() {
    let place = Place::with_repository();
    let id = place.run(&["-q", "snapshot", &place.text("source")]).expect(0).stdout;
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout, id);
    assert_eq!(place.run(&["-q", "snapshot", "-n"]).expect(0).stdout, "");
}

#[test]
fn who_does_not_want_to_wait_for_a_lock_is_told_that_it_is_held() {
    let place = Place::with_snapshot();
    let second = place.text("second");
    fs::write(&second, [9; 32]).unwrap();
    for (lock, arguments) in [
        ("lock", &["snapshot"][..]),
        ("lock", &["tag", "latest", "--pin"]),
        ("lock", &["forget", "latest"]),
        ("lock", &["settings", "protect", "1d"]),
        ("lock", &["series", "stop", "papers"]),
        ("lock", &["prune"]),
        ("lock", &["repair"]),
        ("prune.lock", &["prune"]),
        ("prune.lock", &["repair"]),
        ("prune.lock", &["key", "add", "--new-key-file", &second]),
    ] {
        let held = fs::File::options().write(true).open(place.path("repository").join(lock)).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let ran = place.run(&[&["--lock-wait", "0s"], arguments].concat()).expect(11);
        assert!(ran.stderr.contains("held by another process") && ran.stderr.contains("--lock-wait"), "{arguments:?}: {}", ran.stderr);
    }
}

/// Begins a command while the lock `name` is held, and lets go when it says that it waits.
fn wait_for(place: &Place, name: &str, arguments: &[&str]) -> i32 {
    let held = fs::File::options().write(true).open(place.path("repository").join(name)).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(arguments).env_clear().env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
    command.env("REPO_KEY_FILE", place.path("key")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).find(|line| line.contains("waiting for it"));
    assert!(told.is_some(), "{arguments:?} says that it waits");
    flock(&held, FlockOperation::Unlock).unwrap();
    child.wait().unwrap().code().unwrap()
}

#[test]
fn who_waits_for_a_lock_says_so_and_goes_on_when_it_is_free() {
    let place = Place::with_snapshot();
    assert_eq!(wait_for(&place, "lock", &["snapshot"]), 0);
    let new = Place::new();
    fs::create_dir(new.path("repository")).unwrap();
    for lock in ["lock", "prune.lock"] {
        fs::write(new.path("repository").join(lock), "").unwrap();
    }
    let held = fs::File::options().write(true).open(new.path("repository/lock")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    new.run(&["--lock-wait", "0s", "init"]).expect(11);
    drop(held);
    assert_eq!(wait_for(&new, "lock", &["init"]), 0);
    assert_eq!(wait_for(&place, "lock", &["tag", "latest", "--add", "word"]), 0);
    assert_eq!(wait_for(&place, "lock", &["--lock-wait", "1h", "settings", "protect", "1d"]), 0);
    assert_eq!(wait_for(&place, "prune.lock", &["--lock-wait", "1h", "prune"]), 0);
}

#[test]
fn a_prune_of_series_that_are_saved_each_evening_gives_no_advice() {
    let place = Place::with_repository();
    for series in ["papers", "photos", "shop"] {
        place.run(&["snapshot", &place.text("source"), "--series", series]).expect(0);
    }
    let ran = place.run(&["prune", "--keep-last", "1"]).expect(0);
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains("not freed"), "{}", ran.stdout);
    for (day, series) in ["dump-1", "dump-2", "dump-3"].iter().enumerate() {
        let time = format!("2020-01-0{} 19:00", day + 1);
        place.run(&["snapshot", &place.text("source"), "--series", series, "--time", &time]).expect(0);
    }
    let pruned = place.run(&["prune", "--keep-last", "1"]).expect(0).stderr;
    assert_eq!(pruned.matches("3 series were saved once").count(), 1, "{pruned}");
}
