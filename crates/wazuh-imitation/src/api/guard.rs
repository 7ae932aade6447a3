//! Who gets in: logins, tokens, the block, the limits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::answer::Canned;
use super::state::{Asked, State, Token};

const MINUTE: i64 = 60_000;

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
        if asked.path == "/events" && count(&mut self.event_window, now) > self.per_minute.clamp(1, 30) {
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
            Some(token) if token.end * 1000 > self.clock.now_ms() => {
                let told = if self.before(4, 9) { "Invalid token" } else { "Token expired" };
                if token.settings == self.settings { None } else { refuse(told) }
            }
            _ => refuse("Invalid token"),
        }
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
