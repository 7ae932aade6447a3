//! Who gets in: logins, tokens, the block, the limits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::answer::Canned;
use super::state::{Asked, State, Token};

const MINUTE: i64 = 60_000;
/// The daemons without which the API answers nothing.
const NEEDED: [&str; 5] = ["wazuh-modulesd", "wazuh-analysisd", "wazuh-execd", "wazuh-db", "wazuh-remoted"];

impl State {
    /// The limits for all requests together: a fixed window, refused ones counted, and the request that opens a later
    /// window not.
    pub(super) fn limit(&mut self, asked: &Asked) -> Option<Canned> {
        let now = self.clock.now_ms();
        let general = count(&mut self.window, now);
        if self.per_minute > 0 && general > self.per_minute {
            let detail = "Maximum number of requests per minute reached";
            return Some(Canned::problem(429, "Too Many Requests", detail, Some(6001)));
        }
        if asked.path == "/events"
            && self.per_minute > 0
            && count(&mut self.event_window, now) > self.per_minute.min(30)
        {
            let mut answer =
                Canned::problem(429, "Too Many Requests", "Maximum number of requests per minute reached", Some(6005));
            answer.body["remediation"] = serde_json::Value::Null;
            return Some(answer);
        }
        None
    }

    pub(super) fn login(&mut self, asked: &Asked) -> Canned {
        let now = self.clock.now_ms();
        if let Some((first, failures)) = self.failures {
            if now - first >= 300_000 {
                self.failures = None;
            } else if failures >= 50 {
                let detail = "Limit of login attempts reached. The current IP has been blocked due to a high number of login attempts";
                return Canned::problem(403, "Permission Denied", detail, Some(6000));
            }
        }
        if !self.down().is_empty() {
            return self.not_ready();
        }
        if asked.method == "POST" && self.before(4, 4) {
            return Canned::problem(405, "Method Not Allowed", "405: Method Not Allowed", None);
        }
        let right = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)));
        if asked.authorization != right {
            let (first, failures) = self.failures.unwrap_or((now, 0));
            self.failures = Some((first, failures + 1));
            return Canned::problem(401, "Unauthorized", "Invalid credentials", None);
        }
        self.logins += 1;
        let begin = now / 1000;
        let claims = json!({
            "iss": "wazuh", "aud": "Wazuh API REST", "nbf": begin, "exp": begin + self.life, "sub": self.user,
            "run_as": false, "rbac_roles": [1], "rbac_mode": "white", "n": self.logins,
        });
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text =
            format!("{}.{}.{}", part(r#"{"alg":"ES512","typ":"JWT"}"#), part(&claims.to_string()), part("signature"));
        self.tokens.push(Token { text: text.clone(), end: begin + self.life, settings: self.settings });
        if asked.is_true("raw") { Canned::text("text/plain", &text) } else { Canned::ok(json!({ "token": text })) }
    }

    pub(super) fn unauthorised(&self, asked: &Asked) -> Option<Canned> {
        let refuse = |detail| Some(Canned::problem(401, "Unauthorized", detail, None));
        let Some(text) = asked.authorization.strip_prefix("Bearer ") else {
            return refuse("No authorization token provided");
        };
        match self.tokens.iter().find(|token| token.text == text) {
            // Whether a token still counts is asked of the daemons.
            Some(token)
                if token.end * 1000 > self.clock.now_ms()
                    && !self.down().is_empty()
                    && !(self.status_answers && asked.path == "/manager/status") =>
            {
                Some(self.not_ready())
            }
            Some(token) if token.end * 1000 > self.clock.now_ms() => {
                let told = if self.before(4, 9) { "Invalid token" } else { "Token expired" };
                if token.settings == self.settings { None } else { refuse(told) }
            }
            _ => refuse("Invalid token"),
        }
    }

    /// The daemons without which nothing is answered, that do not run, and how they are.
    fn down(&self) -> Vec<(&str, &'static str)> {
        let state = |name: &&str| match self.stopped.iter().any(|stopped| stopped == name) {
            true => Some("stopped"),
            false if self.is_starting() => Some("restarting"),
            false => None,
        };
        NEEDED.iter().filter_map(|name| Some((*name, state(name)?))).collect()
    }

    fn not_ready(&self) -> Canned {
        let down: Vec<String> = self.down().iter().map(|(name, state)| format!("{name}->{state}")).collect();
        let detail = format!("Some Wazuh daemons are not ready yet in node \"node01\" ({})", down.join(", "));
        if self.before(4, 10) {
            return Canned::problem(400, "Bad Request", &detail, Some(1017));
        }
        let mut answer = Canned::problem(500, "Wazuh Internal Error", &detail, Some(1017));
        let log = "WAZUH_HOME/logs/api.log";
        answer.body["dapi_errors"] = json!({ "node01": { "error": detail, "logfile": log } });
        answer
    }

    /// Ends all tokens of the user, those of others who use the same name too.
    pub(super) fn log_out(&mut self) -> Canned {
        self.tokens.clear();
        Canned::message(&format!("User {} was successfully logged out", self.user))
    }

    /// What the user may not do. Only what is named is refused: of «all», what may not be seen is left out, even if that
    /// leaves nothing.
    pub(super) fn denial(&self, asked: &Asked) -> Option<Canned> {
        if !self.denied.iter().any(|path| asked.path.starts_with(path)) {
            return None;
        }
        let implicit = matches!(
            (asked.method.as_str(), asked.path.as_str()),
            (
                "GET",
                "/agents" | "/groups" | "/agents/no_group" | "/agents/outdated" | "/rules" | "/decoders" | "/lists"
            ) | ("PUT", "/agents/restart" | "/agents/reconnect" | "/syscheck" | "/rootcheck")
        );
        if implicit && !asked.query.contains_key("agents_list") {
            return Some(Canned::list(vec![], 0, &[], "No items were returned"));
        }
        let resource = if asked.path.starts_with("/agents") { "agent:id" } else { "*:*" };
        let mut answer = Canned::problem(
            403,
            "Permission Denied",
            &format!("Permission denied: Resource type: {resource}"),
            Some(4000),
        );
        answer.body["remediation"] = "Please, make sure you have permissions to execute the current request.".into();
        Some(answer)
    }

    /// Ends every token, as a logout does and a change of the user's roles.
    pub fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// Changes the settings of the login, so that older tokens are refused in other words.
    pub fn change_settings(&mut self) {
        self.settings += 1;
    }
}

fn count(window: &mut Option<(i64, u32)>, now: i64) -> u32 {
    let (begin, count) = match *window {
        None => (now, 1),
        Some((begin, _)) if now - begin > MINUTE => (now, 0),
        Some((begin, count)) => (begin, count + 1),
    };
    *window = Some((begin, count));
    count
}
