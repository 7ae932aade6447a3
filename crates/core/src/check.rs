//! What `socme core check` looks at beyond the settings themselves: all that a start would stumble over.

use std::net::TcpListener;

use anyhow::Context as _;

use store::Place;

use crate::breached::Breached;
use crate::config::{Config, Layers};
use crate::listener::read_certificate;
use crate::outgoing::own_authorities;
use crate::private::check_private;
use crate::seal::master_key_path;
use crate::{folder, run};

/// Looks at everything; says what was found.
#[must_use]
pub fn check(layers: &Layers) -> Report {
    let mut report = Report::default();
    match layers.file() {
        Some(file) => report.fine(format!("settings from {}", file.display())),
        None => report.fine("no settings file: everything as it is by itself".into()),
    }
    match Config::load(layers) {
        Ok(config) => look(&config, &mut report),
        Err(faults) => faults.iter().for_each(|fault| report.wrong(fault.to_string())),
    }
    report
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is as it should be.
    pub fine: Vec<String>,
    /// What is not, each with its mend.
    pub wrong: Vec<String>,
}

impl Report {
    fn fine(&mut self, what: String) {
        self.fine.push(what);
    }

    fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    fn note(&mut self, fine: String, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.fine(fine),
            Err(error) => self.wrong(format!("{error:#}")),
        }
    }
}

fn look(config: &Config, report: &mut Report) {
    let running = if config.data.exists() {
        report.note(format!("data folder {}", config.data.display()), folder::check(&config.data));
        config.data.join("core.lock").exists() && folder::hold(&config.data).is_err()
    } else {
        report.fine(format!("data folder {} will be made", config.data.display()));
        false
    };
    let key = master_key_path(config.master_key.as_deref(), &config.data);
    if key.exists() {
        report.note(format!("master key {}", key.display()), check_private(&key));
    } else if config.database_url.is_some() {
        report.fine(format!(
            "the master key {} is not there: the first core on this database makes it, a further one needs a copy of it",
            key.display()
        ));
    } else if config.data.join("socme.db").exists() {
        report.wrong(format!(
            "the master key {} is missing: put the file back. If systemd hands it to the service as a credential, all is \
             well: only the service sees it",
            key.display()
        ));
    }
    match run::place(config) {
        Ok(Place::File(path)) => report.fine(format!("database {}", path.display())),
        Ok(Place::Postgres(server)) => {
            let shown = server.shown().unwrap_or_default();
            let reached = server.look().with_context(|| format!("database.url: the database {shown}"));
            match reached {
                Ok(found) => report.fine(format!("database {shown}: {found}")),
                Err(error) => report.wrong(format!("{error:#}")),
            }
        }
        Err(error) => report.wrong(format!("{error:#}")),
    }
    if let Some(path) = &config.people_providers_ca {
        let found = own_authorities(path).map(drop);
        report.note(format!("authorities for providers {}", path.display()), found);
    }
    if let Some(list) = &config.people_breached_passphrases {
        let found = Breached::new(Some(list)).check();
        let what = format!("people.breached_passphrases: {}", list.display());
        report.note(format!("list of breached passphrases {}", list.display()), found.context(what));
    }
    if let (Some(certificate), Some(key)) = (&config.people_tls_certificate, &config.people_tls_key) {
        let ends = read_certificate(certificate, key).map(|(_, ends)| ends);
        match ends {
            Ok(ends) if ends < jiff::Timestamp::now() => {
                report.wrong(format!(
                    "{}: the certificate expired {ends:.0}: put a new one there",
                    certificate.display()
                ));
            }
            Ok(ends) => report.fine(format!("certificate for people, until {ends:.0}")),
            Err(error) => report.wrong(format!("{error:#}")),
        }
        report.note(format!("key {} is private", key.display()), check_private(key));
    }
    let addresses = [
        ("people.listen", Some(config.people_listen)),
        ("nodes.listen", Some(config.nodes_listen)),
        ("metrics.listen", config.metrics_listen.get()),
    ];
    for (key, address) in addresses {
        let Some(address) = address else { continue };
        match TcpListener::bind(address) {
            Ok(_) => report.fine(format!("{key} {address} is free")),
            Err(_) if running => report.fine(format!("{key} {address} is in use: the core runs")),
            Err(error) => {
                report.wrong(format!("{key}: cannot listen on {address}: {error}. Choose another address or port."));
            }
        }
    }
}
