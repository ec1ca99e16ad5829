//! Names of chunks: keyed hashes, so that a repository does not tell which known files it holds.

use super::secret::Secret;
use crate::id::{ChunkId, MachineId, RootId};

/// Hashes under keys derived from the dedup secret. File content and metadata have keys of their
/// own, so that a file cannot be made that has the id of a tree page.
pub struct Identify {
    data: Secret,
    meta: Secret,
    name: Secret,
    root: Secret,
    gear: Secret,
    machine: Secret,
}

impl Identify {
    /// The hashes of repositories with this dedup secret.
    pub fn new(dedup: &Secret) -> Self {
        let key = |purpose| Secret(dedup.derive(purpose, &[]));
        Self {
            data: key("chunk id"),
            meta: key("meta chunk id"),
            name: key("name hash"),
            root: key("root id"),
            gear: key("gear table"),
            machine: key("machine id"),
        }
    }

    /// The id of a chunk of file content.
    pub fn data_chunk(&self, plain: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.data.0, plain).as_bytes())
    }

    /// The id of a tree page or list page.
    pub fn meta_chunk(&self, plain: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.meta.0, plain).as_bytes())
    }

    /// The id of the top-level entries of a snapshot.
    pub fn root(&self, encoded: &[u8]) -> RootId {
        RootId(*blake3::keyed_hash(&self.root.0, encoded).as_bytes())
    }

    /// 32 bits by which directories are cut into pages.
    pub fn name_hash(&self, name: &[u8]) -> u32 {
        let hash = blake3::keyed_hash(&self.name.0, name);
        let bytes = hash.as_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// The identity of the machine that calls itself `name`; keyed, because the name is the same for every
    /// program that asks and should not be read elsewhere. All zero where it has none.
    pub fn machine(&self, name: Option<&[u8]>) -> MachineId {
        let mut id = [0; MachineId::BYTES];
        if let Some(name) = name {
            id.copy_from_slice(&blake3::keyed_hash(&self.machine.0, name).as_bytes()[..MachineId::BYTES]);
        }
        MachineId(id)
    }

    /// The bytes of the gear table.
    pub fn gear_table(&self) -> [u8; 2048] {
        let mut bytes = [0; 2048];
        blake3::Hasher::new_keyed(&self.gear.0).finalize_xof().fill(&mut bytes);
        bytes
    }
}
