//! Alerts as they arrive.
//!
//! # Invariants
//! - The live stream only says that something is new; what is new comes from a question «what arrived after this place».
//!   Its place moves on only when everything up to it is printed. So nothing is lost while the stream, the network or the
//!   core is away, and nothing comes twice.
//! - After each connection it asks once, whatever the stream says.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::list::{as_query, key};
use super::row::{Slugs, row, table};
use crate::remote::core::Core;
use crate::remote::failure::{Failure, Kind, Result};
use crate::remote::field::items;
use crate::remote::live::Stream;
use crate::remote::out::Out;
use crate::remote::table::Table;

/// The first wait before connecting again, and the longest.
const WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Which alerts to watch for.
#[derive(clap::Args, Debug)]
pub(super) struct Watch {
    /// The query; without it all
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// End after so many alerts
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

struct Watching<'a> {
    core: &'a Core,
    out: &'a Out,
    query: Vec<(&'static str, String)>,
    /// Everything up to here is printed.
    after: String,
    left: usize,
    slugs: Slugs,
    table: Table,
}

impl Watch {
    pub(super) async fn run(self, core: &Core, out: &Out) -> Result<()> {
        let query = as_query(&self.query);
        let slugs = Slugs::of(&core.get("/clients", &[]).await?);
        // What is wrong with the query is told at once, and not again and again.
        let mut parameters = query.clone();
        parameters.push(("limit", "1".into()));
        let page = core.get("/alerts", &parameters).await?;
        let after = page["new_cursor"].as_str().unwrap_or_default().to_owned();
        let left = self.limit.unwrap_or(usize::MAX);
        let mut watching = Watching { core, out, query, after, left, slugs, table: table(out) };
        watching.on().await
    }
}

impl Watching<'_> {
    /// Watches on and on.
    async fn on(&mut self) -> Result<()> {
        let (mut last, mut wait, mut away) = (None, WAIT, false);
        self.out.tell("Watching for alerts; Ctrl-C ends it.");
        while self.left > 0 {
            let stream = Stream::open(self.core, last.clone()).await;
            let ended = match stream {
                Ok(mut stream) => {
                    if std::mem::take(&mut away) {
                        self.out.tell("Connected again; nothing was missed.");
                    }
                    let ended = self.follow(&mut stream, &mut wait).await;
                    last = stream.last;
                    ended
                }
                Err(failure) => Err(failure),
            };
            match ended {
                // It ended as it should: the core stops, or what may be seen has changed.
                Ok(()) => {}
                Err(failure) if failure.kind() == Kind::Later => {
                    if !std::mem::replace(&mut away, true) {
                        self.out.tell(format!("{} Trying again.", failure.said()));
                    }
                }
                Err(failure) => return Err(failure),
            }
            if self.left > 0 {
                tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        Ok(())
    }

    /// Follows one stream to its end.
    async fn follow(&mut self, stream: &mut Stream, wait: &mut Duration) -> Result<()> {
        while let Some(event) = stream.next(self.core).await? {
            *wait = WAIT;
            if matches!(event.as_str(), "hello" | "alerts" | "reset" | "rights" | "clients") {
                if event == "clients" {
                    self.slugs = Slugs::of(&self.core.get("/clients", &[]).await?);
                }
                self.print_new().await?;
            }
            if self.left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Prints what arrived since, the earliest first.
    async fn print_new(&mut self) -> Result<()> {
        let (mut found, mut known): (Vec<Value>, _) = (Vec::new(), HashSet::new());
        let (mut cursor, mut newest) = (None::<String>, None::<String>);
        loop {
            let mut parameters = self.query.clone();
            parameters.extend([("limit", "200".into()), ("after", self.after.clone())]);
            parameters.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = self.core.get("/alerts", &parameters).await?;
            found.extend(items(&page, "alerts").iter().filter(|alert| known.insert(key(alert))).cloned());
            // That of the first page: what arrives while the others are read is for the next time.
            newest = newest.or_else(|| page["new_cursor"].as_str().map(str::to_owned));
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        found.reverse();
        found.truncate(self.left);
        self.left -= found.len();
        if self.out.json {
            found.iter().try_for_each(|alert| self.out.json(&self.slugs.with_reference(alert)))?;
        } else if !found.is_empty() {
            let rows: Vec<_> = found.iter().map(|alert| row(self.out, &self.slugs, alert)).collect();
            self.table.print(self.out, &rows)?;
        }
        let newest = newest.ok_or_else(|| Failure::failed("The core gives no place to go on from."))?;
        if is_earlier(&newest, &self.after) {
            self.out
                .tell("The core was set back to an earlier state: what it had taken since comes again, or is missing.");
        }
        self.after = newest;
        Ok(())
    }
}

/// True if a place lies before another: ids begin with the time of arrival.
fn is_earlier(place: &str, other: &str) -> bool {
    const TIME: usize = 13;
    place.get(..TIME) < other.get(..TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_was_restored_is_noticed() {
        let (before, after) = ("01a21078-5c73-7000-adb4-9b90b398bc7e", "01a21079-0000-7000-8e87-445cc1e66cb1");
        assert!(is_earlier(before, after) && !is_earlier(after, before) && !is_earlier(after, after));
    }
}
