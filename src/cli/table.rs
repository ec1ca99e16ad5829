//! Tables: a header, columns that are aligned, and rows that fit the screen.
//!
//! Where the screen is narrow, columns that can be cut are cut first, the widest of them first, and then the columns
//! that matter least are left out. Into a pipe or a file, everything goes: there is no width to fit.

use super::output::Output;
use crate::error::Result;

/// Between two columns.
const GAP: usize = 2;

/// One column. Its numbers are those of characters on the screen.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Numbers stand at the right.
    pub is_right: bool,
    /// Columns of the highest rank are left out first; one of rank 0 never is.
    pub rank: u8,
    /// It can be cut to this width; none when it cannot be cut.
    pub cut_to: Option<usize>,
}

impl Column {
    /// A column of words.
    pub const fn left(title: &'static str, rank: u8) -> Self {
        Self { title, is_right: false, rank, cut_to: None }
    }

    /// A column of numbers.
    pub const fn right(title: &'static str, rank: u8) -> Self {
        Self { title, is_right: true, rank, cut_to: None }
    }

    /// A column of words that may be cut to `width`.
    pub const fn cut(title: &'static str, rank: u8, width: usize) -> Self {
        Self { title, is_right: false, rank, cut_to: Some(width) }
    }
}

/// Rows under columns.
pub struct Table<'c> {
    columns: &'c [Column],
    rows: Vec<Vec<String>>,
}

impl<'c> Table<'c> {
    /// A table without rows.
    pub fn new(columns: &'c [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row, which has a cell for each column.
    pub fn add(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Prints head and rows. A column with nothing in it is left out.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn print(&self, output: &mut Output) -> Result<()> {
        let widths = self.fit(output.width);
        let head: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let head = output.style.faint(self.line(&head, &widths));
        output.line(head)?;
        self.rows.iter().try_for_each(|row| output.line(self.line(row, &widths)))
    }

    /// The width of each column; none when it is left out.
    fn fit(&self, width: Option<usize>) -> Vec<Option<usize>> {
        let natural = |at: usize, column: &Column| {
            let cells = self.rows.iter().map(|row| console::measure_text_width(&row[at])).max().unwrap_or(0);
            (cells > 0).then(|| cells.max(console::measure_text_width(column.title)))
        };
        let mut widths: Vec<Option<usize>> = self.columns.iter().enumerate().map(|(at, column)| natural(at, column)).collect();
        let Some(limit) = width else { return widths };
        loop {
            let over = total(&widths).saturating_sub(limit);
            if over == 0 {
                return widths;
            }
            let room = |at: &usize| widths[*at].zip(self.columns[*at].cut_to).map_or(0, |(width, least)| width.saturating_sub(least));
            let places = || 0..self.columns.len();
            if places().map(|at| room(&at)).sum::<usize>() >= over {
                // One by one from the widest, so that no column is cut to its least for another.
                let widest = places().filter(|at| room(at) > 0).max_by_key(|at| widths[*at]);
                if let Some(width) = widest.and_then(|at| widths[at].as_mut()) {
                    *width -= 1;
                }
                continue;
            }
            let least = places().filter(|at| widths[*at].is_some() && self.columns[*at].rank > 0).max_by_key(|at| self.columns[*at].rank);
            match least {
                Some(at) => widths[at] = None,
                None => {
                    for at in places() {
                        widths[at] = widths[at].map(|width| self.columns[at].cut_to.map_or(width, |least| least.min(width)));
                    }
                    return widths;
                }
            }
        }
    }

    fn line(&self, cells: &[String], widths: &[Option<usize>]) -> String {
        let mut line = String::new();
        for ((column, cell), width) in self.columns.iter().zip(cells).zip(widths) {
            let Some(width) = *width else { continue };
            let cell = console::truncate_str(cell, width, "…");
            let pad = width - console::measure_text_width(&cell).min(width);
            if !line.is_empty() {
                line.extend(std::iter::repeat_n(' ', GAP));
            }
            let (before, behind) = if column.is_right { (pad, 0) } else { (0, pad) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', behind));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [Column::left("Id", 0), Column::right("Size", 2), Column::cut("Path", 1, 6), Column::left("Tags", 3)];

    fn table() -> Table<'static> {
        let mut table = Table::new(&COLUMNS);
        for [id, size, path, tags] in [["ab12", "7 B", "/home/a long name", ""], ["cd34", "1.5 GiB", "/x", "tax"]] {
            table.add([id, size, path, tags].map(str::to_owned).to_vec());
        }
        table
    }

    fn lines(width: Option<usize>) -> Vec<String> {
        let (table, widths) = (table(), table().fit(width));
        table.rows.iter().map(|row| table.line(row, &widths)).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_cells_and_numbers_stand_at_the_right() {
        assert_eq!(lines(None), ["ab12      7 B  /home/a long name", "cd34  1.5 GiB  /x                 tax"]);
    }

    #[test]
    fn what_can_be_cut_is_cut_before_anything_is_left_out() {
        assert_eq!(lines(Some(30)), ["ab12      7 B  /home/a …", "cd34  1.5 GiB  /x         tax"]);
        assert_eq!(lines(Some(24)), ["ab12      7 B  /home/a …", "cd34  1.5 GiB  /x"]);
        assert_eq!(lines(Some(15)), ["ab12  /home/a …", "cd34  /x"]);
        assert_eq!(lines(Some(4)), ["ab12", "cd34"]);
    }

    #[test]
    fn characters_are_counted_as_they_are_seen() {
        let mut table = Table::new(&COLUMNS);
        table.add(vec!["a".to_owned(), String::new(), "\u{5199}\u{771f}".to_owned(), "t".to_owned()]);
        assert_eq!(table.fit(None), [Some(2), None, Some(4), Some(4)], "two wide characters are four, and no size is no column");
    }
}
