//! What an alert is called: `CLIENT/ID`.

use serde_json::Value;

use super::row::Slugs;
use crate::remote::core::Core;
use crate::remote::failure::{Failure, Kind, Result};
use crate::remote::field::{items, number, text};
use crate::remote::names::{client_called, pick};

/// An alert as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    client: Option<String>,
    id: String,
}

impl Reference {
    /// Reads `CLIENT/ID`, an id alone, the alert's address in the browser, or a line of `list --json`.
    pub(super) fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.starts_with('{') {
            let alert: Value = serde_json::from_str(text).unwrap_or_default();
            let (client, id) = (alert["client"].as_i64(), alert["id"].as_str().filter(|id| is_id(id)));
            if let (Some(client), Some(id)) = (client, id) {
                return Ok(Self { client: Some(client.to_string()), id: id.to_owned() });
            }
        }
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let (client, id) = path.rsplit_once('/').map_or((None, path), |(client, id)| (Some(client), id));
        let client = client.map(|client| client.rsplit('/').next().unwrap_or_default().to_owned());
        if !is_id(id) {
            return Err(Failure::usage(format!("«{text}» is no alert's id."))
                .mend("Write it as `socme alerts list` prints it."));
        }
        Ok(Self { client: client.filter(|client| !client.is_empty()), id: id.to_ascii_lowercase() })
    }
}

/// Finds alerts by what they are called.
pub(super) struct Finder<'a> {
    core: &'a Core,
    clients: Value,
}

impl<'a> Finder<'a> {
    pub(super) async fn new(core: &'a Core) -> Result<Self> {
        Ok(Self { core, clients: core.get("/clients", &[]).await? })
    }

    /// The clients' short names.
    pub(super) fn slugs(&self) -> Slugs {
        Slugs::of(&self.clients)
    }

    /// The number of an alert's client, and its id.
    pub(super) async fn place(&self, wanted: &Reference) -> Result<(i64, String)> {
        let clients = items(&self.clients, "clients");
        if let Some(client) = &wanted.client {
            let told = |client: &Value| format!("{} ({})", text(client, "name"), number(client, "id"));
            let client = pick(clients, "client", client, &client_called, told)?;
            return Ok((number(&client, "id"), wanted.id.clone()));
        }
        // Without its client it may be anybody's: the id alone says nothing of it.
        let mut found = Vec::new();
        for client in clients {
            match self.core.get(&format!("/alerts/{}/{}", number(client, "id"), wanted.id), &[]).await {
                Ok(_) => found.push(client),
                Err(failure) if failure.kind() == Kind::NotFound => {}
                Err(failure) => return Err(failure),
            }
        }
        match found.as_slice() {
            [] => Err(Failure::new(Kind::NotFound, format!("There is no alert {}, or you may not see it.", wanted.id))),
            [client] => Ok((number(client, "id"), wanted.id.clone())),
            several => {
                let several: Vec<String> =
                    several.iter().map(|client| format!("{}/{}", text(client, "slug"), wanted.id)).collect();
                Err(Failure::usage(format!("It may be {}.", several.join(" or "))).mend("Write it with its client."))
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    let hyphen = |place: usize| matches!(place, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(i, b)| if hyphen(i) { b == b'-' } else { b.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193f2a8-7c11-7e3a-9d20-5b7c4a9e1f30";

    #[test]
    fn an_alert_is_found_by_whatever_names_it() {
        let read = |text: String| Reference::read(&text).map(|found| (found.client, found.id)).ok();
        let of = |client: Option<&str>| Some((client.map(str::to_owned), ID.to_owned()));
        assert_eq!(read(ID.into()), of(None));
        assert_eq!(read(format!("acme/{ID}\n")), of(Some("acme")));
        assert_eq!(read(format!("3/{}", ID.to_uppercase())), of(Some("3")));
        assert_eq!(read(format!("https://soc.example/alerts/3/{ID}?q=x")), of(Some("3")));
        assert_eq!(read(format!(r#"{{"client":3,"id":"{ID}","rule_name":"x"}}"#)), of(Some("3")));
        for wrong in ["", "acme/", "acme/12", "../../users/1", "{}"] {
            assert_eq!(read(wrong.into()), None, "{wrong}");
        }
    }
}
