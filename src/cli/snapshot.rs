//! `repo snapshot`: saves files.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use serde_bytes::ByteBuf;

use super::alone::{again, of_jobs};
use super::bar::Bar;
use super::evening::{Ended, concerns_one_series};
use super::exit::Status;
use super::files_from;
use super::global::{self, Global, quoted};
use super::init::{self, NotMade};
use super::locks;
use super::message;
use super::output::Output;
use super::own_folders::OwnFolders;
use super::saved;
use super::times;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::RunRequest;
use crate::manifest::{Kind, SnapshotOptions, StatTrust, Unwanted, check_name};
use crate::platform::{self, names};
use crate::repository::{Description, Repository};
use crate::snapshot::{self, Request, Stream};
use crate::source::{read_exclude_file, user_name};
use crate::units::{ByteCount, lossy_text};

/// Save files and folders
///
/// Without a PATH, every series of this machine that is not stopped (`repo series`) is saved again, each with the paths,
/// filters and options of its newest snapshot; with --series, that one. Every snapshot is whole and restores alone,
/// whatever its kind.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Files and folders to save; a symbolic link stands for what it leads to
    paths: Vec<PathBuf>,

    /// Save the paths in a file too, one a line, byte by byte; `-` is standard input (may be repeated). A run without a
    /// path takes the same paths again, whatever the file says by then. Give --series where the list changes from run to
    /// run: the series is else made from the paths
    #[arg(long, value_name = "FILE")]
    files_from: Vec<PathBuf>,

    /// With --files-from: a NUL stands behind each path, as `find -print0` writes it
    #[arg(short = '0', long, requires = "files_from")]
    null: bool,

    /// What is read
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<SnapshotKind>,

    /// Make the repository if there is none
    #[arg(long)]
    init: bool,

    /// With --init: make it though another was at this place before, which this machine has used
    #[arg(long, requires = "init")]
    new_repository: bool,

    /// The line of snapshots that this one belongs to [default: made from host and paths]
    #[arg(long, value_name = "NAME")]
    series: Option<String>,

    /// The name of this machine [default: its own]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,

    /// A word to find the snapshot by (may be repeated)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Pin the snapshot: neither rules nor `repo forget` remove it
    #[arg(long)]
    pin: bool,

    /// Leave out what matches, as in a .gitignore, unless it is named as a PATH itself (may be repeated)
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// Leave out what matches a line of a file (may be repeated)
    #[arg(long, value_name = "FILE")]
    exclude_file: Vec<PathBuf>,

    /// Leave out folders that say of themselves that they are caches (CACHEDIR.TAG)
    #[arg(long)]
    exclude_caches: bool,

    /// Leave out files of more bytes: `500M`, `1.5 GiB`; K, M, G, T are powers of 1024
    #[arg(long, value_name = "SIZE")]
    exclude_larger_than: Option<ByteCount>,

    /// Leave out folders that hold an entry of this name, such as `.nobackup`, but for that entry; not a PATH itself (may
    /// be repeated)
    #[arg(long, value_name = "NAME", value_parser = mark)]
    exclude_if_present: Vec<ByteBuf>,

    /// Do not enter other file systems than those of the PATHs; `-v` names where they are
    #[arg(long)]
    one_file_system: bool,

    /// What must be equal for a file to count as unchanged [default: by the file system]
    #[arg(long, value_enum, value_name = "WHAT")]
    stat_trust: Option<Trust>,

    /// Save standard input as a file of this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["command", "paths", "files_from"])]
    stdin: Option<String>,

    /// Save the output of the command behind `--` as a file of this name; if it fails, nothing is saved
    #[arg(long, value_name = "NAME", conflicts_with_all = ["paths", "files_from"])]
    command: Option<String>,

    /// The time of the snapshot, now or before: `2026-11-22 18:00` or with an offset as in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,

    /// Read and count, but store nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// With --command: the command and its arguments
    #[arg(last = true, value_name = "CMD")]
    arguments: Vec<OsString>,
}

/// The kind of a snapshot.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum SnapshotKind {
    /// Read every file
    Full,
    /// Read what changed since the last snapshot
    #[default]
    Incremental,
    /// Read what changed since the last full snapshot
    Differential,
}

impl SnapshotKind {
    /// The kind as the manifest knows it.
    pub fn kind(self) -> Kind {
        match self {
            SnapshotKind::Full => Kind::Full,
            SnapshotKind::Incremental => Kind::Incremental,
            SnapshotKind::Differential => Kind::Differential,
        }
    }
}

/// What must be equal for a file to count as unchanged.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Trust {
    /// Length, times and inode
    Full,
    /// Length and times, for file systems whose inode numbers change
    NoInode,
    /// Length and time of modification, for file systems without more
    Mtime,
}

/// Saves what is asked for and says what was saved.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    check(&args)?;
    let time = args.time.as_deref().map(times::parse).transpose()?;
    let host = args.host.clone().unwrap_or_else(platform::host_name);
    // Patterns and paths are looked at first: who mistyped one is told before a password is asked for.
    let named = [literal_paths(&args), files_from::read_paths(&args.files_from, args.null)?].concat();
    let paths = absolute_paths(args.paths.iter().chain(&named))?;
    let (options, unwanted) = (options(&args)?, unwanted(&args));
    let repository = open(&args, global)?;
    let machine = platform::machine_name();
    let mut ended = Ended::default();
    let is_of_jobs = paths.is_empty() && args.stdin.is_none() && args.command.is_none() && global.in_use()?.is_some();
    let requests = match (&args.stdin, &args.command) {
        (Some(_), _) => vec![Request { options, stream: Some(Stream::standard_input()?), ..Request::new(paths, host, user_name()) }],
        (_, Some(_)) => {
            let stream = Some(Stream::Command(args.arguments.clone()));
            vec![Request { options, stream, ..Request::new(paths, host, user_name()) }]
        }
        _ if paths.is_empty() && global.in_use()?.is_some() => {
            of_jobs(args.series.as_deref(), &how(&args), global, &repository, &host, machine.clone())?
        }
        _ if paths.is_empty() => again(&repository, &host, machine.clone(), args.series.as_deref(), global, &mut ended)?,
        _ => vec![Request { options, unwanted, ..Request::new(paths, host, user_name()) }],
    };
    locks::warn_once(&repository);
    let own = OwnFolders::of(global)?;
    let is_given_kind = args.kind.is_some();
    let complete = |mut request: Request| {
        if is_given_kind || !is_of_jobs {
            request.kind = args.kind.unwrap_or_default().kind();
        }
        request.series = request.series.or_else(|| args.series.clone());
        if !is_of_jobs {
            request.tags.clear();
        }
        request.tags.extend(args.tag.iter().cloned());
        request.time = time;
        request.dry_run = args.dry_run;
        request.pin = args.pin;
        request.machine = machine.clone();
        request.skip = own.numbers.clone();
        request
    };
    let runs = requests.len();
    for request in requests {
        // What was saved is compared with the base at the end; of what a dry run would save nothing is left to compare.
        let bar = if args.dry_run { Bar::telling(global, output) } else { Bar::new(global) };
        let (begun, series) = (Instant::now(), request.series.clone());
        let outcome = match snapshot::run(&repository, &complete(request), &bar) {
            Ok(outcome) => outcome,
            Err(error) if runs > 1 && concerns_one_series(error.kind()) => {
                drop(bar);
                ended.add_failure(error.context(format!("series `{}`", series.unwrap_or_default().escape_debug())));
                continue;
            }
            Err(error) => return Err(error),
        };
        let renamed = saved::tell_changes(&repository, &outcome, global, output)?;
        ended.add_status(bar.finish());
        if global.verbose && !global.quiet {
            saved::tell_other_file_systems(&outcome);
        }
        saved::print(&outcome, renamed, begun.elapsed(), output)?;
    }
    drop(own.handles);
    ended.finish()
}

/// How jobs are saved without their hooks and rules.
fn how(args: &Args) -> RunRequest {
    RunRequest { dry_run: args.dry_run, pin: args.pin, ..RunRequest::default() }
}

/// Refuses what would not be what it looks like.
fn check(args: &Args) -> Result<()> {
    let invalid = |message: &str| Err(Error::new(ErrorKind::Invalid, message));
    let has_patterns = !args.exclude.is_empty() || !args.exclude_file.is_empty();
    let has_filters = has_patterns || args.exclude_caches || args.one_file_system || unwanted(args) != Unwanted::default();
    let is_stream = args.stdin.is_some() || args.command.is_some();
    if args.command.is_some() && args.arguments.is_empty() {
        return invalid("--command needs a command behind `--`: repo snapshot --command NAME -- CMD…");
    }
    if args.stdin.is_some() && !args.arguments.is_empty() {
        return invalid("--stdin takes no paths and no command");
    }
    if is_stream && (has_filters || args.stat_trust.is_some()) {
        return invalid("filters and --stat-trust make no sense for a single stream");
    }
    let has_paths = !args.paths.is_empty() || !args.arguments.is_empty() || !args.files_from.is_empty();
    if !is_stream && !has_paths && (has_filters || args.stat_trust.is_some()) {
        return invalid("without a path, filters and options of the last snapshots are taken again; give the paths to change them");
    }
    Ok(())
}

/// What stands behind `--` are paths where no command is meant: names that begin with `-`.
fn literal_paths(args: &Args) -> Vec<PathBuf> {
    if args.command.is_some() { Vec::new() } else { args.arguments.iter().map(PathBuf::from).collect() }
}

fn options(args: &Args) -> Result<SnapshotOptions> {
    let mut excludes = args.exclude.clone();
    for file in &args.exclude_file {
        excludes.extend(read_exclude_file(file)?);
    }
    Ok(SnapshotOptions {
        excludes,
        exclude_caches: args.exclude_caches,
        one_file_system: args.one_file_system,
        stat_trust: args.stat_trust.map(|trust| match trust {
            Trust::Full => StatTrust::Full,
            Trust::NoInode => StatTrust::NoInode,
            Trust::Mtime => StatTrust::Mtime,
        }),
        stream: args.stdin.clone().or_else(|| args.command.clone()),
        command: if args.command.is_some() {
            args.arguments.iter().map(|argument| lossy_text(names::to_bytes(argument)).into_owned()).collect()
        } else {
            Vec::new()
        },
    })
}

fn unwanted(args: &Args) -> Unwanted {
    let mut marks = args.exclude_if_present.clone();
    marks.sort();
    marks.dedup();
    Unwanted { larger_than_bytes: args.exclude_larger_than.map(|limit| limit.0), marks }
}

/// The name of an entry that marks its folder.
fn mark(name: &str) -> std::result::Result<ByteBuf, String> {
    check_name(name.as_bytes()).map_err(|_| "give the name of an entry, without a slash".to_owned())?;
    Ok(ByteBuf::from(name.as_bytes()))
}

/// The repository; with `--init`, a new one where there is none.
fn open(args: &Args, global: &Global) -> Result<Repository> {
    let location = global.location()?;
    let is_missing = || {
        let found = global::open_storage(&location).and_then(|storage| Description::read(&*storage));
        found.is_err_and(|error| error.kind() == ErrorKind::NoRepository)
    };
    if !args.init || !is_missing() {
        return global.open();
    }
    let algorithm = Algorithm::Aes256Gcm;
    let credential = match init::new_credential(global, &location, algorithm, args.new_repository) {
        // Another process was quicker, a moment ago or while the password was asked for.
        Err(error) if error.kind() == ErrorKind::Exists && !is_missing() => return global.open(),
        credential => credential?,
    };
    let credential = match init::create(global, &location, algorithm, credential, Argon2Cost::STANDARD, 0) {
        Ok((id, credential)) => {
            message::note(format_args!("repository {id} made at {}", quoted(&location)));
            credential
        }
        Err(NotMade { is_there: true, credential, .. }) => credential,
        Err(NotMade { error, .. }) => return Err(error),
    };
    global.open_with(credential)
}

/// The paths made absolute and plain, as they were given otherwise: links are followed by the run.
fn absolute_paths<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Vec<u8>>> {
    paths.map(|path| absolute_path(path).map(names::into_bytes)).collect()
}

fn absolute_path(path: &Path) -> Result<PathBuf> {
    let failed = |error| Error::io("cannot save", quoted(path), error);
    let parts: Vec<Component<'_>> = path.components().collect();
    // What `..` is, behind a link, only the kernel knows.
    let up = parts.iter().rposition(|part| *part == Component::ParentDir).map_or(0, |at| at + 1);
    let begin: PathBuf = parts[..up].iter().collect();
    let begin = if up > 0 { begin.canonicalize().map_err(failed)? } else { begin };
    // Needless slashes and dots go with the parts.
    let plain = begin.join(parts[up..].iter().collect::<PathBuf>());
    Ok(std::path::absolute(plain).map_err(failed)?.components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_dots_and_stay_as_they_were_given_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink("a", root.join("link")).unwrap();
        assert_eq!(absolute_path(&root.join("a//./b/")).unwrap(), root.join("a/b"));
        assert_eq!(absolute_path(&root.join("a/b/..")).unwrap(), root.join("a"));
        assert_eq!(absolute_path(&root.join("link")).unwrap(), root.join("link"));
        assert_eq!(absolute_path(&root.join("link/.//")).unwrap(), root.join("link"));
        assert_eq!(absolute_path(&root.join("a/../link/b/")).unwrap(), root.join("link/b"));
        assert_eq!(absolute_path(&root.join("link/b/..")).unwrap(), root.join("a"));
        assert_eq!(absolute_path(Path::new(".")).unwrap(), std::env::current_dir().unwrap());
        assert!(absolute_path(Path::new("")).is_err());
        assert_eq!(absolute_path(&root.join("none")).unwrap(), root.join("none"));
        assert!(absolute_path(&root.join("none/..")).unwrap_err().is_not_found());
        assert_eq!(absolute_path(Path::new("/")).unwrap(), Path::new("/"));
    }
}
