use super::*;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

fn random_alert(dice: &mut Dice) -> Alert {
    let mut alert = alert(dice.pick(&["100", "200", "300", "abc"]));
    alert.module = if dice.below(2) == 0 { Source::Suricata } else { Source::Wazuh };
    alert.severity = Severity::ALL[dice.below(4) as usize];
    let end = |ip: String| Some(Endpoint { ip: Some(ip), port: Some(80), domain: None });
    if dice.below(4) > 0 {
        alert.source = end(format!("10.0.{}.{}", dice.below(3), dice.below(4)));
        alert.destination = end(format!("192.168.0.{}", dice.below(3)));
    }
    alert.message = Some(dice.pick(&["SQL injection attempt", "login failed", "élan vital", ""]).into());
    if dice.below(3) == 0 {
        alert.host = Some(Host { name: Some(dice.pick(&["web1", "Web2"]).into()), ..Host::default() });
        alert.user = Some(User { name: dice.pick(&["root", "Jo"]).into(), domain: None });
    }
    if dice.below(5) == 0 {
        alert.domains = vec!["www.evil.example".into()];
        alert.file = Some(File { md5: Some("d41d8cd98f00b204e9800998ecf8427e".into()), ..File::default() });
    }
    alert
}

/// What the model knows of one alert.
struct Known {
    alert: Alert,
    client: (ClientId, String, String),
    node: String,
    id: AlertId,
    state: State,
}

const QUERIES: [&str; 30] = [
    "",
    "severity>=high",
    "severity:low,critical state:open",
    "-severity:low",
    "client:acme",
    "client:acme,beta -severity:medium",
    "-client:acme",
    "source:wazuh",
    "-source:wazuh state:closed",
    "state:acknowledged",
    "-state:open",
    "node:north",
    "-node:north rule:100",
    "rule:100,ABC",
    "rule:nothing",
    "ip:10.0.1.2",
    "ip:10.0.1.2,192.168.0.1 severity:high",
    "ip:10.0.0.0/16",
    "-ip:10.0.0.0/24",
    "host:WEB1",
    "user:jo host:web2",
    "-user:root",
    "hash:D41D8CD98F00B204E9800998ECF8427E",
    "domain:www.evil.example state:open",
    "injection",
    "\"sql injection\" severity>=medium",
    "elan -client:beta",
    "-injection rule:200",
    "10.0.1.2 injection",
    "after:2026-11-24T10:00:30 before:2026-11-24T10:02:00",
];

#[tokio::test]
async fn a_list_finds_exactly_what_the_query_says_page_by_page_and_within_scope() {
    let story = Story::begin().await;
    let mut dice = Dice(11);
    let mut known: Vec<Known> = Vec::new();
    let mut senders = Vec::new();
    for name in ["Acme", "Beta", "Gamma"] {
        let client = story.client(name).await;
        for node in ["north", "south"] {
            senders.push((client.clone(), node, story.node(client.id, &format!("{node}-{name}")).await));
        }
    }
    for (client, node, sender) in &senders {
        let change = NodeChange { name: Some((*node).to_owned()), ..NodeChange::default() };
        story.store.change_node(admin(), &all(), sender.node, change).await.unwrap();
        assert!(client.id.0 > 1);
    }
    for round in 0..60 {
        let at = dice.below(6) as usize;
        let alerts: Vec<Alert> = (0..=dice.below(8)).map(|_| random_alert(&mut dice)).collect();
        let (client, node, sender) = &mut senders[at];
        sender.send(&story.store, alerts.iter().cloned().map(record).collect()).await;
        let page = story.rows("").await;
        for (alert, row) in alerts.into_iter().rev().zip(&page) {
            let client = (client.id, client.slug.clone(), client.name.clone());
            known.push(Known { alert, client, node: (*node).to_owned(), id: row.id, state: State::Open });
        }
        if round == 40 {
            // The text index knows these; the rest must be found without it.
            story.store.catch_up().await.unwrap();
        }
        story.hand.turn(3);
    }
    for _ in 0..40 {
        let one = dice.below(known.len() as u64) as usize;
        let (action, state) =
            [(Action::Acknowledge, State::Acknowledged), (Action::Close, State::Closed)][dice.below(2) as usize];
        let subject = vec![(known[one].client.0, known[one].id)];
        story.store.act(admin(), &all(), subject, action, None).await.unwrap();
        known[one].state = state;
    }
    known.sort_by_key(|known| std::cmp::Reverse(known.id));
    let acme = known.iter().find(|known| known.client.1 == "acme").unwrap().client.0;
    let gamma = known.iter().find(|known| known.client.1 == "gamma").unwrap().client.0;
    let most = all().narrowed([acme, gamma, ClientId::SOC]);
    for scope in [all(), most, all().narrowed([acme]), all().narrowed([acme, gamma]), all().narrowed([])] {
        for text in QUERIES {
            let mut ask = story.ask(text);
            let expected: Vec<AlertId> = known
                .iter()
                .filter(|known| scope.allows(known.client.0))
                .filter(|known| {
                    let facts = Facts {
                        alert: &known.alert,
                        client: [&known.client.1, &known.client.2],
                        node: Some(&known.node),
                        state: known.state,
                        arrived: known.id.arrived(),
                    };
                    ask.query.matches(&facts, ask.now, &ask.zone)
                })
                .map(|known| known.id)
                .collect();
            let mut found = Vec::new();
            ask.limit = 7;
            loop {
                let page = story.store.alerts(&scope, ask.clone()).await.unwrap();
                found.extend(page.alerts.iter().map(|row| row.id));
                match page.next {
                    Some(next) => ask.before = Some(next),
                    None => break,
                }
            }
            assert_eq!(found, expected, "«{text}»");
            ask.before = None;
            let (count, _) = story.store.count_alerts(&scope, ask).await.unwrap();
            assert_eq!(count, expected.len(), "«{text}»");
        }
    }
}

#[tokio::test]
async fn an_alert_of_another_client_does_not_exist() {
    let story = Story::begin().await;
    let (acme, beta) = (story.client("Acme").await, story.client("Beta").await);
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    let id = story.rows("").await[0].id;
    let theirs = all().narrowed([beta.id]);
    let missing = Error::NotFound("alert");
    assert_eq!(story.store.alert(&theirs, acme.id, id).await.unwrap_err(), missing);
    assert_eq!(story.store.alert(&theirs, beta.id, id).await.unwrap_err(), missing);
    let act = |client| story.store.act(admin(), &theirs, vec![(client, id)], Action::Close, None);
    assert_eq!(act(acme.id).await.unwrap_err(), missing);
    assert_eq!(act(beta.id).await.unwrap_err(), missing);
    assert!(
        story.store.facets(&theirs, query::Query::default(), TimeZone::UTC, start()).await.unwrap().rule.is_empty()
    );
    assert!(!story.store.numbers(&theirs).contains_key(&acme.id));
}

#[tokio::test]
async fn closing_twice_changes_nothing_and_history_says_who() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1"))]).await;
    let id = story.rows("").await[0].id;
    let scope = all();
    let close = |comment: Option<&str>| {
        story.store.act(admin(), &scope, vec![(acme.id, id)], Action::Close, comment.map(str::to_owned))
    };
    assert!(close(Some("  a scan of ours ")).await.unwrap()[0].changed);
    assert!(!close(None).await.unwrap()[0].changed);
    let detail = story.store.alert(&all(), acme.id, id).await.unwrap();
    assert_eq!(detail.row.state, State::Closed);
    let deeds: Vec<Deed> = detail.history.iter().map(|entry| entry.action).collect();
    assert_eq!(deeds, [Deed::Arrived, Deed::Closed]);
    assert_eq!(detail.history[1].comment.as_deref(), Some("a scan of ours"));
    assert_eq!(story.store.client(&all(), acme.id).await.unwrap().open_alerts, 0);
}

#[tokio::test]
async fn charts_follow_alerts_and_what_people_do_to_them() {
    let story = Story::begin().await;
    let acme = story.client("Acme").await;
    let mut node = story.node(acme.id, "sensor").await;
    node.send(&story.store, vec![record(alert("1")), record(alert("1")), record(alert("2"))]).await;
    let id = story.rows("rule:2").await[0].id;
    story.store.act(admin(), &all(), vec![(acme.id, id)], Action::Close, None).await.unwrap();
    let query = |text| query::parse(text).unwrap();
    let open = story.store.histogram(&all(), query("state:open"), TimeZone::UTC, start(), 24).await.unwrap();
    assert_eq!(open.buckets.iter().map(|(_, counts)| counts[2]).sum::<u64>(), 2);
    assert_eq!(open.buckets.len(), 24);
    let facets = story.store.facets(&all(), query("state:open"), TimeZone::UTC, start()).await.unwrap();
    assert_eq!((facets.rule[0].value.as_str(), facets.rule[0].count), ("1", 2));
    assert_eq!(facets.client[0].value, "acme");
}

#[tokio::test]
async fn the_histogram_counts_what_the_lists_find() {
    let story = Story::begin().await;
    let mut dice = Dice(6);
    for name in ["Acme", "Beta"] {
        let client = story.client(name).await;
        let mut sender = story.node(client.id, &format!("north-{name}")).await;
        for _ in 0..3 {
            sender.send(&story.store, (0..40).map(|_| record(random_alert(&mut dice))).collect()).await;
            story.hand.turn(7_000);
        }
    }
    let acme = story.rows("client:acme").await[0].client;
    for scope in [all(), all().narrowed([acme])] {
        for text in [
            "",
            "host:web1",
            "ip:10.0.1.1 severity>=medium",
            "-host:web1 client:acme",
            "rule:200 state:open",
            "nowhere",
        ] {
            let (query, now) = (query::parse(text).unwrap(), story.store.clock().now());
            let histogram = story.store.histogram(&scope, query, TimeZone::UTC, now, 48).await.unwrap();
            assert!(histogram.ignored.is_empty(), "«{text}» leaves aside {:?}", histogram.ignored);
            for (code, severity) in ["low", "medium", "high", "critical"].into_iter().enumerate() {
                let both = format!("{text} severity:{severity}");
                let (count, _) = story.store.count_alerts(&scope, story.ask(&both)).await.unwrap();
                assert_eq!(
                    histogram.buckets.iter().map(|(_, counts)| counts[code]).sum::<u64>(),
                    count as u64,
                    "«{both}»"
                );
            }
        }
    }
    // Each in its hour.
    let (query, now) = (query::parse("rule:200,100,300").unwrap(), story.store.clock().now());
    let hours = story.store.histogram(&all(), query, TimeZone::UTC, now, 48).await.unwrap().buckets;
    for (begin, counts) in hours {
        let end = begin + jiff::SignedDuration::from_hours(1);
        let both = format!("rule:200,100,300 after:{begin} before:{end}");
        let (count, _) = story.store.count_alerts(&all(), story.ask(&both)).await.unwrap();
        assert_eq!(counts.iter().sum::<u64>(), count as u64, "«{both}»");
    }
}

#[tokio::test]
async fn a_histogram_of_too_many_says_what_it_leaves_aside() {
    let story = Story::begin().await;
    let client = story.client("Acme").await;
    let mut sender = story.node(client.id, "north").await;
    let mut dice = Dice(7);
    for _ in 0..3 {
        sender.send(&story.store, (0..100).map(|_| record(random_alert(&mut dice))).collect()).await;
    }
    let (query, now) = (query::parse("-host:nowhere").unwrap(), story.store.clock().now());
    let histogram = story.store.histogram(&all(), query, TimeZone::UTC, now, 24).await.unwrap();
    assert_eq!(histogram.ignored, ["-host:nowhere"]);
    assert_eq!(histogram.buckets.iter().map(|(_, counts)| counts.iter().sum::<u64>()).sum::<u64>(), 300);
}

#[tokio::test]
async fn facets_count_what_the_lists_find() {
    let story = Story::begin().await;
    let mut dice = Dice(5);
    for name in ["Acme", "Beta"] {
        let client = story.client(name).await;
        for node in ["north", "south"] {
            let mut sender = story.node(client.id, &format!("{node}-{name}")).await;
            for _ in 0..3 {
                sender.send(&story.store, (0..40).map(|_| record(random_alert(&mut dice))).collect()).await;
                // Over three days.
                story.hand.turn(70_000);
            }
        }
    }
    for page in [story.rows("severity:high").await, story.rows("rule:200").await] {
        let alerts = page.iter().take(30).map(|row| (row.client, row.id)).collect();
        story.store.act(admin(), &all(), alerts, Action::Close, None).await.unwrap();
    }
    let acme = story.rows("client:acme").await[0].client;
    for scope in [all(), all().narrowed([acme])] {
        for text in ["", "state:open", "severity>=high source:wazuh", "-client:beta", "node:north-acme,south-beta"] {
            let (query, now) = (query::parse(text).unwrap(), story.store.clock().now());
            let facets = story.store.facets(&scope, query, TimeZone::UTC, now).await.unwrap();
            for (field, facets) in [
                ("severity", facets.severity),
                ("state", facets.state),
                ("client", facets.client),
                ("source", facets.source),
                ("node", facets.node),
                ("rule", facets.rule),
            ] {
                assert!(!facets.is_empty(), "«{text}» has no {field}");
                for facet in facets {
                    let both = format!("{text} {field}:{}", facet.value);
                    let (count, _) = story.store.count_alerts(&scope, story.ask(&both)).await.unwrap();
                    assert_eq!(count as u64, facet.count, "«{both}»");
                }
            }
        }
    }
}
