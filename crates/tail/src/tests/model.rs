//! Random lives of a log file: the lines delivered after each cursor are exactly those written after it.

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
}

/// A writer, a rotator, and what was written.
struct Life {
    story: Story,
    dice: Dice,
    file: File,
    written: Vec<String>,
    half: String,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut story = Story::new();
        story.open(None, Start::Beginning);
        let file = OpenOptions::new().create(true).append(true).open(story.path("eve.json")).unwrap();
        Self { story, dice: Dice(seed), file, written: Vec::new(), half: String::new() }
    }

    fn write(&mut self) {
        let mut out = std::mem::take(&mut self.half);
        for _ in 0..self.dice.below(40) {
            let line = format!("line {} {}", self.written.len(), "x".repeat(self.dice.below(120) as usize));
            out.push_str(&line);
            out.push('\n');
            self.written.push(line);
        }
        if self.dice.below(3) == 0 {
            self.half = out.split_off(out.len() - self.dice.below(out.len() as u64 / 2 + 1) as usize);
        }
        self.file.write_all(out.as_bytes()).unwrap();
    }

    fn finish_line(&mut self) {
        let half = std::mem::take(&mut self.half);
        self.file.write_all(half.as_bytes()).unwrap();
    }

    fn generation(&self, n: u64) -> PathBuf {
        self.story.path(&format!("eve.json.{n}"))
    }

    fn shift(&self) {
        for n in (1..60).rev() {
            for end in ["", ".gz"] {
                let from = format!("{}{end}", self.generation(n).display());
                let _ = fs::rename(from, format!("{}{end}", self.generation(n + 1).display()));
            }
        }
    }

    fn rotate(&mut self) {
        if self.dice.below(4) == 0 {
            self.finish_line();
            self.shift();
            fs::copy(self.story.path("eve.json"), self.generation(1)).unwrap();
            self.file.set_len(0).unwrap();
            return;
        }
        self.shift();
        fs::rename(self.story.path("eve.json"), self.generation(1)).unwrap();
        if self.dice.below(2) == 0 {
            // Not reopened yet.
            self.write();
        }
        self.finish_line();
        self.file = OpenOptions::new().create(true).append(true).open(self.story.path("eve.json")).unwrap();
    }

    fn compress(&mut self) {
        let n = 1 + self.dice.below(6);
        let path = self.generation(n);
        if path.exists() {
            gzip(&path);
        }
    }

    fn turn(&mut self) {
        match self.dice.below(20) {
            0..9 => self.write(),
            9 | 10 => self.rotate(),
            11 => self.compress(),
            12..18 => {
                self.story.read();
            }
            _ => self.story.restart(),
        }
    }
}

#[test]
fn whatever_happens_to_the_file_each_line_comes_once() {
    for seed in 0..100 {
        let mut life = Life::new(seed);
        for _ in 0..120 {
            life.turn();
        }
        life.finish_line();
        life.story.read();
        assert!(life.story.gaps.is_empty(), "seed {seed}: {:?}", life.story.gaps);
        let first = life.written.iter().zip(&life.story.lines).position(|(w, r)| w != r);
        assert_eq!(first.map(|at| (&life.written[at], &life.story.lines[at])), None, "seed {seed}");
        assert_eq!(life.story.lines.len(), life.written.len(), "seed {seed}");
    }
}

#[test]
fn a_long_absence_costs_no_line() {
    for seed in 0..30 {
        let mut life = Life::new(seed);
        life.write();
        life.story.read();
        for _ in 0..100 {
            match life.dice.below(12) {
                0..7 => life.write(),
                7..10 => life.rotate(),
                _ => life.compress(),
            }
        }
        life.finish_line();
        life.story.restart();
        life.story.read();
        assert!(life.story.gaps.is_empty(), "seed {seed}: {:?}", life.story.gaps);
        let first = life.written.iter().zip(&life.story.lines).position(|(w, r)| w != r);
        assert_eq!(first.map(|at| (&life.written[at], &life.story.lines[at])), None, "seed {seed}");
        assert_eq!(life.story.lines.len(), life.written.len(), "seed {seed}");
    }
}
