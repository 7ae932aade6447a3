//! Agents, groups, upgrades, active response.

use base64::Engine as _;
use serde_json::{Value, json};

use super::answer::Canned;
use super::state::{Asked, State};

type Refusal = Option<(u32, &'static str)>;

impl State {
    pub(super) fn of_agents(&mut self, asked: &Asked, parts: &[&str]) -> Option<Canned> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(match (asked.method.as_str(), parts) {
            ("GET", ["agents"]) => self.read_agents(asked),
            ("POST", ["agents"]) => self.add_agent(&asked.json()),
            ("DELETE", ["agents"]) => self.delete_agents(asked),
            ("GET", ["agents", "summary", "status"]) => Canned::ok(self.counts()),
            ("GET", ["agents", "summary"]) => {
                Canned::ok(json!({ "status": self.counts()["connection"], "os": {}, "groups": {} }))
            }
            ("GET", ["overview", "agents"]) => {
                let last = self.agents.last().cloned();
                Canned::ok(
                    json!({ "agent_status": self.counts(), "groups": [], "last_registered_agent": last.into_iter().collect::<Vec<_>>() }),
                )
            }
            ("GET", ["agents", "no_group"]) => {
                let mut rows = self.seen_agents();
                rows.retain(|agent| agent["group"].is_null());
                self.page(&rows, asked)
            }
            ("GET", ["agents", "outdated"]) => {
                let ours = format!("Wazuh v{}", self.version);
                let old = |agent: &&Value| agent["version"].as_str().is_some_and(|version| version != ours);
                let rows: Vec<_> = self.seen_agents().iter().filter(old).cloned().collect();
                self.page(&rows, asked)
            }
            ("GET", ["agents", id, "key"]) => match self.seen(id) {
                _ if *id == "000" => Canned::list(
                    vec![],
                    0,
                    &[(1703, "Action not available for Manager (agent 000)", "000".into())],
                    "None",
                ),
                Ok(_) => Canned::list(vec![json!({ "id": id, "key": key(id) })], 1, &[], "Obtained keys"),
                Err((code, why)) => Canned::list(vec![], 0, &[(code, why, (*id).to_owned())], "None"),
            },
            ("PUT", ["agents", "restart" | "reconnect"]) => self.restart_agents(asked),
            ("PUT", ["agents", "group", group, "restart"]) => {
                if !self.groups.iter().any(|name| name == group) {
                    return Some(Canned::problem(404, "Not Found", "The group does not exist", Some(1710)));
                }
                let ids: Vec<_> = self
                    .agents
                    .iter()
                    .filter(|agent| agent["group"].as_array().is_some_and(|all| all.iter().any(|name| name == group)))
                    .map(|agent| text(&agent["id"]))
                    .collect();
                let mut narrowed = asked.clone();
                narrowed.query.insert("agents_list".into(), ids.join(","));
                self.restart_agents(&narrowed)
            }
            ("PUT", ["agents", "upgrade"]) => {
                let ids = self.named(asked);
                let (mut items, mut failed) = (Vec::new(), Vec::new());
                for id in ids {
                    match self.not_reached(&id) {
                        Some((code, why)) => failed.push((code, why, id)),
                        None => {
                            self.upgrades.push((id.clone(), "Updating".into()));
                            items.push(json!({ "agent": id, "task_id": self.upgrades.len() }));
                        }
                    }
                }
                let total = items.len();
                Canned::list(items, total, &failed, "Upgrade tasks were created")
            }
            ("GET", ["agents", "upgrade_result"] | ["tasks", "status"]) => {
                let rows: Vec<_> = self.upgrades.iter().enumerate().map(|(index, (agent, status))| json!({
                    // The agent is a number here.
                    "agent": agent.parse::<u32>().unwrap_or_default(), "task_id": index + 1, "status": status, "module": "upgrade_module",
                    "command": "upgrade", "create_time": self.clock.text(),
                })).collect();
                self.page(&rows, asked)
            }
            ("PUT", ["active-response"]) => {
                let command = text(&asked.json()["command"]);
                if !command.starts_with('!') && !self.responses.contains(&command) {
                    let named = asked.list("agents_list").unwrap_or_else(|| vec!["all".into()]);
                    let failed: Vec<_> = named
                        .into_iter()
                        .map(|id| (1652, "The command used is not defined in the configuration", id))
                        .collect();
                    return Some(Canned::list(vec![], 0, &failed, "AR command was not sent to any agent"));
                }
                let off = self.without_response.clone();
                // The query leaves 000 out, so it is neither done nor failed.
                let mut narrowed = asked.clone();
                if let Some(ids) = asked.list("agents_list") {
                    let ids: Vec<_> = ids.into_iter().filter(|id| id != "000").collect();
                    if ids.is_empty() {
                        return Some(Canned::list(vec![], 0, &[], "AR command was not sent to any agent"));
                    }
                    narrowed.query.insert("agents_list".into(), ids.join(","));
                }
                self.tell(&narrowed, "AR command was sent to all agents", move |_, id| {
                    off.iter().any(|other| other == id).then_some((1750, "Active response is disabled in the agent"))
                })
            }
            ("GET", ["groups"]) => {
                let rows: Vec<_> = self
                    .groups
                    .iter()
                    .map(|name| json!({ "name": name, "count": 1, "mergedSum": "a", "configSum": "b" }))
                    .collect();
                self.page(&rows, asked)
            }
            ("POST", ["groups"]) => {
                let name = text(&asked.json()["group_id"]);
                if ["", ".", "..", "all"].contains(&name.as_str()) {
                    let detail = "Invalid group ID. Some IDs are restricted for internal purposes";
                    return Some(Canned::problem(400, "Bad Request", detail, Some(1713)));
                }
                if self.groups.contains(&name) {
                    return Some(Canned::problem(400, "Bad Request", "The group already exists", Some(1711)));
                }
                self.groups.push(name.clone());
                Canned::message(&format!("Group '{name}' created."))
            }
            ("DELETE", ["groups"]) => {
                let names = asked.list("groups_list").unwrap_or_default();
                let (mut done, mut failed) = (Vec::new(), Vec::new());
                for name in names {
                    match name.as_str() {
                        "default" => failed.push((1712, "Default group is not deletable", name)),
                        _ if self.groups.contains(&name) => {
                            self.groups.retain(|other| *other != name);
                            done.push(Value::from(name));
                        }
                        _ => failed.push((1710, "The group does not exist", name)),
                    }
                }
                let total = done.len();
                Canned::list(done, total, &failed, "All selected groups were deleted")
            }
            (_, ["groups", group, ..]) if !self.groups.iter().any(|name| name == group) => {
                Canned::problem(404, "Not Found", "The group does not exist", Some(1710))
            }
            ("GET", ["groups", group, "agents"]) => {
                let in_it =
                    |agent: &&Value| agent["group"].as_array().is_some_and(|all| all.iter().any(|name| name == group));
                let rows: Vec<_> = self.seen_agents().iter().filter(in_it).cloned().collect();
                self.page(&rows, asked)
            }
            ("GET", ["groups", _, "files"]) => {
                self.page_of_files(&[json!({ "filename": "agent.conf", "hash": "ab" })], asked)
            }
            ("GET", ["groups", _, "files", _]) if asked.is_true("raw") => {
                Canned::text("application/xml; charset=utf-8", "<agent_config></agent_config>\n")
            }
            ("GET", ["groups", _, "files", _, "xml"]) => {
                Canned::text("application/xml", "<agent_config></agent_config>\n")
            }
            ("PUT", ["groups", _, "configuration"]) => {
                let fine = asked.kind == "application/xml" && asked.body.starts_with(b"<agent_config>");
                if fine {
                    Canned::message("Agent configuration was successfully updated")
                } else {
                    Canned::problem(400, "Bad Request", "XML syntax error", Some(1113))
                }
            }
            ("PUT" | "DELETE", ["agents", "group"]) | ("PUT", ["agents", _, "group", _]) => {
                let (group, narrowed) = match parts {
                    [_, id, _, group] => {
                        let mut narrowed = asked.clone();
                        narrowed.query.insert("agents_list".into(), (*id).to_owned());
                        ((*group).to_owned(), narrowed)
                    }
                    _ => (asked.get("group_id").unwrap_or_default().to_owned(), asked.clone()),
                };
                if !self.groups.contains(&group) {
                    return Some(Canned::problem(404, "Not Found", "The group does not exist", Some(1710)));
                }
                let add = asked.method == "PUT";
                let alone = asked.is_true("force_single_group");
                self.tell_any(&narrowed, "Done", move |agent, id| {
                    if id == "000" {
                        return Some((1703, "Action not available for Manager (agent 000)"));
                    }
                    let mut groups: Vec<Value> = agent["group"].as_array().cloned().unwrap_or_default();
                    let had = groups.iter().any(|name| *name == group.as_str());
                    match (add, had) {
                        (true, true) => return Some((1751, "Could not assign agent to group")),
                        (false, false) => return Some((1734, "Error removing agent from group")),
                        (true, false) if alone => groups = vec![group.as_str().into()],
                        (true, false) => groups.push(group.as_str().into()),
                        (false, true) => groups.retain(|name| *name != group.as_str()),
                    }
                    agent["group"] = groups.into();
                    None
                })
            }
            _ => return None,
        })
    }

    /// An agent, if the user may see it.
    pub(super) fn seen(&self, id: &str) -> Result<&Value, (u32, &'static str)> {
        let agent = self.agents.iter().find(|agent| agent["id"] == id).ok_or((1701, "Agent does not exist"))?;
        if self.unseen.iter().any(|unseen| unseen == id) {
            return Err((4000, "Permission denied: Resource type: agent:id"));
        }
        Ok(agent)
    }

    /// The agents that the user may see. Before 4.4 what is absent is null.
    fn seen_agents(&self) -> Vec<Value> {
        let seen = |agent: &&Value| agent["id"].as_str().is_some_and(|id| self.seen(id).is_ok());
        let mut rows: Vec<Value> = self.agents.iter().filter(seen).cloned().collect();
        for (name, (major, minor)) in [("status_code", (4, 7)), ("group_config_status", (4, 4))] {
            if self.before(major, minor) {
                rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| drop(row.remove(name)));
            }
        }
        if self.before(4, 4) {
            for row in &mut rows {
                for name in ["ip", "version", "lastKeepAlive", "manager", "configSum", "mergedSum"] {
                    if row[name].is_null() {
                        row[name] = Value::Null;
                    }
                }
            }
        }
        rows
    }

    fn read_agents(&self, asked: &Asked) -> Canned {
        let mut rows = self.seen_agents();
        if let Some(age) = asked.get("older_than").map(seconds).filter(|age| *age > 0) {
            rows.retain(|agent| self.age(agent) > age);
        }
        let ids = asked.list("agents_list").filter(|ids| *ids != ["all"]);
        let Some(ids) = ids else { return self.page(&rows, asked) };
        let failed: Vec<_> =
            ids.iter().filter_map(|id| self.seen(id).err().map(|(code, why)| (code, why, id.clone()))).collect();
        rows.retain(|agent| ids.iter().any(|id| agent["id"] == id.as_str()));
        let page = self.page(&rows, asked);
        let items = page.body["data"]["affected_items"].as_array().cloned();
        let (Some(items), total) = (items, page.body["data"]["total_affected_items"].as_u64()) else { return page };
        let total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
        Canned::list(items, total, &failed, "Selected agents information was returned")
    }

    /// For how many seconds nothing was heard of an agent; since when it is there, if nothing ever was.
    fn age(&self, agent: &Value) -> i64 {
        let seen = agent["lastKeepAlive"].as_str().or(agent["dateAdd"].as_str()).unwrap_or_default();
        let seen = seen.parse::<jiff::Timestamp>().map_or(i64::MAX, jiff::Timestamp::as_second);
        (self.clock.now_ms() / 1000).saturating_sub(seen)
    }

    fn add_agent(&mut self, body: &Value) -> Canned {
        let Some(name) = body["name"].as_str() else { return missing("name") };
        if self.stopped.iter().any(|daemon| daemon == "wazuh-authd") {
            return Canned::problem(400, "Bad Request", "Wazuh authd is not running", Some(1726));
        }
        if name.chars().count() > 128 {
            return Canned::problem(400, "Bad Request", "Agent name is too long", Some(1738));
        }
        let same = |agent: &Value| body["ip"].is_string() && body["ip"] != "any" && agent["registerIP"] == body["ip"];
        if self.agents.iter().any(same) {
            let detail = "There is an agent with the same IP or the IP is invalid";
            return Canned::problem(400, "Bad Request", detail, Some(1706));
        }
        if self.agents.iter().any(|agent| agent["name"] == name) {
            return Canned::problem(400, "Bad Request", "There is an agent with the same name", Some(1705));
        }
        let next =
            self.agents.iter().filter_map(|agent| agent["id"].as_str()?.parse::<u32>().ok()).max().unwrap_or_default()
                + 1;
        let id = format!("{next:03}");
        self.agents.push(json!({
            "id": id, "name": name, "registerIP": body["ip"].as_str().unwrap_or("any"), "status": "never_connected",
            "node_name": "unknown", "dateAdd": self.clock.text(),
        }));
        Canned::ok(json!({ "id": id, "key": key(&id) }))
    }

    fn delete_agents(&mut self, asked: &Asked) -> Canned {
        let (ids, states) = (asked.list("agents_list").unwrap_or_default(), asked.list("status").unwrap_or_default());
        let age = seconds(asked.get("older_than").unwrap_or("7d"));
        let all: Vec<String> = self.agents.iter().filter_map(|agent| agent["id"].as_str().map(str::to_owned)).collect();
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        // «All» are all of them by name: those that are not meant fail like any other.
        for id in if ids == ["all"] { all } else { ids } {
            match self.seen(&id) {
                _ if id == "000" => failed.push((1703, "Action not available for Manager (agent 000)", id)),
                Err((code, why)) => failed.push((code, why, id)),
                Ok(agent) => {
                    let old = age == 0 || self.age(agent) > age;
                    let meant = states == ["all"] || states.iter().any(|state| agent["status"] == state.as_str());
                    if old && meant {
                        done.push(id);
                    } else {
                        failed.push((1731, "Agent is not eligible for the action to be performed", id));
                    }
                }
            }
        }
        self.agents.retain(|agent| !done.iter().any(|id| agent["id"] == id.as_str()));
        let total = done.len();
        Canned::list(done.into_iter().map(Value::from).collect(), total, &failed, "All selected agents were deleted")
    }

    fn restart_agents(&mut self, asked: &Asked) -> Canned {
        let (now, revive) = (self.clock.text(), self.restart_revives);
        self.tell_any(asked, "Restart command was sent to all agents", move |agent, id| {
            if id == "000" {
                return Some((1703, "Action not available for Manager (agent 000)"));
            }
            if agent["status"] != "active" && !(revive && agent["status"] == "disconnected") {
                return Some((1707, "Cannot send request, agent is not active"));
            }
            agent["status"] = "active".into();
            agent["lastKeepAlive"] = now.clone().into();
            None
        })
    }

    /// Why an agent cannot be told anything.
    fn not_reached(&self, id: &str) -> Refusal {
        match self.seen(id) {
            Err(refused) => Some(refused),
            Ok(_) if id == "000" => Some((1703, "Action not available for Manager (agent 000)")),
            Ok(agent) if agent["status"] != "active" => Some((1707, "Cannot send request, agent is not active")),
            Ok(_) => None,
        }
    }

    /// Tells agents that are connected.
    pub(super) fn tell(&mut self, asked: &Asked, said: &str, and: impl Fn(&mut Value, &str) -> Refusal) -> Canned {
        self.tell_any(asked, said, |agent, id| {
            if agent["status"] != "active" {
                Some((1707, "Cannot send request, agent is not active"))
            } else {
                and(agent, id)
            }
        })
    }

    /// The agents that a request names; all that the user may see but 000, if it names none.
    fn named(&self, asked: &Asked) -> Vec<String> {
        let ids = asked.list("agents_list").filter(|ids| *ids != ["all"]);
        ids.unwrap_or_else(|| {
            let ids = self.agents.iter().filter_map(|agent| agent["id"].as_str());
            ids.filter(|id| *id != "000" && self.seen(id).is_ok()).map(str::to_owned).collect()
        })
    }

    fn tell_any(&mut self, asked: &Asked, said: &str, and: impl Fn(&mut Value, &str) -> Refusal) -> Canned {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for id in self.named(asked) {
            let refused = match self.seen(&id).err() {
                None => {
                    self.agents.iter_mut().find(|agent| agent["id"] == id.as_str()).and_then(|agent| and(agent, &id))
                }
                refused => refused,
            };
            match refused {
                Some((code, why)) => failed.push((code, why, id)),
                None => done.push(Value::from(id)),
            }
        }
        let total = done.len();
        Canned::list(done, total, &failed, said)
    }

    fn counts(&self) -> Value {
        let of =
            |state: &str| self.agents.iter().filter(|agent| agent["id"] != "000" && agent["status"] == state).count();
        let (active, disconnected, never, pending) =
            (of("active"), of("disconnected"), of("never_connected"), of("pending"));
        let total = active + disconnected + never + pending;
        let connection = json!({ "active": active, "disconnected": disconnected, "never_connected": never, "pending": pending, "total": total });
        if self.before(4, 4) {
            return connection;
        }
        json!({ "connection": connection, "configuration": { "synced": total, "not_synced": 0, "total": total } })
    }
}

fn key(id: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{id} name any secret-of-{id}"))
}

fn missing(name: &str) -> Canned {
    Canned::problem(400, "Bad Request", &format!("Missing query parameter '{name}'"), None)
}

/// `7d`, `12h`, `5m`, `30s`, in seconds.
pub(super) fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    number.parse::<i64>().unwrap_or_default()
        * match unit {
            "d" => 86400,
            "h" => 3600,
            "m" => 60,
            _ => 1,
        }
}
