//! The JSON of every line, to the letter: scripts depend on it.

use serde_json::{Value, json};

use super::*;
use crate::browse::json::{ChangeLine, ChangeSummaryLine, EntryLine, FoundLine, RepositoryStatsLine, SnapshotLine, VersionLine};
use crate::browse::{DiffOutcome, RepositoryStats, Version};
use crate::manifest::{Change, ChangeKind};

fn value(line: &impl serde::Serialize) -> Value {
    serde_json::to_value(line).unwrap()
}

fn file() -> Node {
    let mut node = node("a", Content::File(3, ContentList::default()));
    node.metadata.mtime = Timestamp::new(-1, 5);
    node
}

fn attributes() -> Value {
    json!({
        "type": "file", "size": 3, "mode": "0644", "uid": 0, "gid": 0, "user": "", "group": "",
        "mtime": "1969-12-31T23:59:59.000000005Z",
    })
}

fn join(one: Value, other: Value) -> Value {
    let (Value::Object(mut one), Value::Object(other)) = (one, other) else { panic!("objects") };
    one.extend(other);
    Value::Object(one)
}

#[test]
fn an_entry_has_its_exact_bytes_only_where_they_are_not_text() {
    assert_eq!(value(&EntryLine::new("/ä".as_bytes(), &file())), join(json!({"path": "/ä"}), attributes()));
    let odd = value(&EntryLine::new(b"/\xff", &file()));
    assert_eq!(odd, join(json!({"path": "/\u{fffd}", "path_hex": "2fff"}), attributes()));
    let link = value(&EntryLine::new(b"/l", &node("l", Content::Symlink(b"\xfe".to_vec()))));
    assert_eq!((&link["target"], &link["target_hex"], link.get("size")), (&json!("\u{fffd}"), &json!("fe"), None));
}

#[test]
fn a_snapshot_has_every_promised_field() {
    let f = Fixture::new();
    let mut manifest = f.manifest(Kind::Incremental, Some(SnapshotId([0xab; 32])), vec![]);
    manifest.paths = vec![b"/\xff".to_vec().into(), b"/b".to_vec().into()];
    manifest.tags = vec!["t".into()];
    let id = f.publish(&manifest);
    let line = value(&SnapshotLine::from(&f.listing().summaries()[0]));
    let counts: Value = [
        "files_new",
        "files_changed",
        "files_unchanged",
        "directories",
        "others",
        "bytes_total",
        "bytes_read",
        "bytes_new",
        "bytes_stored",
        "chunks_new",
        "problems",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), json!(0)))
    .collect::<serde_json::Map<_, _>>()
    .into();
    let time = "1970-01-01T00:01:00.000000007Z";
    let expected = json!({
        "id": id.to_string(), "kind": "incremental", "base": "ab".repeat(32), "series": "home", "host": "host", "machine": null, "user": "user",
        "time": time, "started_at": time, "committed_at": time, "paths": ["/\u{fffd}", "/b"], "paths_hex": ["2fff", "2f62"],
        "tags": ["t"], "root": manifest.root.to_string(), "counts": counts,
    });
    assert_eq!(line, expected);
}

#[test]
fn changes_name_both_sides_and_end_with_a_summary() {
    let change =
        Change { kind: ChangeKind::Renamed, path: b"/b".to_vec(), from: Some(b"/\xff".to_vec()), old: Some(file()), new: Some(file()) };
    let expected = json!({
        "change": "renamed", "path": "/b", "from": "/\u{fffd}", "from_hex": "2fff", "old": attributes(), "new": attributes(),
    });
    assert_eq!(value(&ChangeLine::from(&change)), expected);
    let added = Change { kind: ChangeKind::Added, path: b"/b".to_vec(), from: None, old: None, new: Some(file()) };
    assert_eq!(value(&ChangeLine::from(&added)), json!({"change": "added", "path": "/b", "new": attributes()}));
    let expected = json!({"summary": {
        "reference": "snapshot", "added": 0, "modified": 0, "metadata": 0, "removed": 0, "renamed": 0,
        "renames_left_out": false, "unreadable": 0,
    }});
    assert_eq!(value(&ChangeSummaryLine::from(&DiffOutcome::default())), expected);
}

#[test]
fn found_entries_and_versions_name_their_snapshots() {
    let f = Fixture::new();
    let id = f.publish(&f.manifest(Kind::Full, None, vec![])).to_string();
    let listing = f.listing();
    let summary = &listing.summaries()[0];
    let time = "1970-01-01T00:01:00.000000007Z";
    let found = value(&FoundLine::new(summary, b"/a", &file()));
    assert_eq!(found, join(json!({"snapshot": id, "time": time, "path": "/a"}), attributes()));
    let version = Version { first: summary, last: summary, snapshots: 1, node: file(), gone: None };
    let named = json!({"id": id, "time": time});
    let expected = json!({"series": "home", "first": named, "last": named, "snapshots": 1, "gone": null});
    assert_eq!(value(&VersionLine::from(&version)), join(expected, attributes()));
}

#[test]
fn ratios_of_nothing_are_null() {
    let line = value(&RepositoryStatsLine::from(&RepositoryStats::default()));
    assert_eq!((&line["deduplication_ratio"], &line["total_ratio"], &line["snapshots"]), (&Value::Null, &Value::Null, &json!(0)));
}

#[test]
fn every_field_is_documented() {
    let documentation = include_str!("../../../docs/json.md");
    let f = Fixture::new();
    f.publish(&f.manifest(Kind::Full, None, vec![]));
    let listing = f.listing();
    let change = Change { kind: ChangeKind::Renamed, path: b"/\xff".to_vec(), from: Some(b"/\xff".to_vec()), old: None, new: None };
    let lines = [
        value(&SnapshotLine::from(&listing.summaries()[0])),
        value(&EntryLine::new(b"/\xff", &node("l", Content::Symlink(b"\xff".to_vec())))),
        value(&ChangeLine::from(&change)),
        value(&ChangeSummaryLine::from(&DiffOutcome::default()))["summary"].clone(),
        value(&RepositoryStatsLine::from(&RepositoryStats::default())),
        value(&crate::browse::json::SnapshotStatsLine::from(&crate::browse::SnapshotStats::default())),
    ];
    for name in lines.iter().flat_map(|line| line.as_object().unwrap().keys()) {
        assert!(documentation.contains(&format!("`{name}`")), "docs/json.md does not tell of {name}");
    }
}
