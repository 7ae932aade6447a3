//! Making sure that somebody means what cannot be undone.

use std::io::IsTerminal as _;

use super::ask;
use super::failure::{Failure, Result};

/// Fails unless the name of what goes was given: with `--yes`, or typed at the terminal.
/// `deed` says what happens: «deletes it, and all of its alerts».
pub(super) async fn confirm(what: &str, name: &str, deed: &str, yes: Option<&str>) -> Result<()> {
    if let Some(given) = yes {
        if given == name {
            return Ok(());
        }
        return Err(Failure::usage(format!("The {what} is called «{name}», not «{given}»: nothing was done."))
            .mend("Give its exact name after --yes."));
    }
    let mend = format!("In a script, name it: --yes \"{name}\"");
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("To make sure that you mean the {what} «{name}», its name is asked for."))
            .mend(mend));
    }
    let question = format!("The {what} «{name}»: this {deed}. Type its name to go on: ");
    if ask::line(&question, &mend).await?.trim() == name {
        return Ok(());
    }
    Err(Failure::failed("That is not its name: nothing was done."))
}

/// Fails unless somebody agrees: with `--yes`, or at the terminal. `deed` says what happens, as a sentence.
pub(super) async fn agree(deed: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let mend = "In a script, say that you mean it: --yes";
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{deed} Whether you mean that is asked for.")).mend(mend));
    }
    let answer = ask::line(&format!("{deed} Go on? [y/N] "), mend).await?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "o" | "oui") {
        return Ok(());
    }
    Err(Failure::failed("Nothing was asked of the node."))
}
