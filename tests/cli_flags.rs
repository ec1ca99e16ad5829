//! Inode flags and patterns of a restore, as a user meets them.

use crate::cli_delete::run_with_mounts;
use crate::cli_place::Place;
use crate::needs;

#[test]
fn no_copy_on_write_is_set_while_a_file_is_empty_because_btrfs_ignores_it_afterwards() {
    if !needs::is_root() || !needs::has_tool("mkfs.btrfs") || !needs::has_tool("chattr") {
        return;
    }
    let place = Place::with_repository();
    let script = r#"
        cd "$T"; truncate -s 128M image; mkfs.btrfs -q image; mkdir m; mount -o loop image m
        mkdir m/source; touch m/source/disk m/source/linked; chattr +C m/source/disk m/source/linked
        echo content >m/source/disk; echo content >m/source/linked; ln m/source/linked m/source/other; echo plain >m/source/plain
        "$REPO" -q snapshot "$T/m/source"
        "$REPO" restore --inode-flags "latest:$T/m/source" "$T/m/back"
        "$REPO" restore "latest:$T/m/source" "$T/m/without"
        lsattr m/back; umount m
    "#;
    let Some(said) = run_with_mounts(&place, script) else { return };
    let flags_of = |name: &str| said.lines().find(|line| line.ends_with(&format!("m/back/{name}"))).unwrap_or_default().to_owned();
    for name in ["disk", "linked", "other"] {
        assert!(flags_of(name).contains('C'), "{name}: {said}");
    }
    assert!(flags_of("plain").starts_with("---") && !flags_of("plain").contains('C'), "{said}");
    assert!(said.contains("  2 have inode flags or trusted attributes that were not restored"), "{said}");
}

#[test]
fn a_pattern_to_include_that_matches_nothing_is_3_and_named() {
    let place = Place::with_snapshot();
    let ran = place.run(&["restore", "--include", "contrakt.pdf", "--include", "a", "latest", &place.text("back")]).expect(3);
    assert!(ran.stderr.contains("nothing in the snapshot matches the pattern `contrakt.pdf`"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("`a`"), "{}", ran.stderr);
    place.run(&["restore", "-n", "--include", "contrakt.pdf", "latest", &place.text("back")]).expect(3);
    place.run(&["restore", "--include", "a", "latest", &place.text("back")]).expect(0);
}
