//! A database is held while its clients go on: what comes out is the database of one moment.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom::databases::firebird::{Checked, Firebird, Method, NewCopy, State, Step, Workshop, finish_copy};
use strongroom::databases::{Account, EntryKind, Held, Profile};
use strongroom::{Cancel, Collected, ErrorKind, Progress, Silent};

use super::server::{ACCOUNTS, Movers, Server};

/// What is held, as something to read from.
pub struct Reader<'h>(pub &'h mut dyn Held);

impl std::io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer).map_err(std::io::Error::other)
    }
}

pub fn fact<'a>(account: &'a Account, name: &str) -> &'a str {
    &account.facts.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name}: {account:?}")).1
}

/// Saves a database to a file.
#[track_caller]
pub fn save(firebird: &Firebird, to: &Path, progress: &dyn Progress) -> (NewCopy, Account) {
    let mut held = firebird.hold(progress).unwrap();
    let entry = held.next_entry().unwrap().unwrap();
    let copy = NewCopy::create_from(to, &mut Reader(&mut *held)).unwrap();
    assert!(held.next_entry().unwrap().is_none());
    let account = held.finish().unwrap();
    if let EntryKind::File(Some(bytes)) = entry.kind {
        assert_eq!((bytes, bytes), (account.bytes, std::fs::metadata(to).unwrap().len()));
    }
    (copy, account)
}

#[track_caller]
pub fn make_usable(copy: &NewCopy, scratch: &Path) {
    let finished = finish_copy(copy, &Workshop::new(scratch), &Silent).unwrap();
    assert!(matches!(finished.checked, Checked::Sound(_)), "{finished:?}");
}

fn what_is_held_is_of_one_moment(mode: &str) {
    let Some(server) = Server::start(mode) else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 8);
    let movers = Movers::begin(&server, &file);
    let firebird = server.firebird(&file, Method::Nbackup);
    for round in 0..3 {
        server.mark(&file, &format!("before {round}"));
        let to = server.path(&format!("scratch/{round}.fdb"));
        let (copy, account) = save(&firebird, &to, &Silent);
        assert_eq!(server.state(&file), State::Normal);
        server.mark(&file, &format!("after {round}"));
        assert_eq!((account.method.as_str(), account.version.as_str()), ("nbackup", "3.0.11"));
        assert!(account.begun_at <= account.ended_at);
        eprintln!(
            "{mode}, {}: hold {} ms, merge {} ms, delta {} B",
            round,
            fact(&account, "hold-ms"),
            fact(&account, "merge-ms"),
            fact(&account, "delta-bytes")
        );
        make_usable(&copy, &server.path("scratch"));
        let count = server.count_copy(&to);
        assert_eq!((count.money, count.pages), (ACCOUNTS * 100, 8 * 400));
        let expected = |name: &str, upto: i32| (0..upto).map(|round| format!("{name} {round}")).collect::<Vec<_>>();
        assert_eq!(count.markers, [expected("after", round), expected("before", round + 1)].concat());
    }
    let moved = movers.end();
    let count = server.count(&file);
    assert_eq!((count.money, count.moved), (ACCOUNTS * 100, moved));
    assert_eq!(server.records(), 0);
    assert!(!server.path("data/store.fdb.delta").exists());
}

#[test]
fn what_is_held_of_a_super_server_is_of_one_moment_while_clients_go_on() {
    what_is_held_is_of_one_moment("Super");
}

#[test]
fn what_is_held_of_a_classic_server_is_of_one_moment_while_clients_go_on() {
    what_is_held_is_of_one_moment("Classic");
}

#[test]
fn the_lock_is_released_as_soon_as_all_is_read_however_slowly_it_is_taken() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 8);
    let mut firebird = server.firebird(&file, Method::Nbackup);
    firebird.limits.memory_bytes = 1 << 20;
    firebird.limits.hold_warning = std::time::Duration::ZERO;
    let found = Collected::default();
    let mut held = firebird.hold(&found).unwrap();
    held.next_entry().unwrap().unwrap();
    let mut content = vec![0; 4096];
    assert_eq!(held.read(&mut content).unwrap(), 4096);
    assert_eq!(content[43] & 0x0c, 4, "it is locked in its own pages");
    while server.state(&file) != State::Normal || server.records() > 0 {
        std::thread::yield_now();
    }
    server.mark(&file, "not in it");
    std::io::Read::read_to_end(&mut Reader(&mut *held), &mut content).unwrap();
    let account = held.finish().unwrap();
    assert_eq!(content.len() as u64, account.bytes);
    assert!(fact(&account, "scratch-bytes").parse::<u64>().unwrap() >= account.bytes - (3 << 20));
    assert_eq!(std::fs::read_dir(server.path("scratch")).unwrap().count(), 0);
    let found = found.take();
    assert!(found.iter().any(|finding| finding.kind.is_warning() && finding.message.contains("has been locked for")), "{found:?}");
    let copy = NewCopy::create_from(&server.path("scratch/copy.fdb"), &mut &content[..]).unwrap();
    make_usable(&copy, &server.path("scratch"));
    assert_eq!(server.count_copy(copy.path()).markers.len(), 0);
}

#[test]
fn a_second_look_has_the_same_pages_but_for_those_that_changed() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 4);
    let firebird = server.firebird(&file, Method::Nbackup);
    let (first, _) = save(&firebird, &server.path("scratch/1.fdb"), &Silent);
    server.mark(&file, "one row");
    let (second, _) = save(&firebird, &server.path("scratch/2.fdb"), &Silent);
    let (first, second) = (std::fs::read(first.path()).unwrap(), std::fs::read(second.path()).unwrap());
    let changed = first.chunks(8192).zip(second.chunks(8192)).filter(|(first, second)| first != second).count();
    eprintln!("{changed} of {} pages differ", first.len() / 8192);
    assert!(changed > 0 && changed * 20 < first.len() / 8192, "{changed} of {}", first.len() / 8192);
}

/// Stops after the first question that comes while the database is locked.
struct Stopping<'s>(&'s AtomicBool);

impl Cancel for Stopping<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Stopping<'_> {}

#[test]
fn who_stops_or_drops_what_is_held_lets_the_database_go() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 4);
    let mut firebird = server.firebird(&file, Method::Nbackup);
    // So that reading waits for who takes.
    (firebird.limits.memory_bytes, firebird.limits.scratch_bytes) = (1, Some(0));
    let stop = AtomicBool::new(false);
    let progress = Stopping(&stop);
    let mut held = firebird.hold(&progress).unwrap();
    assert_eq!(server.state(&file), State::Locked);
    held.next_entry().unwrap().unwrap();
    assert!(held.read(&mut [0; 10]).unwrap() > 0);
    stop.store(true, Ordering::Relaxed);
    let mut buffer = vec![0; 4 << 20];
    let error = std::iter::repeat_with(|| held.read(&mut buffer)).find_map(std::result::Result::err).unwrap();
    assert_eq!((error.kind(), server.state(&file)), (ErrorKind::Interrupted, State::Locked));
    drop(held);
    assert_eq!((server.state(&file), server.records()), (State::Normal, 0));
    assert_eq!(firebird.hold(&progress).err().unwrap().kind(), ErrorKind::Interrupted);
    stop.store(false, Ordering::Relaxed);
    drop(firebird.hold(&progress).unwrap());
    assert_eq!((server.state(&file), server.records()), (State::Normal, 0));
    server.mark(&file, "goes on");
}

/// While the lock is asked for, so that the tool is ended in the middle.
static STOP_ASKING: AtomicBool = AtomicBool::new(false);

#[test]
fn who_stops_while_the_lock_is_asked_for_leaves_none() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 1);
    let mut firebird = server.firebird(&file, Method::Nbackup);
    firebird.told = Some(|step| STOP_ASKING.store(matches!(step, Step::Recorded), Ordering::Relaxed));
    let progress = Stopping(&STOP_ASKING);
    assert_eq!(firebird.hold(&progress).err().unwrap().kind(), ErrorKind::Interrupted);
    assert_eq!((server.state(&file), server.records()), (State::Normal, 0));
}

#[test]
fn without_a_server_the_file_is_held_by_itself_and_stays_its_owners() {
    let Some(mut server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 2);
    server.mark(&file, "before");
    server.kill();
    let firebird = server.firebird(&file, Method::Nbackup);
    let (copy, _) = save(&firebird, &server.path("scratch/copy.fdb"), &Silent);
    let others = super::server::succeed(std::process::Command::new("find").arg(server.path("data")).args(["!", "-user", "firebird"]));
    assert_eq!((server.state(&file), others.as_str()), (State::Normal, ""));
    make_usable(&copy, &server.path("scratch"));
    assert_eq!(server.count_copy(copy.path()).markers, ["before"]);
    server.start_again();
    server.mark(&file, "goes on");
}

#[test]
fn a_difference_file_elsewhere_is_found_and_told() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 2);
    let difference = server.path("locks/elsewhere.dif");
    server.sql(&file, &format!("alter database add difference file '{}';\n", difference.display()));
    let firebird = server.firebird(&file, Method::Nbackup);
    assert!(firebird.covers().iter().any(|path| path == difference.to_str().unwrap().as_bytes()), "{:?}", firebird.covers());
    let mut held = firebird.hold(&Silent).unwrap();
    held.next_entry().unwrap().unwrap();
    let account = held.finish().unwrap();
    assert!(fact(&account, "delta-bytes").parse::<u64>().unwrap() > 0);
    assert_eq!(fact(&account, "difference-file"), difference.to_str().unwrap());
    assert_eq!((server.state(&file), difference.exists()), (State::Normal, false));
    // The server puts a name without a path into the folder that it works in.
    server.sql(&file, "alter database drop difference file;\nalter database add difference file 'strongroom-bare.dif';\n");
    let held = firebird.hold(&Silent).map(drop);
    assert!(held.is_ok(), "{held:?}");
    assert_eq!(server.state(&file), State::Normal);
}

#[test]
fn what_is_foreseen_changes_nothing() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 1);
    for method in [Method::Nbackup, Method::Gbak] {
        let firebird = server.firebird(&file, method);
        let text = firebird.foresee(&Silent).unwrap();
        assert!(text.contains("Firebird 3.0.11"), "{text}");
    }
    assert_eq!((server.state(&file), server.records()), (State::Normal, 0));
}
