//! `wazuh alerts search`, and an alert as a line.

use std::pin::pin;

use clap::Args;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use wazuh::alerts::Alert;
use wazuh::indexer::{ALERTS, AlertFilter};

use crate::Which;
use crate::failure::Result;
use crate::out::{Out, tell};
use crate::reach::Place;
use crate::times::past;

#[derive(Args)]
pub(crate) struct Search {
    /// From this time on, or for so long back: 2026-05-01T10:00:00Z, 90m, 2h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = past)]
    from: Timestamp,
    /// Up to this time
    #[arg(long, value_name = "TIME", value_parser = past)]
    until: Option<Timestamp>,
    /// Not more than so many
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    limit: usize,
    /// Print how many there are, and nothing else
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    indexer: Place,
}

impl Search {
    pub(crate) async fn run(self, out: Out) -> Result<()> {
        let indexer = self.indexer.client()?;
        let filter = AlertFilter { from: Some(self.from), until: self.until, ..self.which.filter() };
        if self.count {
            let count = indexer.count(ALERTS, &filter.query()).await?;
            return if out.json { out.json(&serde_json::json!({ "count": count })) } else { out.line(count) };
        }
        let mut search = wazuh::indexer::Search::alerts(&filter);
        search.page = self.limit.clamp(1, 1000);
        let mut hits = pin!(indexer.search(search).into_stream());
        let mut printed = 0;
        while let Some(hit) = hits.try_next().await? {
            if printed == self.limit {
                tell(format_args!("there are more than {printed}: narrow the time, or raise --limit"));
                break;
            }
            print(out, hit.source.get())?;
            printed += 1;
        }
        Ok(())
    }
}

impl Which {
    pub(crate) fn filter(&self) -> AlertFilter {
        AlertFilter {
            level: self.level,
            rules: self.rules.clone(),
            agent: self.agent.as_ref().map(ToString::to_string),
            ..AlertFilter::default()
        }
    }

    /// True if an alert is one of these.
    pub(crate) fn fits(&self, alert: &Alert) -> bool {
        let rule = alert.rule.as_ref();
        let level = rule.map_or(0, |rule| rule.level);
        let id = rule.and_then(|rule| rule.id.as_ref());
        let agent = alert.agent.as_ref().and_then(|agent| agent.id.as_deref());
        self.level.is_none_or(|least| level >= u64::from(least))
            && (self.rules.is_empty() || id.is_some_and(|id| self.rules.contains(id)))
            && self.agent.as_ref().is_none_or(|wanted| agent == Some(wanted.as_str()))
    }
}

/// Prints an alert: as it is, or what a person wants to know of it.
pub(crate) fn print(out: Out, source: &str) -> Result<()> {
    if out.json {
        return out.json_text(source);
    }
    match Alert::parse(source.as_bytes()) {
        Ok(alert) => out.line(line(&alert)),
        Err(error) => {
            tell(format_args!("{error}"));
            Ok(())
        }
    }
}

fn line(alert: &Alert) -> String {
    let rule = alert.rule.clone().unwrap_or_default();
    let host = alert.agent.as_ref().and_then(|agent| agent.name.as_deref()).or(alert.agentless.as_deref());
    format!(
        "{}  {:>2}  {:>6}  {}  {}",
        alert.timestamp,
        rule.level,
        rule.id.as_deref().unwrap_or("-"),
        host.unwrap_or("-"),
        rule.description.as_deref().or(alert.full_log.as_deref()).unwrap_or("-"),
    )
}
