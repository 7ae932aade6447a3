//! One request, and what its status means.

use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

use super::Indexer;
use super::answer::Failure;
use crate::Error;
use crate::connection::Answer;
use crate::error::shown;

/// How much of an answer to anything but a search is read, in bytes.
const SMALL: usize = 4 << 20;
/// When to ask again after a 429: the indexer does not say.
const AGAIN: Duration = Duration::from_secs(5);

impl Indexer {
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        let answer = self.ask(Method::GET, self.url(path, &[]), None, SMALL).await?;
        self.read(&answer)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, url: Url, body: Option<&Value>) -> Result<T, Error> {
        let answer = self.ask(Method::POST, url, body, SMALL).await?;
        self.read(&answer)
    }

    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.0.connection.url(path.iter().copied());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends, and gives an answer of 200 to 299.
    ///
    /// # Errors
    /// No answer, or another status.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        limit: usize,
    ) -> Result<Answer, Error> {
        let mut first = true;
        loop {
            let connection = &self.0.connection;
            let mut request = connection
                .request(method.clone(), url.clone())
                .basic_auth(&self.0.user, Some(self.0.password.reveal()))
                .header("accept", "application/json");
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = connection.send_up_to(request, limit).await?;
            match answer.status {
                200..=299 => return Ok(answer),
                // The indexer is known to refuse the right password once in a while.
                401 if first => first = false,
                _ => return Err(self.refusal(&answer)),
            }
        }
    }

    pub(super) fn read<'a, T: serde::Deserialize<'a>>(&self, answer: &'a Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|error| self.unexpected(&error.to_string()))
    }

    pub(super) fn unexpected(&self, detail: &str) -> Error {
        Error::Unexpected { address: self.address().to_owned(), detail: shown(detail) }
    }

    pub(super) fn partial(&self, detail: String) -> Error {
        Error::Partial { address: self.address().to_owned(), detail }
    }

    /// What a status other than success means. The body of a 401, and of a 503 while the indexer starts, is plain text.
    fn refusal(&self, answer: &Answer) -> Error {
        let address = self.address().to_owned();
        let failure = Failure::read(&answer.body);
        let detail = match &failure {
            Some(failure) => shown(&failure.sentence()),
            None => shown(&String::from_utf8_lossy(&answer.body)),
        };
        match answer.status {
            401 => Error::WrongPassword { address, user: self.0.user.clone(), again: None },
            403 => match failure.as_ref().and_then(Failure::action) {
                Some(action) => Error::NoPermission { address, action: shown(action), detail },
                None => Error::Refused { address, status: 403, code: None, detail, remedy: None },
            },
            404 => Error::NotFound { address, code: None, detail },
            429 => Error::TooManyRequests { address, again: AGAIN },
            500..=599 => Error::NotReady { address, code: None, detail },
            // Other servers answer 400 too; the indexer says why in JSON.
            status @ 400..=499 if failure.is_some() => {
                Error::Refused { address, status, code: None, detail, remedy: None }
            }
            status => Error::Unexpected { address, detail: shown(&format!("HTTP {status}: {detail}")) },
        }
    }
}
