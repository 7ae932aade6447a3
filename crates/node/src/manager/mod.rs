//! x
use std::time::Duration;
pub(crate) mod commands;
mod health;
mod hosts;
mod journal;
pub(crate) use commands::WAITING;
const AGAIN: Duration = Duration::from_secs(5);
pub(crate) struct Manager;
impl Manager {
    pub(crate) fn new(
        _: &crate::config::Config,
        _: &crate::policy::Policy,
        _: std::sync::Arc<crate::pipeline::Shared>,
        _: tokio::sync::watch::Sender<Option<wire::status::WazuhStatus>>,
    ) -> Self {
        Self
    }
    pub(crate) async fn run(
        self,
        _: tokio::sync::watch::Receiver<Option<std::sync::Arc<crate::line::Line>>>,
        _: tokio::sync::mpsc::Receiver<wire::command::Command>,
    ) {
    }
}
