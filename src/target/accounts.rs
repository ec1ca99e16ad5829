//! Owner names of a snapshot as numbers of this machine, asked once each.
//!
//! A look-up may go to a directory server, so the answer is kept, also when it is "unknown".

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::manifest::Metadata;
use crate::platform;

type Known = Mutex<HashMap<String, Option<u32>>>;

/// User and group names, looked up and remembered. Shared by all threads of a restore.
#[derive(Debug, Default)]
pub struct Names {
    users: Known,
    groups: Known,
}

impl Names {
    /// The number of a user on this machine, if it has one of that name.
    pub fn uid(&self, user: &str) -> Option<u32> {
        remember(&self.users, user, || platform::user_number(user))
    }

    /// The number of a group on this machine, if it has one of that name.
    pub fn gid(&self, group: &str) -> Option<u32> {
        remember(&self.groups, group, || platform::group_number(group))
    }

    /// The owner and group that `metadata` means on this machine: by name where the name exists
    /// here, else, or with `numeric`, by number.
    pub fn owner(&self, metadata: &Metadata, numeric: bool) -> (u32, u32) {
        if numeric {
            return (metadata.uid, metadata.gid);
        }
        (self.uid(&metadata.user).unwrap_or(metadata.uid), self.gid(&metadata.group).unwrap_or(metadata.gid))
    }

    #[cfg(test)]
    pub(super) fn knowing(user: &str, uid: u32, group: &str, gid: u32) -> Self {
        let one = |name: &str, number| Mutex::new(HashMap::from([(name.to_owned(), Some(number))]));
        Self { users: one(user, uid), groups: one(group, gid) }
    }
}

fn remember(known: &Known, name: &str, ask: impl FnOnce() -> Option<u32>) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    // A map of finished answers is whole even if another thread died while it held the lock.
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = known.get(name) {
        return *number;
    }
    let number = ask();
    known.insert(name.to_owned(), number);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned_by(user: &str, group: &str) -> Metadata {
        Metadata { uid: 7000, gid: 7001, user: user.into(), group: group.into(), ..Metadata::default() }
    }

    #[test]
    fn a_name_wins_over_a_number_unless_numbers_are_asked_for() {
        let names = Names::knowing("anna", 1234, "shop", 4321);
        assert_eq!(names.owner(&owned_by("anna", "shop"), false), (1234, 4321));
        assert_eq!(names.owner(&owned_by("anna", "shop"), true), (7000, 7001));
    }

    #[test]
    fn without_a_name_or_with_an_unknown_one_the_number_is_taken() {
        let names = Names::default();
        assert_eq!(names.owner(&owned_by("", ""), false), (7000, 7001));
        assert_eq!(names.owner(&owned_by("no such user of all", "no\0group"), false), (7000, 7001));
    }

    #[test]
    fn a_name_is_asked_for_once() {
        let known = Known::default();
        let mut asked = 0;
        for _ in 0..3 {
            let number = remember(&known, "anna", || {
                asked += 1;
                None
            });
            assert_eq!(number, None);
        }
        assert_eq!(asked, 1);
    }
}
