//! SQLite under a writer in another process, in both ways of keeping a journal.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;
use strongroom::Silent;
use strongroom::databases::{Profile, Sqlite, check_sqlite_copy, remove_stale_sqlite};

use crate::cli_config::{by_config, configured};
use crate::needs::has_tool;

const ACCOUNTS: i64 = 500;

/// A bank of accounts with one hundred each, and pages beside that nobody writes to.
fn bank(path: &Path, journal: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", journal).unwrap();
    connection
        .execute_batch(
            "create table account (id integer primary key, money integer); create table marker (text); create table rest (bytes blob)",
        )
        .unwrap();
    connection.execute_batch("begin").unwrap();
    for id in 0..ACCOUNTS {
        connection.execute("insert into account values (?1, 100)", [id]).unwrap();
        connection.execute("insert into rest values (randomblob(2000))", []).unwrap();
    }
    connection.execute_batch("commit").unwrap();
    connection
}

/// Another process that moves money between accounts until it is ended, some hundred times a second: as fast as it can, it
/// would leave no moment for any other writer.
struct Mover(Child);

impl Mover {
    fn begin(path: &Path) -> Self {
        let script = "import sqlite3, random, sys, time\nc = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\nprint('on', flush=True)\nwhile True:\n  a, b = random.sample(range(500), 2)\n  c.execute('begin immediate')\n  c.execute('update account set money = money - 1 where id = ?', (a,))\n  c.execute('update account set money = money + 1 where id = ?', (b,))\n  c.execute('commit')\n  time.sleep(0.005)\n";
        let mut child = Command::new("python3").arg("-c").arg(script).arg(path).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
        Self(child)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn save(profile: &Sqlite, to: &Path) -> strongroom::databases::Account {
    let mut held = profile.hold(&Silent).unwrap();
    assert!(held.next_entry().unwrap().is_some());
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 100_000]);
    loop {
        match held.read(&mut buffer).unwrap() {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    std::fs::write(to, bytes).unwrap();
    held.finish().unwrap()
}

fn sum(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("select sum(money) from account", [], |row| row.get(0)).unwrap()
}

fn markers(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("select text from marker order by rowid").unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

/// How many copies are made; 1,000 were, once.
fn rounds() -> usize {
    std::env::var("COPIES").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

fn copies_are_of_one_moment(journal: &str) {
    if !has_tool("python3") {
        println!("skipped: needs python3");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let own = bank(&path, journal);
    own.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    let _mover = Mover::begin(&path);
    let profile = Sqlite::new("shop", &path).scratch(folder.path());
    for round in 0..rounds() {
        own.execute("insert into marker values (?1)", [format!("before {round}")]).unwrap();
        let copy = folder.path().join("copy.db");
        let account = save(&profile, &copy);
        own.execute("insert into marker values (?1)", [format!("after {round}")]).unwrap();
        assert_eq!(remove_stale_sqlite(&copy).unwrap(), 0);
        assert_eq!(check_sqlite_copy(&copy).unwrap(), [""; 0]);
        assert_eq!(sum(&copy), ACCOUNTS * 100);
        assert_eq!(markers(&copy).last().unwrap(), &format!("before {round}"), "what was committed before is in it, and nothing after");
        assert!(account.facts.iter().any(|(name, value)| name == "journal" && value == journal));
        std::fs::remove_file(&copy).unwrap();
        let _ = remove_stale_sqlite(&copy);
    }
}

#[test]
fn copies_beside_a_busy_writer_with_a_write_ahead_log_are_each_of_one_moment() {
    copies_are_of_one_moment("wal");
}

#[test]
fn copies_beside_a_busy_writer_with_a_rollback_journal_are_each_of_one_moment() {
    copies_are_of_one_moment("delete");
}

#[test]
fn an_evening_stores_only_the_pages_that_changed_and_a_restore_removes_the_journal_of_an_earlier_database() {
    let place = configured();
    let path = place.path("shop.db");
    let own = bank(&path, "wal");
    let database = format!("[[job.shop.database]]\ntype = \"sqlite\"\nname = \"shop\"\npath = {path:?}\n[check]");
    let text = std::fs::read_to_string(place.path("repo.toml")).unwrap();
    std::fs::write(place.path("repo.toml"), text.replace("[check]", &database)).unwrap();
    by_config(&place, &["init"]).expect(0);
    by_config(&place, &["run"]).expect(0);
    own.execute("update account set money = money + 1 where id = 1", []).unwrap();
    let second = by_config(&place, &["--json", "run"]).expect(0).json();
    let steps = second["steps"].as_array().unwrap();
    let stored: u64 = steps.iter().filter_map(|step| step["figures"]["bytes-stored"].as_u64()).sum();
    let pages: u64 = own.query_row("pragma page_count", [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let whole = pages * 4096;
    assert!(stored < whole / 10, "{stored} of {whole}");

    let back = place.path("back");
    std::fs::create_dir(&back).unwrap();
    std::fs::write(back.join("shop.db-wal"), "of an earlier database").unwrap();
    by_config(&place, &["restore", "latest:/databases/shop", back.to_str().unwrap()]).expect(0);
    assert!(!back.join("shop.db-wal").exists());
    assert_eq!(sum(&back.join("shop.db")), ACCOUNTS * 100 + 1);
    // What was there before is left, with all that lies beside it.
    std::fs::write(back.join("shop.db-journal"), "mine").unwrap();
    by_config(&place, &["restore", "latest:/databases/shop", back.to_str().unwrap()]);
    assert!(back.join("shop.db-journal").exists());
}

#[test]
fn what_is_no_database_is_held_alone_or_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| Sqlite::new("x", path).hold(&Silent).err().unwrap();
    assert!(refused(&folder.path().join("none")).to_string().contains("there is no database at"));
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, vec![7; 10_000]).unwrap();
    assert!(refused(&garbage).to_string().contains("is no SQLite database"));
}
