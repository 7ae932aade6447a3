//! What the manager would make of an event.

use serde_json::{Map, Value, json};

use super::Api;
use super::call::Call;
use super::loose::record;
use crate::error::{Error, shown};

/// An event to try.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogtestEvent {
    /// The event.
    pub event: String,
    /// `syslog`, `json`, `eventchannel`…
    pub log_format: String,
    /// Where it is said to come from.
    pub location: String,
    /// A session to go on with, so that rules that count see what came before. It keeps the rules that it began with:
    /// to try rules that were changed, give none.
    pub token: Option<String>,
}

impl LogtestEvent {
    /// In a session of its own.
    #[must_use]
    pub fn new(event: impl Into<String>, log_format: impl Into<String>, location: impl Into<String>) -> Self {
        Self { event: event.into(), log_format: log_format.into(), location: location.into(), token: None }
    }

    /// In a session that is there already.
    #[must_use]
    pub fn in_session(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }
}

record! {
    /// What the manager made of it.
    pub struct Verdict {
        /// The session; another one than was asked for if that had ended.
        pub token: String,
        /// What it has to say, warnings among it.
        pub messages: Vec<String>,
        /// What an alert would be; `rule` is absent if no rule matched. Its times and its `id` mean nothing.
        pub output: Map<String, Value>,
        /// True if it would be an alert.
        pub alert: bool,
        /// 0 fine, 1 with warnings.
        pub codemsg: i64,
    }
}

/// # Trying events
impl Api {
    /// Tries an event with the rules as they stand in the files, those that are not in force yet included.
    ///
    /// Wazuh server API, `PUT /logtest` (`logtest:run`).
    ///
    /// ```
    /// use wazuh::api::LogtestEvent;
    /// # async fn example(api: wazuh::api::Api) -> Result<(), wazuh::Error> {
    /// let line = "May  1 10:00:00 web1 sshd[1]: Invalid user eve from 192.0.2.7";
    /// let verdict = api.logtest(&LogtestEvent::new(line, "syslog", "/var/log/auth.log")).await?;
    /// println!("{:?} {:?}", verdict.alert, verdict.output);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No answer, no permission, or rules that cannot be loaded: that is `Refused`, with the reasons.
    pub async fn logtest(&self, event: &LogtestEvent) -> Result<Verdict, Error> {
        let mut body = json!({
            "event": event.event, "log_format": event.log_format, "location": event.location,
        });
        if let Some(token) = &event.token {
            body["token"] = token.as_str().into();
        }
        let verdict: Verdict = self.object(&Call::put(&["logtest"], "logtest:run").json(body)).await?;
        match verdict.codemsg {
            Some(0..) => Ok(verdict),
            _ => {
                let said = verdict.messages.unwrap_or_default();
                let errors: Vec<_> =
                    said.iter().filter(|line| line.starts_with("ERROR")).map(|line| shown(line)).collect();
                let detail = match errors.is_empty() {
                    true => shown(&said.join("; ")),
                    false => errors[..errors.len().min(5)].join("; "),
                };
                Err(Error::Refused {
                    address: self.address().to_owned(),
                    status: 200,
                    code: None,
                    detail,
                    remedy: None,
                })
            }
        }
    }

    /// Ends a session; the manager ends those that nobody uses by itself after a quarter of an hour.
    ///
    /// Wazuh server API, `DELETE /logtest/sessions/{token}` (`logtest:run`).
    ///
    /// # Errors
    /// No answer, no permission, or no such session.
    pub async fn end_logtest(&self, token: &str) -> Result<(), Error> {
        if token.len() != 8 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::Input("a session of logtest has eight hexadecimal digits".into()));
        }
        let verdict: Verdict = self.object(&Call::delete(&["logtest", "sessions", token], "logtest:run")).await?;
        match verdict.codemsg {
            Some(0..) => Ok(()),
            _ => Err(Error::NotFound {
                address: self.address().to_owned(),
                code: None,
                detail: shown(&verdict.messages.unwrap_or_default().join("; ")),
            }),
        }
    }
}
