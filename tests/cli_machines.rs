//! Two machines of one name, told apart by what `/etc/machine-id` says.

use std::process::Command;

use crate::cli_place::{Place, Ran};
use crate::needs;

/// Runs a command as the machine whose id is in the file `id`, in a mount namespace of its own.
fn on_machine(place: &Place, id: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc/machine-id && exec \"$@\"";
    command.args(["-m", "bash", "-c", script]).arg(place.path(id)).arg(env!("CARGO_BIN_EXE_repo")).args(arguments);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("TZ", "UTC")
        .env("REPO_CACHE_DIR", place.path(&format!("cache-{id}")));
    let output = command.env("REPO_REPOSITORY", place.path("repository")).env("REPO_KEY_FILE", place.path("key")).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_prune_by_days_keeps_the_days_of_both_machines_of_one_name_and_their_runs_say_that_they_share() {
    if !(needs::is_root() && needs::has_tool("unshare") && std::path::Path::new("/etc/machine-id").exists()) {
        return;
    }
    let place = Place::with_repository();
    for (id, digit) in [("one", "1"), ("two", "2")] {
        std::fs::write(place.path(id), digit.repeat(32)).unwrap();
    }
    let (source, mut told) = (place.text("source"), Vec::new());
    for day in 1..=3 {
        for (id, hour) in [("one", 10), ("two", 20)] {
            std::fs::write(place.path("source/a"), id).unwrap();
            let time = format!("2024-06-0{day} {hour}:00");
            told.push(on_machine(&place, id, &["snapshot", &source, "--time", &time]).expect(0).stderr);
        }
    }
    assert!(told[1..].iter().all(|told| told.contains("another machine saved to the series")), "{told:?}");
    assert!(!told[0].contains("another machine"), "{told:?}");
    let pruned = on_machine(&place, "one", &["prune", "--keep-daily", "2"]).expect(0).stdout;
    assert!(pruned.contains("of 2 machines: 6 snapshots, 4 kept"), "{pruned}");
    let lines = on_machine(&place, "one", &["--json", "snapshots"]).expect(0).stdout;
    let machine = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["machine"].as_str().unwrap().to_owned();
    let machines: Vec<String> = lines.lines().map(machine).collect();
    assert_eq!(machines.len(), 4);
    assert!(machines[0] != machines[1] && machines[0] == machines[2] && machines[1] == machines[3], "{machines:?}");
    let bare = on_machine(&place, "one", &["--json", "--no-catalog", "snapshots"]).expect(0).stdout;
    assert_eq!(lines, bare);
    let shown = on_machine(&place, "one", &["snapshots"]).expect(0).stdout;
    assert!(shown.contains("Machine") && shown.contains(&format!("  {}  ", &machines[0][..8])), "{shown}");
}
