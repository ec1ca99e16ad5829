//! What stands in the files, to the letter; whether the schedulers take it is asked in `tests/cli_schedule.rs`.

use super::*;
use crate::calendar::Calendar;
use crate::schedule::Condition;

fn installation(config: &str) -> Installation {
    Installation { program: "/usr/bin/repo".into(), config: config.into(), scope: Scope::System }
}

fn job(name: &str, calendar: &str, after: &[Condition], priority: Priority) -> ScheduledJob {
    let calendar = Calendar::parse(calendar).expect("it is right");
    ScheduledJob { name: name.into(), calendar, after: after.to_vec(), priority }
}

fn text_of<'u>(units: &'u [UnitFile], name: &str) -> &'u str {
    &units.iter().find(|unit| unit.name == name).expect(name).text
}

#[test]
fn a_job_is_a_timer_that_catches_up_and_a_service_that_waits_for_what_it_needs() {
    let after = [Condition::Network, Condition::AcPower, Condition::Medium("/mnt/a disk".into())];
    let installation = installation("/etc/repo/repo.toml");
    let units = systemd_units(&installation, &[job("shop", "Mon..Sat 19:30", &after, Priority::Low)]);
    let timer = text_of(&units, "repo-job-shop.timer");
    let expected = "[Unit]\nDescription=Backup shop, by /etc/repo/repo.toml\n\n[Timer]\nOnCalendar=Mon..Sat 19:30\nPersistent=true\n\n\
                    [Install]\nWantedBy=timers.target\n";
    assert_eq!(timer, format!("{MARK}\n# strongroom-config: /etc/repo/repo.toml\n{expected}"));
    let service = text_of(&units, "repo-job-shop.service");
    for line in [
        "Wants=network-online.target",
        "After=network-online.target",
        "ConditionACPower=true",
        "RequiresMountsFor=\"/mnt/a disk\"",
        "Type=oneshot",
        "ExecStart=/usr/bin/repo run shop --scheduled --config /etc/repo/repo.toml",
        "Nice=19",
        "IOSchedulingClass=idle",
    ] {
        assert!(service.lines().any(|found| found == line), "{line} in {service}");
    }
    let looks = text_of(&units, &format!("{}.timer", due_name(&installation)));
    assert!(looks.contains("OnCalendar=*:0/15\n"), "{looks}");
    let normal = systemd_units(&installation, &[job("shop", "daily", &[], Priority::Normal)]);
    let service = text_of(&normal, "repo-job-shop.service");
    assert!(!["Nice", "IOScheduling", "network", "Condition", "Requires"].iter().any(|word| service.contains(word)), "{service}");
    assert!(systemd_units(&installation, &[]).is_empty());
}

#[test]
fn what_means_something_to_a_scheduler_is_written_so_that_it_means_itself() {
    let installation = installation("/srv/50% of $HOME/it's \"here\"\\.toml");
    let evil = job("a b%n$x/..", "daily", &[], Priority::Normal);
    let units = systemd_units(&installation, std::slice::from_ref(&evil));
    let name = "repo-job-a\\x20b\\x25n\\x24x\\x2f..";
    let service = text_of(&units, &format!("{name}.service"));
    let expected = r#"ExecStart=/usr/bin/repo run "a b%%n$$x/.." --scheduled --config "/srv/50%% of $$HOME/it's \"here\"\\.toml""#;
    assert!(service.lines().any(|line| line == expected), "{service}");
    let lines = cron_lines(&installation, &[evil]);
    let expected = r#"0 0 * * * root /usr/bin/repo run 'a b\%n$x/..' --scheduled --config '/srv/50\% of $HOME/it'\''s "here"\.toml'"#;
    assert!(lines.lines().any(|line| line == expected), "{lines}");
}

#[test]
fn a_path_that_is_no_line_of_text_is_refused() {
    for config in ["/etc/a\nExecStart=/bin/sh", "relative.toml", "/etc/\u{7f}"] {
        assert!(installation(config).check().is_err(), "{config:?}");
    }
    assert!(installation("/etc/repo/a b.toml").check().is_ok());
}

#[test]
fn files_are_ours_by_their_first_line_and_of_a_configuration_by_their_second() {
    let (one, other) = (installation("/etc/repo/repo.toml"), installation("/etc/repo/repo.toml2"));
    let units = systemd_units(&one, &[job("shop", "daily", &[], Priority::Low)]);
    for unit in &units {
        assert!(is_ours(&unit.text) && is_of(&unit.text, &one) && !is_of(&unit.text, &other));
    }
    assert!(!is_ours("[Unit]\n") && !is_ours("") && !is_ours(&format!("x{MARK}\n")));
    assert_ne!(due_name(&one), due_name(&other));
}

#[test]
fn cron_is_told_what_it_can_say_and_looks_after_the_rest() {
    for (calendar, fields) in [
        ("Mon..Sat 19:30", Some("30 19 * * 1,2,3,4,5,6")),
        ("Sun 22:00", Some("0 22 * * 0")),
        ("hourly", Some("0 * * * *")),
        ("*:0/15", Some("0,15,30,45 * * * *")),
        ("quarterly", Some("0 0 1 1,4,7,10 *")),
        ("2026-12-24 18:00", None),
        ("*-*~1 12:00", None),
        ("Mon *-*-1..7 12:00", None),
        ("12:00:30", None),
        ("*:*:*", None),
        ("12:00 Europe/Berlin", None),
    ] {
        assert_eq!(cron_says(&Calendar::parse(calendar).expect(calendar)).as_deref(), fields, "{calendar}");
    }
    let lines = cron_lines(&installation("/etc/r.toml"), &[job("end", "*-*~1 12:00", &[], Priority::Low)]);
    assert!(lines.contains("# end: cron cannot say *-*~1 12:00"), "{lines}");
    assert!(lines.contains("\n*/15 * * * * root nice -n 19 /usr/bin/repo run --scheduled --config /etc/r.toml\n"), "{lines}");
}

#[test]
fn lines_of_others_in_a_table_of_cron_stay_as_they_are() {
    let installation = installation("/etc/r.toml");
    let ours = cron_lines(&installation, &[job("shop", "daily", &[], Priority::Low)]);
    let others = "# mine\n5 4 * * * /bin/true\n";
    assert_eq!(cron_without_ours(&format!("{others}{ours}{others}"), &installation), Some(others.repeat(2)));
    assert_eq!(cron_without_ours(others, &installation), Some(others.to_owned()));
    let torn = ours.replace("# strongroom end", "# changed");
    assert_eq!(cron_without_ours(&format!("{torn}{others}"), &installation), None, "what is not ours could be lost");
    assert_eq!(cron_without_ours("no end of line", &installation), Some("no end of line".to_owned()));
}

#[test]
fn launchd_and_windows_are_told_each_time_or_look_every_quarter_of_an_hour() {
    let installation = installation("/etc/a & b.toml");
    let plist = launchd_plist(&installation, &job("shop", "Mon,Thu 19:30", &[], Priority::Low));
    assert_eq!(plist.matches("<key>Weekday</key>").count(), 2);
    assert!(plist.contains("<string>/etc/a &amp; b.toml</string>") && plist.contains("<string>--scheduled</string>"), "{plist}");
    let plist = launchd_plist(&installation, &job("end", "*-*~1 12:00", &[], Priority::Low));
    assert!(plist.contains("<integer>900</integer>") && plist.contains("<string>--scheduled</string>"), "{plist}");
    let task = windows_task(&installation, &job("shop", "Mon,Thu 19:30", &[Condition::Network], Priority::Low));
    assert!(task.contains("<DaysOfWeek><Monday /><Thursday /></DaysOfWeek>") && task.contains("T19:30:00"), "{task}");
    assert!(task.contains("<RunOnlyIfNetworkAvailable>true<") && task.contains("&quot;/etc/a &amp; b.toml&quot;"), "{task}");
    let task = windows_task(&installation, &job("often", "*:0/5", &[], Priority::Normal));
    assert!(task.contains("<Interval>PT15M</Interval>") && task.contains("--scheduled"), "{task}");
    let task = windows_task(&installation, &job("month", "quarterly", &[], Priority::Normal));
    assert!(task.contains("<Day>1</Day>") && task.contains("<October />") && !task.contains("<May />"), "{task}");
}
