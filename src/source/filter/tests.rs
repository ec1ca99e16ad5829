//! Tests of filters.

use super::*;
use std::os::unix::ffi::OsStrExt;

fn filter(patterns: &[&str]) -> Filter {
    Filter::new(&patterns.iter().map(|pattern| pattern.to_string()).collect::<Vec<_>>()).unwrap()
}

/// Files that one pattern leaves out, and files that it does not.
#[track_caller]
fn check(pattern: &str, left_out: &[&str], kept: &[&str]) {
    let filter = filter(&[pattern]);
    for path in left_out {
        assert!(filter.is_excluded(path.as_bytes(), false), "{pattern} should leave out {path}");
    }
    for path in kept {
        assert!(!filter.is_excluded(path.as_bytes(), false), "{pattern} should keep {path}");
    }
}

#[test]
fn patterns_mean_what_the_documentation_says() {
    check("*.tmp", &["/a.tmp", "/a/b/c.tmp", "/.tmp"], &["/a.tmp/b", "/a.TMP", "/a.tmpx"]);
    check("node_modules", &["/node_modules", "/x/node_modules"], &["/node_modules2", "/node_modules/x"]);
    check("/home/*/.cache", &["/home/me/.cache"], &["/home/.cache", "/home/a/b/.cache", "/x/home/me/.cache"]);
    check("build/*.o", &["/build/a.o", "/x/y/build/a.o"], &["/build/x/a.o", "/xbuild/a.o"]);
    check("a/**/b", &["/a/b", "/x/a/b", "/a/x/y/b"], &["/ab", "/b"]);
    check("/data/**", &["/data/x", "/data/x/y"], &["/data", "/x/data/y"]);
    check("**/x", &["/x", "/a/b/x"], &["/xx"]);
    check("a?b", &["/a.b", "/x/aab"], &["/a/b", "/ab"]);
    check("[ab]c", &["/ac", "/bc"], &["/cc"]);
    check("[!ab]c", &["/cc"], &["/ac"]);
    check("{a,b}.c", &["/a.c", "/b.c"], &["/c.c"]);
    check("\\*", &["/*"], &["/a"]);
    check("\\!a", &["/!a"], &["/a"]);
    check("#*#", &["/#draft#"], &["/draft"]);
    check("**", &["/a", "/a/b"], &[]);
    check("/a", &["/a"], &["/b/a"]);
}

#[test]
fn a_slash_at_the_end_restricts_a_pattern_to_folders() {
    let filter = filter(&["target/", "/var/tmp/"]);
    for path in [&b"/x/target"[..], b"/var/tmp"] {
        assert!(filter.is_excluded(path, true));
        assert!(!filter.is_excluded(path, false));
    }
}

#[test]
fn the_last_pattern_that_matches_decides() {
    let filter = filter(&["*.log", "!keep.log", "/tmp/*", "!/tmp/good/"]);
    assert!(filter.is_excluded(b"/a.log", false));
    assert!(!filter.is_excluded(b"/a/keep.log", false));
    assert!(filter.is_excluded(b"/tmp/keep.log", false));
    assert!(!filter.is_excluded(b"/tmp/good", true));
    assert!(filter.is_excluded(b"/tmp/good", false), "a rule for folders does not take in a file");
}

#[test]
fn names_of_any_bytes_are_matched() {
    let filter = filter(&["*.tmp", "a?b"]);
    assert!(filter.is_excluded(b"/\xff\xfe\n/\x80.tmp", false));
    assert!(filter.is_excluded(b"/a\xffb", false));
    assert!(!filter.is_excluded(b"/\xff.tmpx", false));
}

#[test]
fn nothing_is_left_out_without_patterns() {
    assert!(!filter(&[]).is_excluded(b"/a", true));
}

#[test]
fn patterns_that_mean_nothing_are_refused_by_name() {
    for pattern in ["", "!", "/", "!/", "//", "a//b", "./a", "a/../b", "[a", "{a", "a\\", "a\0b"] {
        let error = Filter::new(&["fine".to_owned(), pattern.to_owned()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{pattern}");
        assert!(error.to_string().contains(&*pattern.escape_debug().to_string()), "{error}");
    }
}

#[test]
fn a_file_of_patterns_has_comments_and_empty_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patterns");
    std::fs::write(&path, "\u{feff}# comment\n*.tmp  \r\n\n \n\\#a\n b\nend\\ \n!x").unwrap();
    assert_eq!(read_exclude_file(&path).unwrap(), ["*.tmp", "\\#a", " b", "end\\ ", "!x"]);
    std::fs::write(&path, b"good\nb\xffd\n").unwrap();
    let error = read_exclude_file(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().starts_with("line 2 of "));
    assert!(read_exclude_file(&folder.path().join("gone")).unwrap_err().is_not_found());
}

#[test]
fn only_a_file_with_the_signature_marks_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("CACHEDIR.TAG");
    let has_tag = || has_cache_tag(&Folder::open(folder.path().as_os_str().as_bytes()).unwrap());
    assert!(!has_tag());
    for (content, expected) in [
        (&b"Signature: 8a477f597d28d172789f06886806bc55"[..], true),
        (b"Signature: 8a477f597d28d172789f06886806bc55\n# by someone\n", true),
        (b"Signature: 8a477f597d28d172789f06886806bc5", false),
        (b"something else, that is long enough to be one", false),
        (b"", false),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(has_tag(), expected);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(folder.path().join("real"), CACHE_TAG_SIGNATURE).unwrap();
    std::os::unix::fs::symlink("real", &path).unwrap();
    assert!(!has_tag(), "a link is not the file");
    std::fs::remove_file(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    assert!(!has_tag(), "a pipe hangs nobody");
}

#[test]
fn patterns_that_have_matched_nothing_are_known() {
    let filter = Filter::new(&["*.tmp", "*.o", "a/", "!a.o"].map(str::to_owned)).unwrap();
    assert_eq!(filter.unmatched(), ["*.tmp", "*.o", "a/", "!a.o"]);
    assert!(filter.is_excluded(b"/b.o", false) && !filter.is_excluded(b"/a", false) && !filter.clone().is_excluded(b"/a.o", false));
    assert_eq!(filter.unmatched(), ["*.tmp", "a/"]);
}
