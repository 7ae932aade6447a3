//! `socme demo-traffic`: the generator on the command line. `socme demo` starts it in each network namespace.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::sync::mpsc;

use super::capture::Capture;
use super::catalogue::SCENARIOS;
use super::play::play;
use super::scenario::{Conversation, Scenario};
use super::scene::{SCENES, Scene, Side};
use super::serve::serve;
use crate::demo::running::Running;

/// Makes the demo's traffic, one scenario at a time.
#[derive(clap::Args, Debug)]
pub(crate) struct Traffic {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Lists the scenarios and the rules that must see them
    List,
    /// Plays one scenario on a network of the running demo, and prints when it was sent
    One {
        /// Which scenario; `list` names them
        #[arg(long)]
        scenario: String,
        /// A word of letters and digits that stands in the URL and the user agent, or in the name looked up
        #[arg(long, default_value = "")]
        mark: String,
        /// The client on whose network it is played
        #[arg(long, default_value = SCENES[0].slug)]
        client: String,
        /// The address that attacks, such as 203.0.113.9, where the scenario has one from outside
        #[arg(long)]
        from: Option<Ipv4Addr>,
        /// The demo's folder
        #[arg(long, default_value = ".demo")]
        dir: PathBuf,
    },
    /// Writes scenarios as a capture file
    Capture {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
        /// Which scenarios, in this order; all if none is named
        #[arg(long)]
        scenario: Vec<String>,
        /// The client whose network it is
        #[arg(long, default_value = SCENES[0].slug)]
        client: String,
    },
    /// Plays a request in the network namespace that this process is in
    #[command(hide = true)]
    Here {
        #[arg(long)]
        client: String,
        #[arg(long)]
        request: String,
    },
    /// Serves one side of a network and plays what it is told on standard input, until that ends
    #[command(hide = true)]
    Side {
        #[arg(long)]
        client: String,
        #[arg(long)]
        side: Side,
    },
}

impl Traffic {
    /// Does it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or what the network said.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.what {
            What::List => list(),
            What::One { scenario, mark, client, from, dir } => {
                let request = Request { scenario: find(&scenario)?, mark, seed: fastrand::u64(..), from };
                if !request.mark.chars().all(|c| c.is_ascii_alphanumeric()) || request.mark.len() > 60 {
                    bail!("--mark takes up to 60 letters and digits");
                }
                let answer = Running::read(&dir)?.play(scene(&client)?, &request).await?;
                println!("{answer}");
            }
            What::Capture { out, scenario, client } => {
                let chosen: Vec<&Scenario> = if scenario.is_empty() {
                    SCENARIOS.iter().collect()
                } else {
                    scenario.iter().map(|s| find(s)).collect::<Result<_>>()?
                };
                let scene = scene(&client)?;
                let all = chosen.iter().flat_map(|s| s.conversations(scene, fastrand::u64(..), "", None));
                capture_file(&out, &all.collect::<Vec<_>>())?;
            }
            What::Here { client, request } => {
                println!("{}", perform(&Request::read(&request)?, scene(&client)?).await);
            }
            What::Side { client, side } => attend(scene(&client)?, side).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes conversations as a capture file that begins now. It appears under its name only when it is whole.
///
/// # Errors
/// It cannot be written.
pub(crate) fn capture_file(out: &Path, conversations: &[Conversation]) -> Result<()> {
    let unfinished = out.with_extension("unfinished");
    let write = || -> Result<()> {
        let file = BufWriter::new(File::create(&unfinished)?);
        let mut capture = Capture::begin(file, SystemTime::now(), fastrand::u16(20_000..60_000))?;
        for conversation in conversations {
            capture.add(conversation)?;
        }
        capture.finish()?;
        std::fs::rename(&unfinished, out)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write the capture file {}", out.display()))
}

/// One scenario to play.
#[derive(Debug)]
pub(crate) struct Request {
    /// Which.
    pub scenario: &'static Scenario,
    /// The word by which to tell it; may be empty.
    pub mark: String,
    /// Where the dice begin.
    pub seed: u64,
    /// The address that attacks.
    pub from: Option<Ipv4Addr>,
}

impl Request {
    /// Its conversations.
    pub(crate) fn conversations(&self, scene: &Scene) -> Vec<Conversation> {
        self.scenario.conversations(scene, self.seed, &self.mark, self.from)
    }

    /// Its form on one line, for [`What::Side`].
    pub(crate) fn line(&self) -> String {
        json!({"scenario": self.scenario.name, "mark": self.mark, "seed": self.seed, "from": self.from}).to_string()
    }

    fn read(line: &str) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let word = |key: &str| value[key].as_str().unwrap_or_default();
        Ok(Self {
            scenario: find(word("scenario"))?,
            mark: word("mark").to_owned(),
            seed: value["seed"].as_u64().unwrap_or_default(),
            from: word("from").parse().ok(),
        })
    }
}

/// Serves one side and plays what standard input says. Each request is answered by a line: what was sent, and when.
/// Ends with standard input, so that it cannot outlive the demo that started it.
async fn attend(scene: &'static Scene, side: Side) -> Result<()> {
    println!("{}", json!({"side": side.word()}));
    let mut lines = standard_input();
    let mut serving = false;
    while let Some(line) = lines.recv().await {
        // The first line comes when the addresses are there.
        if !serving {
            serve().await.with_context(|| format!("cannot serve the {} side of {}", side.word(), scene.name))?;
            serving = true;
            println!("{}", json!({"serving": side.word()}));
            continue;
        }
        match Request::read(&line) {
            Ok(request) => {
                // Several scenarios may be under way at once, as on any network.
                tokio::spawn(async move { println!("{}", perform(&request, scene).await) });
            }
            Err(error) => println!("{}", json!({"error": error.to_string()})),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Standard input line by line. A thread of its own, because a read of it cannot be taken back.
fn standard_input() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn perform(request: &Request, scene: &Scene) -> serde_json::Value {
    let mut sent = None;
    let mut problems = Vec::new();
    let conversations = request.conversations(scene);
    for conversation in &conversations {
        match play(conversation).await {
            Ok(time) => {
                sent.get_or_insert(time);
            }
            Err(error) => {
                problems.push(format!("{} → {}:{}: {error}", conversation.from, conversation.to, conversation.port));
            }
        }
    }
    let nanoseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    json!({
        "scenario": request.scenario.name,
        "mark": request.mark,
        "from": conversations.first().map(|c| c.from),
        "to": conversations.first().map(|c| c.to),
        "rules": request.scenario.rules,
        "sent_ns": sent.map(nanoseconds).and_then(|n| u64::try_from(n).ok()),
        "problems": problems,
    })
}

fn find(name: &str) -> Result<&'static Scenario> {
    Scenario::named(name)
        .with_context(|| format!("there is no scenario «{name}»; `socme demo-traffic list` names them"))
}

fn scene(slug: &str) -> Result<&'static Scene> {
    let all = SCENES.map(|s| s.slug).join(", ");
    Scene::named(slug).with_context(|| format!("there is no client «{slug}» in the demo, only {all}"))
}

fn list() {
    let mut out = std::io::stdout().lock();
    for s in SCENARIOS {
        let rules = s.rules.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let rules = if rules.is_empty() { "-" } else { &rules };
        // Whoever reads may have seen enough, as `head` does.
        if writeln!(out, "{:<24} {:<16} {}", s.name, rules, s.about).is_err() {
            return;
        }
    }
}
