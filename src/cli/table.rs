//! Tables for people: a header, columns as wide as what stands in them, and a colour for the first.

use anstyle::{AnsiColor, Style};

/// Rows of so many columns. A column in which nothing stands is left out.
pub(super) struct Table<const COLUMNS: usize> {
    header: [&'static str; COLUMNS],
    rows: Vec<([String; COLUMNS], Style)>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) const fn new(header: [&'static str; COLUMNS]) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Adds a row; the style is that of its first cell.
    pub(super) fn row(&mut self, cells: [String; COLUMNS], style: Style) {
        self.rows.push((cells, style));
    }

    /// Returns a line for the header and each row; nothing where there is no row.
    pub(super) fn text(&self) -> String {
        let width = |column: usize| {
            let longest = self.rows.iter().map(|(cells, _)| cells[column].chars().count()).max().unwrap_or(0);
            if longest == 0 { 0 } else { longest.max(self.header[column].len()) }
        };
        let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
        if self.rows.is_empty() {
            return String::new();
        }
        let header = self.header.map(str::to_owned);
        let lines = std::iter::once((&header, BOLD)).chain(self.rows.iter().map(|(cells, style)| (cells, *style)));
        lines.map(|(cells, style)| line(cells, &widths, style)).collect()
    }
}

fn line<const COLUMNS: usize>(cells: &[String; COLUMNS], widths: &[usize], style: Style) -> String {
    let mut text = String::new();
    let shown = cells.iter().zip(widths).filter(|(_, width)| **width > 0);
    for (number, (cell, width)) in shown.enumerate() {
        let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
        match number {
            0 => text.push_str(&format!("{style}{cell}{style:#}{gap}")),
            _ => text.push_str(&format!("  {cell}{gap}")),
        }
    }
    format!("{}\n", text.trim_end())
}

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const OPEN: Style = AnsiColor::Yellow.on_default();
pub(super) const DULL: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
