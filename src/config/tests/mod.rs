//! What is right is understood; what is wrong is named with its place.

mod broken;
mod found;

use std::path::{Path, PathBuf};

use super::*;

const EVENING: &str = include_str!("evening.toml");

fn read_text(text: &str) -> Result<Config, Mistakes> {
    read(Path::new("repo.toml"), text)
}

/// The mistakes of a text as `line:column: message`.
fn mistakes(text: &str) -> Vec<String> {
    let Err(found) = read_text(text) else { return Vec::new() };
    let shown = |mistake: &super::mistakes::Mistake| {
        let (line, column) = found.place(mistake.span.start);
        format!("{line}:{column}: {}", mistake.message)
    };
    found.mistakes.iter().map(shown).collect()
}

/// A whole configuration around the lines of a job.
fn job(lines: &str) -> String {
    format!("version = 1\n[job.shop]\nsource = [\"/srv\"]\n{lines}\n")
}

#[test]
fn an_evening_is_understood() {
    let config = read_text(EVENING).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(config.repository, Some(PathBuf::from("/backup/shop.repo")));
    assert_eq!(config.password, Some(Password::Command(["systemd-creds", "cat", "shop-repo"].map(str::to_owned).to_vec())));
    assert_eq!(config.jobs.iter().map(|job| &*job.name).collect::<Vec<_>>(), ["shop", "pictures"]);
    let (shop, pictures) = (&config.jobs[0], &config.jobs[1]);
    assert_eq!(shop.keep.policy().monthly, 12, "that of the defaults");
    assert_eq!((pictures.keep.policy().daily, pictures.keep.monthly), (30, Some(Count::All)), "its own replaces all of it");
    assert_eq!(pictures.keep.policy().weekly, 0);
    assert_eq!((shop.protect, shop.is_low), (Some(Length(7 * 86_400)), true));
    assert_eq!(shop.schedule.as_ref().map(ToString::to_string).as_deref(), Some("Mon..Sat 19:30"));
    let store = &shop.databases[0];
    assert_eq!((store.kind, store.floor, store.assertions[0].of_last), (DatabaseKind::Firebird, Some(Floor::OfLast(50)), Some(90)));
    assert_eq!(
        shop.hooks[0],
        Hook {
            when: When::Before,
            run: vec!["/usr/local/bin/pause-import".to_owned()],
            timeout: Length(300),
            on_failure: OnFailure::Error
        }
    );
    assert_eq!(pictures.guard, Guard { lost_files: 20, rewritten: 30, database: 50 });
    assert_eq!(config.check.daily_percent, 1.0);
    assert_eq!(config.notices.len(), 2);
    assert!(config.has_commands);
    assert_eq!(config.lines["job.shop.schedule"], EVENING.lines().position(|line| line.starts_with("schedule = \"Mon..Sat")).unwrap() + 1);
}

#[test]
fn the_smallest_configuration_keeps_everything() {
    let config = read_text(&job("")).unwrap();
    assert!(config.jobs[0].keep.policy().is_empty() && !config.has_commands);
    let zero = read_text(&job("keep = { daily = 0, weekly = 0 }")).unwrap();
    assert!(zero.jobs[0].keep.policy().is_empty());
}

#[test]
fn lists_replace_and_never_merge() {
    let text =
        "version = 1\n[defaults]\nexclude = [\"*.tmp\"]\n[job.a]\nsource = [\"/a\"]\n[job.b]\nsource = [\"/b\"]\nexclude = [\"*.bak\"]\n";
    let config = read_text(text).unwrap();
    assert_eq!((&config.jobs[0].exclude, &config.jobs[1].exclude), (&vec!["*.tmp".to_owned()], &vec!["*.bak".to_owned()]));
}

#[test]
fn unknown_keys_are_named_with_their_place_and_the_nearest_known_one() {
    assert_eq!(mistakes(&job("exlcude = []")), ["4:1: there is no key `exlcude` in `job`; `exclude`?"]);
    assert_eq!(mistakes(&job("daily = 7")), ["4:1: there is no key `daily` in `job`; it stands in `keep` or in `check`"]);
    assert_eq!(mistakes(&job("keep = { dayly = 7 }")), ["4:10: there is no key `dayly` in `keep`; `daily`?"]);
    let far = mistakes(&job("xyzzy = 1"));
    assert!(far[0].starts_with("4:1: there is no key `xyzzy` in `job`; there are `source`"), "{far:?}");
    assert_eq!(
        mistakes("version = 1\nrepositry = \"/r\"\n[job.a]\nsource = [\"/a\"]"),
        ["2:1: there is no key `repositry` at the top; `repository`?"]
    );
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_their_order() {
    let text =
        "version = 1\npassword = { fiel = \"/p\" }\n[job.shop]\nsource = \"/srv\"\nschedule = \"Mun 19:30\"\nkeep = { daily = \"some\" }\n";
    let found = mistakes(text);
    let places: Vec<&str> = found.iter().map(|mistake| mistake.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(places, ["2:12", "2:14", "4:10", "5:12", "6:18"], "{found:#?}");
    let shown = read_text(text).unwrap_err().to_string();
    assert!(shown.contains("repo.toml:5:12: ") && shown.contains("\n    schedule = \"Mun 19:30\"\n               ^^^^^^^^^^^"), "{shown}");
}

#[test]
fn the_version_stands_first_and_is_known() {
    let of = |text: &str| mistakes(&format!("{text}[job.a]\nsource = [\"/a\"]\n"));
    assert_eq!(of(""), ["1:1: `version = 1` must stand first"]);
    assert_eq!(of("version = 2\n"), ["1:11: version 2 is not known to this program, which reads version 1"]);
    assert_eq!(of("repository = \"/r\"\nversion = 1\n"), ["2:11: `version` must stand before everything else"]);
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for (lines, begin) in [
        ("[[job.shop.database]]\ntype = \"sqlite\"\nname = \"a\"", "a database of type \"sqlite\" needs `path`"),
        ("[[job.shop.database]]\ntype = \"sqlight\"\nname = \"a\"\npath = \"/p\"", "`sqlight` is none of `firebird`, `sqlite`"),
        ("[[job.shop.database]]\ntype = \"command\"\nname = \"a\"", "a database of type \"command\" needs either"),
        ("[[job.shop.database]]\ntype = \"command\"\nname = \"../a\"\nrun = [\"x\"]", "`../a` cannot be the name of a folder"),
        ("[[job.shop.hook]]\nrun = [\"x\"]", "a hook needs `when`"),
        ("[[job.shop.hook]]\nwhen = \"before\"\nrun = [\"x\"]\nshell = \"y\"", "a hook needs either"),
        ("require = [\"/other\"]", "`/other` is required, and no source"),
        ("[[notify]]\non = [\"failed\"]", "somebody is told in one way"),
        ("[[notify]]\non = [\"fail\"]\nmail = \"a@b\"", "`fail` is none of"),
        ("[[notify]]\non = [\"failed\"]\nping = \"hc.example\"", "`hc.example` is no address"),
        ("exclude = [\"/\"]", "the pattern `/` is not valid"),
        ("after = [\"moon\"]", "`moon` is none of"),
        ("[copy.x]\nto = \"s3://b\"\njobs = [\"shop2\"]", "there is no job `shop2`"),
    ] {
        let found = mistakes(&job(lines));
        assert!(
            found.iter().any(|mistake| mistake.split_once(": ").is_some_and(|(_, message)| message.starts_with(begin))),
            "{lines}: {found:#?}"
        );
    }
    assert!(mistakes("version = 1\n[job.a]\n")[0].contains("saves nothing"));
    assert!(mistakes("version = 1\n")[0].contains("there is no job"));
    let inside = mistakes("version = 1\nrepository = \"/r\"\n[job.a]\nsource = [\"/r/x\"]\n");
    assert!(inside[0].contains("lies in the repository"), "{inside:?}");
}

#[test]
fn what_this_version_does_not_do_is_named() {
    let database = "[[job.a.database]]\ntype = \"sqlite\"\nname = \"x\"\npath = \"/x.db\"\n";
    let head = format!("version = 1\n[job.a]\nsource = [\"/a\"]\n{database}");
    assert!(read_text(&head).unwrap().not_done().is_empty());
    let more = "logical = \"monthly\"\n[[job.a.database.assert]]\nquery = \"select 1\"\nat_least = 1\n[drill]\nrehearse = \"yearly\"\n[copy.away]\nto = \"/x\"\n";
    let named = ["copy.away", "job.a.database.logical of `x`", "job.a.database.assert of `x`", "drill.rehearse"];
    assert_eq!(read_text(&(head + more)).unwrap().not_done(), named);
}

#[test]
fn every_key_is_read_somewhere_and_stands_in_the_guide() {
    let guide = include_str!("../../../docs/guide/configuration.md");
    for key in KEYS {
        let row = format!("| `{}` | {} |", key.name, key.form);
        let chapter = if key.table.is_empty() { "## The top".to_owned() } else { format!("## `{}`", key.table) };
        let text = guide.split("\n## ").find(|text| format!("## {text}").starts_with(&format!("{chapter}\n")));
        assert!(text.is_some_and(|text| text.contains(&row)), "{chapter}: {row}");
    }
    let rows = guide.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, KEYS.len(), "the guide has no other keys");
}
