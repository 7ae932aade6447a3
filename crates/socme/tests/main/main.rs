//! What the whole program does, seen from outside.

// A test that cannot go on must fail where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod rotation;
mod rules;
mod sensor;
