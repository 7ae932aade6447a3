//! A manager to tell stories about, and a client of it that need not wait.

use std::pin::Pin;
use std::time::Duration;

use wazuh::api::{AgentId, Agents, Api, Clock, Settings};
use wazuh::{Secret, Server, Trust};
use wazuh_imitation::api::{Imitation, Options};

/// The imitation's clock as the client's: who waits, moves it.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) wazuh_imitation::api::Clock);

impl Clock for Shared {
    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap())
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = self.0.clone();
        Box::pin(async move { clock.advance(time).await })
    }
}

pub(crate) async fn manager() -> Imitation {
    Imitation::start(Options::default()).await.unwrap()
}

pub(crate) async fn manager_of(version: &str) -> Imitation {
    let manager = manager().await;
    manager.state().version = version.into();
    manager
}

pub(crate) fn settings(manager: &Imitation) -> Settings {
    let trust = Trust::Pin(manager.fingerprint.parse().unwrap());
    let mut settings = Settings::new(Server::new(&manager.url, trust), "wazuh", Secret::new("wazuh-wui"));
    settings.clock = std::sync::Arc::new(Shared(manager.clock.clone()));
    settings
}

pub(crate) fn client(manager: &Imitation) -> Api {
    Api::new(settings(manager)).unwrap()
}

pub(crate) fn id(text: &str) -> AgentId {
    text.parse().unwrap()
}

pub(crate) fn these(ids: &[&str]) -> Agents {
    Agents::these(ids.iter().map(|text| id(text))).unwrap()
}

/// How many requests there were whose path begins so.
pub(crate) fn requests(manager: &Imitation, path: &str) -> usize {
    manager.state().log.iter().filter(|asked| asked.path.starts_with(path)).count()
}
