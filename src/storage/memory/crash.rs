//! What a power cut leaves: durable names, and any of the pending changes with or without the others.
//!
//! The model is that of a careless file system within POSIX, which is more than ext4, xfs and btrfs
//! allow themselves: changes of names are independent of each other and of the order in which they
//! were made, within a folder and between folders. Only a rename is never neither of its names. A
//! program that survives this survives those.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::{Object, Pending, State};
use crate::storage::choices::Choices;
use crate::storage::name;

/// File systems lose data in units of their blocks.
const BLOCK_BYTES: usize = 4096;
/// How many of 8 pending changes are kept, by the seed: none, all, half, few, most.
const KEPT_EIGHTHS: [u64; 5] = [0, 8, 4, 1, 7];

impl State {
    /// The disk as it is found after a power cut now; `seed` decides what is left of what is pending.
    /// Every fifth seed from 0 on loses all of it, every fifth from 1 on keeps all.
    pub fn after_crash(&self, seed: u64) -> State {
        let mut choices = Choices::new(seed);
        let share = KEPT_EIGHTHS[(seed % KEPT_EIGHTHS.len() as u64) as usize];
        let (mut objects, mut folders) = (self.durable_objects.clone(), self.durable_folders.clone());
        let mut stale = self.stale.clone();
        for pending in &self.pending {
            let is_kept = choices.eighths(share);
            match pending {
                Pending::Folder { name, .. } => {
                    if is_kept {
                        folders.insert(name.clone());
                    }
                }
                Pending::Publish { name, object, area } => {
                    if is_kept {
                        objects.insert(name.clone(), object.clone());
                    } else if choices.eighths(4) {
                        // The temporary is there, the rename is not.
                        stale.push((area.clone(), object.bytes.len() as u64));
                    }
                }
                Pending::Remove { name } => {
                    if is_kept {
                        objects.remove(name);
                    }
                }
                Pending::SetAside { old, new, object } => {
                    if is_kept {
                        objects.insert(new.clone(), object.clone());
                        if choices.eighths(4) {
                            objects.remove(old);
                        }
                    }
                }
                Pending::DropTemporary { area, bytes } => {
                    if !is_kept && choices.eighths(4) {
                        stale.push((area.clone(), choices.below(bytes + 1)));
                    }
                }
            }
        }
        for (area, bytes) in self.uploads.values() {
            if choices.eighths(4) {
                stale.push((area.clone(), choices.below(bytes + 1)));
            }
        }
        // What lies in a folder that is lost cannot be reached.
        objects.retain(|name, _| name::ancestors(name::parent(name)).all(|folder| folders.contains(folder)));
        for object in objects.values_mut().filter(|object| !object.is_synced) {
            *object = Object { bytes: tear(&object.bytes, share, &mut choices), is_synced: true };
        }
        State {
            durable_objects: objects.clone(),
            objects,
            durable_folders: folders.clone(),
            folders,
            pending: Vec::new(),
            uploads: BTreeMap::new(),
            stale,
            locks: BTreeMap::new(),
            ..self.clone()
        }
    }
}

/// Bytes that were not synced: a part of them from the start on, and zeros for some blocks of it.
fn tear(bytes: &[u8], share: u64, choices: &mut Choices) -> Arc<[u8]> {
    let length = match share {
        0 => 0,
        8 => bytes.len(),
        _ if choices.eighths(4) => bytes.len(),
        _ => choices.below(bytes.len() as u64) as usize,
    };
    let mut torn = bytes[..length].to_vec();
    for block in torn.chunks_mut(BLOCK_BYTES) {
        if !choices.eighths(share) {
            block.fill(0);
        }
    }
    torn.into()
}
