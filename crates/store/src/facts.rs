//! What an alert is about, in the terms of the query language: one definition for the index, the filters and the model that
//! tests hold them against.

use jiff::Timestamp;
use query::Field;
use wire::Alert;
use wire::alert::Endpoint;

use crate::alerts::State;

/// Fields of the query language that have an index of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum About {
    Address,
    Host,
    Account,
    Hash,
    Domain,
}

impl About {
    const ALL: [Self; 5] = [Self::Address, Self::Host, Self::Account, Self::Hash, Self::Domain];

    fn of_field(field: Field) -> Option<Self> {
        Some(match field {
            Field::Ip => Self::Address,
            Field::Host => Self::Host,
            Field::User => Self::Account,
            Field::Hash => Self::Hash,
            Field::Domain => Self::Domain,
            _ => return None,
        })
    }
}

/// All values of all such fields: trimmed, in lower case (addresses in canonical form), sorted, each once.
pub(crate) fn about(alert: &Alert) -> Vec<(About, String)> {
    let mut found = Vec::with_capacity(6);
    for kind in About::ALL {
        visit(alert, kind, &mut |value| {
            let value = value.trim();
            if !value.is_empty() && value.len() <= wire::limit::WORD {
                found.push((kind, normal(kind, value)));
            }
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A value as it is compared.
pub(crate) fn normal(kind: About, value: &str) -> String {
    match kind {
        About::Address => value
            .parse::<std::net::IpAddr>()
            .map_or_else(|_| value.to_lowercase(), |address| address.to_canonical().to_string()),
        About::Domain => value.trim_end_matches('.').to_lowercase(),
        _ => value.to_lowercase(),
    }
}

fn visit(alert: &Alert, kind: About, visit: &mut dyn FnMut(&str)) {
    let ends = || [&alert.source, &alert.destination].into_iter().flatten();
    let mut each = |value: &Option<String>| value.iter().for_each(|value| visit(value));
    match kind {
        About::Address => {
            ends().for_each(|end| each(&end.ip));
            alert.host.iter().for_each(|host| each(&host.ip));
        }
        About::Host => {
            ends().for_each(|end| each(&end.domain));
            alert.host.iter().for_each(|host| each(&host.name));
        }
        About::Account => alert.user.iter().for_each(|user| visit(&user.name)),
        About::Hash => {
            alert.file.iter().flat_map(|file| [&file.md5, &file.sha1, &file.sha256]).for_each(each);
        }
        About::Domain => alert.domains.iter().for_each(|domain| visit(domain)),
    }
}

/// The texts that free text is sought in.
pub(crate) fn texts<'a>(alert: &'a Alert, visit: &mut dyn FnMut(&'a str)) {
    visit(&alert.rule.id);
    visit(&alert.rule.name);
    let mut each = |text: &'a Option<String>| text.iter().for_each(|text| visit(text));
    each(&alert.rule.category);
    each(&alert.message);
    if let Some(host) = &alert.host {
        each(&host.name);
        each(&host.ip);
    }
    for Endpoint { ip, domain, .. } in [&alert.source, &alert.destination].into_iter().flatten() {
        each(ip);
        each(domain);
    }
    if let Some(process) = &alert.process {
        each(&process.executable);
        each(&process.command_line);
        each(&process.parent);
        each(&process.parent_command_line);
    }
    alert.file.iter().for_each(|file| each(&file.path));
    each(&alert.url);
    each(&alert.location);
    each(&alert.registry);
    if let Some(user) = &alert.user {
        visit(&user.name);
        user.domain.iter().for_each(|domain| visit(domain));
    }
    alert.domains.iter().for_each(|domain| visit(domain));
    alert.threat.techniques.iter().for_each(|technique| visit(technique));
}

/// An alert with what the database knows of it, for [`query::Query::matches`]: what a list finds is exactly what this says.
pub struct Facts<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Its client's slug and name.
    pub client: [&'a str; 2],
    /// Its node's name.
    pub node: Option<&'a str>,
    /// Whether a person has dealt with it.
    pub state: State,
    /// When it arrived.
    pub arrived: Timestamp,
}

impl query::Fields for Facts<'_> {
    fn values(&self, field: Field, visit: &mut dyn FnMut(&str)) {
        match field {
            Field::Severity => visit(self.alert.severity.word()),
            Field::Client => self.client.iter().for_each(|name| visit(name)),
            Field::Source => visit(self.alert.module.word()),
            Field::State => visit(self.state.word()),
            Field::Node => self.node.iter().for_each(|name| visit(name)),
            Field::Rule => visit(&self.alert.rule.id),
            Field::After | Field::Before => {}
            Field::Ip | Field::Host | Field::User | Field::Hash | Field::Domain => {
                let wanted = About::of_field(field);
                about(self.alert).iter().filter(|(kind, _)| Some(*kind) == wanted).for_each(|(_, value)| visit(value));
            }
        }
    }

    fn arrived(&self) -> Timestamp {
        self.arrived
    }

    fn texts(&self, visit: &mut dyn FnMut(&str)) {
        texts(self.alert, &mut |text| visit(text));
    }
}

/// The words that free text finds it by.
pub(crate) fn words(alert: &Alert) -> Vec<String> {
    let mut all = Vec::with_capacity(16);
    texts(alert, &mut |text| all.push(text));
    query::index_words(all)
}
