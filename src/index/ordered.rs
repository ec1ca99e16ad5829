//! The chunk rows of several tables in one order: for merging tables, and for who looks at every chunk
//! once and must tell repeated ones.
//!
//! Each table is sorted, so this is one pass with one row of each table in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::rows::ChunkRow;
use super::table::Table;
use crate::error::Result;

/// Rows of tables, ids ascending.
pub(super) struct OrderedRows<'t> {
    tables: Vec<&'t Table>,
    /// The next row of each table that has one, with the place of the table and the number of the row.
    next: BinaryHeap<Reverse<(ChunkRow, usize, u32)>>,
}

impl<'t> OrderedRows<'t> {
    /// All rows of `tables`.
    ///
    /// # Errors
    /// `Damaged` when a table is.
    pub fn new(tables: impl IntoIterator<Item = &'t Table>) -> Result<Self> {
        let tables: Vec<&Table> = tables.into_iter().collect();
        let mut next = BinaryHeap::with_capacity(tables.len());
        for (at, table) in tables.iter().enumerate().filter(|(_, table)| table.chunk_count() > 0) {
            next.push(Reverse((table.read_chunk(0)?, at, 0)));
        }
        Ok(Self { tables, next })
    }

    /// The next row, and the place of its table among those that were given; none at the end.
    ///
    /// # Errors
    /// As [`OrderedRows::new`].
    pub fn next_row(&mut self) -> Result<Option<(usize, ChunkRow)>> {
        let Some(mut least) = self.next.peek_mut() else { return Ok(None) };
        let Reverse((chunk, at, row)) = *least;
        if row + 1 < self.tables[at].chunk_count() {
            *least = Reverse((self.tables[at].read_chunk(row + 1)?, at, row + 1));
        } else {
            PeekMut::pop(least);
        }
        Ok(Some((at, chunk)))
    }
}
