//! Names of any bytes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::round_trip;

#[test]
fn every_byte_that_a_name_can_have_comes_back() {
    let trip = round_trip(|tree| {
        for byte in 1..=u8::MAX {
            if byte != b'/' {
                let name = [b'b', byte, b'e'];
                fs::write(tree.join(OsStr::from_bytes(&name)), [byte]).unwrap();
                if byte != b'.' {
                    fs::create_dir(tree.join(OsStr::from_bytes(&[byte]))).unwrap();
                }
            }
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 1 + 254 + 253);
}

#[test]
fn odd_names_come_back_and_are_never_taken_for_something_else() {
    let longest = [b'x'; 255];
    let longest_of_other_bytes = [0xff; 255];
    let names: [&[u8]; 34] = [
        b"-",
        b"--",
        b"-rf",
        b"--delete",
        b"...",
        b". ",
        b"..a",
        b" ",
        b"  two  ",
        b"trailing.",
        b"trailing ",
        b"new\nline",
        b"\x1b[2J",
        b"\xff\xfe",
        b"\xc3\x28",
        b"caf\xc3\xa9",
        b"cafe\xcc\x81",
        b"CON",
        b"a:b",
        b"a\\b",
        b"*",
        b"?",
        b"[a]",
        b"{a,b}",
        b"$HOME",
        b"~",
        b"'\"`",
        b"file.damaged",
        b"file~2",
        b"lost+found",
        b".strongroom-temporary",
        b"\r\n\t",
        &longest,
        &longest_of_other_bytes,
    ];
    let trip = round_trip(|tree| {
        for name in names {
            let name = OsStr::from_bytes(name);
            fs::write(tree.join(name), name.as_bytes()).unwrap();
            fs::create_dir_all(tree.join("folders").join(name)).unwrap();
            fs::write(tree.join("folders").join(name).join(name), name.as_bytes()).unwrap();
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 2 + 3 * names.len());
    // A listing has one line for each, whatever is in the names.
    let listed = trip.place.run(&["ls", "-R", &format!("latest:{}", trip.place.text("tree"))]).expect(0).stdout;
    assert_eq!(listed.lines().count(), 1 + 3 * names.len());
    assert!(!listed.contains('\x1b') && !listed.contains('\r'), "{listed}");
}

#[test]
fn names_that_differ_only_by_case_or_by_unicode_form_stay_apart() {
    let trip = round_trip(|tree| {
        for name in ["straße", "strasse", "STRASSE", "e\u{301}", "\u{e9}", "E\u{301}", "ſ", "s", "S", "K", "\u{212a}"] {
            fs::write(tree.join(name), name).unwrap();
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 12);
}
