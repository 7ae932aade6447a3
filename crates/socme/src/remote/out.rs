//! Writing to a terminal, or to whatever reads instead of it.
//!
//! # Invariant
//! A text reaches standard output only as a [`Cell`], by [`Out::say`] or as JSON, and each of them makes it safe: nothing
//! that a log or another person wrote is obeyed by a terminal.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
use wire::shown;

use super::failure::Result;

/// How to print.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Form {
    /// For machines: JSON, one object a line
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Where a command prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    /// For machines.
    pub(super) json: bool,
    colour: bool,
    /// Columns of the terminal; none if it is none.
    pub(super) width: Option<usize>,
}

/// How a text looks, where there is colour. Colour never says anything alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Dim,
    Bold,
    Good,
    Warning,
    Bad,
    Worst,
}

/// A text that is safe for a terminal.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    look: Look,
}

impl Cell {
    /// As it is.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self { text: shown(text.as_ref()), look: Look::Plain }
    }

    /// Looking so.
    pub(super) fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// Columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.text.width()
    }

    /// Cut to so many columns.
    pub(super) fn cut(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let mut left = width.saturating_sub(1);
        let fits = |c: &char| {
            let takes = c.width().unwrap_or(0);
            let fits = takes <= left;
            left = left.saturating_sub(takes);
            fits
        };
        let text: String = self.text.chars().take_while(fits).collect();
        Self { text: text + "…", look: self.look }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Out {
    /// As the command line and the terminal want it.
    pub(super) fn new(form: Form) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let width = if terminal { rustix::termios::tcgetwinsize(&stdout).ok() } else { None };
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        // A terminal that does not say how wide it is gets whole lines.
        let width = width.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        Self { json: form.json, colour, width }
    }

    /// Prints a line made of these.
    pub(super) fn line(&self, cells: &[Cell]) -> Result<()> {
        let mut line = String::new();
        for cell in cells {
            line.push_str(&self.painted(cell));
        }
        Ok(writeln!(io::stdout().lock(), "{}", line.trim_end())?)
    }

    /// Prints a sentence.
    pub(super) fn say(&self, text: impl AsRef<str>) -> Result<()> {
        self.line(&[Cell::new(text)])
    }

    /// Prints «name: value», and nothing if there is no value. A value of several lines is indented.
    pub(super) fn field(&self, name: &str, value: impl AsRef<str>) -> Result<()> {
        let mut name = name;
        for line in value.as_ref().trim_end().lines() {
            self.line(&[Cell::new(format!("{name:<13} ")).look(Look::Dim), Cell::new(line)])?;
            name = "";
        }
        Ok(())
    }

    /// Prints a heading.
    pub(super) fn heading(&self, text: &str) -> Result<()> {
        self.line(&[])?;
        self.line(&[Cell::new(text).look(Look::Bold)])
    }

    /// Prints a line of JSON.
    pub(super) fn json(&self, value: &Value) -> Result<()> {
        Ok(writeln!(io::stdout().lock(), "{}", wire::shown::json(&value.to_string()))?)
    }

    /// Tells a person what goes on, beside the output.
    pub(super) fn tell(&self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr().lock(), "{}", shown(text.as_ref()));
    }

    fn painted(&self, cell: &Cell) -> String {
        let code = match cell.look {
            Look::Plain => return cell.text.clone(),
            Look::Dim => "2",
            Look::Bold => "1",
            Look::Good => "32",
            Look::Warning => "33",
            Look::Bad => "38;5;208",
            Look::Worst => "1;37;41",
        };
        // Blanks beside a text are not painted.
        let text = cell.text.trim_end();
        let blanks = &cell.text[text.len()..];
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m{blanks}")
        } else {
            cell.text.clone()
        }
    }
}

/// A moment as one reads it here, to the second.
pub(super) fn clock(at: Option<Timestamp>) -> String {
    let Some(at) = at else { return String::new() };
    let at = at.round(Unit::Second).unwrap_or(at);
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_columns_not_at_characters() {
        let cut = |text: &str, width| Cell::new(text).cut(width).text;
        assert_eq!(cut("東京タワー", 5), "東京…");
        assert_eq!(cut("東京タワー", 6), "東京…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
    }

    #[test]
    fn colour_is_the_programs_own_and_nothing_elses() {
        let out = Out { json: false, colour: true, width: None };
        let painted = out.painted(&Cell::new("\u{1b}[31mred\n  ").look(Look::Good));
        assert_eq!(painted, "\u{1b}[32m\\u{1b}[31mred\\u{a}\u{1b}[0m  ");
    }
}
