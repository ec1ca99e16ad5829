//! A disk whose power can be cut: an ext4 image on a loop device, and the request of the kernel that
//! makes a file system stop at once, without writing its journal.

use std::cell::Cell;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::needs::{has_tool, is_root, skip};

/// Enough for a small repository three times.
const BYTES: u64 = 96 << 20;
/// `EXT4_IOC_SHUTDOWN`, which is `_IOR('X', 125, u32)`, with `NOLOGFLUSH`. By Python, because a request
/// of one's own takes `unsafe` in Rust.
const CUT: &str = "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// An image and where it is mounted. Dropping it unmounts it: drop what uses it before.
pub struct Disk {
    folder: TempDir,
    /// How often the power was cut.
    cuts: Cell<u32>,
}

impl Disk {
    /// None where there is no root or no loop device.
    pub fn new() -> Option<Self> {
        if !is_root() || !has_tool("mkfs.ext4") {
            return None;
        }
        let disk = Self { folder: tempfile::tempdir().unwrap(), cuts: Cell::new(0) };
        File::create(disk.image()).unwrap().set_len(BYTES).unwrap();
        std::fs::create_dir(disk.top()).unwrap();
        assert!(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()).status().unwrap().success());
        if !disk.mount() {
            skip("loop devices");
            return None;
        }
        Some(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join(format!("image-{}", self.cuts.get()))
    }

    /// Where it is mounted.
    pub fn top(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&self) -> bool {
        let mut mount = Command::new("mount");
        // No commit of the journal but those that are asked for.
        mount.args(["-o", "loop,commit=600"]).arg(self.image()).arg(self.top()).stderr(Stdio::null());
        mount.status().unwrap().success()
    }

    /// Makes everything durable.
    pub fn sync(&self) {
        assert!(Command::new("sync").arg("-f").arg(self.top()).status().unwrap().success());
    }

    /// Cuts the power, and turns it on again, on a copy of the image. A file system that was stopped lives on
    /// as long as anybody has it mounted, also in a mount namespace that another program made meanwhile, and
    /// who mounts the same device again gets it as it is: every read fails.
    pub fn cut_power(&self) {
        assert!(Command::new("python3").args(["-c", CUT]).arg(self.top()).status().unwrap().success());
        assert!(Command::new("umount").arg(self.top()).status().unwrap().success());
        let stopped = self.image();
        self.cuts.set(self.cuts.get() + 1);
        assert!(Command::new("cp").arg("--sparse=always").args([&stopped, &self.image()]).status().unwrap().success());
        std::fs::remove_file(stopped).unwrap();
        assert!(self.mount());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.top()).stderr(Stdio::null()).status();
    }
}
