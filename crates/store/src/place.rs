//! Where a database is.

use std::path::{Path, PathBuf};

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL server, 15 or later.
    Postgres(Server),
}

/// A database on a PostgreSQL server.
#[derive(Clone, Default)]
pub struct Server {
    /// Where it is: `postgres://role@host:port/database`, with `?sslmode=require` for TLS. May lead to a pooler in transaction mode.
    pub url: String,
    /// The same without a pooler, for the one connection that listens to what other cores do; none: as `url`. If it is missing
    /// where there is a pooler, they hear of one another within a second instead of at once.
    pub direct_url: Option<String>,
    /// The role's password, if it is not in the URL.
    pub password: Option<String>,
    /// The authority that the server's certificate is held against; none: those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

impl Server {
    /// The database and its address, without role and password.
    ///
    /// # Errors
    /// The URL is none.
    pub fn shown(&self) -> crate::Result<String> {
        Ok(crate::engine::postgresql::place::Place::new(&self.url, None, self.ca_file.as_deref())?.shown())
    }
}

impl Server {
    /// Connects, looks, and says what is there in a few words.
    ///
    /// # Errors
    /// It cannot be reached or used.
    pub fn look(&self) -> crate::Result<String> {
        use crate::engine::postgresql::{migrate, place};
        let look = || {
            let ca = self.ca_file.as_deref();
            let found = migrate::look(&place::Place::new(&self.url, self.password.as_deref(), ca)?)?;
            if let Some(url) = &self.direct_url {
                migrate::look(&place::Place::new(url, self.password.as_deref(), ca)?)?;
            }
            Ok(found)
        };
        // On a thread of its own: the connection waits in a way that asynchronous code must not.
        let looked = std::thread::scope(|scope| scope.spawn(look).join());
        looked.unwrap_or_else(|_| Err(crate::Error::Damaged("a fault in the program ended the look".into())))
    }
}

/// Without the password.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.shown().unwrap_or_else(|_| "?".into())).finish()
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}
