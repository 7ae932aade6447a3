//! Rules, decoders and lists: what is there, and the files they stand in.
//!
//! # Invariants
//! - A file is read back after it was written. The server may have changed it, and then that is told.
//! - A new or changed file is not in force before [`Api::apply_ruleset`].

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::call::Call;
use super::envelope::Items;
use super::loose::record;
use super::{Api, Feature, Listing};
use crate::error::{Error, shown};

/// Which part of the ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ruleset {
    /// What makes alerts of events.
    Rules,
    /// What takes events apart.
    Decoders,
    /// What rules look things up in (CDB lists).
    Lists,
}

record! {
    /// A rule (`GET /rules`). It is read from the files, so it may not be in force yet, and may stand there twice where
    /// one replaces another.
    pub struct Rule {
        /// Its number; a text in alerts.
        pub id: u64,
        /// 0 to 16.
        pub level: u64,
        /// What an alert says.
        pub description: String,
        /// The file.
        pub filename: String,
        /// Its folder, for example `etc/rules`.
        pub relative_dirname: String,
        /// `enabled` or `disabled`.
        pub status: String,
        /// Its groups.
        pub groups: Vec<String>,
        /// When it matches.
        pub details: Map<String, Value>,
        /// Techniques, for example `T1059`.
        pub mitre: Vec<String>,
        /// Demands of PCI DSS.
        pub pci_dss: Vec<String>,
        /// Demands of the GDPR.
        pub gdpr: Vec<String>,
        /// Demands of GPG 13.
        pub gpg13: Vec<String>,
        /// Demands of HIPAA.
        pub hipaa: Vec<String>,
        /// Demands of NIST 800-53.
        pub nist_800_53: Vec<String>,
        /// Demands of TSC.
        pub tsc: Vec<String>,
    }
}

record! {
    /// A decoder (`GET /decoders`).
    pub struct Decoder {
        /// Its name.
        pub name: String,
        /// Its place among those of its file.
        pub position: u64,
        /// The file.
        pub filename: String,
        /// Its folder, for example `etc/decoders`.
        pub relative_dirname: String,
        /// `enabled` or `disabled`.
        pub status: String,
        /// How it takes apart.
        pub details: Map<String, Value>,
    }
}

record! {
    /// A list (`GET /lists`).
    pub struct Lookup {
        /// The file.
        pub filename: String,
        /// Its folder.
        pub relative_dirname: String,
        /// Keys and values.
        pub items: Vec<BTreeMap<String, String>>,
    }
}

record! {
    /// A file of the ruleset.
    pub struct RulesetFile {
        /// Its name.
        pub filename: String,
        /// Its folder, for example `etc/rules` (one's own) or `ruleset/rules` (Wazuh's).
        pub relative_dirname: String,
        /// `enabled` or `disabled`.
        pub status: String,
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the server may have changed the file"]
#[non_exhaustive]
pub struct Written {
    /// Where, for example `etc/rules/own.xml`.
    pub path: String,
    /// What stands there.
    pub contents: Contents,
}

/// What stands in a file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// What was sent.
    AsSent,
    /// Something else: the server changes what a spreadsheet could take for a formula.
    Changed(String),
}

impl Ruleset {
    fn place(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Decoders => "decoders",
            Self::Lists => "lists",
        }
    }

    fn may(self, what: What) -> &'static str {
        match (self, what) {
            (Self::Rules, What::Read) => "rules:read",
            (Self::Rules, What::Write) => "rules:update (and rules:delete to overwrite)",
            (Self::Rules, What::Delete) => "rules:delete",
            (Self::Decoders, What::Read) => "decoders:read",
            (Self::Decoders, What::Write) => "decoders:update (and decoders:delete to overwrite)",
            (Self::Decoders, What::Delete) => "decoders:delete",
            (Self::Lists, What::Read) => "lists:read",
            (Self::Lists, What::Write) => "lists:update (and lists:delete to overwrite)",
            (Self::Lists, What::Delete) => "lists:delete",
        }
    }

    /// The name of a file as the server takes it.
    fn name(self, name: &str) -> Result<&str, Error> {
        let word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let (fine, rule) = match self {
            Self::Rules | Self::Decoders => (
                name.strip_suffix(".xml").is_some_and(word),
                "letters, digits, dashes and underscores, and ends with .xml",
            ),
            Self::Lists => (word(name), "letters, digits, dashes and underscores, without an ending"),
        };
        if fine {
            Ok(name)
        } else {
            Err(Error::Input(format!("«{}»: the name of such a file has {rule}", shown(name))))
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Read,
    Write,
    Delete,
}

/// # Rules, decoders, lists
impl Api {
    /// Rules; filters `rule_ids`, `status`, `group`, `level` (`7` or `7-12`), `filename`, `relative_dirname`, `pci_dss`,
    /// `gdpr`, `gpg13`, `hipaa`, `nist-800-53`, `tsc`, `mitre`.
    ///
    /// Wazuh server API, `GET /rules` (`rules:read`).
    pub fn rules(&self) -> Listing<Rule> {
        Listing::new(self, Call::get(&["rules"], "rules:read"), "id,filename").flat()
    }

    /// Decoders; filters `decoder_names`, `filename`, `relative_dirname`, `status`.
    ///
    /// Wazuh server API, `GET /decoders` (`decoders:read`).
    pub fn decoders(&self) -> Listing<Decoder> {
        Listing::new(self, Call::get(&["decoders"], "decoders:read"), "filename,position").flat()
    }

    /// Lists with all that is in them, which can be a lot; filter `filename`.
    ///
    /// Wazuh server API, `GET /lists` (`lists:read`).
    pub fn lookups(&self) -> Listing<Lookup> {
        Listing::new(self, Call::get(&["lists"], "lists:read"), "filename").flat()
    }

    /// The files of a part of the ruleset; filters `filename`, `relative_dirname`, `status`.
    ///
    /// Wazuh server API, `GET /rules/files`, `/decoders/files`, `/lists/files` (`rules:read`…).
    pub fn ruleset_files(&self, part: Ruleset) -> Listing<RulesetFile> {
        let call = Call::get(&[part.place(), "files"], part.may(What::Read));
        Listing::new(self, call, "filename,relative_dirname").flat()
    }

    /// A file as it is. Without a folder the server looks for the name in all of them.
    ///
    /// Wazuh server API, `GET /rules/files/{file}?raw=true` and its like (`rules:read`…); `folder` needs 4.6, and
    /// lists have none.
    ///
    /// # Errors
    /// No answer, no permission, or no such file (1415, 1503, 1802).
    pub async fn read_file(&self, part: Ruleset, name: &str, folder: Option<&str>) -> Result<String, Error> {
        let call = Call::get(&[part.place(), "files", part.name(name)?], part.may(What::Read)).with("raw", true);
        self.text(&self.in_folder(call, part, folder).await?).await
    }

    /// Writes a file and reads it back. It is not in force before [`Self::apply_ruleset`]. An old file stays as it was if
    /// the server does not accept the new one; code 1113 is its answer both to broken XML and to rules that it cannot
    /// load, and it does not say where.
    ///
    /// Wazuh server API, `PUT /rules/files/{file}` and its like (`rules:update`…); `folder` needs 4.6 and is one's own
    /// (`etc/rules`) if it is not given. On a cluster, write on the master.
    ///
    /// ```
    /// use wazuh::api::{Applied, Contents, Ruleset};
    /// # async fn example(api: wazuh::api::Api, text: &str) -> Result<(), wazuh::Error> {
    /// let written = api.write_file(Ruleset::Rules, "own.xml", text, true, None).await?;
    /// if let Contents::Changed(now) = written.contents {
    ///     println!("the manager made this of it: {now}");
    /// }
    /// if let Applied::Reloaded { warnings } = api.apply_ruleset().await? {
    ///     println!("in force: {warnings:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No answer, no permission, a file that exists while `overwrite` is false (1905), or that is not accepted (1112
    /// empty, 1113 broken, 1800 a bad line of a list; 1209 to 1211 the folder). If it was written and cannot be read back,
    /// the error is that of the reading.
    pub async fn write_file(
        &self,
        part: Ruleset,
        name: &str,
        text: &str,
        overwrite: bool,
        folder: Option<&str>,
    ) -> Result<Written, Error> {
        let call = Call::put(&[part.place(), "files", part.name(name)?], part.may(What::Write))
            .with("overwrite", overwrite)
            .bytes("application/octet-stream", Bytes::copy_from_slice(text.as_bytes()));
        let items: Items<String> = self.items(&self.in_folder(call, part, folder).await?).await?;
        let path = items.one()?;
        // Where it was written to, or another file of this name is read: one of Wazuh's own may be called the same.
        let there = path.rsplit_once('/').map(|(there, _)| there);
        let there = match folder {
            None if part != Ruleset::Lists && self.version().await?.has(Feature::Folders) => there,
            asked => asked,
        };
        let back = self.read_file(part, name, there).await?;
        let contents = if back == text { Contents::AsSent } else { Contents::Changed(back) };
        Ok(Written { path, contents })
    }

    /// Deletes a file. The server does not look whether others depend on it; [`Self::validate`] does.
    ///
    /// Wazuh server API, `DELETE /rules/files/{file}` and its like (`rules:delete`…); `folder` needs 4.6.
    ///
    /// # Errors
    /// No answer, no permission, no such file (1906), or one of Wazuh's own (1210).
    pub async fn delete_file(&self, part: Ruleset, name: &str, folder: Option<&str>) -> Result<(), Error> {
        let call = Call::delete(&[part.place(), "files", part.name(name)?], part.may(What::Delete));
        self.items::<String>(&self.in_folder(call, part, folder).await?).await?.whole()?;
        Ok(())
    }

    async fn in_folder(&self, call: Call, part: Ruleset, folder: Option<&str>) -> Result<Call, Error> {
        let Some(folder) = folder else { return Ok(call) };
        if part == Ruleset::Lists {
            return Err(Error::Input("files of lists are told apart by their names alone: name no folder".to_owned()));
        }
        let step = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !folder.split('/').all(step) || folder.contains(['\\', ',']) {
            return Err(Error::Input(format!("«{}» is not a folder like etc/rules", shown(folder))));
        }
        self.require(Feature::Folders).await?;
        Ok(call.with("relative_dirname", folder))
    }
}
