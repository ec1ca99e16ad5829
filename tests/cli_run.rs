//! `repo run`: an evening, step by step, and what follows when a step does not go well.

use std::fs;

use serde_json::Value;

use crate::cli_config::{by_config, configured};
use crate::cli_place::Place;

/// A place with a repository, a source of some files, and lines more in its configuration.
fn place(lines: &str) -> Place {
    let place = configured();
    by_config(&place, &["init"]).expect(0);
    (0..30).for_each(|number| fs::write(place.path(&format!("source/{number}")), format!("paper {number}")).unwrap());
    add(&place, lines);
    place
}

fn add(place: &Place, lines: &str) {
    let text = fs::read_to_string(place.path("repo.toml")).unwrap();
    let at = text.find("[check]").unwrap();
    let lines = lines.replace("PLACE", place.path("").to_str().unwrap().trim_end_matches('/'));
    fs::write(place.path("repo.toml"), format!("{}{lines}\n{}", &text[..at], &text[at..])).unwrap();
}

fn run_job(place: &Place, code: i32) -> Value {
    by_config(place, &["--json", "run"]).expect(code).json()
}

/// The steps as `kind name: state`.
fn steps(line: &Value) -> Vec<String> {
    let word = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = line["steps"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}: {}", word(step, "kind"), word(step, "name"), word(step, "state"))).collect()
}

fn message(line: &Value, kind: &str) -> String {
    let steps = line["steps"].as_array().unwrap();
    steps.iter().filter(|step| step["kind"] == kind).map(|step| step["message"].as_str().unwrap()).collect()
}

fn snapshots(place: &Place) -> usize {
    by_config(place, &["--json", "snapshots"]).expect(0).stdout.lines().count()
}

const DUMP: &str = "[[job.shop.database]]\ntype = \"command\"\nname = \"dump\"\nfile = \"all.sql\"\n";

#[test]
fn an_evening_saves_databases_and_files_in_one_snapshot_and_hooks_run_around_it() {
    let hooks = "[[job.shop.hook]]\nwhen = \"before\"\nshell = \"echo before >> PLACE/said\"\n[[job.shop.hook]]\nwhen = \"after\"\nshell = \"echo $REPO_JOB $REPO_STATE $REPO_SNAPSHOT >> PLACE/said\"\n[[job.shop.hook]]\nwhen = \"failed\"\nrun = [\"false\"]\n";
    let place = place(&format!("{DUMP}run = [[\"echo\", \"rows\"], [\"tr\", \"a-z\", \"A-Z\"]]\n{hooks}"));
    let line = run_job(&place, 0);
    assert_eq!(line["state"], "good");
    assert_eq!(
        steps(&line),
        [
            "hook before: sh: good",
            "database dump: good",
            "snapshot : good",
            "hook after: sh: good",
            "guard : good",
            "prune : good",
            "check : good",
            "drill : good"
        ]
    );
    let id = line["snapshot"].as_str().unwrap();
    assert_eq!(fs::read_to_string(place.path("said")).unwrap(), format!("before\nshop good {id}\n"));
    assert_eq!(by_config(&place, &["cat", "latest:/databases/dump/all.sql"]).expect(0).stdout, "ROWS\n");
    assert!(by_config(&place, &["cat", "latest:/.repo/repo.toml"]).expect(0).stdout.contains("[job.shop]"));
    assert!(by_config(&place, &["cat", "latest:/.repo/machine.json"]).expect(0).stdout.contains("\"host\""));
    let listed = by_config(&place, &["--json", "snapshots"]).expect(0).json();
    assert_eq!((listed["series"].as_str(), listed["kind"].as_str()), (Some("shop"), Some("full")));
    assert_eq!(run_job(&place, 0)["state"], "good");
    let quiet = by_config(&place, &["-q", "run"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn a_hook_that_fails_before_the_run_leaves_no_snapshot_and_finally_runs_all_the_same() {
    let place = place(
        "[[job.shop.hook]]\nwhen = \"before\"\nshell = \"echo the importer is busy >&2; exit 3\"\n[[job.shop.hook]]\nwhen = \"before\"\nshell = \"touch PLACE/second\"\n[[job.shop.hook]]\nwhen = \"failed\"\nshell = \"touch PLACE/failed\"\n[[job.shop.hook]]\nwhen = \"finally\"\nshell = \"touch PLACE/finally\"\n",
    );
    let line = run_job(&place, 1);
    assert_eq!(line["state"], "failed");
    assert!(message(&line, "hook").contains("(exit status: 3): the importer is busy"), "{line}");
    assert_eq!((snapshots(&place), message(&line, "snapshot").as_str()), (0, "a hook before it failed"));
    assert!(place.path("failed").exists() && place.path("finally").exists() && !place.path("second").exists());
    assert_eq!(steps(&line)[3], "prune : skipped", "{line}");
}

#[test]
fn what_a_hook_is_allowed_to_fail_at_decides_how_the_run_ends() {
    let place = place("[[job.shop.hook]]\nwhen = \"after\"\nrun = [\"false\"]\non_failure = \"ignore\"\n");
    assert_eq!(run_job(&place, 0)["state"], "good");
    add(&place, "[[job.shop.hook]]\nwhen = \"before\"\nrun = [\"false\"]\non_failure = \"warn\"\n");
    let line = run_job(&place, 3);
    assert_eq!((line["state"].as_str(), snapshots(&place)), (Some("incomplete"), 2));
    add(&place, "[[job.shop.hook]]\nwhen = \"finally\"\nrun = [\"sleep\", \"600\"]\ntimeout = \"1s\"\n");
    assert!(message(&run_job(&place, 1), "hook").contains("took longer than 1 seconds"));
}

#[test]
fn a_dump_that_fails_is_empty_or_too_small_commits_nothing_not_even_the_files() {
    for (command, why) in [
        ("run = [[\"sh\", \"-c\", \"echo half; exit 7\"]]", "(exit status: 7)"),
        ("run = [[\"sh\", \"-c\", \"echo first died >&2; exit 7\"], [\"cat\"]]", "first died"),
        ("run = [\"true\"]", "printed 0 B"),
        ("run = [\"echo\", \"little\"]\nfloor = \"1K\"", "less than 1.0 KiB is no dump"),
        ("run = [\"no-such-dump-program\"]", "cannot run `no-such-dump-program`"),
        ("run = [\"sleep\", \"600\"]\ntimeout = \"1s\"", "took longer than 1 seconds"),
    ] {
        let place = place(&format!("{DUMP}{command}\n"));
        let line = run_job(&place, 1);
        assert!(
            message(&line, "snapshot").starts_with("database `dump`: ") && message(&line, "snapshot").contains(why),
            "{command}: {line}"
        );
        assert_eq!((snapshots(&place), line["snapshot"].is_null()), (0, true), "{command}");
        assert!(steps(&line).contains(&"prune : skipped".to_owned()), "{command}");
    }
}

#[test]
fn a_dump_that_shrank_below_its_share_of_the_last_one_does_not_count() {
    let place = place(&format!("{DUMP}shell = \"cat PLACE/rows\"\nfloor = \"50%\"\n"));
    fs::write(place.path("rows"), "row\n".repeat(1000)).unwrap();
    run_job(&place, 0);
    fs::write(place.path("rows"), "row\n".repeat(499)).unwrap();
    assert!(message(&run_job(&place, 1), "snapshot").contains("is no dump"));
    fs::write(place.path("rows"), "row\n".repeat(501)).unwrap();
    run_job(&place, 0);
    assert_eq!(snapshots(&place), 2);
}

#[test]
fn a_source_that_lost_most_of_its_files_makes_a_suspect_snapshot_and_rules_wait_until_it_is_accepted() {
    let place = place("");
    let first = run_job(&place, 0)["snapshot"].as_str().unwrap().to_owned();
    (0..25).for_each(|number| fs::remove_file(place.path(&format!("source/{number}"))).unwrap());
    let line = run_job(&place, 3);
    assert_eq!((line["state"].as_str(), steps(&line).contains(&"prune : skipped".to_owned())), (Some("suspect"), true));
    assert!(message(&line, "guard").contains("25 of 33 files of "), "{line}");
    let suspect = line["snapshot"].as_str().unwrap();
    let kept = by_config(&place, &["prune", "--keep-last", "1", "--override-protection"]).expect(0).stdout;
    assert!(kept.contains("the rules wait: ") && snapshots(&place) == 2, "{kept}");
    let forgotten = by_config(&place, &["forget", &first]).expect(2).stderr;
    assert!(forgotten.contains("is pinned"), "the last good one is: {forgotten}");
    by_config(&place, &["accept", suspect]).expect(0);
    assert!(by_config(&place, &["accept", suspect]).expect(2).stderr.contains("is not suspect"));
    assert_eq!(run_job(&place, 0)["state"], "good", "it is measured against what was accepted");
}

#[test]
fn what_is_missing_or_empty_is_an_error_and_commits_nothing() {
    let place = place("");
    run_job(&place, 0);
    fs::rename(place.path("source"), place.path("away")).unwrap();
    assert!(message(&run_job(&place, 1), "snapshot").contains("is not there; nothing was committed"));
    fs::create_dir(place.path("source")).unwrap();
    assert!(message(&run_job(&place, 1), "snapshot").contains("is empty; nothing was committed"));
    by_config(&place, &["snapshot"]).expect(2);
    assert_eq!(snapshots(&place), 1);
}

#[test]
fn damage_that_the_check_finds_is_the_exit_code_and_the_run_is_no_good_one() {
    let place = place("");
    fs::write(place.path("repo.toml"), fs::read_to_string(place.path("repo.toml")).unwrap().replace("\"1%\"", "\"100%\"")).unwrap();
    run_job(&place, 0);
    let pack = fs::read_dir(place.path("made/packs")).unwrap().flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    for pack in pack.map(|entry| entry.unwrap().path()) {
        let mut bytes = fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&pack, bytes).unwrap();
    }
    let line = run_job(&place, 4);
    assert_eq!(line["state"], "failed");
    assert!(message(&line, "check").contains("stored data is damaged"), "{line}");
}

#[test]
fn a_dry_run_holds_nothing_writes_nothing_and_runs_no_hook() {
    let place =
        place(&format!("{DUMP}shell = \"touch PLACE/dumped\"\n[[job.shop.hook]]\nwhen = \"before\"\nshell = \"touch PLACE/hooked\"\n"));
    let told = by_config(&place, &["run", "-n"]).expect(0);
    assert!(told.stderr.contains("database `dump`: the output of `sh` would be saved"), "{}", told.stderr);
    assert!(!place.path("dumped").exists() && !place.path("hooked").exists() && snapshots(&place) == 0);
}

#[test]
fn a_job_that_runs_already_is_busy_and_one_that_died_is_told_by_the_next() {
    let place = place(
        "[[job.shop.hook]]\nwhen = \"before\"\nshell = \"echo $$ > PLACE/pid.new; mv PLACE/pid.new PLACE/pid; exec sleep 600\"\ntimeout = \"10min\"\n[[job.shop.hook]]\nwhen = \"finally\"\nshell = \"echo $REPO_STATE >> PLACE/finally\"\n",
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repo"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("REPO_CACHE_DIR", place.path("cache")).env("XDG_STATE_HOME", place.path("state"));
    let mut first = command
        .current_dir(place.path(""))
        .arg("run")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !place.path("pid").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it runs until it is killed");
        std::thread::yield_now();
    }
    assert!(by_config(&place, &["run"]).expect(11).stderr.contains("job `shop` is running already"));
    first.kill().unwrap();
    first.wait().unwrap();
    let hook: i32 = fs::read_to_string(place.path("pid")).unwrap().trim().parse().unwrap();
    std::process::Command::new("kill").args(["-9", &hook.to_string()]).status().unwrap();
    let text = fs::read_to_string(place.path("repo.toml")).unwrap();
    fs::write(place.path("repo.toml"), text.replace("exec sleep 600", "true")).unwrap();
    let line = run_job(&place, 0);
    assert_eq!(steps(&line)[0], "hook finally: sh: good", "what must run in any case runs for the one that died: {line}");
    assert_eq!(fs::read_to_string(place.path("finally")).unwrap(), "died\ngood\n");
}

#[test]
fn jobs_are_chosen_by_name_and_one_that_fails_does_not_keep_the_others_from_running() {
    let place = place("[job.other]\nsource = [\"PLACE/photos\"]\n");
    fs::create_dir(place.path("photos")).unwrap();
    let ran = by_config(&place, &["--json", "run"]).expect(1).stdout;
    let states: Vec<Value> = ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((states[0]["state"].as_str(), states[1]["state"].as_str()), (Some("good"), Some("failed")));
    fs::write(place.path("photos/p"), "picture").unwrap();
    assert_eq!(by_config(&place, &["--json", "run", "other"]).expect(0).json()["job"], "other");
    assert!(by_config(&place, &["run", "othre"]).expect(2).stderr.contains("there are: `shop`, `other`"));
}

#[test]
fn a_snapshot_without_a_path_saves_the_jobs_of_the_configuration() {
    let place = place(&format!("{DUMP}run = [\"echo\", \"rows\"]\n[[job.shop.hook]]\nwhen = \"before\"\nrun = [\"false\"]\n"));
    let line = by_config(&place, &["--json", "snapshot", "--tag", "x"]).expect(0).json();
    assert_eq!((line["series"].as_str(), line["tags"][0].as_str()), (Some("shop"), Some("x")));
    assert_eq!(by_config(&place, &["cat", "latest:/databases/dump/all.sql"]).expect(0).stdout, "rows\n");
    by_config(&place, &["snapshot", "--series", "other"]).expect(2);
    by_config(&place, &["snapshot", "source/1"]).expect(0);
}

#[test]
fn those_who_want_to_know_are_told_and_who_could_not_be_shows_in_the_status() {
    let place = place(
        "[[notify]]\non = [\"failed\", \"recovered\"]\ncommand = [\"sh\", \"-c\", \"cat > PLACE/told-$REPO_EVENT\"]\n[[notify]]\non = [\"failed\"]\ncommand = [\"false\"]\n",
    );
    run_job(&place, 0);
    assert!(!place.path("told-good").exists());
    fs::rename(place.path("source"), place.path("away")).unwrap();
    let failed = run_job(&place, 1);
    let told: Value = serde_json::from_slice(&fs::read(place.path("told-failed")).unwrap()).unwrap();
    assert_eq!((told["event"].as_str(), told["job"].as_str()), (Some("failed"), Some("shop")));
    assert!(!told.to_string().contains("source"), "no path is named unless asked: {told}");
    assert!(steps(&failed).contains(&"notice command: failed".to_owned()), "{failed}");
    let status = by_config(&place, &["--json", "status"]).expect(3).json();
    assert!(status["warnings"].to_string().contains("nobody was told by command: "), "{status}");
    fs::rename(place.path("away"), place.path("source")).unwrap();
    run_job(&place, 0);
    assert!(place.path("told-recovered").exists());
}
