//! What a machine is: its system, its memory, what is mounted.

use std::fs;

use serde::Serialize;

/// A file system that is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Where.
    pub at: String,
    /// What: a device, or what stands in its place.
    pub device: String,
    /// Which kind it is.
    pub kind: String,
}

/// The name of the system for people: `Debian GNU/Linux 12 (bookworm)`.
pub fn system_name() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(String::new, |name| name.trim_matches('"').to_owned())
}

/// The kernel and the kind of processor.
pub fn kernel() -> String {
    let names = rustix::system::uname();
    format!("{} {} {}", names.sysname().to_string_lossy(), names.release().to_string_lossy(), names.machine().to_string_lossy())
}

/// The memory of the machine; none where the system does not say.
pub fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.saturating_mul(1024))
}

/// What is mounted from disks and other machines, sorted by where.
pub fn mounts() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = |line: &str| {
        let mut words = line.split(' ');
        let (device, at, kind) = (words.next()?, words.next()?, words.next()?);
        // What the kernel makes of itself has no device.
        let is_storage = device.starts_with('/') || device.contains(':') || device.starts_with("//");
        is_storage.then(|| Mount { at: at.to_owned(), device: device.to_owned(), kind: kind.to_owned() })
    };
    let mut mounts: Vec<Mount> = text.lines().filter_map(mount).collect();
    mounts.sort_by(|a, b| (&a.at, &a.device).cmp(&(&b.at, &b.device)));
    mounts.dedup();
    mounts
}
