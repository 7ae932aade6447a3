//! Writing to a terminal, or to whatever reads instead of it.

use std::fmt::Display;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// Where a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    /// For machines.
    pub(crate) json: bool,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a line.
    pub(crate) fn line(self, text: impl Display) -> Result<()> {
        Ok(writeln!(io::stdout().lock(), "{}", shown(&text.to_string()).trim_end())?)
    }

    /// Prints a line of JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(Failure::here)?;
        self.json_text(&text)
    }

    /// Prints a text that is JSON already.
    pub(crate) fn json_text(self, text: &str) -> Result<()> {
        Ok(writeln!(io::stdout().lock(), "{}", json(text))?)
    }

    /// Prints rows in columns, under a heading.
    pub(crate) fn table<const N: usize>(self, heading: [&str; N], rows: &[[String; N]]) -> Result<()> {
        let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| shown(cell))).collect();
        let mut widths = heading.map(|cell| cell.chars().count());
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count()).min(40);
            }
        }
        for row in std::iter::once(heading.map(str::to_owned)).chain(rows) {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            self.line(cells.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }
}

/// Tells a person what goes on, beside the output.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(&text.to_string()));
}

/// Every character that a terminal obeys, or that nobody sees, written as an escape.
pub(crate) fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) { safe.extend(letter.escape_unicode()) } else { safe.push(letter) }
    }
    safe
}

/// The same by JSON's own escapes, so that the text means the same.
fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // Within a string these are escapes already, so here they stand between values.
            '\n' | '\r' | '\t' => safe.push(' '),
            letter if !acts(letter) => safe.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    safe
}

fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
