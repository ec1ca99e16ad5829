//! Plans regular files into a window: which chunks go where, and which names are links.

use std::sync::Arc;

use super::content::{Part, each_part};
use super::files::FileInWork;
use super::in_the_way::Way;
use super::links::{LinkInWork, LinkKey, Role};
use super::window::{Want, Window};
use super::writer::Writer;
use crate::error::Result;
use crate::manifest::{Content, Node};
use crate::trees::Piece;

/// What becomes of a window that has chunks enough: it comes back without them.
pub(super) type Full<'f> = dyn FnMut(&mut Window) -> Result<()> + 'f;

/// A regular file, or a further name of one, that is to be made.
pub(super) struct PlannedFile {
    pub folder: Arc<[u8]>,
    pub node: Node,
    pub way: Way,
    pub ordinal: u64,
}

/// Plans `file`, or a link to its first name, as its `role` is.
///
/// # Errors
/// What ends the restore.
pub(super) fn plan_name(writer: &Writer<'_>, window: &mut Window, file: PlannedFile, role: Role, full: &mut Full<'_>) -> Result<()> {
    match role {
        Role::Alone => plan_file(writer, window, file, None, full),
        Role::First(key) => plan_file(writer, window, file, Some(key), full),
        Role::Later(key) => {
            let PlannedFile { folder, node, way, ordinal } = file;
            window.links.push(LinkInWork { key, folder, node, way, ordinal });
            Ok(())
        }
    }
}

/// Plans the content of `file`, which is the first name of `link`. A long one is executed in parts, as
/// often as the window is full.
///
/// # Errors
/// What ends the restore.
pub(super) fn plan_file(
    writer: &Writer<'_>,
    window: &mut Window,
    file: PlannedFile,
    link: Option<LinkKey>,
    full: &mut Full<'_>,
) -> Result<()> {
    let PlannedFile { folder, node: Node { name, metadata, content, .. }, way, ordinal } = file;
    let Content::File(bytes, list) = &content else { return Ok(()) };
    let file = Arc::new(FileInWork::new(folder, name, metadata, *bytes, way, link, ordinal));
    let (reader, limits) = (writer.task.reader, writer.task.request.window);
    let mut number = window.add_file(&file);
    each_part(reader, list, &mut |part| {
        file.set_ends_with_hole(matches!(part, Part::Piece(Piece::Hole(_))));
        match part {
            Part::Piece(Piece::Hole(_)) => {}
            Part::Lost(range) => file.add_missing(range),
            Part::Piece(Piece::Chunk { id, offset, bytes }) => {
                file.expect_piece();
                let places = reader.places(&id).unwrap_or_default();
                window.add_chunk(Want { id, file: number, bytes, offset }, &places);
                if window.has_chunks_enough(&limits) {
                    full(window)?;
                    number = window.add_file(&file);
                }
            }
        }
        if writer.task.is_over() { writer.task.check() } else { Ok(()) }
    })?;
    if file.settle(1) {
        window.ready.push(number);
    }
    Ok(())
}
