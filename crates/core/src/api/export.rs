//! A client, whole, as an archive: what it is owed when it leaves, or asks what is known of it.
//!
//! Written as it is sent, from one snapshot of the database, so that nothing is gathered here however large it is. An archive
//! that breaks off has no end (its directory) and cannot be opened; the last file counts what is in the others.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use store::{ClientId, Piece};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use wire::{Severity, Source};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::alerts::{AlertDetail, AlertState};
use super::audit::Entry;
use super::clients::Client;
use super::commands::Command;
use super::download::download;
use super::extract::Place;
use super::hosts::Host;
use super::nodes::Node;
use super::person::Person;
use crate::problem::{Problem, ProblemBody};
use crate::state::{Core, Shared};

/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;
/// Chunks that wait to be sent.
const WAITING: usize = 4;
/// Who takes nothing for so long is gone: the snapshot of the database is not held for them.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is in the archive, for whoever opens it.
const README: &str = "\
Everything that SOCme knows of one client, from one moment.

client.json    what is known of the client
nodes.jsonl    its nodes, with their last reports
hosts.jsonl    the hosts that its nodes tell of, as they were last told
commands.jsonl what its nodes were asked, and what became of it; of each question about a host the latest answer
alerts.jsonl   its alerts, oldest first, each with its raw event and what was done to it
counts.jsonl   how many alerts there were in each hour; kept longer than the alerts
audit.jsonl    what people did to it, of the audit log
manifest.json  when this was written, by what, and how many lines each file has

.jsonl is JSON Lines: a JSON object per line. Their fields are those of SOCme's API; its description (socme core openapi)
says what each means. Times are UTC.
";

/// How many alerts of a kind arrived within an hour.
#[derive(Serialize)]
struct Count {
    hour: Timestamp,
    node: Option<i64>,
    module: Source,
    rule_id: String,
    rule_name: String,
    severity: Severity,
    state: AlertState,
    alerts: i64,
    occurrences: i64,
}

/// Everything of a client as a ZIP archive of JSON Lines; `README.txt` in it says what is where.
#[utoipa::path(get, path = "/clients/{id}/export", tag = "clients", params(("id" = i64, Path)), responses(
    (status = 200, content_type = "application/zip", body = Vec<u8>),
    (status = 404, body = ProblemBody),
    (status = 503, body = ProblemBody, description = "Another client is being exported"),
))]
pub(super) async fn export(
    State(core): State<Shared>,
    person: Person,
    Place(id): Place<i64>,
) -> Result<Response, Problem> {
    let client = core.store.client(&person.scope, ClientId(id)).await?;
    let turn = core
        .export_turn
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::later("Another client is being exported.").retry_after(Duration::from_secs(60)))?;
    core.store.note_at(person.actor.clone(), client.id, "client.export", client.name).await?;
    let (chunks, taken) = mpsc::channel(WAITING);
    let name = format!("socme-{}-{}.zip", client.slug, core.now().strftime("%Y-%m-%d"));
    let (writer, asker) = (core.clone(), person.clone());
    tokio::spawn(async move {
        let _turn = turn;
        let failed = chunks.clone();
        if let Err(error) = write(&writer, asker, client.id, chunks).await {
            // Ends the answer in the middle, so that nobody takes it for whole.
            let _ = failed.send(Err(io::Error::other(error))).await;
        }
    });
    download(core, person, "application/zip", &name, ReceiverStream::new(taken))
}

async fn write(
    core: &Shared,
    person: Person,
    client: ClientId,
    chunks: mpsc::Sender<io::Result<Bytes>>,
) -> store::Result<()> {
    let (scope, asker, writer) = (person.scope.clone(), person, core.clone());
    let mut archive = Some(Archive::new(chunks, core.now()));
    let take = move |piece| {
        let done = match piece {
            Some(piece) => archive.as_mut().map(|archive| archive.take(&writer, &asker, piece)),
            None => archive.take().map(Archive::end),
        };
        // Whoever reads has gone, or is too slow: the store ends its walk.
        done.transpose().map(drop).map_err(|_| store::Error::Closed)
    };
    core.store.export_client(&scope, client, take).await
}

/// Sends what is written; once the line is closed, nothing more.
struct Sending {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    open: Arc<AtomicBool>,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.open.load(Ordering::Relaxed) {
            return Ok(bytes.len());
        }
        let chunk = Bytes::copy_from_slice(bytes);
        self.runtime
            .block_on(self.chunks.send_timeout(Ok(chunk), PATIENCE))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes what is sent"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The archive under way. Dropped before its end it is left without one.
struct Archive {
    /// Before the writer: it is dropped first, and closes the line, for a dropped writer would write its end.
    _line: Line,
    zip: ZipWriter<StreamWriter<BufWriter<Sending>>>,
    made: Timestamp,
    /// The same, as archives write it.
    date: zip::DateTime,
    /// How many files are begun of those that have lines, and how many lines each has.
    begun: usize,
    lines: BTreeMap<&'static str, u64>,
}

/// The files that have lines, in the order of the pieces.
const FILES: [&str; 6] =
    ["nodes.jsonl", "hosts.jsonl", "commands.jsonl", "alerts.jsonl", "counts.jsonl", "audit.jsonl"];

impl Archive {
    fn new(chunks: mpsc::Sender<io::Result<Bytes>>, made: Timestamp) -> Self {
        let open = Arc::new(AtomicBool::new(true));
        let sending = Sending { chunks, runtime: Handle::current(), open: open.clone() };
        let zip = ZipWriter::new_stream(BufWriter::with_capacity(CHUNK, sending));
        let at = TimeZone::UTC.to_datetime(made);
        let [month, day, hour, minute, second] =
            [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(i8::unsigned_abs);
        let date = zip::DateTime::from_date_and_time(at.year().unsigned_abs(), month, day, hour, minute, second);
        let date = date.unwrap_or_default();
        Self { _line: Line(open), zip, made, date, begun: 0, lines: FILES.into_iter().map(|file| (file, 0)).collect() }
    }

    fn begin(&mut self, file: &'static str) -> anyhow::Result<()> {
        // Its length is not known before: it may be beyond 4 GiB.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(self.date)
            .large_file(true);
        Ok(self.zip.start_file(file, options)?)
    }

    /// Begins the files up to this one; those without a line are there as well.
    fn begin_up_to(&mut self, file: &str) -> anyhow::Result<()> {
        let end = FILES.iter().position(|known| *known == file).map_or(FILES.len(), |at| at + 1);
        while self.begun < end {
            self.begin(FILES[self.begun])?;
            self.begun += 1;
        }
        Ok(())
    }

    fn line(&mut self, file: &'static str, line: &impl Serialize) -> anyhow::Result<()> {
        self.begin_up_to(file)?;
        serde_json::to_writer(&mut self.zip, line)?;
        self.zip.write_all(b"\n")?;
        *self.lines.entry(file).or_default() += 1;
        Ok(())
    }

    fn take(&mut self, core: &Core, person: &Person, piece: Piece) -> anyhow::Result<()> {
        match piece {
            Piece::Client(client) => {
                self.begin("README.txt")?;
                self.zip.write_all(README.as_bytes())?;
                self.begin("client.json")?;
                Ok(serde_json::to_writer_pretty(&mut self.zip, &Client::new(core, person, *client))?)
            }
            Piece::Node(node) => self.line("nodes.jsonl", &Node::new(core, *node)),
            Piece::Host(host) => self.line("hosts.jsonl", &Host::from(*host)),
            Piece::Command(command) => self.line("commands.jsonl", &Command::from(*command)),
            Piece::Alert(alert) => self.line("alerts.jsonl", &AlertDetail::from(*alert)),
            Piece::Count(count) => {
                let store::HourCount { hour, node, module, rule_id, rule_name, severity, state, alerts, occurrences } =
                    count;
                let (node, state) = (node.map(|node| node.0), state.into());
                let count = Count { hour, node, module, rule_id, rule_name, severity, state, alerts, occurrences };
                self.line("counts.jsonl", &count)
            }
            Piece::Audit(entry) => self.line("audit.jsonl", &Entry::from(*entry)),
        }
    }

    /// Writes what is still to come, and the archive's directory.
    fn end(mut self) -> anyhow::Result<()> {
        self.begin_up_to("")?;
        self.begin("manifest.json")?;
        let manifest = json!({ "made": self.made, "program": env!("CARGO_PKG_VERSION"), "lines": self.lines });
        serde_json::to_writer_pretty(&mut self.zip, &manifest)?;
        self.zip.finish()?.into_inner().flush()?;
        Ok(())
    }
}

/// Nothing is sent once this is gone.
struct Line(Arc<AtomicBool>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
