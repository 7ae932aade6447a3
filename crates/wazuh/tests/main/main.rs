//! The contract with Wazuh, told as stories: see CONTRACT.md for which row is told where.

// A test that cannot go on must fail where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alerts;
mod api_actions;
mod api_errors;
mod api_limits;
mod api_lists;
mod api_login;
mod api_reading;
mod api_restart;
mod api_ruleset;
mod api_trust;
mod command;
mod contract;
mod follower;
mod indexer;
mod manager;
