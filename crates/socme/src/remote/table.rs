//! Tables: columns as wide as they must be, and on a terminal as narrow as they have to.

use super::failure::Result;
use super::out::{Cell, Look, Out};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    head: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Cut,
    Number,
}

/// A column that is never cut.
pub(super) const fn whole(head: &'static str) -> Column {
    Column { head, kind: Kind::Whole }
}

/// A column that may be cut where the terminal is too narrow.
pub(super) const fn cut(head: &'static str) -> Column {
    Column { head, kind: Kind::Cut }
}

/// A column of numbers.
pub(super) const fn count(head: &'static str) -> Column {
    Column { head, kind: Kind::Number }
}

/// Blanks between columns.
const GAP: usize = 2;
/// No column is cut below this.
const LEAST: usize = 8;

/// A table that is printed piece by piece.
pub(super) struct Table {
    columns: Vec<Column>,
    widths: Vec<usize>,
    begun: bool,
}

/// A row: a cell for each column, and perhaps a line below them.
pub(super) struct Row {
    cells: Vec<Cell>,
    below: Option<Cell>,
}

impl Row {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self { cells, below: None }
    }

    /// With a line below it.
    pub(super) fn below(mut self, below: Cell) -> Self {
        self.below = Some(below);
        self
    }
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        let widths = columns.iter().map(|column| column.head.len()).collect();
        Self { columns: columns.to_vec(), widths, begun: false }
    }

    /// Prints rows; before the first ones, the heads. Columns keep the width that they have had.
    pub(super) fn print(&mut self, out: &Out, rows: &[Row]) -> Result<()> {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.width());
            }
        }
        let widths = self.fitting(out.width);
        if !self.begun {
            let heads = self.columns.iter().map(|column| Cell::new(column.head).look(Look::Dim)).collect::<Vec<_>>();
            out.line(&self.laid(&heads, &widths))?;
            self.begun = true;
        }
        for row in rows {
            out.line(&self.laid(&row.cells, &widths))?;
            if let Some(below) = &row.below {
                out.line(&[Cell::new("    "), below.clone().look(Look::Dim)])?;
            }
        }
        Ok(())
    }

    fn laid(&self, cells: &[Cell], widths: &[usize]) -> Vec<Cell> {
        let mut line = Vec::with_capacity(cells.len() * 2);
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = cell.cut(*width);
            let blanks = Cell::new(" ".repeat(width - cell.width()));
            let gap = Cell::new(" ".repeat(GAP));
            line.extend(if column.kind == Kind::Number { [blanks, cell, gap] } else { [cell, blanks, gap] });
        }
        line
    }

    /// The widths, with the widest columns that may be cut made narrower until the line fits.
    fn fitting(&self, terminal: Option<usize>) -> Vec<usize> {
        let mut widths = self.widths.clone();
        let Some(terminal) = terminal else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > terminal {
            let may = |index: &usize| self.columns[*index].kind == Kind::Cut && widths[*index] > LEAST;
            let Some(widest) = (0..widths.len()).filter(may).max_by_key(|index| widths[*index]) else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_column_is_cut_first_and_ids_never() {
        let mut table = Table::new(&[whole("ID"), cut("RULE"), cut("ABOUT")]);
        table.widths = vec![36, 60, 20];
        assert_eq!(table.fitting(None), [36, 60, 20]);
        assert_eq!(table.fitting(Some(100)), [36, 40, 20]);
        assert_eq!(table.fitting(Some(70)), [36, 15, 15]);
        assert_eq!(table.fitting(Some(20)), [36, 8, 8]);
    }
}
