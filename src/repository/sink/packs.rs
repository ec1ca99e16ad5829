//! Packs that are being written, one of each kind at a time.
//!
//! A worker draws a number from the open pack, seals its frame without any lock, and appends it. A pack that is full leaves
//! its slot; whoever appends the last of the numbers drawn from it hands it to the thread that waits for the disk:
//!
//! ```text
//! draw a number (under the lock of the slot) -> seal (no lock) -> append (under the lock of the pack)
//!                                            -> full? out of the slot -> all numbers back? -> close
//! ```

use std::sync::{Arc, Mutex};

use super::closer::Closer;
use super::{Sink, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::pack::{ChunkEntry, FinishedPack, FrameSeal, PackKind, PackWriter};
use crate::repository::layout;

/// A pack is closed when its directory has so many plain bytes, however small its frames are: chunks
/// that shrink to almost nothing must not make a directory that readers refuse.
pub(super) const PACK_DIRECTORY_BYTES: u64 = 8 << 20;

/// A pack that is being written; none once it was handed on to be closed.
type OpenPack = Arc<Mutex<Option<PackWriter>>>;

/// Where the open pack of one kind is.
pub(super) struct PackSlot {
    pub kind: PackKind,
    open: Mutex<Option<(OpenPack, Arc<FrameSeal>)>>,
}

impl PackSlot {
    pub(super) fn new(kind: PackKind) -> Self {
        Self { kind, open: Mutex::new(None) }
    }
}

impl Sink {
    /// Draws a number, lets `seal` make the sealed bytes for it and say their codec, and writes them.
    pub(super) fn try_store_sealed(
        &self,
        slot: &PackSlot,
        chunks: Vec<ChunkEntry>,
        seal_frame: &dyn Fn(&FrameSeal, u32, &mut Vec<u8>) -> u16,
    ) -> Result<()> {
        thread_local! {
            // A sealed frame is written at once, so one buffer serves each worker for the whole run.
            static SEALED: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        // The buffer is taken, not borrowed: while a worker waits in here it may be given other work.
        let mut sealed = SEALED.take();
        let (pack, seal, number) = self.draw_frame(slot)?;
        let codec = seal_frame(&seal, number, &mut sealed);
        let finished = {
            let mut writer = lock(&pack);
            let open = writer.as_mut().ok_or_else(|| Error::new(ErrorKind::Other, "a pack was closed while it was written to"))?;
            open.append(number, &sealed, codec, chunks)?;
            let is_full = open.bytes() >= self.pack_bytes || open.directory_bytes() >= PACK_DIRECTORY_BYTES;
            if is_full {
                let mut current = lock(&slot.open);
                if current.as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, &pack)) {
                    *current = None;
                }
            }
            // The last frame that was drawn from a full pack closes it.
            let is_current = !is_full && lock(&slot.open).as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, &pack));
            if !is_current && open.is_complete() { writer.take() } else { None }
        };
        SEALED.set(sealed);
        match finished {
            Some(writer) => self.close_pack(slot.kind, writer),
            None => Ok(()),
        }
    }

    fn draw_frame(&self, slot: &PackSlot) -> Result<(OpenPack, Arc<FrameSeal>, u32)> {
        let mut open = lock(&slot.open);
        if open.is_none() {
            lock(&self.closed).check()?;
            let upload = self.objects().storage().create(layout::PACKS)?;
            let writer = PackWriter::create(self.objects().keys(), slot.kind, self.run, upload)?;
            let seal = writer.seal();
            *open = Some((Arc::new(Mutex::new(Some(writer))), seal));
        }
        let Some((pack, seal)) = open.as_ref() else { unreachable!("it was opened above") };
        // Drawn under the lock of the slot: a pack that left the slot has no new numbers.
        Ok((Arc::clone(pack), Arc::clone(seal), seal.draw_number()))
    }

    /// Hands a complete pack to the thread that makes it durable.
    fn close_pack(&self, kind: PackKind, writer: PackWriter) -> Result<()> {
        let sender = {
            let mut closer = lock(&self.closer);
            let started = match closer.take() {
                Some(started) => started,
                None => Closer::start(Arc::clone(&self.closed)).map_err(|error| self.fail(error))?,
            };
            closer.insert(started).sender.clone()
        };
        sender.send((kind, writer)).map_err(|_| Error::new(ErrorKind::Other, "the thread that closes packs has ended"))
    }

    /// Takes the open pack out of its slot; the last frame drawn from it closes it. False when there are
    /// frames to come.
    pub(super) fn retire_pack(&self, slot: &PackSlot) -> Result<bool> {
        let Some((pack, _)) = lock(&slot.open).take() else { return Ok(true) };
        let writer = {
            let mut writer = lock(&pack);
            match writer.as_ref().map(PackWriter::is_complete) {
                Some(true) => writer.take(),
                Some(false) => return Ok(false),
                None => None,
            }
        };
        writer.map_or(Ok(()), |writer| self.close_pack(slot.kind, writer))?;
        Ok(true)
    }

    /// Waits until the packs that were handed over are durable, and takes them.
    pub(super) fn take_closed_packs(&self) -> Result<Vec<(PackKind, FinishedPack)>> {
        // Stopping the thread is how we wait for it; the next full pack starts another.
        // It is taken out first: who closes a pack meanwhile does not wait for the lock.
        let closer = lock(&self.closer).take();
        if let Some(closer) = closer {
            closer.stop();
        }
        let mut closed = lock(&self.closed);
        closed.check()?;
        Ok(std::mem::take(&mut closed.packs))
    }
}
