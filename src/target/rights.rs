//! What this process may set: the same file restored by a user and by root is as good as either can make it.

use crate::platform::process;

/// What this process may set.
#[derive(Clone, Debug)]
pub struct Rights {
    user: u32,
    groups: Vec<u32>,
}

impl Default for Rights {
    fn default() -> Self {
        Self { groups: process::groups(), user: process::user() }
    }
}

impl Rights {
    pub(super) fn user(&self) -> u32 {
        self.user
    }

    pub(super) fn is_root(&self) -> bool {
        self.user == 0
    }

    /// Whether owner and group are what this process can make of those that are wanted. The owner is
    /// its own user where it cannot give a file away.
    pub(super) fn owner_is_best(&self, found: (u32, u32), wanted: (u32, u32)) -> bool {
        if self.is_root() {
            return found == wanted;
        }
        let user_is_best = found.0 == wanted.0 || found.0 == self.user && wanted.0 != self.user;
        let group_is_best = found.1 == wanted.1 || !self.groups.contains(&wanted.1);
        user_is_best && group_is_best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_that_this_user_cannot_give_is_no_difference() {
        let rights = Rights { user: 1000, groups: vec![100, 1000] };
        assert!(rights.owner_is_best((1000, 1000), (0, 0)), "what a restore makes of a file of root");
        assert!(!rights.owner_is_best((1000, 1000), (0, 100)), "a group of the user can be given");
        assert!(!rights.owner_is_best((0, 1000), (1000, 1000)), "taken by root since");
        let root = Rights { user: 0, groups: vec![0] };
        assert!(root.owner_is_best((5, 6), (5, 6)) && !root.owner_is_best((0, 0), (5, 6)));
    }
}
