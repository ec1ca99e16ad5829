//! Every kind of snapshot keeps everything, also what changed without a change of content.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::fs::{XattrFlags, lsetxattr};

use super::is_root;
use super::times::set_mtime;
use crate::cli_place::Place;
use crate::picture::Picture;

/// Changes one thing of each file, in a way that is its own.
fn change(tree: &Path) {
    fs::set_permissions(tree.join("mode"), Permissions::from_mode(0o4750)).unwrap();
    chown(tree.join("owner"), Some(77), Some(88)).unwrap();
    set_mtime(&tree.join("mtime"), 1, 1);
    let _ = lsetxattr(tree.join("attribute"), "user.new", b"1", XattrFlags::empty());
    // The same length and the same time, other content.
    fs::write(tree.join("content"), "ABC").unwrap();
    set_mtime(&tree.join("content"), 1_000_000_000, 0);
    fs::rename(tree.join("name"), tree.join("new name")).unwrap();
    fs::remove_file(tree.join("type")).unwrap();
    symlink("mode", tree.join("type")).unwrap();
    fs::remove_file(tree.join("gone")).unwrap();
    fs::set_permissions(tree.join("folder"), Permissions::from_mode(0o1700)).unwrap();
    fs::write(tree.join("folder/new"), "new").unwrap();
}

#[test]
fn what_changed_without_its_content_comes_back_from_every_kind_of_snapshot() {
    if !is_root() {
        return;
    }
    let place = Place::with_repository();
    let tree = place.path("tree");
    fs::create_dir_all(tree.join("folder")).unwrap();
    for name in ["mode", "owner", "mtime", "attribute", "content", "name", "type", "gone", "same", "folder/file"] {
        fs::write(tree.join(name), "abc").unwrap();
        set_mtime(&tree.join(name), 1_000_000_000, 0);
    }
    place.run(&["snapshot", "--kind", "full", &place.text("tree")]).expect(0);
    let first = Picture::of(&tree);
    change(&tree);
    let second = Picture::of(&tree);
    for kind in ["incremental", "differential", "full"] {
        place.run(&["snapshot", "--kind", kind, &place.text("tree")]).expect(0);
    }
    for (at, picture) in [(0, &second), (1, &second), (2, &second), (3, &first)] {
        let back = place.text(&format!("back {at}"));
        place.run(&["restore", &format!("latest~{at}:{}", place.text("tree")), &back]).expect(0);
        picture.assert_same(&Picture::of(back.as_ref()));
    }
}

#[test]
fn a_restore_over_a_changed_tree_makes_it_what_it_was() {
    if !is_root() {
        return;
    }
    let place = Place::with_repository();
    let tree = place.path("tree");
    fs::create_dir_all(tree.join("folder")).unwrap();
    for name in ["mode", "owner", "mtime", "attribute", "content", "name", "type", "gone", "folder/file"] {
        fs::write(tree.join(name), "abc").unwrap();
        set_mtime(&tree.join(name), 1_000_000_000, 0);
    }
    let first = Picture::of(&tree);
    place.run(&["snapshot", &place.text("tree")]).expect(0);
    change(&tree);
    let what = format!("latest:{}", place.text("tree"));
    place.run(&["restore", "--overwrite", "always", "--delete", &what, &place.text("tree")]).expect(0);
    first.assert_same(&Picture::of(&tree));
}
