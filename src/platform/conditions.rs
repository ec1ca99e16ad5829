//! What this machine has at the moment: a way to other machines, power from the wall, a disk at a path.
//!
//! The answers come from files that the kernel keeps. Each is found below a root, which is `/` but in tests. None means
//! that it cannot be found out, as on another system.

use std::fs;
use std::path::{Path, PathBuf};

/// A route that is up, in the numbers of the kernel; and one that leads nowhere.
const ROUTE_IS_UP: u32 = 0x1;
const ROUTE_REJECTS: u32 = 0x200;

/// Whether a default route is up, by which other machines may be reached.
pub fn has_network(root: &Path) -> Option<bool> {
    let read = |name: &str| fs::read_to_string(root.join("proc/net").join(name)).ok();
    let (old, new) = (read("route"), read("ipv6_route"));
    if old.is_none() && new.is_none() {
        return None;
    }
    let is_usable = |flags: &str| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & ROUTE_IS_UP != 0 && flags & ROUTE_REJECTS == 0);
    // Interface, destination, gateway, flags, …, mask as the eighth.
    let by_old = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        matches!(fields[..], [device, "00000000", _, flags, _, _, _, "00000000", ..] if device != "lo" && is_usable(flags))
    };
    // Destination, its length, source, its length, next hop, metric, two counters, flags, interface.
    let by_new = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        matches!(fields[..], [to, "00", _, _, _, _, _, _, flags, device] if to.bytes().all(|c| c == b'0') && device != "lo" && is_usable(flags))
    };
    Some(old.unwrap_or_default().lines().any(by_old) || new.unwrap_or_default().lines().any(by_new))
}

/// Whether power comes from the wall. A machine without a battery has no other.
pub fn has_ac_power(root: &Path) -> Option<bool> {
    let supplies = fs::read_dir(root.join("sys/class/power_supply")).ok()?;
    let (mut has_plug, mut is_plugged_in, mut has_battery, mut is_discharging) = (false, false, false, false);
    for supply in supplies.flatten() {
        let read = |name: &str| fs::read_to_string(supply.path().join(name)).unwrap_or_default().trim().to_owned();
        // That of a mouse or a keyboard is none of the machine.
        if read("scope") == "Device" {
            continue;
        }
        match read("type").as_str() {
            "Mains" | "USB" => {
                has_plug = true;
                is_plugged_in |= read("online") == "1";
            }
            "Battery" => {
                has_battery = true;
                is_discharging |= read("status") == "Discharging";
            }
            _ => {}
        }
    }
    // Machines without a battery have plugs, too, in which nothing is.
    Some(!has_battery || is_plugged_in || !(has_plug || is_discharging))
}

/// Whether a file system is mounted at a path.
pub fn is_mounted(root: &Path, path: &Path) -> Option<bool> {
    let list = fs::read(root.join("proc/self/mountinfo")).ok()?;
    let is_it = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).is_some_and(|field| unescaped(field) == path);
    Some(list.split(|byte| *byte == b'\n').any(is_it))
}

/// The kernel writes spaces and the like in octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;

    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let octal = (*first == b'\\').then(|| behind.get(..3)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[3..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        root
    }

    const OLD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const NOWHERE: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    #[test]
    fn a_default_route_that_is_up_is_a_network() {
        let default = format!("{OLD}eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
        assert_eq!(has_network(root(&[("proc/net/route", &default)]).path()), Some(true));
        let neighbours = format!("{OLD}eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n");
        let without = root(&[("proc/net/route", &neighbours), ("proc/net/ipv6_route", NOWHERE)]);
        assert_eq!(has_network(without.path()), Some(false));
        let down = default.replace("0003", "0002");
        assert_eq!(has_network(root(&[("proc/net/route", &down)]).path()), Some(false));
        let by_new = NOWHERE.replace("00200200       lo", "00450003     wlan0");
        let only_new = root(&[("proc/net/route", OLD), ("proc/net/ipv6_route", &format!("{NOWHERE}{by_new}"))]);
        assert_eq!(has_network(only_new.path()), Some(true));
        assert_eq!(has_network(root(&[]).path()), None);
    }

    #[test]
    fn a_plug_or_no_battery_is_power_from_the_wall() {
        let power = |files: &[(&str, &str)]| {
            let files: Vec<(String, &str)> =
                files.iter().map(|(name, content)| (format!("sys/class/power_supply/{name}"), *content)).collect();
            let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
            has_ac_power(root(&files).path())
        };
        let plug = |online| [("AC/type", "Mains\n"), ("AC/online", online), ("BAT0/type", "Battery\n"), ("BAT0/status", "Discharging\n")];
        assert_eq!(power(&plug("1\n")), Some(true));
        assert_eq!(power(&plug("0\n")), Some(false));
        assert_eq!(power(&[("mouse/type", "Battery\n"), ("mouse/scope", "Device\n"), ("mouse/status", "Discharging\n")]), Some(true));
        assert_eq!(power(&[("BAT0/type", "Battery\n"), ("BAT0/status", "Full\n")]), Some(true));
        assert_eq!(power(&[("AC/type", "Mains\n"), ("AC/online", "0\n")]), Some(true));
        assert_eq!(power(&[]), None);
    }

    #[test]
    fn a_disk_is_there_when_something_is_mounted_at_its_path_itself() {
        let list = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n36 22 8:17 / /mnt/a\\040disk rw - ext4 /dev/sdb1 rw\n40 22";
        let root = root(&[("proc/self/mountinfo", list)]);
        assert_eq!(is_mounted(root.path(), Path::new("/mnt/a disk")), Some(true));
        for path in ["/mnt", "/mnt/a", "/mnt/a disk/folder"] {
            assert_eq!(is_mounted(root.path(), Path::new(path)), Some(false), "{path}");
        }
        assert_eq!(is_mounted(Path::new("/nowhere"), Path::new("/mnt")), None);
    }
}
