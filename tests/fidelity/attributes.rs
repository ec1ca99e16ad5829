//! Extended attributes, access control lists, inode flags, and the time of creation.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, Mode, XattrFlags, lsetxattr, mkfifoat};
use rustix::io::Errno;

use super::{is_root, output_of_tool, round_trip, round_trip_with, run_tool, skip};

/// `cap_net_bind_service,cap_chown=ep` as the kernel keeps it: version 2 with the effective bit, then
/// permitted and inheritable sets, low and high.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Sets an attribute of the entry itself; false where the file system has none.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    match lsetxattr(path, name, value, XattrFlags::empty()) {
        Ok(()) => true,
        Err(Errno::OPNOTSUPP) => {
            skip("a file system with extended attributes");
            false
        }
        Err(errno) => panic!("{name}: {errno}"),
    }
}

#[test]
fn user_attributes_of_files_and_folders_come_back_byte_by_byte() {
    let trip = round_trip(|tree| {
        fs::write(tree.join("file"), "x").unwrap();
        fs::create_dir(tree.join("folder")).unwrap();
        for path in [tree.join("file"), tree.join("folder"), tree.to_owned()] {
            let all: Vec<u8> = (0..=u8::MAX).collect();
            for (name, value) in [("user.empty", &b""[..]), ("user.all bytes", &all), ("user.Ünïcode", b"v"), ("user.long", &[7; 2000])] {
                if !set(&path, name, value) {
                    return;
                }
            }
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries["/file"].xattrs.len(), 4);
}

#[test]
fn capabilities_and_security_attributes_come_back_and_keep_their_meaning() {
    if !is_root() {
        return;
    }
    let trip = round_trip(|tree| {
        fs::write(tree.join("program"), "#!/bin/sh\n").unwrap();
        std::os::unix::fs::chown(tree.join("program"), Some(1000), Some(1000)).unwrap();
        set(&tree.join("program"), "security.capability", &CAPABILITY);
        symlink("program", tree.join("link")).unwrap();
        mkfifoat(CWD, tree.join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        for name in ["program", "link", "pipe"] {
            set(&tree.join(name), "security.strongroom", b"any bytes\0\xff");
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries["/program"].xattrs.len(), 2);
    if let Some(printed) = output_of_tool("getcap", &[trip.back("program").to_str().unwrap()]) {
        assert!(printed.contains("cap_chown,cap_net_bind_service=ep"), "{printed}");
    }
}

#[test]
fn trusted_attributes_come_back_when_asked_for_and_are_named_when_not() {
    if !is_root() {
        return;
    }
    round_trip_with(&["--trusted-xattrs"], 0, |tree| {
        fs::write(tree.join("file"), "x").unwrap();
        set(&tree.join("file"), "trusted.overlay.opaque", b"y");
    })
    .assert_same();
    let trip = round_trip_with(&[], 3, |tree| {
        fs::write(tree.join("file"), "x").unwrap();
        set(&tree.join("file"), "trusted.overlay.opaque", b"y");
    });
    assert!(trip.restored.stderr.contains("trusted.overlay.opaque not restored"), "{}", trip.restored.stderr);
    assert_eq!(trip.after.entries["/file"].content, trip.before.entries["/file"].content);
    assert!(trip.after.entries["/file"].xattrs.is_empty());
}

#[test]
fn access_and_default_lists_come_back_as_the_tools_print_them() {
    let mut is_set = true;
    let trip = round_trip(|tree| {
        let (file, folder) = (tree.join("file"), tree.join("folder"));
        fs::write(&file, "x").unwrap();
        fs::create_dir(&folder).unwrap();
        let (file, folder) = (file.to_str().unwrap(), folder.to_str().unwrap());
        is_set = run_tool("setfacl", &["-m", "u:1234:rw,g:2345:r,u:3456:-,m::rw", file])
            && run_tool("setfacl", &["-m", "u:1234:rwx,d:u:1234:rwx,d:g:2345:rx,d:o::-", folder]);
        // Inherits from the folder; then one that was made before and has none.
        fs::write(format!("{folder}/heir"), "y").unwrap();
        fs::create_dir(format!("{folder}/heiress")).unwrap();
        fs::write(format!("{folder}/without"), "z").unwrap();
        is_set = is_set && run_tool("setfacl", &["-b", &format!("{folder}/without")]);
    });
    trip.assert_same();
    if !is_set {
        return;
    }
    let print = |root: &str| output_of_tool("getfacl", &["-R", "-n", "--absolute-names", trip.place.path(root).to_str().unwrap()]);
    let (Some(before), Some(after)) = (print("tree"), print("back")) else { return };
    assert_eq!(before.replace(&trip.place.text("tree"), ""), after.replace(&trip.place.text("back"), ""));
    assert!(after.contains("default:user:1234:rwx") && after.contains("user:3456:---"), "{after}");
    assert!(trip.after.entries["/folder/without"].xattrs.is_empty());
}

#[test]
fn inode_flags_and_time_of_creation_are_recorded_and_flags_restored_when_asked_for() {
    const KEPT: u32 = 0x40 | 0x80;
    let mut is_set = true;
    let make = |tree: &Path| {
        for name in ["flagged", "plain"] {
            fs::write(tree.join(name), "x").unwrap();
        }
        fs::create_dir(tree.join("folder")).unwrap();
        for name in ["flagged", "folder"] {
            is_set = is_set && run_tool("chattr", &["+dA", tree.join(name).to_str().unwrap()]);
        }
    };
    let trip = round_trip_with(&["--inode-flags"], 0, make);
    trip.assert_same();
    let lines = trip.place.run(&["ls", "--json", &format!("latest:{}", trip.place.text("tree"))]).expect(0).stdout;
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let path = line["path"].as_str().unwrap().replace(&trip.place.text("tree"), "");
        let beside = &trip.before.beside[&path];
        assert_eq!(line["inode_flags"].as_u64().unwrap_or(0), u64::from(beside.inode_flags & KEPT), "{line}");
        let birth: Option<jiff::Timestamp> = line["birth"].as_str().map(|text| text.parse().unwrap());
        let birth = birth.map(|birth| (birth.as_second(), birth.subsec_nanosecond() as u32));
        assert_eq!(birth, beside.birth, "{line}");
    }
    if !is_set {
        return;
    }
    for (path, beside) in &trip.after.beside {
        assert_eq!(beside.inode_flags & KEPT, trip.before.beside[path].inode_flags & KEPT, "{path}");
    }
    assert_eq!(trip.after.beside["/flagged"].inode_flags & KEPT, KEPT);
}
