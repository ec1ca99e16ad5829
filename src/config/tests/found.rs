//! Where configurations are found, and whose are trusted.

use std::ffi::OsString;
use std::fs;

use crate::config::{Found, find, load};
use crate::error::ErrorKind;

fn folder_with(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("repo.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn the_named_one_comes_before_the_environment_the_folder_and_that_of_the_user() {
    let (here, in_here) = folder_with("");
    let (home, in_home) = folder_with("");
    fs::create_dir_all(home.path().join("xdg/repo")).unwrap();
    let of_user = home.path().join("xdg/repo/repo.toml");
    fs::write(&of_user, "").unwrap();
    let variables = |named: bool| {
        let (home, in_home) = (home.path().to_owned(), in_home.clone());
        move |name: &str| match name {
            "REPO_CONFIG" if named => Some(OsString::from(&in_home)),
            "XDG_CONFIG_HOME" => Some(home.join("xdg").into_os_string()),
            _ => None,
        }
    };
    let other = home.path().join("xdg/repo/repo.toml");
    assert_eq!(find(Some(&other), variables(true), Some(here.path())).unwrap(), Found::Named(other));
    assert_eq!(find(None, variables(true), Some(here.path())).unwrap(), Found::Named(in_home.clone()));
    assert_eq!(find(None, variables(false), Some(here.path())).unwrap(), Found::Usual(in_here));
    assert_eq!(find(None, variables(false), None).unwrap(), Found::Usual(of_user));
    let gone = find(Some(&here.path().join("none")), variables(false), None).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[test]
fn one_that_others_may_write_to_runs_no_programs() {
    use std::os::unix::fs::PermissionsExt;
    let commands = "version = 1\n[job.a]\nsource = [\"/a\"]\n[[job.a.hook]]\nwhen = \"before\"\nrun = [\"x\"]\n";
    for (text, mode, is_refused) in [
        (commands, 0o664, true),
        (commands, 0o666, true),
        (commands, 0o644, false),
        ("version = 1\n[job.a]\nsource = [\"/a\"]\n", 0o666, false),
    ] {
        let (_folder, file) = folder_with(text);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let loaded = load(&file);
        assert_eq!(loaded.as_ref().err().map(crate::error::Error::kind), is_refused.then_some(ErrorKind::Denied), "{mode:o}");
    }
}

#[test]
fn what_is_no_text_or_no_file_is_refused() {
    let (folder, file) = folder_with("");
    fs::write(&file, b"version = 1\xff").unwrap();
    assert_eq!(load(&file).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(load(folder.path()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(load(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}
