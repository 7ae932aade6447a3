//! Interrupted, cut off, completed.

use std::process::{Command, Stdio};

use super::Soc;
use crate::support::person::Person;

#[test]
fn whoever_interrupts_or_stops_reading_leaves_nothing_behind() {
    let soc = Soc::new();
    soc.happens(5710, "sshd: one");
    soc.has(1);
    let person = soc.person("hasty");
    let socme = env!("CARGO_BIN_EXE_socme");
    let line = format!("trap : INT; '{socme}' login {} --name admin; echo code $?; stty -a", soc.url);
    let mut terminal = person.at_shell(&line);
    terminal.interrupt("Passphrase: ");
    let (_, seen) = terminal.end();
    assert!(seen.contains("code 130"), "{seen}");
    assert!(seen.contains(" echo ") && !seen.contains("-echo "), "the terminal shows again what is typed: {seen}");

    let admin = soc.admin();
    let mut command = admin.command(&["alerts", "list", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[] as &[u8]), "{output:?}");
}

#[test]
fn shells_complete_the_commands() {
    let folder = tempfile::tempdir().expect("tempdir");
    let person = Person::new(folder.path(), "typist");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(person.does(&["completions", shell]).out.contains("reopen"), "{shell}");
    }
    let script = folder.path().join("completion");
    std::fs::write(&script, person.does(&["completions", "bash"]).out).expect("write");
    let ask = "source $0; COMP_WORDS=(socme alerts re); COMP_CWORD=2; _socme socme re alerts; echo ${COMPREPLY[@]}";
    let output = Command::new("bash").args(["-c", ask]).arg(&script).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "reopen\n", "{output:?}");
}
