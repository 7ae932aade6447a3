//! Asking the person at the terminal.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use wire::shown;

use super::failure::{Failure, Result};

/// A line that may be seen. `mend` says what to do where there is nobody to ask.
pub(super) async fn line(question: &str, mend: &str) -> Result<String> {
    Terminal::open(mend)?.answer(question).await
}

/// A line that is not shown while it is typed.
pub(super) async fn secret(question: &str, mend: &str) -> Result<String> {
    let terminal = Terminal::open(mend)?;
    // Before the question, and what was typed too early is forgotten: nothing of it is seen.
    let _dark = Dark::begin(&terminal.0)?;
    terminal.answer(question).await
}

/// The terminal itself, wherever standard input and output lead.
struct Terminal(File);

impl Terminal {
    fn open(mend: &str) -> Result<Self> {
        let opened = File::options().read(true).write(true).open("/dev/tty");
        opened.map(Self).map_err(|_| Failure::usage("There is no terminal to ask at.").mend(mend))
    }

    async fn answer(&self, question: &str) -> Result<String> {
        let mut file = self.0.try_clone()?;
        write!(file, "{}", shown(question))?;
        file.flush()?;
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(file).read_line(&mut line).map(|read| (read > 0).then_some(line))
        });
        let line = read.await.map_err(|error| Failure::failed(error.to_string()))??;
        let line = line.ok_or_else(|| Failure::failed("Nothing was answered."))?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// While this lives, the terminal does not show what is typed.
struct Dark {
    file: File,
    before: Termios,
}

impl Dark {
    fn begin(file: &File) -> Result<Self> {
        let file = file.try_clone()?;
        let before = tcgetattr(&file).map_err(std::io::Error::from)?;
        let mut dark = before.clone();
        dark.local_modes.remove(LocalModes::ECHO);
        dark.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&file, OptionalActions::Flush, &dark).map_err(std::io::Error::from)?;
        Ok(Self { file, before })
    }
}

impl Drop for Dark {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }
}
