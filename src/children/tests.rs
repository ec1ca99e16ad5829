//! Programs are ended in time, keep no secrets, and lose no words.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::*;
use crate::error::ErrorKind;
use crate::progress::Silent;

fn shell(script: &str) -> Program {
    Program::new("sh").arg("-c").arg(script)
}

#[test]
fn an_answer_a_status_and_the_last_complaints_come_back() {
    let ended = shell("echo answer; for i in $(seq 30); do echo line $i >&2; done; exit 3").run(&Silent).unwrap();
    assert_eq!((ended.text().as_str(), ended.status.code()), ("answer\n", Some(3)));
    assert!(ended.complaint.starts_with("line 11\n") && ended.complaint.ends_with("line 30"), "{}", ended.complaint);
    let error = ended.check().unwrap_err().to_string();
    assert!(error.starts_with("`sh` failed (exit status: 3): line 11; line 12"), "{error}");
}

#[test]
fn a_program_does_not_inherit_the_way_to_the_password() {
    let command = shell("true").command().unwrap();
    let removed: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_owned()).collect();
    for variable in SECRET_VARIABLES {
        assert!(removed.iter().any(|name| name == variable), "{variable}");
    }
}

#[test]
fn input_is_given_and_need_not_be_read() {
    assert_eq!(Program::new("cat").input("words").run(&Silent).unwrap().text(), "words");
    let long = vec![b'x'; 1 << 20];
    assert!(shell("exit 0").input(long).run(&Silent).unwrap().status.success());
}

#[test]
fn time_that_is_up_ends_a_program_with_all_that_it_started() {
    let begun = Instant::now();
    let error = shell("sleep 600 & sleep 600").time_limit(Duration::from_millis(50)).run(&Silent).unwrap_err();
    assert!(error.to_string().contains("took longer than 0.05 seconds"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_request_to_stop_ends_a_program() {
    let error = shell("sleep 600").run(&AtomicBool::new(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn what_stays_in_the_background_is_not_waited_for() {
    let begun = Instant::now();
    assert_eq!(shell("sleep 600 >/dev/null & echo done").run(&Silent).unwrap().text(), "done\n");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = Program::new("no-such-program-anywhere").run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no-such-program-anywhere"), "{error}");
}

#[test]
fn a_lock_lasts_until_a_program_that_keeps_its_file_open_has_ended() {
    use crate::platform::{Failure, lock};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let ours = std::sync::Arc::new(std::fs::File::create(&path).unwrap());
    lock::try_take(&*ours, lock::Share::Alone).unwrap();
    let mut running = Program::new("sleep").arg("600").keeping_open(std::sync::Arc::clone(&ours)).start().unwrap();
    drop(ours);
    let others = std::fs::File::open(&path).unwrap();
    assert_eq!(lock::try_take(&others, lock::Share::Alone).err(), Some(Failure::WOULD_WAIT));
    assert!(running.input().is_none());
    drop(running);
    lock::try_take(&others, lock::Share::Alone).unwrap();
}
