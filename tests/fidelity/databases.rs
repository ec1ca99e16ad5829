//! Databases: recognised by their first bytes, restored byte by byte, and opened by their programs.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use strongroom::chunker::{Class, HEAD_BYTES, recognise};

use super::{output_of_tool, round_trip, run_tool, skip};
use crate::cli_place::Place;
use crate::picture::Picture;

#[track_caller]
fn assert_database(path: &Path) {
    let content = fs::read(path).unwrap();
    assert_eq!(recognise(&content[..HEAD_BYTES]), Class::Database, "{:?}", &content[..HEAD_BYTES]);
}

#[test]
fn sqlite_databases_of_all_page_sizes_come_back_sound() {
    let mut is_made = true;
    let trip = round_trip(|tree| {
        for page_bytes in [512, 4096, 65_536] {
            let path = tree.join(format!("{page_bytes}.db"));
            let make = format!(
                "pragma page_size={page_bytes}; create table t(n integer primary key, text text); \
                 with recursive c(n) as (select 1 union all select n+1 from c where n<5000) \
                 insert into t select n, hex(randomblob(40)) from c; create index i on t(text);"
            );
            is_made = is_made && run_tool("sqlite3", &[path.to_str().unwrap(), &make]);
            if is_made {
                assert_database(&path);
            }
        }
    });
    trip.assert_same();
    if !is_made {
        return;
    }
    for page_bytes in [512, 4096, 65_536] {
        let back = trip.back(&format!("{page_bytes}.db"));
        let checked = output_of_tool("sqlite3", &[back.to_str().unwrap(), "pragma integrity_check; select count(*) from t;"]);
        assert_eq!(checked.as_deref(), Some("ok\n5000\n"));
    }
}

/// Feeds `script` to `isql-fb`, which opens the file itself: no server is asked. None when it is not
/// installed.
#[track_caller]
fn run_isql(folder: &Path, script: &str) -> Option<String> {
    let command = Command::new("isql-fb")
        .args(["-quiet", "-bail", "-user", "SYSDBA"])
        .env("FIREBIRD_LOCK", folder)
        .env("FIREBIRD_TMP", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        skip("isql-fb");
        return None;
    };
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !text.contains("SQLSTATE"), "{text}");
    Some(text)
}

const ROWS: &str = "create table t(n integer primary key, name varchar(200));\ncommit;\nset term ^;\n\
    execute block as declare i integer = 0; begin while (i < 3000) do begin \
    insert into t values (:i, rpad(cast(:i as varchar(10)), 150, 'x') || gen_uuid()); i = i + 1; end end^\nset term ;^\ncommit;\n";

#[test]
fn firebird_databases_come_back_and_open() {
    let place = Place::with_repository();
    let locks = tempfile::tempdir().unwrap();
    fs::create_dir(place.path("tree")).unwrap();
    for page_bytes in [4096, 16_384] {
        let path = place.path(&format!("tree/{page_bytes}.fdb"));
        let create = format!("create database '{}' page_size {page_bytes};\n{ROWS}", path.display());
        if run_isql(locks.path(), &create).is_none() {
            return;
        }
        assert_database(&path);
    }
    let before = Picture::of(&place.path("tree"));
    place.run(&["snapshot", &place.text("tree")]).expect(0);
    // A few rows more, of which the second snapshot should store little.
    let first = format!("connect '{}';\nupdate t set name = 'changed' where n = 7;\ncommit;\n", place.text("tree/16384.fdb"));
    run_isql(locks.path(), &first);
    let saved = place.run(&["snapshot", "--json", &place.text("tree")]).expect(0).json();
    let (new, total) = (saved["counts"]["bytes_new"].as_u64().unwrap(), saved["counts"]["bytes_total"].as_u64().unwrap());
    assert!(new > 0 && new * 5 < total, "{saved}");
    let after = Picture::of(&place.path("tree"));
    for (snapshot, name, picture) in [("latest~1", "old", before), ("latest", "new", after)] {
        place.run(&["restore", &format!("{snapshot}:{}", place.text("tree")), &place.text(name)]).expect(0);
        picture.assert_same(&Picture::of(&place.path(name)));
        for page_bytes in [4096, 16_384] {
            let file = place.text(&format!("{name}/{page_bytes}.fdb"));
            let answer = run_isql(locks.path(), &format!("connect '{file}';\nselect 'rows: ' || count(*) from t where n >= 0;\n"));
            assert!(answer.as_deref().is_some_and(|text| text.contains("rows: 3000")), "{answer:?}");
        }
    }
    let (file, copy) = (place.text("new/16384.fdb"), place.text("copy.fbk"));
    // `env` keeps its locks out of a folder that may be another user's.
    let locks = format!("FIREBIRD_LOCK={}", locks.path().display());
    run_tool("env", &[&locks, "gbak", "-b", "-g", "-user", "SYSDBA", &file, &copy]);
    assert!(fs::metadata(copy).unwrap().len() > 100_000);
}
