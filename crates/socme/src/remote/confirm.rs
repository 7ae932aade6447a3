//! Making sure that somebody means to delete something.

use std::io::IsTerminal as _;

use super::ask;
use super::failure::{Failure, Result};

/// Fails unless the name of what goes was given: with `--yes`, or typed at the terminal.
pub(super) async fn confirm(what: &str, name: &str, consequence: &str, yes: Option<&str>) -> Result<()> {
    if let Some(given) = yes {
        if given == name {
            return Ok(());
        }
        return Err(Failure::usage(format!("The {what} is called «{name}», not «{given}»: nothing was deleted."))
            .mend("Give its exact name after --yes."));
    }
    let mend = format!("In a script, name it: --yes \"{name}\"");
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("Deleting the {what} «{name}» asks for its name.")).mend(mend));
    }
    let question = format!("This deletes the {what} «{name}»{consequence}. Type its name to go on: ");
    if ask::line(&question, &mend).await?.trim() == name {
        return Ok(());
    }
    Err(Failure::failed("That is not its name: nothing was deleted."))
}
