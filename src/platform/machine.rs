//! The machine: its names, and what waits to be written to its disks.

use std::io::Read;
use std::path::Path;

/// Where systems keep it; the second is of systems without systemd.
const PLACES: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
/// A name is 32 hexadecimal digits; nothing longer is read.
const BYTES_MAX: u64 = 256;

/// A name that stays the same at every start and that no other machine has; `None` where the system has none,
/// as in most containers. It should be shown to nobody.
pub fn machine_name() -> Option<Vec<u8>> {
    PLACES.iter().find_map(|place| read_name(Path::new(place)))
}

fn read_name(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path).ok()?.take(BYTES_MAX).read_to_end(&mut text).ok()?;
    let name = text.trim_ascii().to_ascii_lowercase();
    // Before the first start it says `uninitialized`, which all such systems have in common.
    let is_name = name.len() >= 32 && name.iter().all(u8::is_ascii_hexdigit) && name.iter().any(|digit| *digit != b'0');
    is_name.then_some(name)
}

/// The name that this machine has in its network.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A name of this start of the machine, which no other start has; none where the system has no such names.
pub fn start_name() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|text| text.trim().to_owned())
}

/// What waits to be written on all disks; none where the system does not say.
pub fn unwritten_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((kib("Dirty:")?.saturating_add(kib("Writeback:")?)).saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_was_never_started_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join("id"), text).unwrap();
            read_name(&folder.path().join("id"))
        };
        assert_eq!(read("0123456789abcdef0123456789ABCDEF\n").unwrap(), b"0123456789abcdef0123456789abcdef");
        for text in ["", "\n", "uninitialized\n", "0123", &"0".repeat(32)] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read_name(&folder.path().join("none")), None);
    }
}
