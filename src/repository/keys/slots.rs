//! The folder of key slots: reads them, tries them, adds one.

use super::secrets::SecretBundle;
use super::slot::{BYTES_MAX, CHANGING, Credential, KeySlot, wrong_key};
use crate::crypto::ObjectKey;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SlotId;
use crate::repository::description::Description;
use crate::repository::layout;
use crate::storage::{Storage, ask_all};

/// No key is added that would make more slots than this.
pub(in crate::repository) const SLOTS_MAX: usize = 256;
/// So many slots are looked at, at most: more than there should be, for programs that added some at once.
const SLOTS_READ_MAX: usize = 512;

/// Slots are listed again at most so often: more than keys change while one program opens.
const LISTINGS_MAX: usize = 4;

/// What lies in the folder of key slots.
pub(in crate::repository) struct Slots {
    pub(in crate::repository) readable: Vec<(SlotId, KeySlot)>,
    /// Marks of the type [`CHANGING`].
    pub(in crate::repository) marks: Vec<(SlotId, KeySlot)>,
    damaged: usize,
    /// Slots that only a later version opens.
    later: usize,
    /// Somebody removed one since it was listed.
    has_gone: bool,
}

/// Reads all slots. Where one goes between the listing and its reading, a key is being changed, and the new one
/// may be younger than the listing: then it is listed again.
pub(in crate::repository) fn read_slots(storage: &dyn Storage) -> Result<Slots> {
    let mut slots = read_listed(storage)?;
    for _ in 1..LISTINGS_MAX {
        if !slots.has_gone {
            break;
        }
        slots = read_listed(storage)?;
    }
    Ok(slots)
}

fn read_listed(storage: &dyn Storage) -> Result<Slots> {
    let mut slots = Slots { readable: Vec::new(), marks: Vec::new(), damaged: 0, later: 0, has_gone: false };
    let mut listed = layout::list_ids(storage, layout::KEYS, SlotId::parse)?;
    listed.truncate(SLOTS_READ_MAX);
    let read = ask_all(storage, &listed, |(id, listed)| {
        let read = || {
            let bytes = storage.read(&listed.name, BYTES_MAX)?;
            if blake3::hash(&bytes).as_bytes() != &id.0 {
                return Err(Error::damaged(&listed.name, "its bytes do not have the hash that is its name"));
            }
            KeySlot::decode(&bytes, &listed.name)
        };
        // A disk that could not read for a moment must not hide a slot: its twin could be removed, and it stay.
        read().or_else(|error| if error.is_damage() { read() } else { Err(error) })
    });
    for ((id, _), slot) in listed.into_iter().zip(read) {
        match slot {
            Ok(slot) if slot.slot_type == CHANGING => slots.marks.push((id, slot)),
            Ok(slot) => slots.readable.push((id, slot)),
            Err(error) if error.is_not_found() => slots.has_gone = true,
            Err(error) if error.is_damage() => slots.damaged += 1,
            Err(error) if error.kind() == ErrorKind::Unsupported => slots.later += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(slots)
}

/// All readable slots, with their names. Slots that are damaged are left out; others may open.
///
/// # Errors
/// Those of the storage.
pub fn list_slots(storage: &dyn Storage) -> Result<Vec<(SlotId, KeySlot)>> {
    Ok(read_slots(storage)?.readable)
}

/// How many slots are damaged: nobody knows whose they are.
///
/// # Errors
/// Those of the storage.
pub fn count_damaged_slots(storage: &dyn Storage) -> Result<usize> {
    Ok(read_slots(storage)?.damaged)
}

/// Tries every slot, or `only` one, and returns the secrets with the slot that opened and its key.
///
/// # Errors
/// `WrongKey` when none opens; `Damaged` when one should have, or when there is none.
pub(in crate::repository) fn open_slots(
    storage: &dyn Storage,
    description: &Description,
    credential: &Credential,
    only: Option<SlotId>,
) -> Result<(SecretBundle, SlotId, ObjectKey)> {
    let Slots { readable, damaged, later, .. } = read_slots(storage)?;
    if readable.is_empty() && later == 0 {
        let found = if damaged == 0 { "there is no key slot" } else { "no key slot can be read" };
        let message = format!("{found}, and nothing opens without one; copy them back from another copy of the repository");
        return Err(Error::damaged(format_args!("the folder {}", layout::KEYS), message));
    }
    let (mut first_damage, mut derived) = (None, Vec::new());
    for (id, slot) in readable.iter().filter(|(id, slot)| only.is_none_or(|only| only == *id) && slot.slot_type == credential.slot_type()) {
        let at = match derived.iter().position(|(derivation, _)| *derivation == slot.derivation()) {
            Some(at) => Ok(at),
            None => slot.derive(description, credential).map(|key| {
                derived.push((slot.derivation(), key));
                derived.len() - 1
            }),
        };
        match at.and_then(|at| Ok((slot.open(description, &derived[at].1)?, at))) {
            Ok((bundle, at)) => return Ok((bundle, *id, derived.swap_remove(at).1)),
            Err(error) if error.kind() == ErrorKind::WrongKey => {}
            Err(error) => first_damage = first_damage.or(Some(error)),
        }
    }
    Err(first_damage.unwrap_or_else(|| match damaged {
        0 => wrong_key(),
        count => wrong_key().context(format_args!("{count} key slots are damaged, and the right one may be among them")),
    }))
}

/// Stores a slot, durable with its name.
///
/// # Errors
/// Those of the storage.
pub fn publish_slot(storage: &dyn Storage, slot: &KeySlot) -> Result<SlotId> {
    let hash = layout::publish_hashed(storage, layout::KEYS, &slot.encode(), |hash| layout::slot_name(&SlotId(hash)))?;
    storage.sync(&[layout::KEYS.to_owned()])?;
    Ok(SlotId(hash))
}
