//! Lists and counts of alerts.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::row::{Slugs, row, table};
use crate::remote::core::Core;
use crate::remote::failure::Result;
use crate::remote::field::{is, items, number, text};
use crate::remote::out::Out;
use crate::remote::progress::Progress;

/// Rows that the core gives at once, at most.
const PAGE: usize = 200;

/// Which alerts to list.
#[derive(clap::Args, Debug)]
pub(super) struct List {
    /// The query; without it all
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    limit: usize,
    /// All of them, however many
    #[arg(long)]
    all: bool,
    /// Print only what they are called, one a line, for `socme alerts close -` and others
    #[arg(long, conflicts_with = "json")]
    ids: bool,
}

impl List {
    pub(super) async fn run(self, core: &Core, out: &Out) -> Result<()> {
        let limit = if self.all { usize::MAX } else { self.limit };
        let slugs = Slugs::of(&core.get("/clients", &[]).await?);
        let query = as_query(&self.query);
        let mut table = table(out);
        let (mut cursor, mut listed) = (None, 0);
        // What is printed on the terminal tells by itself that it goes on.
        let progress = out.width.is_none().then(|| Progress::begin("Asking for alerts"));
        while listed < limit {
            let mut parameters = query.clone();
            parameters.push(("limit", (limit - listed).min(PAGE).to_string()));
            parameters.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = core.get("/alerts", &parameters).await?;
            let alerts = items(&page, "alerts");
            listed += alerts.len();
            if out.json {
                alerts.iter().try_for_each(|alert| out.json(&slugs.with_reference(alert)))?;
            } else if self.ids {
                alerts.iter().try_for_each(|alert| out.say(slugs.reference(alert)))?;
            } else if !alerts.is_empty() {
                table.print(out, &alerts.iter().map(|alert| row(out, &slugs, alert)).collect::<Vec<_>>())?;
            }
            if let Some(progress) = &progress {
                progress.now(format!("Asking for alerts, {listed} so far"));
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        if let Some(progress) = progress {
            progress.end().await;
        }
        if out.json || self.ids {
            return Ok(());
        }
        if listed == 0 {
            out.tell("No alert matches.");
        } else if cursor.is_some() {
            out.tell(format!("These are the latest {listed}. For more: --limit N, or --all."));
        }
        Ok(())
    }
}

/// Prints how many alerts there are.
pub(super) async fn count(core: &Core, out: &Out, query: &[String]) -> Result<()> {
    let found = core.get("/alerts/count", &as_query(query)).await?;
    if out.json {
        return out.json(&found);
    }
    let more = if is(&found, "capped") { "+" } else { "" };
    out.say(format!("{}{more}", number(&found, "count")))
}

/// The words of a query as parameters of the API. Moments in it are as seen here.
pub(super) fn as_query(words: &[String]) -> Vec<(&'static str, String)> {
    let zone = TimeZone::system().iana_name().map(|zone| ("zone", zone.to_owned()));
    std::iter::once(("q", words.join(" "))).chain(zone).collect()
}

/// What two alerts must not both have.
pub(super) fn key(alert: &Value) -> (i64, String) {
    (number(alert, "client"), text(alert, "id").to_owned())
}
