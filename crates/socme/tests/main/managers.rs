//! Two Wazuhs beside one node: one whose `alerts.json` it reads, and one elsewhere whose indexer it asks. Node, manager and indexer
//! are killed, over midnights and over three days of which the node sees nothing: in the end the core has what they wrote.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::support::Dice;
use crate::support::analysisd::Manager;
use crate::support::core::Core;
use crate::support::elsewhere::Elsewhere;
use crate::support::ledger::{Ledger, alarms, at_the_core, differences};
use crate::support::node::Node;

/// What happens in one seed.
struct Story {
    dice: Dice,
    core: Core,
    node: Node,
    manager: Manager,
    elsewhere: Elsewhere,
    ledger: Ledger,
    node_deaths: u64,
    folder: tempfile::TempDir,
}

impl Story {
    fn begin(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let folder = tempfile::tempdir().expect("tempdir");
        let logs = folder.path().join("alerts");
        let ledger = Ledger::default();
        // The manager here has its own calendar. That of the one elsewhere must be the node's, which asks three days back.
        let (calendar, past) = (Timestamp::now() - SignedDuration::from_hours(24 * 90), SignedDuration::from_hours(70));
        let manager = Manager::start(&logs, calendar, 1_000_000, dice.roll(), ledger.clone());
        let elsewhere = Elsewhere::start(Timestamp::now() - past, 5_000_000, dice.roll(), ledger.clone());
        let password = folder.path().join("password");
        std::fs::write(&password, "secret\n").expect("write");
        let mut core = Core::start(folder.path(), "");
        let client = core.new_client("Acme");
        let token = core.new_token(client);
        let settings = format!(
            "[[source]]\nkind = \"wazuh\"\npath = {:?}\nstart = \"beginning\"\n[[source]]\nkind = \"wazuh-indexer\"\nname = \"elsewhere\"\n\
             start = \"beginning\"\n[wazuh.indexer]\nurl = \"http://{}\"\nuser = \"reader\"\npassword_file = {password:?}\n",
            logs.join("alerts.json"),
            elsewhere.address
        );
        let mut node = Node::new(&folder.path().join("node"), &settings);
        node.enrol(&token);
        node.launch();
        node.wait_begun(2);
        Self { dice, core, node, manager, elsewhere, ledger, node_deaths: 0, folder }
    }

    /// The managers work for a while.
    fn work(&mut self) {
        for _ in 0..=self.dice.below(5) {
            let (here, there) = (self.dice.below(12), self.dice.below(12));
            self.manager.write(here);
            self.elsewhere.write(there);
            match self.dice.below(24) {
                0 | 1 => self.manager.midnight(),
                2 | 3 => self.manager.rotate(),
                4 | 5 => self.manager.compress(),
                6 => self.manager.flush(),
                7 => self.elsewhere.flood(),
                8..12 => self.elsewhere.misbehave(),
                _ => {}
            }
            std::thread::park_timeout(Duration::from_millis(self.dice.below(120)));
        }
        if self.dice.once_in(4) {
            let before: u64 = at_the_core(&self.core.data).values().sum();
            let end = Instant::now() + Duration::from_secs(3);
            // Not for ever: all that there is may be at the core, or wait for the node to be started again.
            while at_the_core(&self.core.data).values().sum::<u64>() == before && Instant::now() < end {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
    }

    /// One of the three dies, or several do; work goes on without them.
    fn kill(&mut self) {
        let dying = 1 + self.dice.below(7);
        if dying & 1 != 0 {
            self.node.kill();
            self.node_deaths += 1;
        }
        if dying & 2 != 0 {
            self.manager.die();
        }
        if dying & 4 != 0 {
            self.elsewhere.die();
        }
        if self.dice.once_in(3) {
            self.work();
        }
        if self.dice.once_in(6) {
            self.manager.midnight();
        }
        self.manager.live();
        self.elsewhere.live();
        if dying & 1 != 0 {
            self.node.launch();
        }
    }

    /// The node is away for three days, and much happens.
    fn away(&mut self) {
        self.node.kill();
        self.node_deaths += 1;
        let days = Timestamp::now().duration_since(self.elsewhere.clock);
        for third in (0..3).rev() {
            for _ in 0..4 {
                self.work();
                self.manager.live();
                self.elsewhere.live();
            }
            self.manager.rotate();
            self.manager.live();
            self.work();
            self.manager.live();
            self.manager.midnight();
            self.manager.live();
            self.manager.write(3);
            self.manager.compress();
            self.manager.live();
            // To 20 minutes ago, in three steps.
            let left = SignedDuration::from_secs(days.as_secs() * third / 3) + SignedDuration::from_mins(20);
            self.elsewhere.clock = self.elsewhere.clock.max(Timestamp::now() - left);
        }
        self.node.launch();
    }

    /// All that was written is at the core, once.
    fn settle(&mut self, seed: u64) {
        self.manager.live();
        self.manager.flush();
        self.elsewhere.settle();
        // What came late is found ten minutes later, or by a node that is started anew.
        self.node.kill();
        self.node.launch();
        let (wrote, data) = (self.ledger.counts(), self.core.data.clone());
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let has = at_the_core(&data);
            if has == wrote {
                break;
            }
            if Instant::now() > end || has.iter().any(|(rule, n)| wrote.get(rule).is_none_or(|wrote| n > wrote)) {
                let status = self.node.status();
                let (log, kept) = (self.node.process().log(), self.folder.path().with_extension("kept"));
                std::fs::rename(self.folder.path(), &kept).expect("keep");
                panic!(
                    "seed {seed}: the core differs from what was written, see {kept:?}\n{}\n{}\n{status:#?}\n{log}",
                    differences(&wrote, &has).join("\n"),
                    alarms(&data).join("\n")
                );
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let gaps: Vec<String> = alarms(&data).into_iter().filter(|alarm| alarm.starts_with("gap")).collect();
        assert!(gaps.is_empty(), "seed {seed}: nothing was lost, and yet: {gaps:#?}");
    }
}

/// Few kills of one seed in `make test`; `make soak` sets SOCME_SOAK_SEEDS, and goes through 200 of each.
#[test]
fn all_alerts_of_two_managers_arrive_once_though_everything_is_killed_and_the_node_is_away_for_three_days() {
    let soak = std::env::var("SOCME_SOAK_SEEDS").ok();
    let seeds = soak.as_ref().and_then(|text| text.split_once(".."));
    let (first, last) = seeds.map_or((0, 1), |(a, b)| (a.parse().expect("seed"), b.parse().expect("seed")));
    let turns = if seeds.is_some() { 200 } else { 12 };
    for seed in first..last {
        let started = Instant::now();
        println!("seed {seed}: begins");
        let mut story = Story::begin(seed);
        for turn in 0..turns {
            story.work();
            if turn == turns / 2 {
                story.away();
            }
            story.kill();
        }
        story.settle(seed);
        println!(
            "seed {seed}: {} kills of the node, {} of the manager, {} of the indexer; {} alerts, none lost, none twice ({:.0} s)",
            story.node_deaths,
            story.manager.deaths,
            story.elsewhere.deaths,
            story.ledger.total(),
            started.elapsed().as_secs_f64()
        );
    }
}
