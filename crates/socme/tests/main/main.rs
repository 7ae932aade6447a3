//! What the whole program does, seen from outside.

// A test that cannot go on must fail where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crash;
mod disk;
mod doctor;
mod enrol;
mod flood;
mod generations;
mod layers;
mod managers;
mod masked;
mod remote;
mod replicas;
mod rotation;
mod rules;
mod secrets;
mod sensor;
#[allow(unreachable_pub, dead_code, reason = "shared with the benches")]
mod support;
mod upkeep;
mod wazuh;
