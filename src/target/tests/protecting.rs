//! What is protected stays, by whichever call and under whichever name a restore comes to it.

use std::fs;
use std::path::Path;

use super::*;
use crate::target::{Protected, temporary_name};

/// A destination that has a repository and a key in it, and everything is protected.
fn beside(top: &Path) -> Arc<Destination> {
    fs::create_dir_all(top.join("home/me/repository/packs")).unwrap();
    fs::write(top.join("home/me/repository/repository.json"), b"{}").unwrap();
    fs::write(top.join("home/me/key"), b"key").unwrap();
    let mut protected = Protected::default();
    protected.close(&top.join("home/me/repository"), "the repository");
    protected.add(&top.join("home/me/key"), "a key");
    Destination::open_beside(top.as_os_str().as_bytes(), false, Arc::new(protected)).unwrap()
}

#[test]
fn removing_a_folder_above_leaves_what_is_protected_and_the_way_to_it() {
    let top = tempfile::tempdir().unwrap();
    let destination = beside(top.path());
    for name in ["home/other/file", "home/me/file", "home/me/zoo/file"] {
        fs::create_dir_all(top.path().join(name).parent().unwrap()).unwrap();
        fs::write(top.path().join(name), b"x").unwrap();
    }
    let error = destination.folder(b"").unwrap().remove(b"home").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert_eq!(names_in(&top.path().join("home")), [b"me"]);
    assert_eq!(names_in(&top.path().join("home/me")), [&b"key"[..], b"repository"]);
    assert_eq!(names_in(&top.path().join("home/me/repository")), [&b"packs"[..], b"repository.json"]);
}

#[test]
fn nothing_replaces_a_key_also_under_its_other_name() {
    let top = tempfile::tempdir().unwrap();
    let destination = beside(top.path());
    fs::hard_link(top.path().join("home/me/key"), top.path().join("home/me/linked")).unwrap();
    let folder = destination.folder(b"home/me").unwrap();
    for name in ["key", "linked"] {
        let temporary = temporary_name().unwrap();
        folder.symlink(&temporary, b"elsewhere").unwrap();
        let error = folder.rename_new(&temporary, name.as_bytes(), true).unwrap_err();
        assert!(error.to_string().contains("it is a key"), "{error}");
        folder.remove(&temporary).unwrap();
        assert!(folder.remove(name.as_bytes()).is_err());
        assert_eq!(fs::read(top.path().join("home/me").join(name)).unwrap(), b"key");
    }
}

#[test]
fn nothing_is_made_in_a_repository() {
    let top = tempfile::tempdir().unwrap();
    let destination = beside(top.path());
    assert!(destination.make_folder(b"home/me/repository").unwrap_err().to_string().contains("it is the repository"));
    assert!(destination.folder(b"home/me/repository/packs").is_err());
    assert!(!destination.make_folder(b"home/me").unwrap().is_new);
}

#[test]
fn a_destination_in_a_repository_is_refused_before_anything_is_made() {
    let top = tempfile::tempdir().unwrap();
    drop(beside(top.path()));
    let repository = top.path().join("home/me/repository");
    let mut protected = Protected::default();
    protected.close(&repository, "the repository");
    let protected = Arc::new(protected);
    std::os::unix::fs::symlink(&repository, top.path().join("link")).unwrap();
    for path in [repository.clone(), repository.join("new/folder"), top.path().join("link/packs/new")] {
        let opened = Destination::open_beside(path.as_os_str().as_bytes(), true, Arc::clone(&protected));
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Invalid, "{}", path.display());
    }
    assert_eq!(names_in(&repository), [&b"packs"[..], b"repository.json"]);
    assert!(names_in(&repository.join("packs")).is_empty());
    let beside = top.path().join("home/me/repository-restored");
    Destination::open_beside(beside.as_os_str().as_bytes(), true, protected).unwrap();
}
