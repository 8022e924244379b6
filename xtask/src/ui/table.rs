//! Tables on stdout: columns as wide as their widest cell.

/// A table of text. Columns that hold numbers are aligned right.
#[derive(Default)]
pub(crate) struct Table {
    header: Vec<String>,
    numeric: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Adds a column of text.
    pub(crate) fn text_column(&mut self, name: impl Into<String>) {
        self.header.push(name.into());
        self.numeric.push(false);
    }

    /// Adds a column of numbers.
    pub(crate) fn number_column(&mut self, name: impl Into<String>) {
        self.header.push(name.into());
        self.numeric.push(true);
    }

    /// Adds a row; it has one cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.header.len(), "a row has one cell for each column");
        self.rows.push(cells);
    }

    /// The table as lines, each ended by a newline.
    pub(crate) fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.header[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(widths[column] - cell.chars().count());
                if column > 0 {
                    line.push_str("  ");
                }
                if self.numeric[column] {
                    line.push_str(&padding);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A series as a row of blocks, scaled between its lowest and highest value. Gaps are spaces.
pub(crate) fn sparkline(values: impl Iterator<Item = Option<f64>>, width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<Option<f64>> = values.map(|value| value.filter(|v| v.is_finite())).collect();
    let (low, high) = values
        .iter()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let columns = width.min(values.len());
    (0..columns)
        .map(|column| {
            let bucket = &values[column * values.len() / columns..(column + 1) * values.len() / columns];
            match bucket.iter().flatten().last() {
                None => ' ',
                Some(_) if high <= low => BLOCKS[3],
                Some(value) => {
                    #[allow(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "between 0 and 7 by construction"
                    )]
                    let level = ((value - low) / (high - low) * 7.0).round() as usize;
                    BLOCKS[level.min(7)]
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right() {
        let mut table = Table::default();
        table.text_column("pod");
        table.number_column("value");
        table.row(vec!["web-1".to_owned(), "2".to_owned()]);
        table.row(vec!["é".to_owned(), "10.25".to_owned()]);
        assert_eq!(table.render(), "pod    value\nweb-1      2\né      10.25\n");
    }

    #[test]
    fn a_sparkline_spans_the_range_of_its_values_and_shows_gaps() {
        let values = [Some(0.0), Some(7.0), None, Some(3.5)];
        assert_eq!(sparkline(values.into_iter(), 10), "▁█ ▅");
        assert_eq!(sparkline([Some(5.0), Some(5.0)].into_iter(), 10), "▄▄");
        assert_eq!(sparkline((0..100).map(|n| Some(f64::from(n))), 4).chars().count(), 4);
        assert_eq!(sparkline([Some(f64::NAN), Some(f64::INFINITY)].into_iter(), 4), "  ");
        assert_eq!(sparkline(std::iter::empty(), 4), "");
    }
}
