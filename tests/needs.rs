//! What a test needs of the machine and may not find: root, a tool, a device.

/// Whether the tests run as root, who alone may make devices, give files away and mount.
#[track_caller]
pub fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("root");
    }
    is_root
}

/// Says that a test needs something that is not there. Where tests are to be complete, that fails.
#[track_caller]
pub fn skip(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "this test needs {what}");
    eprintln!("skipped: needs {what}");
}

/// Whether a program is installed.
#[track_caller]
pub fn has_tool(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&paths).any(|folder| folder.join(program).is_file());
    if !is_there {
        skip(program);
    }
    is_there
}
