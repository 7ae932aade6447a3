//! The example file, made from the list of keys.

use super::KEYS;

/// A file with every key, its default and what it is for.
#[must_use]
pub fn example() -> String {
    let mut text = String::from(
        "# SOCme core. Every key is optional; what stands here is what holds without it.\n\
         # Each can also be set in the environment (people.listen is SOCME_PEOPLE_LISTEN) and as a flag\n\
         # (--people-listen): flags win over the environment, that wins over this file.\n\
         # «socme core check» says what is wrong with it.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.path.split_once('.').unwrap_or(("", key.path));
        if table != section {
            text += &format!("\n[{table}]\n");
            section = table;
        } else {
            text += "\n";
        }
        for line in key.doc {
            text += &format!("#{line}\n");
        }
        text += &format!("#{name} = {}\n", key.default);
    }
    text
}
