//! `wazuh logtest`

use std::io::BufRead as _;

use clap::Args;
use wazuh::api::{Api, LogtestEvent, Verdict};

use crate::failure::{Failure, Result};
use crate::out::Out;
use crate::reach::Manager;

#[derive(Args)]
pub(crate) struct Logtest {
    /// The log line; without it each line of the standard input is tried, in one session
    event: Option<String>,
    /// How it is written: syslog, json, eventchannel...
    #[arg(long, default_value = "syslog")]
    log_format: String,
    /// Where it is said to come from
    #[arg(long, default_value = "wazuh-logtest")]
    location: String,
    /// Fail (exit code 1) unless this rule matches, in one of the lines
    #[arg(long, value_name = "RULE")]
    expect: Option<u64>,
    #[command(flatten)]
    manager: Manager,
}

impl Logtest {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        let api = self.manager.client()?;
        let mut session = None;
        let outcome = self.events(&api, out, &mut session).await;
        if let Some(token) = session {
            // It ends by itself after a while, so a failure here changes nothing.
            drop(api.end_logtest(&token).await);
        }
        let matched = outcome?;
        match self.expect {
            Some(rule) if !matched => Err(Failure::here(format!("rule {rule} did not match"))),
            _ => Ok(()),
        }
    }

    /// True if the expected rule matched.
    async fn events(&self, api: &Api, out: Out, session: &mut Option<String>) -> Result<bool> {
        let mut matched = false;
        if let Some(event) = &self.event {
            return self.one(event, api, out, session).await;
        }
        let mut line = Vec::new();
        let mut input = std::io::stdin().lock();
        while input.read_until(b'\n', &mut line)? > 0 {
            let event = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            line.clear();
            if !event.is_empty() {
                matched |= self.one(&event, api, out, session).await?;
            }
        }
        Ok(matched)
    }

    async fn one(&self, text: &str, api: &Api, out: Out, session: &mut Option<String>) -> Result<bool> {
        let mut event = LogtestEvent::new(text, &self.log_format, &self.location);
        if let Some(token) = session.take() {
            event = event.in_session(token);
        }
        let verdict = api.logtest(&event).await?;
        session.clone_from(&verdict.token);
        let said = if out.json { out.json(&verdict) } else { say(out, &verdict) };
        said?;
        Ok(self.expect.is_some_and(|rule| field(&verdict, "/rule/id") == rule.to_string()))
    }
}

fn say(out: Out, verdict: &Verdict) -> Result<()> {
    for message in verdict.messages.iter().flatten().filter(|message| !message.starts_with("INFO")) {
        out.line(message)?;
    }
    let decoder = field(verdict, "/decoder/name");
    if field(verdict, "/rule/id").is_empty() {
        return out.line(format_args!("no rule  (decoder: {decoder})"));
    }
    out.line(format_args!(
        "rule {}, level {}: {}  (decoder: {decoder}; {})",
        field(verdict, "/rule/id"),
        field(verdict, "/rule/level"),
        field(verdict, "/rule/description"),
        if verdict.alert.unwrap_or_default() { "an alert" } else { "no alert" }
    ))
}

/// A field of what an alert would be, as text; empty if there is none.
fn field(verdict: &Verdict, path: &str) -> String {
    let mut steps = path.trim_start_matches('/').split('/');
    let first = steps.next().and_then(|step| verdict.output.as_ref()?.get(step));
    match steps.try_fold(first, |value, step| Some(value?.get(step))).flatten() {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value @ serde_json::Value::Number(_)) => value.to_string(),
        _ => String::new(),
    }
}
