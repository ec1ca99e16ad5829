//! `repo schedule`: what the system's scheduler is told, and that nothing of others is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command as Program;

use serde_json::Value;
use strongroom::calendar::Calendar;
use strongroom::schedule::Condition;
use strongroom::schedule::units::{Installation, Priority, ScheduledJob, Scope, systemd_units};

use crate::cli_place::{Place, Ran, run};
use crate::needs::has_tool;

const CONFIG: &str = r#"
version = 1
[defaults]
priority = "low"
[job.shop]
source = ["/srv/shop"]
schedule = "Mon..Sat 19:30"
after = ["network", "ac-power", "medium:/mnt/a disk"]
[job."before 50% of $HOME/x"]
source = ["/srv/x"]
schedule = "*-*~1 12:00 Europe/Berlin"
priority = "normal"
[job.by_hand]
source = ["/srv/other"]
"#;

/// A configuration, a home, and stand-ins for the programs that would change the machine: what they are called with is
/// written down.
struct Evening {
    place: Place,
}

impl Evening {
    fn new() -> Self {
        Self::with(&["systemctl", "crontab"])
    }

    fn with(programs: &[&str]) -> Self {
        let evening = Self { place: Place::new() };
        fs::create_dir(evening.place.path("bin")).unwrap();
        fs::write(evening.place.path("shop.toml"), CONFIG).unwrap();
        for name in programs {
            evening.stand_in(name, "");
        }
        let table = evening.place.text("table");
        let keeps = format!("case $1 in -l) cat {table} 2>/dev/null || exit 1;; -r) rm {table};; -) cat > {table};; esac");
        if programs.contains(&"crontab") {
            evening.stand_in("crontab", &keeps);
        }
        evening
    }

    /// A program of this name that writes down how it is called.
    fn stand_in(&self, name: &str, does: &str) {
        let path = self.place.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\necho {name} \"$@\" >> {}\n{does}\n", self.place.text("calls"))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn schedule(&self, arguments: &[&str]) -> Ran {
        let config = self.place.text("shop.toml");
        let mut command = self.place.bare();
        command.env("XDG_CONFIG_HOME", self.place.path("home")).args(["schedule"]).args(arguments).args(["--config", &config]);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.place.text("bin")));
        run(&mut command)
    }

    fn folder(&self) -> PathBuf {
        self.place.path("home/systemd/user")
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.place.path("calls")).unwrap_or_default()
    }

    fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.place.path("shop.toml")).unwrap();
        assert!(text.contains(from));
        fs::write(self.place.path("shop.toml"), text.replace(from, to)).unwrap();
    }
}

#[test]
fn each_job_with_a_schedule_gets_a_timer_that_systemd_takes_and_starts() {
    let evening = Evening::new();
    let installed = evening.schedule(&["install", "--user", "--json"]).expect(0).stdout;
    let installed: Value = serde_json::from_str(&installed).unwrap();
    assert_eq!(installed["started"], true);
    let files = evening.files();
    assert_eq!(files.len(), 6, "a service and a timer for two jobs, and for what looks after them: {files:?}");
    assert!(files.contains(&"repo-job-shop.timer".to_owned()) && files.iter().all(|name| !name.contains("by_hand")));
    for name in &files {
        let mode = fs::metadata(evening.folder().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "systemd reads {name}");
    }
    let calls = evening.calls();
    assert!(calls.contains("systemctl --user daemon-reload\n") && calls.contains("systemctl --user enable --now"), "{calls}");
    assert!(calls.contains("repo-job-shop.timer") && !calls.contains("repo-job-shop.service"), "{calls}");
    if !has_tool("systemd-analyze") {
        return;
    }
    assert_eq!(installed["verified"], true);
    let paths = files.iter().map(|name| evening.folder().join(name));
    let runtime = evening.place.path("home");
    let mut verify = Program::new("systemd-analyze");
    let said = verify.args(["verify", "--user", "--man=no"]).args(paths).env("XDG_RUNTIME_DIR", runtime).output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// The path of a program is the one argument that systemd looks at when it reads a unit.
#[test]
fn a_program_with_any_characters_in_its_path_is_found_by_systemd() {
    if !has_tool("systemd-analyze") {
        return;
    }
    let place = Place::new();
    for name in ["plain", "a b", "50% of", "%h", "$HOME x", "it's", "\"quoted\"", "back\\slash", "ümlaut", "semi;colon", "@home", "a\\x20b"]
    {
        // systemd takes no program with quotes or backslashes in its path, however they are written.
        let own = if name.contains(['\'', '"', '\\']) { "plain" } else { name };
        let (folder, units) = (place.path("programs").join(own), place.path("units").join(name.replace(['%', '\\'], "_")));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&units).unwrap();
        let program = folder.join(own);
        fs::copy("/bin/true", &program).unwrap();
        let installation = Installation { program, config: place.path(name), scope: Scope::User };
        let calendar = Calendar::parse("daily").unwrap();
        let after = vec![Condition::Medium(place.path(name))];
        let job = ScheduledJob { name: name.to_owned(), calendar, after, priority: Priority::Low };
        let paths = systemd_units(&installation, &[job]).into_iter().map(|unit| {
            fs::write(units.join(&unit.name), unit.text).unwrap();
            units.join(unit.name)
        });
        let mut verify = Program::new("systemd-analyze");
        let verify = verify.args(["verify", "--user", "--man=no", "--recursive-errors=no"]).args(paths.collect::<Vec<_>>());
        let said = verify.env("XDG_RUNTIME_DIR", place.path("units")).output().unwrap();
        assert!(said.status.success() && said.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

#[test]
fn a_second_install_writes_nothing_and_a_third_follows_the_configuration() {
    let evening = Evening::new();
    evening.schedule(&["install", "--user"]).expect(0);
    let again: Value = serde_json::from_str(&evening.schedule(&["install", "--user", "--json"]).expect(0).stdout).unwrap();
    assert_eq!((again["written"].as_array().unwrap().len(), again["removed"].as_array().unwrap().len()), (0, 0));
    evening.change("Mon..Sat 19:30", "20:00");
    evening.change("schedule = \"*-*~1 12:00 Europe/Berlin\"", "");
    evening.schedule(&["install", "--user"]).expect(0);
    assert_eq!(evening.files().len(), 4, "{:?}", evening.files());
    assert!(fs::read_to_string(evening.folder().join("repo-job-shop.timer")).unwrap().contains("OnCalendar=20:00\n"));
    assert!(evening.calls().contains("systemctl --user disable --now repo-job-before"), "{}", evening.calls());
}

#[test]
fn remove_leaves_nothing_of_ours_and_all_of_others() {
    let evening = Evening::new();
    evening.schedule(&["install", "--user"]).expect(0);
    let folder = evening.folder();
    fs::create_dir(folder.join("timers.target.wants")).unwrap();
    symlink(folder.join("repo-job-shop.timer"), folder.join("timers.target.wants/repo-job-shop.timer")).unwrap();
    symlink("/elsewhere/other.timer", folder.join("timers.target.wants/other.timer")).unwrap();
    fs::write(folder.join("repo-job-mine.timer"), "[Timer]\nOnCalendar=daily\n").unwrap();
    let ours = fs::read_to_string(folder.join("repo-job-shop.timer")).unwrap();
    fs::write(folder.join("repo-job-other.timer"), ours.replace("shop.toml", "other.toml")).unwrap();
    // What a killed install was writing goes, too.
    fs::write(folder.join(".repo-job-shop.timer.strongroom-new"), &ours).unwrap();
    // The configuration may be gone.
    fs::remove_file(evening.place.path("shop.toml")).unwrap();
    let removed = evening.schedule(&["remove", "--user"]).expect(0).stdout;
    assert!(removed.contains("repo-job-shop.timer"), "{removed}");
    assert_eq!(evening.files(), ["repo-job-mine.timer", "repo-job-other.timer", "timers.target.wants"]);
    let links: Vec<_> = fs::read_dir(folder.join("timers.target.wants")).unwrap().map(|link| link.unwrap().file_name()).collect();
    assert_eq!(links, ["other.timer"]);
    assert!(evening.calls().contains("systemctl --user disable --now"), "{}", evening.calls());
    assert!(evening.schedule(&["remove", "--user"]).expect(0).stdout.contains("nothing was scheduled"));
}

#[test]
fn a_file_that_is_not_ours_stops_the_install_before_anything_is_written() {
    let evening = Evening::new();
    let timer = evening.folder().join("repo-job-shop.timer");
    fs::create_dir_all(evening.folder()).unwrap();
    let elsewhere = evening.place.path("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    for lay in [0, 1, 2] {
        match lay {
            0 => fs::write(&timer, "[Timer]\nOnCalendar=daily\n").unwrap(),
            1 => symlink(&elsewhere, &timer).unwrap(),
            _ => fs::create_dir(&timer).unwrap(),
        }
        let refused = evening.schedule(&["install", "--user"]).expect(1).stderr;
        assert!(refused.contains("repo-job-shop.timer") && refused.contains("was not written by `repo schedule`"), "{refused}");
        assert_eq!(evening.files(), ["repo-job-shop.timer"]);
        if lay == 2 { fs::remove_dir(&timer).unwrap() } else { fs::remove_file(&timer).unwrap() }
    }
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "mine");
    // One of another configuration neither.
    evening.schedule(&["install", "--user"]).expect(0);
    let other = evening.place.text("other.toml");
    fs::copy(evening.place.path("shop.toml"), &other).unwrap();
    let mut command = evening.place.bare();
    command.env("XDG_CONFIG_HOME", evening.place.path("home")).args(["schedule", "install", "--user", "--config", &other]);
    assert!(run(&mut command).expect(1).stderr.contains("belongs to another configuration"));
}

#[test]
fn units_of_which_systemd_says_anything_are_not_put_in_place_though_it_exits_0() {
    let evening = Evening::new();
    evening.stand_in("systemd-analyze", "echo 'Unknown key, ignoring' >&2");
    let refused = evening.schedule(&["install", "--user"]).expect(2).stderr;
    assert!(refused.contains("systemd does not take the units") && refused.contains("Unknown key"), "{refused}");
    assert!(evening.files().is_empty() && !evening.calls().contains("systemctl"), "{}", evening.calls());
}

#[test]
fn where_systemd_does_not_answer_the_command_is_said() {
    let evening = Evening::with(&[]);
    evening.stand_in("systemctl", "exit 1");
    evening.stand_in("crontab", "exit 1");
    let said = evening.schedule(&["install", "--user"]).expect(0).stderr;
    assert!(said.contains("systemctl --user daemon-reload") && said.contains("systemctl --user enable --now"), "{said}");
    assert_eq!(evening.files().len(), 6);
}

#[test]
fn an_own_folder_gets_the_files_and_nothing_is_started() {
    let evening = Evening::new();
    let folder = evening.place.text("units");
    evening.schedule(&["install", "--system", "--into", &folder]).expect(0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
    // cron takes the place of the timers there.
    evening.schedule(&["install", "--system", "--cron", "--into", &folder]).expect(0);
    let removed = evening.schedule(&["remove", "--system", "--into", &folder]).expect(0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{}", removed.stdout);
    assert_eq!(evening.calls(), "");
}

#[test]
fn lines_for_cron_stand_among_those_of_others_and_go_without_them() {
    let evening = Evening::new();
    let others = "# mine\n5 4 * * * /bin/true\n";
    fs::write(evening.place.path("table"), others).unwrap();
    evening.schedule(&["install", "--user"]).expect(0);
    evening.schedule(&["install", "--user", "--cron"]).expect(0);
    assert!(evening.files().is_empty(), "one of the two is enough: {:?}", evening.files());
    let table = fs::read_to_string(evening.place.path("table")).unwrap();
    assert!(table.starts_with(others) && table.contains("30 19 * * 1,2,3,4,5,6 nice -n 19 "), "{table}");
    assert!(table.contains("cron cannot say *-*~1 12:00 Europe/Berlin") && table.contains("*/15 * * * * "), "{table}");
    evening.schedule(&["install", "--user", "--cron"]).expect(0);
    assert_eq!(fs::read_to_string(evening.place.path("table")).unwrap(), table, "twice is once");
    if has_tool("crontab") {
        let said = Program::new("/usr/bin/crontab").arg("-n").arg(evening.place.path("table")).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
    evening.schedule(&["remove", "--user"]).expect(0);
    assert_eq!(fs::read_to_string(evening.place.path("table")).unwrap(), others);
    // Lines that somebody has torn apart are left.
    evening.schedule(&["install", "--user", "--cron"]).expect(0);
    let torn = fs::read_to_string(evening.place.path("table")).unwrap().replace("# strongroom end", "# changed");
    fs::write(evening.place.path("table"), &torn).unwrap();
    assert!(evening.schedule(&["remove", "--user"]).expect(1).stderr.contains("begin and do not end"));
    assert_eq!(fs::read_to_string(evening.place.path("table")).unwrap(), torn);
}

#[test]
fn the_list_says_the_next_five_times_and_what_is_installed() {
    let evening = Evening::new();
    let list = || -> Vec<Value> {
        let text = evening.schedule(&["list", "--user", "--json"]).expect(0).stdout;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let jobs = list();
    assert_eq!(jobs.len(), 2);
    let shop = jobs.iter().find(|job| job["job"] == "shop").unwrap();
    let next: Vec<&str> = shop["next"].as_array().unwrap().iter().map(|time| time.as_str().unwrap()).collect();
    assert!(next.len() == 5 && next.is_sorted() && next.iter().all(|time| time.ends_with("T19:30:00.000000000Z")), "{next:?}");
    assert_eq!((&shop["installed"], &shop["is_current"]), (&Value::Null, &Value::Null));
    evening.schedule(&["install", "--user"]).expect(0);
    assert!(list().iter().all(|job| job["installed"] == "systemd" && job["is_current"] == true));
    evening.change("Mon..Sat 19:30", "20:00");
    let jobs = list();
    let current = |name: &str| jobs.iter().find(|job| job["job"] == name).unwrap()["is_current"].clone();
    assert_eq!((current("shop"), current("before 50% of $HOME/x")), (false.into(), true.into()));
    let shown = evening.schedule(&["list", "--user"]).expect(0).stdout;
    assert!(shown.contains("outdated") && shown.contains("20:00"), "{shown}");
    evening.schedule(&["install", "--user", "--cron"]).expect(0);
    assert!(list().iter().all(|job| job["installed"] == "cron" && job["is_current"] == true));
}

#[test]
fn files_for_macos_and_windows_are_what_their_readers_take() {
    let evening = Evening::new();
    for (system, reads) in [
        ("launchd", "import plistlib; p = plistlib.loads(data); assert p['Label'] and p['ProgramArguments'][1] == 'run'"),
        ("windows", "import xml.etree.ElementTree as e; assert len(e.fromstring(data)) == 5"),
    ] {
        let text = evening.schedule(&["install", "--print", system, "--json"]).expect(0).stdout;
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            let printed: Value = serde_json::from_str(line).unwrap();
            let file = evening.place.path("printed");
            fs::write(&file, printed["text"].as_str().unwrap()).unwrap();
            let script = format!("data = open({:?}, 'rb').read(); {reads}", file.to_str().unwrap());
            let said = Program::new("python3").args(["-c", &script]).output().unwrap();
            assert!(said.status.success(), "{printed}: {}", String::from_utf8_lossy(&said.stderr));
        }
    }
    assert!(evening.files().is_empty() && evening.calls().is_empty());
}

#[test]
fn a_mistake_in_a_schedule_names_the_job_and_the_column() {
    let evening = Evening::new();
    evening.change("19:30", "25:30");
    let refused = evening.schedule(&["install", "--user"]).expect(2).stderr;
    assert!(refused.contains("7:12: ") && refused.contains("the hour must be 0 to 23, not 25, at column 10"), "{refused}");
    evening.change("25:30", "19:30");
    evening.change("ac-power", "sunshine");
    assert!(evening.schedule(&["list", "--user"]).expect(2).stderr.contains("`sunshine`"));
    fs::write(evening.place.path("shop.toml"), "version = 1\n[job.a]\nsource = [\"/a\"]\n").unwrap();
    assert!(evening.schedule(&["install", "--user"]).expect(2).stderr.contains("no job has a `schedule`"));
    assert!(evening.files().is_empty());
}

#[test]
fn an_install_that_is_stopped_at_any_file_leaves_whole_files_only() {
    let evening = Evening::new();
    evening.schedule(&["install", "--user"]).expect(0);
    // A folder stands where the last file was to be written first.
    let folder = evening.folder();
    let name = evening.files().into_iter().find(|name| name.ends_with("shop.timer")).unwrap();
    let blocked = folder.join(format!(".{name}.strongroom-new"));
    fs::create_dir(&blocked).unwrap();
    evening.change("Mon..Sat 19:30", "20:00");
    let before = fs::read_to_string(folder.join(&name)).unwrap();
    evening.schedule(&["install", "--user"]).expect(1);
    assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), before);
    fs::remove_dir(&blocked).unwrap();
    evening.schedule(&["install", "--user"]).expect(0);
    assert!(fs::read_to_string(folder.join(&name)).unwrap().contains("20:00"));
}
