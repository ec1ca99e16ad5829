//! Whether every other thread of this process waits for something, so that nothing happens until somebody wakes one.
//!
//! The kernel says of each thread whether it sleeps, and how often it went to sleep. Two looks at all of them that say
//! the same, that each sleeps and none went to sleep once more in between, show that at the moment between the looks all
//! slept, and nobody was about to wake: who is woken counts as running at once, however busy the machine is.

use std::collections::BTreeMap;
use std::fs;

/// For each thread how often it went to sleep; none when one of them does not sleep.
type Sleepers = Option<BTreeMap<String, String>>;

/// Whether all other threads wait; false also where it cannot be known.
pub(super) fn all_others_wait() -> bool {
    let own = fs::read_link("/proc/thread-self").ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let Some(own) = own else { return false };
    let first = look(&own);
    first.is_some() && first == look(&own)
}

fn look(own: &str) -> Sleepers {
    let mut sleepers = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/task").ok()? {
        let name = entry.ok()?.file_name().into_string().ok()?;
        if name == own {
            continue;
        }
        // A thread that has ended since has woken who waits for it.
        let status = fs::read_to_string(format!("/proc/self/task/{name}/status")).ok()?;
        let line = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        if !line("State:")?.starts_with('S') {
            return None;
        }
        sleepers.insert(name, line("voluntary_ctxt_switches:")?.to_owned());
    }
    Some(sleepers)
}
