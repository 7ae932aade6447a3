//! `docs/en/cli.md`, written from the command line itself.

use clap::{Command, CommandFactory as _};

const HEAD: &str = "\
# Every command

What each command says with `--help`. How they are used is told in [At the command line](command-line.md), for the core in
[Installing a core](install-core.md), for a node in [A node](node.md).

<!-- made from the code: BLESS=1 cargo test -p socme --bin socme stale -->
";

/// Columns of the help.
const WIDTH: usize = 118;

fn write(command: &Command, path: &str, out: &mut String) {
    // What the environment happens to hold while this is written is no part of it.
    let mut told = command.clone().mut_args(|arg| arg.hide_env_values(true)).term_width(WIDTH).bin_name(path);
    let help = told.render_long_help().to_string();
    let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    out.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", help.join("\n")));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        write(sub, &format!("{path} {}", sub.get_name()), out);
    }
}

#[test]
fn the_reference_of_all_commands_is_not_stale() {
    let mut command = crate::Cli::command();
    command.build();
    let mut text = HEAD.to_owned();
    write(&command, "socme", &mut text);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/en/cli.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/en/cli.md is stale: BLESS=1 cargo test -p socme --bin socme stale");
}

#[test]
fn every_command_can_be_built() {
    crate::Cli::command().debug_assert();
}
