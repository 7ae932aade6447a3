//! What the names of rotated files say about their order.

use std::cmp::Reverse;

use crate::generations::{Order, Packing};

/// Reads `name.1`, `name-20261124`, `name.2.gz`, and with logrotate's `extension`: `stem-20261124.json`, `stem.1.json.gz`.
pub(crate) fn rotated(name: &str, file: &str) -> Option<(Order, Packing)> {
    let (plain, packing) = unpacked(file);
    let middle = plain.strip_prefix(name).or_else(|| {
        let (stem, extension) = name.rsplit_once('.')?;
        plain.strip_prefix(stem)?.strip_suffix(extension)?.strip_suffix('.')
    })?;
    let mark = middle.strip_prefix(['.', '-', '_'])?;
    if let Ok(number @ 0..100_000) = mark.parse::<u32>() {
        return Some((Order::Numbered(Reverse(number)), packing));
    }
    let dated = mark.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '_' | ':' | 'T'));
    let digits: String = mark.chars().filter(char::is_ascii_digit).collect();
    (dated && digits.len() >= 6).then(|| (Order::Dated(year_first(digits)), packing))
}

/// Reads `ossec-alerts-DD.json` and `ossec-alerts-DD-NNN.json`, compressed or not, as `DDNNNNNN`.
pub(crate) fn daily(file: &str) -> Option<(String, Packing)> {
    let (plain, packing) = unpacked(file);
    let mark = plain.strip_prefix("ossec-alerts-")?.strip_suffix(".json")?;
    let (day, part) = mark.split_once('-').unwrap_or((mark, "0"));
    let (day, part) = (day.parse::<u32>().ok()?, part.parse::<u32>().ok()?);
    Some((format!("{day:02}{part:06}"), packing))
}

fn unpacked(file: &str) -> (&str, Packing) {
    const ENDS: [(&str, Packing); 9] = [
        (".gz", Packing::Gzip),
        (".zst", Packing::Zstd),
        (".xz", Packing::Foreign("xz")),
        (".bz2", Packing::Foreign("bzip2")),
        (".lz4", Packing::Foreign("lz4")),
        (".lzma", Packing::Foreign("lzma")),
        (".lzo", Packing::Foreign("lzop")),
        (".Z", Packing::Foreign("compress")),
        (".zip", Packing::Foreign("zip")),
    ];
    let end = ENDS.iter().find_map(|(end, packing)| Some((file.strip_suffix(end)?, *packing)));
    end.unwrap_or((file, Packing::Plain))
}

/// `24112026` is `20261124`: so that the order of digits is the order of dates.
fn year_first(digits: String) -> String {
    let number = |range: std::ops::Range<usize>| digits[range].parse::<u32>().unwrap_or(0);
    let date = |y, m, d| (1990..2100).contains(&y) && (1..13).contains(&m) && (1..32).contains(&d);
    if !matches!(digits.len(), 8 | 12 | 14) || date(number(0..4), number(4..6), number(6..8)) {
        return digits;
    }
    let (a, b, y) = (number(0..2), number(2..4), number(4..8));
    let rest = &digits[8..];
    if date(y, b, a) {
        format!("{y:04}{b:02}{a:02}{rest}")
    } else if date(y, a, b) {
        format!("{y:04}{a:02}{b:02}{rest}")
    } else {
        digits
    }
}
