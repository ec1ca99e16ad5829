//! The program under `strace`, which counts its system calls and tampers with one of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Calls that change what is stored, in the repository or on this machine. Threads are counted each on
/// its own, so a call of one thread is met only when no other makes as many of it before; between the
/// kinds of calls every state that a folder can be left in is met all the same.
const CALLS: &str = "write,pwrite64,fsync,fdatasync,rename,renameat2,linkat,unlink,unlinkat,mkdir,mkdirat,fallocate,ftruncate";
/// Of one kind of call at most so many are tried: init makes more than 500 folders.
const CALLS_OF_A_KIND: usize = 24;

/// One call: which, and the how many-th of a thread.
pub type Call = (String, usize);

/// What a command did under `strace`.
pub struct Traced {
    /// None when it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The calls of [`CALLS`], with the paths of descriptors.
    pub log: String,
}

/// Runs `command` under `strace`, tampering as `injection` says.
pub fn trace(command: &Command, log: &Path, injection: Option<&str>) -> Traced {
    let mut strace = Command::new("strace");
    // What is injected is seen in the log only when it is traced.
    let injected = injection.and_then(|injection| injection.split(':').next()).unwrap_or("write");
    strace.args(["-f", "-y", "-qq", "-o"]).arg(log).args(["-e", &format!("trace={CALLS},{injected}")]);
    if let Some(injection) = injection {
        strace.args(["-e", &format!("inject={injection}")]);
    }
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = strace.output().unwrap();
    Traced {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        log: String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned(),
    }
}

/// The calls of a log that can be met, at most [`CALLS_OF_A_KIND`] of a kind, spread evenly.
pub fn calls(log: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if CALLS.split(',').any(|known| known == call) {
            *counts.entry((call, thread)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((call, _), count) in counts {
        let most = most.entry(call).or_default();
        *most = count.max(*most);
    }
    let of_a_kind = |(call, most): (&str, usize)| spread((1..=most).map(|number| (call.to_owned(), number)).collect(), CALLS_OF_A_KIND);
    most.into_iter().flat_map(of_a_kind).collect()
}

/// At most `count` of `all`, spread evenly.
fn spread<T: Clone>(all: Vec<T>, count: usize) -> Vec<T> {
    if all.len() <= count {
        return all;
    }
    (0..count).map(|turn| all[turn * all.len() / count].clone()).collect()
}

/// The calls that a test tries that is one of `tests`: all that give and take names, and of the others
/// so many that all tests together try about 40, and as many more as `KILLS` says.
pub fn chosen(all: &[Call], tests: usize) -> Vec<Call> {
    let more: usize = std::env::var("KILLS").map_or(0, |text| text.parse().expect("KILLS is a number"));
    let changes_names = |call: &&Call| call.0.starts_with("rename") || call.0.starts_with("unlink");
    let (mut chosen, others): (Vec<Call>, Vec<Call>) =
        (all.iter().filter(changes_names).cloned().collect(), all.iter().filter(|call| !changes_names(call)).cloned().collect());
    let rest = (40 + more).div_ceil(tests).saturating_sub(chosen.len()).max(5);
    chosen.extend(spread(others, rest));
    chosen
}
