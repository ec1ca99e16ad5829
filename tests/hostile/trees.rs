//! Names, links and nests that lead elsewhere.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use strongroom::manifest::{Content, ContentList, Item, Xattr};
use strongroom::pack::ObjectKind;

use super::Forger;
use super::forger::{node, store_leaf};
use crate::cli_place::{copy_program, names, run};
use crate::needs::is_root;
use crate::picture::Picture;

/// Everything of a place but what a restore may write, and the cache.
fn outside(forger: &Forger) -> Vec<String> {
    let (back, cache) = (forger.place.text("back"), forger.place.text("cache"));
    names(&forger.place.path("")).into_iter().filter(|name| !name.starts_with(&back) && !name.starts_with(&cache)).collect()
}

#[test]
fn names_that_lead_elsewhere_write_nothing_anywhere() {
    let forger = Forger::new();
    let absolute = forger.place.text("evil");
    for name in [&b".."[..], b".", b"", b"../evil", b"../../evil", absolute.as_bytes(), b"sub/evil", b"/", b"a\0b", &[b'x'; 256]] {
        let file = || node(name, Content::File(0, ContentList { depth: 0, items: Vec::new() }));
        let id = forger.put_snapshot(|sink| store_leaf(sink, vec![file()]));
        let before = outside(&forger);
        let ran = forger.restore(&id);
        assert_eq!(ran.code, 4, "{}: {}", name.escape_ascii(), ran.stderr);
        assert_eq!(outside(&forger), before, "{}", name.escape_ascii());
        let below = if forger.place.path("back").exists() { names(&forger.place.path("back")) } else { Vec::new() };
        assert!(below.is_empty(), "{}: {below:?}", name.escape_ascii());
    }
}

#[test]
fn sources_with_paths_that_lead_elsewhere_are_no_snapshots() {
    let forger = Forger::new();
    for path in ["/../evil", "relative", "//double", "/a/./b", "/a/", "", "/a\0b"] {
        let mut manifest = forger.manifest();
        let entry = manifest.entries.last_mut().unwrap();
        entry.path = path.as_bytes().to_vec();
        entry.node.name = path.rsplit('/').next().unwrap().as_bytes().to_vec();
        let id = forger.put("snapshots", &forger.seal(ObjectKind::Manifest, &manifest.encode()));
        let before = outside(&forger);
        let ran = forger.run(&["-q", "restore", &id, &forger.place.text("back")]);
        assert_ne!(ran.code, 0, "{path:?}");
        assert_eq!(outside(&forger), before);
        assert!(!forger.place.path("back").exists());
        assert_eq!(forger.run(&["-q", "check"]).code, 4, "{path:?}");
        fs::remove_file(forger.place.path(&format!("repository/snapshots/{id}"))).unwrap();
    }
}

#[test]
fn nothing_is_written_through_links_of_the_snapshot_or_of_one_before_it() {
    let forger = Forger::new();
    let place = &forger.place;
    fs::create_dir(place.path("target")).unwrap();
    fs::write(place.path("target/file"), "mine").unwrap();
    fs::set_permissions(place.path("target/file"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = Picture::of(&place.path("target"));
    let target = || Content::Symlink(place.text("target").into_bytes());
    let holes = |bytes| Content::File(bytes, ContentList { depth: 0, items: vec![Item::Hole(bytes)] });
    // First links to a folder and to a file outside; then a folder and files of the same names.
    let links = forger.put_snapshot(|sink| {
        let file = Content::Symlink(place.text("target/file").into_bytes());
        store_leaf(sink, vec![node(b"file", file), node(b"folder", target())])
    });
    let below = forger.put_snapshot(|sink| {
        let inner = store_leaf(sink, vec![node(b"file", holes(5))]);
        store_leaf(sink, vec![node(b"file", holes(7)), node(b"folder", Content::Directory(inner))])
    });
    assert_eq!(forger.restore(&links).code, 0);
    for overwrite in ["never", "if-changed", "always"] {
        let what = format!("{below}:{}", place.text("source"));
        let ran = forger.run(&["-q", "restore", "--overwrite", overwrite, "--delete", &what, &place.text("back")]);
        assert!([0, 3].contains(&ran.code), "{overwrite}: {}", ran.stderr);
        before.assert_same(&Picture::of(&place.path("target")));
    }
    assert_eq!(fs::metadata(place.path("back/folder/file")).unwrap().len(), 5, "`always` made the folder");
    // Names of a hard link group: the first is a link that leads out, the second would be its file.
    let group = forger.put_snapshot(|sink| {
        let mut nodes = vec![node(b"a", Content::Symlink(place.text("target/file").into_bytes())), node(b"b", holes(4))];
        nodes.iter_mut().for_each(|node| (node.metadata.inode, node.metadata.links) = (5, 2));
        store_leaf(sink, nodes)
    });
    fs::remove_dir_all(place.path("back")).unwrap();
    assert_eq!(forger.restore(&group).code, 0);
    before.assert_same(&Picture::of(&place.path("target")));
    assert!(fs::symlink_metadata(place.path("back/b")).unwrap().is_file());
}

#[test]
fn a_destination_that_is_a_link_is_the_users_and_links_in_it_are_not_followed() {
    let forger = Forger::new();
    let place = &forger.place;
    fs::create_dir_all(place.path("real/target")).unwrap();
    symlink(place.path("real"), place.path("back")).unwrap();
    symlink(place.path("real/target"), place.path("real/sub")).unwrap();
    let ran = forger.restore("latest");
    assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(place.path("real/a")).unwrap(), "first");
    assert!(names(&place.path("real/target")).is_empty());
}

/// Ten to the power of sixty files in sixty pages.
fn laugh(forger: &Forger) -> String {
    forger.put_snapshot(|sink| {
        let bottom = store_leaf(sink, vec![node(b"f", Content::Fifo)]);
        (0..60).fold(bottom, |tree, _| {
            let folders = (0..10u8).map(|name| node(&[b'0' + name], Content::Directory(tree)));
            store_leaf(sink, folders.collect())
        })
    })
}

#[test]
fn a_billion_laughs_end_when_they_are_not_wanted_any_more() {
    let forger = Forger::new();
    let id = laugh(&forger);
    // Pages are looked at once, however often they are named.
    assert_eq!(forger.run(&["-q", "check", "--read-data"]).code, 0);
    let ran = forger.run(&["-q", "prune", "-n"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Listing has no end, and no memory grows with it: the reader of the pipe ends it.
    let script = format!("prlimit --as={} {} ls -R {id} | head -n 200000 | tail -n 1", 1 << 30, env!("CARGO_BIN_EXE_repo"));
    let mut shell = assert_cmd::Command::new("sh");
    shell.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").timeout(std::time::Duration::from_secs(120));
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        shell.env(name, forger.place.path(value));
    }
    let shown = crate::cli_place::run(&mut shell);
    assert!(shown.stdout.matches('/').count() > 60, "{} {}", shown.stdout, shown.stderr);
}

#[test]
fn devices_and_privileges_of_a_hostile_snapshot_are_not_given_to_others() {
    if !is_root() {
        return;
    }
    const NOBODY: u32 = 65534;
    let forger = Forger::new();
    let place = &forger.place;
    let id = forger.put_snapshot(|sink| {
        let hole = || Content::File(5, ContentList { depth: 0, items: vec![Item::Hole(5)] });
        let capability = Xattr {
            name: b"security.capability".to_vec(),
            value: vec![1, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        let mut nodes = vec![
            node(b"block", Content::BlockDevice(8, 0)),
            node(b"capable", hole()),
            node(b"character", Content::CharDevice(1, 1)),
            node(b"root", hole()),
        ];
        nodes.iter_mut().for_each(|node| (node.metadata.uid, node.metadata.gid, node.metadata.mode) = (0, 0, 0o6777));
        nodes[1].metadata.xattrs = vec![capability];
        store_leaf(sink, nodes)
    });
    fs::create_dir(place.path("back")).unwrap();
    copy_program(&place.path("repo"));
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    names(&place.path("")).iter().for_each(|name| chown(name, Some(NOBODY), Some(NOBODY)).unwrap());
    let mut command = assert_cmd::Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(place.path("repo")).env_clear().current_dir("/");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    let ran = run(command.args(["restore", "-q", &format!("{id}:{}", place.text("source")), &place.text("back")]));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(names(&place.path("back")), ["capable", "root"].map(|name| place.text(&format!("back/{name}"))));
    for name in ["capable", "root"] {
        let restored = fs::metadata(place.path("back").join(name)).unwrap();
        assert_eq!((restored.uid(), restored.mode() & 0o7000), (NOBODY, 0), "{name}");
        let mut value = [0; 64];
        let found = rustix::fs::lgetxattr(place.path("back").join(name), "security.capability", &mut value[..]);
        assert!(found.is_err(), "{name} may do what only root may");
    }
}
