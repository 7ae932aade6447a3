//! Lives that are rare, and must be survived all the same.

use super::*;

fn big(tag: &str, lines: usize) -> String {
    (0..lines).map(|n| format!("{tag} {n} {}\n", "y".repeat(40))).collect()
}

#[test]
fn a_file_replaced_by_a_copy_of_itself_is_followed_on() {
    let mut story = Story::new();
    story.append("eve.json", big("one", 50));
    assert_eq!(story.read().len(), 50);
    fs::copy(story.path("eve.json"), story.path("tmp")).unwrap();
    story.rename("tmp", "eve.json");
    story.append("eve.json", "two\n");
    assert_eq!(story.read(), ["two"]);
    assert!(story.gaps.is_empty(), "{:?}", story.gaps);
}

#[test]
fn a_damaged_compressed_generation_is_a_gap_and_nothing_comes_twice() {
    let mut story = Story::new();
    story.append("eve.json", big("one", 400));
    assert_eq!(story.read().len(), 400);
    story.append("eve.json", "unread\n");
    story.rename("eve.json", "eve.json.1");
    story.gzip("eve.json.1");
    let whole = fs::read(story.path("eve.json.1.gz")).unwrap();
    fs::write(story.path("eve.json.1.gz"), &whole[..whole.len() * 3 / 4]).unwrap();
    story.append("eve.json", "two\n");
    story.restart();
    assert_eq!(story.read(), Vec::<String>::new());
    story.now += Duration::from_secs(3600);
    assert_eq!(story.read(), ["two"]);
    assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
}

#[test]
fn what_only_looks_compressed_is_a_gap_and_holds_nothing_up() {
    for family in [Family::Logrotate, Family::WazuhDaily] {
        let mut story = Story::of(family);
        story.open(None, Start::Beginning);
        let (packed, live) = match family {
            Family::Logrotate => ("eve.json.1.gz", "eve.json"),
            Family::WazuhDaily => ("2026/Nov/ossec-alerts-23.json.gz", "alerts.json"),
        };
        fs::create_dir_all(story.path("2026/Nov")).unwrap();
        story.append(packed, "no gzip at all\n");
        story.append(live, "two\n");
        assert_eq!(story.read(), Vec::<String>::new());
        story.now += Duration::from_secs(3600);
        assert_eq!(story.read(), ["two"]);
        assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
        assert!(story.gaps[0].file.ends_with(packed), "{:?}", story.gaps);
    }
}

#[test]
fn a_hole_before_a_damaged_generation_is_told_once() {
    let mut story = Story::new();
    story.open(None, Start::Beginning);
    story.append("eve.json.9", "one\n");
    story.append("eve.json.2.gz", "no gzip at all\n");
    story.append("eve.json", "two\n");
    story.read();
    for _ in 0..4 {
        story.now += Duration::from_secs(3600);
        story.read();
    }
    assert_eq!(story.lines, ["one", "two"]);
    let told: Vec<bool> = story.gaps.iter().map(|gap| gap.why.contains("number 8")).collect();
    assert_eq!(told, [true, false], "the hole, then the damage: {:?}", story.gaps);
}

#[test]
fn a_compressed_generation_that_breaks_within_a_line_is_a_gap_and_holds_nothing_up() {
    for lines in [0, 900] {
        let mut story = Story::new();
        story.open(None, Start::Beginning);
        // Random, so that the part that is cut away is no small one.
        let mut noise = 1_u32;
        let rest: String = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (noise >> 27) as u8 % 26)
        })
        .take(3_000)
        .collect();
        story.append("eve.json.1", big("one", lines) + &rest + "\n");
        story.gzip("eve.json.1");
        let whole = fs::read(story.path("eve.json.1.gz")).unwrap();
        fs::write(story.path("eve.json.1.gz"), &whole[..whole.len() - 200]).unwrap();
        story.append("eve.json", "two\n");
        assert_eq!(story.read().len(), lines);
        story.now += Duration::from_secs(3600);
        assert_eq!(story.read(), ["two"], "after {lines} lines");
        assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
    }
}

#[test]
fn a_line_too_long_within_a_chunk_is_skipped_too() {
    let mut story = Story::new();
    story.append("eve.json", format!("one\n{}\ntwo\n", "x".repeat(5000)));
    assert_eq!(story.read(), ["one", "two"]);
    assert_eq!(story.long.len(), 1);
}

#[test]
fn a_restart_within_a_line_too_long_delivers_no_piece_of_it() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    story.append("eve.json", vec![b'x'; 600 * 1024]);
    assert_eq!(story.read(), ["one"]);
    story.restart();
    story.append("eve.json", "xx\ntwo\n");
    assert_eq!(story.read(), ["two"]);
    assert_eq!(story.long.len(), 1);
}

#[test]
fn a_line_too_long_at_the_end_of_a_generation_is_told() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    story.append("eve.json", vec![b'x'; 600 * 1024]);
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json.1");
    story.append("eve.json", "two\n");
    assert_eq!(story.read(), ["two"]);
    assert_eq!(story.long.len(), 1);
}

#[test]
fn a_writer_that_reopens_late_is_waited_for() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json.1");
    story.append("eve.json", "three\n");
    // One look only, soon after; then one more line by a second writer.
    story.now = SystemTime::now();
    let mut follower = story.follower.take().unwrap();
    assert!(matches!(follower.fill(story.now).unwrap(), Fill::Idle));
    story.append("eve.json.1", "two\n");
    story.follower = Some(follower);
    assert_eq!(story.read(), ["two", "three"]);
}

#[test]
fn every_generation_may_begin_with_a_hole() {
    let mut story = Story::new();
    let mut file = File::create(story.path("eve.json")).unwrap();
    for n in 0..5 {
        for generation in (1..9).rev() {
            let _ = fs::rename(
                story.path(&format!("eve.json.{generation}")),
                story.path(&format!("eve.json.{}", generation + 1)),
            );
        }
        fs::copy(story.path("eve.json"), story.path("eve.json.1")).unwrap();
        file.set_len(0).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(10_000 + n)).unwrap();
        file.write_all(format!("line {n}\n").as_bytes()).unwrap();
        if n % 2 == 0 {
            assert_eq!(story.read().last().unwrap(), &format!("line {n}"));
        }
    }
    story.read();
    assert_eq!(story.lines, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
    assert!(story.gaps.is_empty(), "{:?}", story.gaps);
}

#[test]
fn generations_that_are_all_alike_are_counted_one_by_one() {
    let mut story = Story::new();
    story.append("eve.json", "same\n");
    assert_eq!(story.read(), ["same"]);
    story.rename("eve.json", "eve.json.2");
    story.gzip("eve.json.2");
    story.append("eve.json.1", "same\n");
    story.append("eve.json", "same\n");
    story.restart();
    assert_eq!(story.read(), ["same", "same"]);
}

#[test]
fn a_file_cut_back_by_a_crash_of_the_machine_is_not_read_again() {
    let mut story = Story::new();
    story.append("eve.json", big("one", 400));
    assert_eq!(story.read().len(), 400);
    File::options().write(true).open(story.path("eve.json")).unwrap().set_len(15_000).unwrap();
    story.restart();
    story.read();
    story.append("eve.json", "\ntwo\n");
    assert_eq!(story.read().last().unwrap(), "two");
    assert!(story.lines.len() <= 402, "{}", story.lines.len());
    assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
}

#[test]
fn a_file_compressed_in_a_foreign_way_is_a_gap_that_says_so() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.append("eve.json", "unread\n");
    fs::remove_file(story.path("eve.json")).unwrap();
    story.append("eve.json.1.xz", "whatever");
    story.append("eve.json", "two\n");
    story.restart();
    story.read();
    story.now += Duration::from_secs(3600);
    story.read();
    assert_eq!(story.lines, ["one", "two"]);
    assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
    assert!(story.gaps[0].why.contains("xz"), "{:?}", story.gaps);
}

#[test]
fn names_with_the_day_first_are_ordered_by_date() {
    let mut story = Story::new();
    story.append("eve.json", "one\n");
    assert_eq!(story.read(), ["one"]);
    story.rename("eve.json", "eve.json-30112026");
    story.append("eve.json-01122026", "two\n");
    story.append("eve.json", "three\n");
    story.restart();
    assert_eq!(story.read(), ["two", "three"]);
}

#[test]
fn dates_and_numbers_and_a_damaged_file_among_them_are_all_passed() {
    let mut story = Story::new();
    assert!(story.read().is_empty());
    for (n, name) in ["1", "2.gz", "2026-11-22", "241", "999999999"].iter().enumerate() {
        story.append(&format!("eve.json.{name}"), format!("line {n}\n"));
    }
    story.append("eve.json", "live\n");
    story.restart();
    let (mut turns, mut read) = (0, Vec::new());
    while turns < 40 && read.last().map(String::as_str) != Some("live") {
        read.extend(story.read());
        story.now += Duration::from_secs(60);
        turns += 1;
    }
    assert_eq!(read.len(), 5, "{read:?} {:?}", story.gaps);
    // A hole in the numbers, and the damaged one; each is told once.
    assert_eq!(story.gaps.len(), 2, "{:?}", story.gaps);
}
