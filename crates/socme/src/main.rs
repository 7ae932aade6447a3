//! SOCme's command line.
fn main() {}
