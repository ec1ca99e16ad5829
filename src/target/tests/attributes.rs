//! Metadata, set and read back.

use crate::platform::AsHandle;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;

use rustix::fs::{Gid, Uid};

use super::*;
use crate::manifest::Xattr;

fn xattr(name: &str, value: &[u8]) -> Xattr {
    Xattr { name: name.as_bytes().to_vec(), value: value.to_vec() }
}

/// A binary POSIX ACL of (tag, permissions, id).
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut value = 2u32.to_le_bytes().to_vec();
    for (tag, bits, id) in entries {
        value.extend_from_slice(&tag.to_le_bytes());
        value.extend_from_slice(&bits.to_le_bytes());
        value.extend_from_slice(&id.to_le_bytes());
    }
    value
}

const NONE: u32 = u32::MAX;

fn value_of(path: &std::path::Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let count = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(count);
    Some(value)
}

/// Makes the file `f` with this metadata; returns what `stat` then says, and the notes.
fn write_with(destination: &Arc<Destination>, metadata: &Metadata, options: &ApplyOptions) -> (Existing, Vec<String>) {
    let file = NewFile::create(destination, *b"", *b"f").unwrap();
    let notes = file.finish(metadata, options, true).unwrap();
    (destination.folder(b"").unwrap().stat(b"f").unwrap().unwrap(), notes)
}

#[test]
fn times_before_1970_and_after_2038_survive_to_the_nanosecond() {
    let (top, destination) = destination();
    for seconds in [-157_766_400, -1, 0, 1 << 31, 7_258_118_400] {
        let mtime = Timestamp::new(seconds, 999_999_999);
        let (existing, notes) = write_with(&destination, &Metadata { mtime, ..plain(0o600) }, &ApplyOptions::default());
        assert_eq!((existing.mtime, notes), (mtime, vec![]));
    }
    let atime = fs::metadata(top.path().join("f")).unwrap().atime();
    assert!(atime > 1_600_000_000, "atime is left alone");
}

#[test]
fn a_time_that_the_file_system_cannot_hold_is_told() {
    let (_top, destination) = destination();
    let mtime = Timestamp::new(i64::MAX / 2, 0);
    let (existing, notes) = write_with(&destination, &Metadata { mtime, ..plain(0o600) }, &ApplyOptions::default());
    assert!(existing.mtime == mtime || notes.len() == 1, "{notes:?}");
}

#[test]
fn modes_survive_with_setuid_setgid_and_sticky() {
    let (_top, destination) = destination();
    for mode in [0o0, 0o777, 0o1644, 0o2755, 0o4711, 0o7777] {
        let (existing, notes) = write_with(&destination, &plain(mode), &ApplyOptions::default());
        assert_eq!((existing.mode, notes), (mode, vec![]));
    }
    let without = ApplyOptions { set_id: false, ..ApplyOptions::default() };
    let (existing, notes) = write_with(&destination, &plain(0o6755), &without);
    assert_eq!((existing.mode, notes.len()), (0o755, 1));
}

#[test]
fn the_owner_is_set_before_setuid_and_by_name_first() {
    if !is_root() {
        return;
    }
    let (_top, destination) = destination();
    let owned = Metadata { uid: 1234, gid: 4321, user: "anna".into(), group: "shop".into(), ..plain(0o6755) };
    let by_name = ApplyOptions { names: Names::knowing("anna", 70, "shop", 71), ..ApplyOptions::default() };
    let (existing, notes) = write_with(&destination, &owned, &by_name);
    assert_eq!((existing.uid, existing.gid, existing.mode, notes), (70, 71, 0o6755, vec![]));
    let by_number = ApplyOptions { numeric_owner: true, ..by_name };
    let (existing, notes) = write_with(&destination, &owned, &by_number);
    assert_eq!((existing.uid, existing.gid, existing.mode, notes), (1234, 4321, 0o6755, vec![]));
    let (_, notes) = write_with(&destination, &Metadata { uid: u32::MAX, ..plain(0o600) }, &ApplyOptions::default());
    assert_eq!(notes.len(), 1, "no such owner can be: {notes:?}");
}

#[test]
fn attributes_of_every_name_space_survive_and_others_go() {
    if !is_root() {
        return;
    }
    let (top, destination) = destination();
    let value = acl(&[(1, 6, NONE), (2, 6, 1000), (4, 0, NONE), (0x10, 6, NONE), (0x20, 0, NONE)]);
    let mut capability = 0x0200_0001u32.to_le_bytes().to_vec();
    capability.extend_from_slice(&[1 << 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut metadata = Metadata { uid: 1234, gid: 4321, ..plain(0o660) };
    metadata.xattrs = vec![
        xattr("security.capability", &capability),
        xattr("security.label", b"any\0thing"),
        xattr("system.posix_acl_access", &value),
        xattr("trusted.secret", b"t"),
        xattr("user.empty", b""),
        xattr("user.note", &[7; 300]),
    ];
    let (existing, notes) = write_with(&destination, &metadata, &ApplyOptions::default());
    assert_eq!(existing.mode, 0o660);
    assert!(notes.len() == 1 && notes[0].contains("trusted.secret"), "{notes:?}");
    let path = top.path().join("f");
    for xattr in metadata.xattrs.iter().filter(|xattr| !xattr.name.starts_with(b"trusted")) {
        let name = std::str::from_utf8(&xattr.name).unwrap();
        assert_eq!(value_of(&path, name).as_ref(), Some(&xattr.value), "{name}");
    }
    let asked = ApplyOptions { trusted_xattrs: true, ..ApplyOptions::default() };
    assert_eq!(apply_to_file(fs::File::open(&path).unwrap().as_handle(), &metadata, &asked), Vec::<String>::new());
    assert_eq!(value_of(&path, "trusted.secret").unwrap(), b"t");
    let file = fs::File::open(&path).unwrap();
    assert_eq!(apply_to_file(file.as_handle(), &plain(0o640), &ApplyOptions::default()), Vec::<String>::new());
    for name in ["user.note", "user.empty", "system.posix_acl_access", "security.capability", "security.label"] {
        assert_eq!(value_of(&path, name), None, "{name}");
    }
    assert!(value_of(&path, "trusted.secret").is_some(), "not asked for");
    assert_eq!(apply_to_file(file.as_handle(), &plain(0o640), &asked), Vec::<String>::new());
    assert_eq!(value_of(&path, "trusted.secret"), None);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn an_acl_inherited_from_the_folder_does_not_stay() {
    let (top, destination) = destination();
    let value = acl(&[(1, 7, NONE), (2, 7, 1000), (4, 7, NONE), (0x10, 7, NONE), (0x20, 7, NONE)]);
    let made = destination.make_folder(b"d").unwrap();
    let metadata = Metadata { xattrs: vec![xattr("system.posix_acl_default", &value)], ..plain(0o2750) };
    assert_eq!(apply_to_folder(&made.folder, &metadata, &ApplyOptions::default()), Vec::<String>::new());
    assert_eq!(value_of(&top.path().join("d"), "system.posix_acl_default").unwrap(), value);
    let file = NewFile::create(&destination, *b"d", *b"f").unwrap();
    file.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    assert_eq!(value_of(&top.path().join("d/f"), "system.posix_acl_access"), None);
    let existing = made.folder.stat(b"f").unwrap().unwrap();
    assert_eq!(existing.mode, 0o600);
}

#[test]
fn what_an_attribute_is_too_big_for_is_told_and_the_rest_is_set() {
    let (top, destination) = destination();
    let mut metadata = plain(0o604);
    metadata.xattrs = vec![xattr("nonsense", b"x"), xattr("user.big", &[0; 70_000]), xattr("user.small", b"s")];
    let (existing, notes) = write_with(&destination, &metadata, &ApplyOptions::default());
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("not support") && notes[1].contains("too big"), "{notes:?}");
    assert_eq!(existing.mode, 0o604);
    assert_eq!(value_of(&top.path().join("f"), "user.small").unwrap(), b"s");
}

#[test]
fn links_and_special_files_get_their_own_metadata_and_not_their_targets() {
    if !is_root() {
        return;
    }
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    fs::write(top.path().join("target"), b"").unwrap();
    let before = folder.stat(b"target").unwrap();
    folder.symlink(b"link", b"target").unwrap();
    folder.fifo(b"pipe").unwrap();
    folder.device(b"null", DeviceKind::Character, 1, 3).unwrap();
    let wanted =
        Metadata { uid: 1234, gid: 4321, mtime: Timestamp::new(-5, 6), xattrs: vec![xattr("security.label", b"own")], ..plain(0o2642) };
    for name in ["link", "pipe", "null"] {
        let notes = apply_to_link_or_special(&folder, name.as_bytes(), &wanted, &ApplyOptions::default()).unwrap();
        assert_eq!(notes, Vec::<String>::new(), "{name}");
        let existing = folder.stat(name.as_bytes()).unwrap().unwrap();
        assert_eq!((existing.uid, existing.gid, existing.mtime), (1234, 4321, wanted.mtime), "{name}");
        assert_eq!(existing.mode, if name == "link" { 0o777 } else { 0o2642 });
        assert_eq!(value_of(&top.path().join(name), "security.label").unwrap(), b"own", "{name}");
    }
    assert_eq!(folder.stat(b"target").unwrap(), before);
    assert_eq!(value_of(&top.path().join("target"), "security.label"), None);
}

#[test]
fn inode_flags_are_set_last_and_only_if_asked_for() {
    let (top, destination) = destination();
    let nodump = rustix::fs::IFlags::NODUMP;
    let metadata = Metadata { inode_flags: nodump.bits() | 0x0008_0000, ..plain(0o600) };
    for (inode_flags, expected) in [(false, false), (true, true)] {
        let (_, notes) = write_with(&destination, &metadata, &ApplyOptions { inode_flags, ..ApplyOptions::default() });
        let Ok(flags) = rustix::fs::ioctl_getflags(fs::File::open(top.path().join("f")).unwrap()) else { return };
        assert_eq!((flags.contains(nodump), notes), (expected, vec![]));
    }
}

#[test]
fn without_privileges_a_foreign_owner_is_a_note_and_setuid_is_not_set() {
    if !is_root() {
        return;
    }
    let (top, destination) = destination();
    const NOBODY: u32 = 65_534;
    std::os::unix::fs::chown(top.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // Credentials belong to a thread as far as the kernel is concerned; this one never gets back.
    let run = thread::spawn(move || {
        let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        rustix::thread::set_thread_groups(&[]).unwrap();
        rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
        rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        let foreign = Metadata { xattrs: vec![xattr("security.label", b"l"), xattr("user.note", b"n")], ..plain(0o6755) };
        let foreign = write_with(&destination, &Metadata { uid: 0, gid: 0, ..foreign }, &ApplyOptions::default());
        let own = write_with(&destination, &Metadata { uid: NOBODY, gid: NOBODY, ..plain(0o6755) }, &ApplyOptions::default());
        let folder = destination.folder(b"").unwrap();
        let device = folder.device(b"null", DeviceKind::Character, 1, 3).unwrap_err();
        folder.fifo(b"pipe").unwrap();
        let pipe = apply_to_link_or_special(&folder, b"pipe", &Metadata { uid: 0, gid: 0, ..plain(0o640) }, &ApplyOptions::default());
        (foreign, own, device, pipe.unwrap(), folder.stat(b"pipe").unwrap().unwrap().mode)
    });
    let ((foreign, notes), (own, own_notes), device, pipe_notes, pipe_mode) = run.join().unwrap();
    assert_eq!((foreign.uid, foreign.mode), (NOBODY, 0o755));
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].contains("owner 0") && notes[1].contains("security.label") && notes[2].contains("setuid"), "{notes:?}");
    assert_eq!((own.mode, own_notes), (0o6755, vec![]));
    assert_eq!(device.kind(), crate::error::ErrorKind::Denied);
    assert!(device.to_string().contains("needs root"), "{device}");
    assert_eq!((pipe_notes.len(), pipe_mode), (1, 0o640));
}
