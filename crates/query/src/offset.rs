//! Between bytes, as Rust counts, and UTF-16 code units, as browsers do.

/// The UTF-16 offset of a byte offset. Offsets past the end mean the end, those inside a character its start.
#[must_use]
pub fn to_utf16(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(i, c)| i + c.len_utf8() <= byte).map(|(_, c)| c.len_utf16()).sum()
}

/// The byte offset of a UTF-16 offset. Offsets past the end mean the end, those inside a character its start.
#[must_use]
pub fn from_utf16(text: &str, unit: usize) -> usize {
    let mut units = 0;
    for (i, c) in text.char_indices() {
        units += c.len_utf16();
        if units > unit {
            return i;
        }
    }
    text.len()
}

/// The nearest start of a character at or before `byte`.
pub(crate) fn floor(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_go_there_and_back() {
        let text = "aé😀z";
        for (byte, unit) in [(0, 0), (1, 1), (3, 2), (7, 4), (8, 5)] {
            assert_eq!((to_utf16(text, byte), from_utf16(text, unit)), (unit, byte));
        }
        assert_eq!((to_utf16(text, 5), from_utf16(text, 3)), (2, 3));
        assert_eq!((to_utf16(text, 99), from_utf16(text, 99)), (5, 8));
        assert_eq!(floor(text, 5), 3);
    }
}
