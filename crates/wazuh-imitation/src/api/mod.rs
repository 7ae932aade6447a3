//! The manager's API (port 55000).
