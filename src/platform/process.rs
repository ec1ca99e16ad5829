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

/// When the process of a number began, in units that only mean something beside another answer of the same start of the
/// machine: two processes of one number differ in it. None where there is no such process, or the system does not say.
pub fn begun(number: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name of its program stands in brackets, and may have any other characters; field 22 counts from before it.
    text.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The folders that processes of a program work in, as far as this user may know.
pub fn folders_of(program: &str) -> Vec<std::path::PathBuf> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let is_it = |folder: &std::path::Path| std::fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim_end() == program);
    let folders = processes.flatten().map(|entry| entry.path()).filter(|folder| is_it(folder));
    let mut found: Vec<_> = folders.filter_map(|folder| std::fs::read_link(folder.join("cwd")).ok()).collect();
    found.sort();
    found.dedup();
    found
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
    fn a_process_that_is_there_has_a_beginning_and_one_that_is_not_has_none() {
        assert!(begun(std::process::id()).is_some_and(|ours| ours >= begun(1).unwrap_or_default()));
        assert_eq!(begun(u32::MAX), None);
    }

    #[test]
    fn what_is_started_on_one_processor_stays_there_and_who_started_it_does_not() {
        let processors = || sched_getaffinity(None).unwrap().count();
        let before = processors();
        let of_a_thread = on_one_processor(|| thread::spawn(processors)).join().unwrap();
        assert_eq!((of_a_thread, processors()), (1, before));
    }
}
