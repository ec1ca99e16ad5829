//! `repo restore`: brings files back.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;

use super::bar::Bar;
use super::exit::Status;
use super::global::{Global, quoted};
use super::output::Output;
use super::own::protected;
use super::restored::Restored;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP, Selected};
use super::text::shell_word;
use crate::browse;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{Content, Manifest};
use crate::platform::{self, names};
use crate::repository::{ChunkReader, cache_root};
use crate::restore::{self, Landing, Outcome, Overwrite, Request, Snapshot, What};
use crate::source::Filter;
use crate::trees::SnapshotView;
use crate::units::PathText;

/// Restore a snapshot, or a part of it
///
/// Sources keep their absolute path below DEST. Of SNAP:PATH, what is in a folder comes directly into DEST. A file comes
/// into DEST when that is a folder or ends with a slash, and gets the name DEST else. Files that are there already and
/// differ are left as they are, unless --overwrite says otherwise.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP[:PATH]", help = SNAPSHOT_HELP)]
    snapshot: OsString,

    /// Folder to restore into, or of one file also the name that it gets; folders are made if need be
    #[arg(value_name = "DEST", required_unless_present = "to_original")]
    destination: Option<PathBuf>,

    /// Restore to where it was saved from, instead of to DEST
    ///
    /// Each source, or the one PATH, comes back to its own absolute path. Folders above it that are missing are made, and
    /// nothing beside it is touched. What another machine saved is refused, unless --host names that one.
    #[arg(long, conflicts_with = "destination")]
    to_original: bool,

    /// What happens to files that are in the way
    ///
    /// A folder in the place of a file is replaced only when it is empty, or with --delete.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    overwrite: OverwriteWhen,

    /// Restore only what `repo changes` lists for the snapshot; with --delete, remove only what it lists as gone
    #[arg(long)]
    changed_only: bool,

    /// Restore only what matches, with everything below it (may be repeated)
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,

    /// Neither restore nor delete what matches, also where it is PATH itself (may be repeated)
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// Remove what the snapshot does not have from the folders that are restored
    ///
    /// With --overwrite, a folder in the place of a file goes with all that is in it. What the snapshot did not look at stays: what its filters left out, sockets, what it could not read, and folders
    /// that it did not enter. Other file systems that are mounted there, the repository, its cache and the keys always
    /// stay. With -n, what would go is listed.
    #[arg(long)]
    delete: bool,

    /// Remove also what the snapshot left out or could not read, of which there is no copy (implies --delete)
    #[arg(long)]
    delete_excluded: bool,

    /// Read every file that was written or stays as it is, and compare
    #[arg(long)]
    verify: bool,

    /// Restore owners by number, even where their names exist here
    #[arg(long)]
    numeric_owner: bool,

    /// Restore inode flags (chattr)
    #[arg(long)]
    inode_flags: bool,

    /// Restore extended attributes of the namespace `trusted`, as overlay file systems have them
    #[arg(long)]
    trusted_xattrs: bool,

    /// Say what would be done, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum OverwriteWhen {
    /// They stay
    #[default]
    Never,
    /// They are replaced when type, length or time differ; with the same content they get owner, mode and
    /// attributes
    IfChanged,
    /// They are replaced
    Always,
}

/// Restores what is asked for and says what was done.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let begun = Instant::now();
    let include = if args.include.is_empty() { None } else { Some(Filter::new(&args.include)?) };
    // As a snapshot takes them: what is written as a path through a link must stay as well.
    let exclude = if args.exclude.is_empty() { None } else { Some(Filter::following_links(&args.exclude)?) };
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let selected = Chooser::new(global, &repository, &listing, args.narrow.clone())?.place(&reader, &args.snapshot)?;
    let (id, manifest) = (selected.id, repository.objects().read_manifest(&selected.id)?);
    let place = find_place(&reader, &manifest, selected, &args)?;
    let bar = Bar::telling(global, output);
    let changed = if args.changed_only { Some(browse::changed_paths(&reader, &manifest, &bar)?) } else { None };
    let is_changed = |path: &[u8]| changed.as_ref().is_some_and(|changed| changed.contains(path));
    let is_gone = |path: &[u8]| changed.as_ref().is_some_and(|changed| changed.is_gone(path));
    let request = Request {
        overwrite: match args.overwrite {
            OverwriteWhen::Never => Overwrite::Never,
            OverwriteWhen::IfChanged => Overwrite::IfChanged,
            OverwriteWhen::Always => Overwrite::Always,
        },
        include,
        exclude,
        changed_only: if args.changed_only { Some(&is_changed) } else { None },
        gone_only: if args.changed_only { Some(&is_gone) } else { None },
        delete: args.delete || args.delete_excluded,
        delete_excluded: args.delete_excluded,
        protected: protected(global, &repository)?,
        verify: args.verify,
        numeric_owner: args.numeric_owner,
        inode_flags: args.inode_flags,
        trusted_xattrs: args.trusted_xattrs,
        records: cache_root(|name| std::env::var_os(name)).map(|root| root.join("restores")),
        name: place.landing.name,
        ..Request::new(place.what, place.landing.folder)
    };
    let plan = restore::plan(&Snapshot { reader: &reader, manifest: &manifest }, &request, &bar)?;
    let outcome = if args.dry_run { restore::foresee(&plan, &bar)? } else { restore::execute(&plan, &bar)? };
    let status = bar.finish().worst(status_of(&outcome));
    let restored = Restored {
        id,
        moment: manifest.time,
        destination: &place.named,
        dry_run: args.dry_run,
        overwrites: request.overwrite != Overwrite::Never,
        outcome: &outcome,
        time: begun.elapsed(),
    };
    output.report(|output| restored.print(output))?;
    Ok(status)
}

/// What comes where.
struct Place {
    what: What,
    landing: Landing,
    /// Where it comes in the words of the user.
    named: PathBuf,
}

/// What comes where, as the command line says it.
fn find_place(reader: &ChunkReader, manifest: &Manifest, selected: Selected, args: &Args) -> Result<Place> {
    let inside = |folder: &[u8]| Landing { folder: folder.to_vec(), name: None };
    let Some(destination) = &args.destination else {
        // Who names the machine knows that it is another one.
        let host = if args.narrow.names_host() { manifest.host.clone() } else { platform::host_name() };
        restore::check_original(manifest, &host)?;
        let named = PathBuf::from(names::to_path(selected.path.as_deref().unwrap_or(b"/")));
        return Ok(Place { what: selected.path.map_or(What::Everything, What::InPlace), landing: inside(b"/"), named });
    };
    let named = destination.clone();
    let destination = names::to_bytes(&destination);
    let Some(path) = selected.path else {
        check_destination(reader, manifest, &selected.id, &named)?;
        return Ok(Place { what: What::Everything, landing: inside(destination), named });
    };
    let is_folder = SnapshotView::new(reader, manifest).lookup(&path)?.is_none_or(|node| node.is_directory());
    let landing = if is_folder { inside(destination) } else { restore::land(destination) };
    Ok(Place { what: What::Path(path), landing, named })
}

/// Refuses a destination that is itself in the snapshot: whoever names it wants that folder or file
/// back, and not everything below it once more.
fn check_destination(reader: &ChunkReader, manifest: &Manifest, id: &SnapshotId, destination: &Path) -> Result<()> {
    let Ok(path) = std::path::absolute(destination) else { return Ok(()) };
    let path: PathBuf = path.components().collect();
    // Below `/` everything comes to where it was, which is what is meant.
    if path == Path::new("/") {
        return Ok(());
    }
    match SnapshotView::new(reader, manifest).lookup(names::to_bytes(&path)) {
        Ok(Some(node)) if !matches!(node.content, Content::Ancestor) => {
            let suggestion = suggestion(id, &path);
            let message =
                format!("{} is itself in the snapshot, and everything would come below it; probably meant: {suggestion}", quoted(&path));
            Err(Error::new(ErrorKind::Invalid, message))
        }
        // A snapshot that cannot be read there says so when it is restored.
        _ => Ok(()),
    }
}

/// The command that brings `path` back to its place.
fn suggestion(id: &SnapshotId, path: &Path) -> String {
    let shown = shell_word(&PathText(names::to_bytes(&path)).to_string());
    format!("repo restore {}:{shown} {shown}", id.short())
}

/// What the numbers say, beside the findings.
fn status_of(outcome: &Outcome) -> Status {
    if outcome.damaged > 0 || outcome.verify_failed > 0 {
        Status::Damage
    } else if outcome.left > 0 || outcome.failed > 0 {
        Status::Incomplete
    } else {
        Status::Good
    }
}
