//! Killed, cut, slowed, restored, rolled back: in the end the core has exactly what the sources wrote.

use std::time::Duration;

use crate::support::core::Core;
use crate::support::ledger::{Ledger, alarms, at_the_core, differences};
use crate::support::node::Node;
use crate::support::sources::{Eve, Wazuh};
use crate::support::{Dice, wait_for};

/// What happens to one node and one core in one seed.
struct Trouble {
    seed: u64,
    kills: u64,
}

impl Trouble {
    fn run(&self) {
        let mut dice = Dice::new(self.seed);
        let folder = tempfile::tempdir().expect("tempdir");
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs).expect("create");
        let ledger = Ledger::default();

        let (mut core, link) = Core::start_behind_link(folder.path(), "");
        let client = core.new_client("Acme");
        let token = core.new_token(client);
        let mut eve = Eve::new(&logs.join("eve.json"), dice.roll(), ledger.clone());
        let mut wazuh = Wazuh::new(&logs.join("alerts"), dice.roll(), ledger.clone());
        let mut node = Node::new(
            &folder.path().join("node"),
            &format!(
                "[[source]]\nkind = \"suricata\"\npath = {:?}\nstart = \"beginning\"\n[[source]]\nkind = \"wazuh\"\npath = {:?}\nstart = \"beginning\"\n",
                logs.join("eve.json"),
                logs.join("alerts/alerts.json")
            ),
        );
        node.enrol(&token);
        node.launch();
        node.wait_begun(2);

        let (mut copies_of_core, mut copies_of_node) = (0, 0);
        for turn in 0..self.kills {
            // Let it work for a while that is measured by what was written and, now and then, by what has arrived.
            for _ in 0..=dice.below(6) {
                eve.write(20 + dice.below(400));
                wazuh.write(dice.below(30));
                if dice.once_in(8) {
                    eve.rotate();
                }
                if dice.once_in(25) {
                    wazuh.midnight();
                }
                std::thread::park_timeout(Duration::from_millis(dice.below(60)));
            }
            match dice.below(12) {
                0 => link.cut(),
                1 | 2 => link.mend(),
                3 => link.slow(Duration::from_millis(dice.below(30))),
                4 => link.slow(Duration::ZERO),
                5 => {
                    core.kill();
                    core.launch();
                }
                _ => {}
            }
            if dice.once_in(3) {
                link.mend();
                let before: u64 = at_the_core(&core.data).values().sum();
                let limit = Duration::from_secs(20);
                wait_for("something new at the core", limit, || {
                    let now: u64 = at_the_core(&core.data).values().sum();
                    (now > before || now == ledger.total()).then_some(())
                });
            }
            node.kill();
            match turn * 10 / self.kills {
                2 if copies_of_node == 0 => {
                    node.copy_data(&folder.path().join("node-copy"));
                    copies_of_node = 1;
                }
                3 if copies_of_core == 0 => {
                    core.kill();
                    core.copy_database(&folder.path().join("core-copy"));
                    core.launch();
                    copies_of_core = 1;
                }
                5 if copies_of_core == 1 => {
                    core.kill();
                    core.restore_database(&folder.path().join("core-copy"));
                    core.launch();
                    copies_of_core = 2;
                }
                7 if copies_of_node == 1 => {
                    node.roll_back(&folder.path().join("node-copy"));
                    copies_of_node = 2;
                }
                8 if copies_of_core == 2 => {
                    core.kill();
                    core.restore_database(&folder.path().join("core-copy"));
                    core.launch();
                    copies_of_core = 3;
                }
                _ => {}
            }
            if dice.once_in(20) {
                // Down for a while, with several rotations meanwhile.
                for _ in 0..3 {
                    eve.write(200);
                    eve.rotate();
                    wazuh.midnight();
                    wazuh.write(10);
                }
            }
            node.launch();
        }

        eve.finish_line();
        eve.write(1);
        eve.finish_line();
        link.slow(Duration::ZERO);
        link.mend();
        let wrote = ledger.counts();
        let data = core.data.clone();
        let end = std::time::Instant::now() + Duration::from_secs(90);
        loop {
            let has = at_the_core(&data);
            if has == wrote {
                break;
            }
            let over = wrote.iter().all(|(key, n)| has.get(key).is_some_and(|h| h >= n));
            if over || std::time::Instant::now() > end {
                let status = node.status();
                let kept = folder.keep();
                panic!(
                    "seed {}: the core differs from the ledger, see {kept:?}\n{}\n{}\n{status:#?}\n{}",
                    self.seed,
                    differences(&wrote, &has).join("\n"),
                    alarms(&data).join("\n"),
                    core.process().log()
                );
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let total: u64 = wrote.values().sum();
        println!("seed {}: {} kills of the node, {total} events, none lost, none twice", self.seed, self.kills);
    }
}

/// 4 seeds in `make test`; `make soak` sets SOCME_SOAK_SEEDS.
#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_is_killed_cut_or_restored() {
    let (first, seeds) = std::env::var("SOCME_SOAK_SEEDS")
        .ok()
        .and_then(|text| text.split_once("..").map(|(a, b)| (a.parse().expect("seed"), b.parse().expect("seed"))))
        .unwrap_or((0_u64, 4));
    for seed in first..seeds {
        Trouble { seed, kills: 50 }.run();
    }
}
