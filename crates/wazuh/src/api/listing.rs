//! Lists, asked for page by page.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::marker::PhantomData;

use futures::Stream;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::envelope::Items;
use super::query::Query;
use super::{Api, Feature};
use crate::error::{Error, shown};

/// How many rows a page has. The server takes more, and then may run out of time or of room for the answer.
const PAGE: u32 = 500;

/// A list of the manager: narrow it down, then read a page, all of it, or a stream.
#[must_use = "nothing is asked before it is read"]
pub struct Listing<T> {
    api: Api,
    call: Call,
    page: u32,
    /// How many rows the server gives at once.
    most: u32,
    /// True if it comes from files, so that conditions have no parentheses.
    from_files: bool,
    needs: Option<Feature>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + Sync> Listing<T> {
    /// `sort` is a unique key: pages overlap without one.
    pub(super) fn new(api: &Api, call: Call, sort: &'static str) -> Self {
        let call = if sort.is_empty() { call } else { call.with("sort", sort) };
        Self { api: api.clone(), call, page: PAGE, most: 1000, from_files: false, needs: None, of: PhantomData }
    }

    pub(super) fn flat(mut self) -> Self {
        self.from_files = true;
        self
    }

    /// The server gives at most so many rows at once.
    pub(super) fn at_most(mut self, rows: u32) -> Self {
        self.most = rows;
        self
    }

    pub(super) fn needs(mut self, feature: Feature) -> Self {
        self.needs = Some(feature);
        self
    }

    /// Only rows of which this holds.
    ///
    /// # Errors
    /// The list comes from files (rules, decoders, logs, files of groups, nodes), and the condition needs parentheses. Reading it
    /// fails if they are nested and the manager is older than 4.5.3.
    pub fn query(mut self, query: &Query) -> Result<Self, Error> {
        if self.from_files && !query.is_flat() {
            return Err(Error::Input("this list takes no condition with an «or» inside an «and»".into()));
        }
        if query.is_nested() {
            self.needs = self.needs.or(Some(Feature::NestedQueries));
        }
        self.call.set("q", query);
        Ok(self)
    }

    /// Only rows that have this text in one of their fields, whatever its case.
    ///
    /// # Errors
    /// The server does not take such a text: it has one of `; | & ^ * >` or begins with a dash, which means «not».
    pub fn search(mut self, text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.starts_with('-') || text.contains([';', '|', '&', '^', '*', '>']) {
            return Err(Error::Input(format!("Wazuh cannot search for «{}»", shown(text))));
        }
        self.call.set("search", text);
        Ok(self)
    }

    /// Only these fields.
    pub fn select(mut self, fields: &[&str]) -> Self {
        self.call.set("select", fields.join(","));
        self
    }

    /// In this order: fields separated by commas, descending if `descending`. The default is by a unique field, and
    /// pages in another order can repeat and leave out rows.
    pub fn sort(mut self, fields: &str, descending: bool) -> Self {
        self.call.set("sort", if descending { format!("-{fields}") } else { fields.to_owned() });
        self
    }

    /// A filter of the server API that this list has, for example `os.platform` for agents.
    pub fn with(mut self, parameter: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.call.set(parameter, value);
        self
    }

    /// How many rows are asked for at once: 1 to 1000; of the manager's log up to 500.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page = rows.clamp(1, self.most);
        self
    }

    /// One page, with what failed and with how many rows there are in all.
    ///
    /// # Errors
    /// There is no page.
    pub async fn page(&self, offset: u64) -> Result<Items<T>, Error> {
        if let Some(feature) = self.needs {
            self.api.require(feature).await?;
        }
        let call = self.call.clone().with("offset", offset).with("limit", self.page);
        self.api.items(&call).await
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// They cannot be counted.
    pub async fn count(mut self) -> Result<u64, Error> {
        self.page = 1;
        let page = self.page(0).await?;
        let total = page.total;
        page.whole()?;
        Ok(total)
    }

    /// All rows.
    ///
    /// # Errors
    /// A part of them cannot be read; then none is given, so that nobody takes a part for all.
    pub async fn all(self) -> Result<Vec<T>, Error> {
        let (mut rows, mut offset) = (Vec::new(), 0);
        loop {
            let page = self.page(offset).await?;
            let total = page.total;
            let read = page.whole()?;
            offset += read.len() as u64;
            let last = read.is_empty() || offset >= total;
            rows.extend(read);
            if last {
                return Ok(rows);
            }
        }
    }

    /// All rows, one after the other, asked for as they are needed. What fails stands in the stream as an error; after an
    /// error it ends.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send {
        struct State<T> {
            list: Listing<T>,
            offset: u64,
            rows: VecDeque<Result<T, Error>>,
            done: bool,
        }
        let begin = State { list: self, offset: 0, rows: VecDeque::new(), done: false };
        futures::stream::unfold(begin, |mut state| async move {
            loop {
                if let Some(row) = state.rows.pop_front() {
                    if row.is_err() {
                        state.done = true;
                        state.rows.clear();
                    }
                    return Some((row, state));
                }
                if state.done {
                    return None;
                }
                match state.list.page(state.offset).await {
                    Ok(page) => {
                        state.offset += page.items.len() as u64;
                        state.done = page.items.is_empty() || state.offset >= page.total;
                        let failed = page.failed.first().map(|failed| failed.error(&page.asked));
                        state.rows.extend(page.items.into_iter().map(Ok));
                        state.rows.extend(failed.map(Err));
                    }
                    Err(error) => state.rows.push_back(Err(error)),
                }
            }
        })
    }
}
