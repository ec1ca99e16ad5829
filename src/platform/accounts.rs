//! Names and numbers of users and groups.
//!
//! They are asked of the C library, where directory servers are configured. A binary into which the library is
//! linked has none of its modules, and loading them at run time can end the process; it reads the two files of
//! this machine itself.

use nix::unistd::{Gid, Group, Uid, User};

/// The C library is part of the binary.
const IS_STATIC: bool = cfg!(target_feature = "crt-static");
const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// The name of a user, if the number has one.
pub fn user_name(uid: u32) -> Option<String> {
    if IS_STATIC { name_in(USERS, uid) } else { User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name) }
}

/// The number of a user, if the name has one.
pub fn user_number(name: &str) -> Option<u32> {
    if IS_STATIC { number_in(USERS, name) } else { User::from_name(name).ok().flatten().map(|user| user.uid.as_raw()) }
}

/// The name of a group, if the number has one.
pub fn group_name(gid: u32) -> Option<String> {
    if IS_STATIC { name_in(GROUPS, gid) } else { Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|group| group.name) }
}

/// The number of a group, if the name has one.
pub fn group_number(name: &str) -> Option<u32> {
    if IS_STATIC { number_in(GROUPS, name) } else { Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw()) }
}

fn name_in(file: &str, number: u32) -> Option<String> {
    let list = std::fs::read(file).ok()?;
    accounts(&list).find(|(_, found)| *found == number).map(|(name, _)| name.to_owned())
}

fn number_in(file: &str, name: &str) -> Option<u32> {
    let list = std::fs::read(file).ok()?;
    accounts(&list).find(|(found, _)| *found == name).map(|(_, number)| number)
}

/// The accounts of a list: `name:password:number:` and more. Other lines, such as `+` for a directory, are none.
fn accounts(list: &[u8]) -> impl Iterator<Item = (&str, u32)> {
    list.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = std::str::from_utf8(line).ok()?.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(['+', '-', '#']))?;
        Some((name, fields.nth(1)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_this_machine_say_what_the_library_says() {
        assert_eq!((name_in(USERS, 0), number_in(USERS, "root")), (user_name(0), user_number("root")));
        assert_eq!((name_in(GROUPS, 0), number_in(GROUPS, "root")), (group_name(0), group_number("root")));
        assert_eq!((name_in(USERS, 3_999_999_999), number_in(GROUPS, "no such group")), (None, None));
        assert_eq!((user_name(3_999_999_999), group_number("no such group")), (None, None));
    }

    #[test]
    fn lines_that_are_no_accounts_are_passed_over() {
        let list = b"root:x:0:0::/root:/bin/sh\n+anna::::::\n\n#b:x:1:\n:x:2:\nbob:x:not a number:\nshop:x:1001:\n\xff:x:3:\nnone";
        assert_eq!(accounts(list).collect::<Vec<_>>(), [("root", 0), ("shop", 1001)]);
    }
}
