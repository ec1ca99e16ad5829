//! Names for the numbers of users and groups.
//!
//! A restore on another machine goes by name where it can, so a snapshot keeps both. Looking up a
//! name may ask a directory server, so every number is asked for once in a run, also one without a
//! name.

use std::collections::HashMap;
use std::sync::RwLock;

use crate::platform;

/// A cache of the names of users and groups. Methods are called from any thread.
#[derive(Debug, Default)]
pub struct Owners {
    users: Names,
    groups: Names,
}

type Names = RwLock<HashMap<u32, String>>;

impl Owners {
    /// The name of a user, empty when the number has none.
    pub fn user(&self, uid: u32) -> String {
        look_up(&self.users, uid, platform::user_name)
    }

    /// The name of a group, empty when the number has none.
    pub fn group(&self, gid: u32) -> String {
        look_up(&self.groups, gid, platform::group_name)
    }
}

/// The lock is not held while the name is asked for: one slow answer stops nobody else.
fn look_up(names: &Names, number: u32, ask: impl FnOnce(u32) -> Option<String>) -> String {
    // A panic elsewhere cannot leave the map half changed.
    if let Some(name) = names.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&number) {
        return name.clone();
    }
    let name = ask(number).unwrap_or_default();
    names.write().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(number).or_insert(name).clone()
}

/// The name of the user who runs this, or the number where it has none.
pub fn user_name() -> String {
    let uid = platform::process::user();
    let name = Owners::default().user(uid);
    if name.is_empty() { uid.to_string() } else { name }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_number_is_asked_for_once_whether_it_has_a_name_or_not() {
        let names = Names::default();
        let asked = Cell::new(0);
        let ask = |name: Option<&str>| {
            asked.set(asked.get() + 1);
            name.map(str::to_owned)
        };
        for _ in 0..3 {
            assert_eq!(look_up(&names, 7, |_| ask(Some("seven"))), "seven");
            assert_eq!(look_up(&names, 8, |_| ask(None)), "");
        }
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn root_has_a_name_and_an_unused_number_has_none() {
        let owners = Owners::default();
        assert_eq!((owners.user(0).as_str(), owners.group(0).as_str()), ("root", "root"));
        assert_eq!((owners.user(3_999_999_999).as_str(), owners.group(3_999_999_999).as_str()), ("", ""));
    }

    #[test]
    fn this_machine_and_its_user_have_names() {
        assert!(!platform::host_name().is_empty() && !user_name().is_empty());
    }
}
