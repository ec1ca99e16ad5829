//! This process: whose it is, what it may do and how much of the machine it takes.

use rustix::fs::Mode;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The number of the user whose rights it has.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The number of the group whose rights it has.
pub fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// The numbers of all groups whose rights it has.
pub fn groups() -> Vec<u32> {
    let others = rustix::process::getgroups().unwrap_or_default();
    others.into_iter().map(|group| group.as_raw()).chain([group()]).collect()
}

/// Whether it has the rights of root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets nothing that it makes from here on be read by others, whatever mode is asked for.
pub fn make_private() {
    rustix::process::umask(Mode::from_raw_mode(0o077));
}

/// Lets it have as many open files as it may: the usual 1,024 is for programs that use `select`.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // A refusal costs nothing yet; a run that needs more files says so itself.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Does `work` on one processor, for this thread and those that it starts; those stay there. Where that cannot be,
/// it is done on all.
pub fn on_one_processor<T>(work: impl FnOnce() -> T) -> T {
    // A sandbox may forbid it, or processors may be too many to be named.
    let all = sched_getaffinity(None).ok().filter(|all| {
        let own = sched_getcpu();
        let mut one = CpuSet::new();
        all.is_set(own) && {
            one.set(own);
            sched_setaffinity(None, &one).is_ok()
        }
    });
    let outcome = work();
    if let Some(all) = all {
        let _ = sched_setaffinity(None, &all);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_started_on_one_processor_stays_there_and_who_started_it_does_not() {
        let processors = || sched_getaffinity(None).unwrap().count();
        let before = processors();
        let of_a_thread = on_one_processor(|| thread::spawn(processors)).join().unwrap();
        assert_eq!((of_a_thread, processors()), (1, before));
    }
}
