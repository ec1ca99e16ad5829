//! Programs that we start, with whatever they start themselves.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

/// Has `command` start in a group of its own, so that it can be ended with all that it starts, and a ^C at our terminal
/// reaches us first.
pub fn start_apart(command: &mut Command) {
    command.process_group(0);
}

/// Has `command` run with the rights of a user and a group, and of no other group; only root may do that.
pub fn run_as(command: &mut Command, user: u32, group: u32) {
    command.uid(user).gid(group);
}

/// Asks a child that was started [apart](start_apart), and all that it started, to end.
pub fn ask_to_end(child: &Child) {
    signal(child, Signal::TERM);
}

/// Ends a child that was started [apart](start_apart), and all that it started, at once.
pub fn end_at_once(child: &Child) {
    signal(child, Signal::KILL);
}

fn signal(child: &Child, signal: Signal) {
    // Its number is not given to another process before it was waited for.
    if let Some(group) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(group, signal);
    }
}
