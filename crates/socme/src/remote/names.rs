//! Names as people write them: of a client, a node, a user.

use serde_json::Value;

use super::core::Core;
use super::failure::{Failure, Kind, Result};
use super::field::{items, number, text};

/// The client with this short name, number or name.
pub(super) async fn client(core: &Core, wanted: &str) -> Result<Value> {
    let clients = core.get("/clients", &[]).await?;
    pick(items(&clients, "clients"), "client", wanted, &client_called, |client| {
        format!("{} ({})", text(client, "slug"), text(client, "name"))
    })
}

/// True if a client is called so.
pub(super) fn client_called(client: &Value, wanted: &str) -> Closeness {
    if text(client, "slug") == wanted { Closeness::Exactly } else { closeness(client, wanted) }
}

/// The numbers of clients by what they are called.
pub(super) async fn clients(core: &Core, wanted: &[String]) -> Result<Vec<i64>> {
    let mut found = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        found.push(number(&client(core, wanted).await?, "id"));
    }
    Ok(found)
}

/// The node with this number or name, or `CLIENT/NAME`.
pub(super) async fn node(core: &Core, wanted: &str) -> Result<Value> {
    let answer = core.get("/nodes", &[]).await?;
    let nodes = items(&answer, "nodes");
    let told = |node: &Value| format!("{}/{} ({})", text(node, "client_name"), text(node, "name"), number(node, "id"));
    let by_name = pick(nodes, "node", wanted, &closeness, told);
    let not_found = matches!(&by_name, Err(failure) if failure.kind() == Kind::NotFound);
    let Some((of, name)) = wanted.split_once('/').filter(|_| not_found) else { return by_name };
    let of = number(&client(core, of).await?, "id");
    let nodes: Vec<Value> = nodes.iter().filter(|node| number(node, "client") == of).cloned().collect();
    pick(&nodes, "node", name, &closeness, told)
}

/// The user with this number or name.
pub(super) async fn user(core: &Core, wanted: &str) -> Result<Value> {
    let users = core.get("/users", &[]).await?;
    let told = |user: &Value| format!("{} ({})", text(user, "name"), number(user, "id"));
    pick(items(&users, "users"), "user", wanted, &closeness, told)
}

/// How well a name fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    Not,
    InOtherCase,
    ByNumber,
    Exactly,
}

/// How well a name or number fits something.
pub(super) fn closeness(thing: &Value, wanted: &str) -> Closeness {
    let name = text(thing, "name");
    if name == wanted {
        Closeness::Exactly
    } else if wanted.parse() == Ok(number(thing, "id")) {
        Closeness::ByNumber
    } else if name.to_lowercase() == wanted.to_lowercase() {
        Closeness::InOtherCase
    } else {
        Closeness::Not
    }
}

/// The one that fits best. If several fit as well, says which.
pub(super) fn pick(
    things: &[Value],
    what: &str,
    wanted: &str,
    closeness: &dyn Fn(&Value, &str) -> Closeness,
    told: impl Fn(&Value) -> String,
) -> Result<Value> {
    let wanted = wanted.trim();
    let best = things.iter().map(|thing| closeness(thing, wanted)).max().unwrap_or(Closeness::Not);
    if best == Closeness::Not {
        return Err(Failure::new(Kind::NotFound, format!("There is no {what} «{wanted}», or you may not see it."))
            .mend(format!("Those that you may see: socme {what}s list")));
    }
    let fitting: Vec<&Value> = things.iter().filter(|thing| closeness(thing, wanted) == best).collect();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        several => {
            let several: Vec<String> = several.iter().map(|thing| told(thing)).collect();
            Err(Failure::usage(format!("«{wanted}» may be {}.", several.join(" or ")))
                .mend("Write its number, which is in brackets."))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(wanted: &str) -> std::result::Result<i64, (Kind, String)> {
        let nodes = [
            json!({"id": 1, "name": "office"}),
            json!({"id": 2, "name": "Office"}),
            json!({"id": 3, "name": "OFFICE"}),
            json!({"id": 4, "name": "3"}),
            json!({"id": 5, "name": "lab"}),
        ];
        let told = |node: &Value| format!("{} ({})", text(node, "name"), number(node, "id"));
        pick(&nodes, "node", wanted, &closeness, told)
            .map(|node| number(&node, "id"))
            .map_err(|failure| (failure.kind(), failure.said()))
    }

    #[test]
    fn a_name_is_found_as_it_is_written_then_as_a_number_then_in_any_case() {
        assert_eq!(found("Office"), Ok(2));
        assert_eq!(found("1"), Ok(1));
        assert_eq!(found("3"), Ok(4));
        assert_eq!(found("LAB"), Ok(5));
        assert_eq!(found("cellar").unwrap_err().0, Kind::NotFound);
    }

    #[test]
    fn of_several_it_is_said_which_they_are() {
        let (kind, said) = found("oFFICE").unwrap_err();
        assert_eq!(kind, Kind::Usage);
        assert_eq!(said, "«oFFICE» may be office (1) or Office (2) or OFFICE (3).");
    }
}
