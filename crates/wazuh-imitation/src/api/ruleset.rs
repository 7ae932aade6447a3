//! Rules, decoders, lists, logtest, events.

use serde_json::{Value, json};

use super::answer::Canned;
use super::state::{Asked, State};

impl State {
    pub(super) fn of_ruleset(&mut self, asked: &Asked, parts: &[&str]) -> Option<Canned> {
        Some(match (asked.method.as_str(), parts) {
            ("GET", ["rules"]) => {
                let rule = |id: u32, level: u32, file: &str| json!({
                    "id": id, "level": level, "description": "d", "filename": file, "relative_dirname": "etc/rules",
                    "status": "enabled", "groups": ["local"], "details": { "if_sid": "5716", "match": { "pattern": "x" } },
                    "pci_dss": [], "gdpr": [], "mitre": ["T1110"],
                });
                self.page_of_files(&[rule(5710, 5, "0095-sshd_rules.xml"), rule(100_001, 5, "local_rules.xml"), rule(100_001, 7, "own.xml")], asked)
            }
            ("GET", ["decoders"]) => self.page_of_files(&[json!({ "name": "own", "position": 0, "filename": "local_decoder.xml", "status": "enabled", "details": {} })], asked),
            ("GET", ["lists"]) => self.page_of_files(&[json!({ "filename": "bad-ips", "relative_dirname": "etc/lists", "items": [{ "key": "192.0.2.7", "value": "scanner" }] })], asked),
            ("GET", [part @ ("rules" | "decoders" | "lists"), "files"]) => {
                let rows: Vec<Value> = self.files.keys().filter_map(|path| {
                    let (folder, name) = path.strip_prefix(&format!("{part}/"))?.rsplit_once('/')?;
                    Some(json!({ "filename": name, "relative_dirname": folder, "status": "enabled" }))
                }).collect();
                self.page_of_files(&rows, asked)
            }
            (method, [part @ ("rules" | "decoders" | "lists"), "files", name]) => self.file(asked, method, part, name)?,
            ("PUT", ["logtest"]) => self.logtest(&asked.json()),
            ("DELETE", ["logtest", "sessions", token]) => {
                if token.len() != 8 {
                    return Some(Canned::problem(400, "Bad Request", "Error trying to get logtest response", Some(7000)));
                }
                let before = self.sessions.len();
                self.sessions.retain(|session| session != token);
                let code = if self.sessions.len() < before { 0 } else { -1 };
                Canned::ok(json!({ "messages": ["ERROR: (7316): Failure to remove session. token"], "codemsg": code }))
            }
            ("POST", ["events"]) => {
                let body = asked.json();
                let events = body["events"].as_array().cloned().unwrap_or_default();
                if events.len() > 100 {
                    return Some(Canned::problem(400, "Events bulk size exceeded", "Events bulk size exceeded", None));
                }
                let (long, fine): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| {
                    let text = event.as_str().unwrap_or_default();
                    // For stories about what is refused: the client does not send what is too long.
                    text.len() > 65_500 || text == "refuse this"
                });
                let failed: Vec<_> = long.iter().map(|event| (1012, "Invalid message to queue", event.as_str().unwrap_or_default().to_owned())).collect();
                let total = fine.len();
                Canned::list(fine, total, &failed, "All events were forwarded to analisysd")
            }
            _ => return None,
        })
    }

    fn file(&mut self, asked: &Asked, method: &str, part: &str, name: &str) -> Option<Canned> {
        let own = match part {
            "rules" => "etc/rules",
            "decoders" => "etc/decoders",
            _ => "etc/lists",
        };
        let folder = asked.get("relative_dirname");
        let stem = if part == "lists" { Some(name) } else { name.strip_suffix(".xml") };
        let fine = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
        if stem.is_none_or(|stem| stem.is_empty() || !stem.chars().all(fine)) {
            return Some(Canned::problem(400, "Bad Request", "bad file name", None));
        }
        let path = format!("{part}/{}/{name}", folder.unwrap_or(own));
        let short = format!("{}/{name}", folder.unwrap_or(own));
        let failed = |code, text| Some(Canned::list(vec![], 0, &[(code, text, short.clone())], "Could not"));
        match method {
            "GET" => {
                let found = if folder.is_some() {
                    self.files.get(&path)
                } else {
                    // Wazuh's own folder stands before that of the user.
                    self.files
                        .iter()
                        .rev()
                        .find(|(path, _)| path.starts_with(part) && path.ends_with(&format!("/{name}")))
                        .map(|(_, text)| text)
                };
                let missing = match part {
                    "rules" => 1415,
                    "decoders" => 1503,
                    _ => 1802,
                };
                let kind = if part == "lists" { "text/plain; charset=utf-8" } else { "application/xml; charset=utf-8" };
                match found {
                    Some(text) if asked.is_true("raw") => Some(Canned::text(kind, text)),
                    Some(_) => Some(Canned::list(vec![json!({})], 1, &[], "Read")),
                    // JSON, also where the raw file was asked for.
                    None => failed(missing, "The file does not exist"),
                }
            }
            "PUT" => {
                if asked.kind != "application/octet-stream" {
                    let (status, code) = if self.before(4, 9) { (406, Some(6002)) } else { (415, None) };
                    return Some(Canned::problem(status, "Unsupported Media Type", "Invalid Content-type", code));
                }
                let Ok(text) = String::from_utf8(asked.body.to_vec()) else {
                    let detail = "Error parsing body request to UTF-8";
                    return Some(Canned::problem(400, "Bad Request", detail, Some(1911)));
                };
                if text.is_empty() {
                    return failed(1112, "Empty files are not supported");
                }
                if folder.is_some_and(|folder| folder.starts_with("ruleset")) {
                    return failed(1210, "Uploading, updating or deleting default rules is not allowed.");
                }
                if folder.is_some_and(|folder| folder != own) {
                    return failed(
                        1209,
                        "Invalid relative directory. A 'rule_dir' tag must be declared in ossec.conf.",
                    );
                }
                if self.files.contains_key(&path) && !asked.is_true("overwrite") {
                    return failed(1905, "File already exists");
                }
                // Both broken XML and rules that cannot be loaded; the old file stays.
                let xml = part == "lists" || text.matches("<group").count() == text.matches("</group>").count();
                if !xml || text.contains("<if_sid>999999</if_sid>") || text.trim().is_empty() {
                    return failed(1113, "XML syntax error");
                }
                if part == "lists" && text.lines().any(|line| !line.contains(':')) {
                    return failed(1800, "Bad format in CDB list");
                }
                let guarded = text.replace(">=\"", ">'=\"");
                self.files.insert(path, guarded);
                Some(Canned::list(vec![short.into()], 1, &[], "Rule was successfully uploaded"))
            }
            "DELETE" if folder.is_some_and(|folder| folder.starts_with("ruleset")) => failed(1210, "Default directory"),
            "DELETE" => match self.files.remove(&path) {
                Some(_) => Some(Canned::list(vec![short.into()], 1, &[], "File was successfully deleted")),
                None => failed(1906, "File does not exist"),
            },
            _ => None,
        }
    }

    fn logtest(&mut self, body: &Value) -> Canned {
        if self.stopped.iter().any(|daemon| daemon == "wazuh-analysisd") {
            return Canned::problem(500, "Wazuh Internal Error", "Error connecting to socket", Some(1013));
        }
        let text = |name: &str| body[name].as_str();
        let (Some(event), Some(_), Some(location)) = (text("event"), text("log_format"), text("location")) else {
            return Canned::problem(400, "Bad Request", "'event' is a required property", None);
        };
        let known = text("token").is_some_and(|token| self.sessions.iter().any(|session| session == token));
        // A session keeps the rules that it began with.
        if self.broken && !known {
            // Neither token nor output nor alert.
            return Canned::ok(
                json!({ "messages": ["ERROR: (7311): Failure to initialize session", "ERROR: (1226): Error reading XML file 'etc/rules/own.xml': XMLERR"], "codemsg": -1 }),
            );
        }
        let (token, code) = match text("token") {
            Some(token) if known => (token.to_owned(), 0),
            asked => {
                let token = format!("{:08x}", self.sessions.len() + 1);
                self.sessions.push(token.clone());
                (token, i32::from(asked.is_some()))
            }
        };
        let mut output = json!({ "agent": { "id": "000", "name": "mgr" }, "manager": { "name": "mgr" }, "full_log": event, "location": location, "decoder": {}, "id": "1.2" });
        let matched = event.contains("Invalid user");
        if matched {
            output["rule"] =
                json!({ "id": "5710", "level": 5, "description": "sshd: Attempt to login using a non-existent user" });
        }
        Canned::ok(
            json!({ "token": token, "messages": [format!("INFO: (7202): Session initialized with token '{token}'")], "output": output, "alert": matched, "codemsg": code }),
        )
    }
}
