//! What a provider says of somebody, and whether that lets them in.

use store::{Access, Duty, Provider, ProviderKind};

use super::Refusal;

/// Google's issuer: whoever has any mail address may have an account there, so a domain is told by `hd` alone.
const GOOGLE: &str = "https://accounts.google.com";
/// Characters of a label.
const LABEL: usize = 100;

/// What a provider says of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Who they are there, for ever.
    pub(crate) subject: String,
    /// What they are called there now.
    pub(crate) label: String,
    /// Their mail address, if the provider says that it is verified.
    pub(crate) verified_mail: Option<String>,
    /// The organisation whose account it is, as Google says it.
    pub(crate) hosted_domain: Option<String>,
    /// The groups they are in.
    pub(crate) groups: Vec<String>,
}

impl Found {
    /// Fails if the provider does not say who they are, or they are not among those who are let in.
    pub(super) fn let_in(&self, provider: &Provider) -> Result<(), Refusal> {
        if self.subject.trim().is_empty() || self.subject.len() > 255 || self.subject.chars().any(char::is_control) {
            return Err(Refusal::Untrue("the provider does not say who this is".into()));
        }
        let rules = &provider.rules;
        if !rules.domains.is_empty() {
            let domain = self.verified_mail.as_deref().and_then(|mail| mail.rsplit_once('@')).map(|(_, domain)| domain);
            let among = |found: Option<&str>| found.is_some_and(|found| rules.domains.iter().any(|d| same(d, found)));
            if !among(domain) {
                return Err(Refusal::Outside("only people with a verified mail address of certain domains are let in"));
            }
            if provider.issuer == GOOGLE && !among(self.hosted_domain.as_deref()) {
                return Err(Refusal::Outside("only accounts of certain organisations are let in"));
            }
        }
        if !rules.groups.is_empty() && !rules.groups.iter().any(|group| self.is_in(provider.kind, group)) {
            return Err(Refusal::Outside("only members of certain groups are let in"));
        }
        Ok(())
    }

    /// What their groups let them do; none if the provider maps no groups.
    pub(super) fn access(&self, provider: &Provider) -> Option<Access> {
        let mapping = &provider.rules.mapping;
        if mapping.is_empty() {
            return None;
        }
        let lines = mapping.iter().filter(|line| self.is_in(provider.kind, &line.group));
        Some(lines.fold(Access::none(), |all, line| both(all, &line.access)))
    }

    fn is_in(&self, kind: ProviderKind, group: &str) -> bool {
        self.groups.iter().any(|found| match kind {
            ProviderKind::Oidc => found == group,
            // GitHub's names are the same in any case.
            ProviderKind::GitHub => same(found, group),
        })
    }
}

/// A name to be shown, cut and clean.
pub(super) fn label(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LABEL).collect::<String>().trim().to_owned()
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// Whatever either allows.
fn both(one: Access, other: &Access) -> Access {
    let (Access::Given { everywhere, mut clients }, Access::Given { everywhere: also, clients: more }) = (one, other)
    else {
        return Access::Admin;
    };
    for (client, duty) in more {
        let known = clients.entry(*client).or_insert(Duty::Viewer);
        *known = (*known).max(*duty);
    }
    Access::Given { everywhere: everywhere.max(*also), clients }
}

#[cfg(test)]
mod tests {
    use store::{ClientId, Mapped, ProviderId, ProviderRules};

    use super::*;

    fn provider(issuer: &str, rules: ProviderRules) -> Provider {
        Provider {
            id: ProviderId(1),
            name: "Company".into(),
            slug: "company".into(),
            kind: if issuer.contains("github") { ProviderKind::GitHub } else { ProviderKind::Oidc },
            issuer: issuer.into(),
            client_id: "socme".into(),
            enabled: true,
            strangers: false,
            rules,
            has_secret: true,
            created: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn ada() -> Found {
        Found { subject: "7".into(), label: "ada".into(), ..Found::default() }
    }

    #[test]
    fn an_empty_subject_is_nobody() {
        let any = provider("https://id.example", ProviderRules::default());
        assert!(ada().let_in(&any).is_ok());
        for subject in ["", " ", "a\nb", &"x".repeat(256)] {
            let nobody = Found { subject: subject.into(), ..ada() };
            assert!(matches!(nobody.let_in(&any), Err(Refusal::Untrue(_))), "{subject:?}");
        }
    }

    #[test]
    fn a_domain_counts_only_if_the_address_is_verified_and_at_google_only_as_an_organisation() {
        let rules = ProviderRules { domains: vec!["acme.example".into()], ..ProviderRules::default() };
        let from = |mail: Option<&str>, hd: Option<&str>, issuer: &str| {
            let found = Found { verified_mail: mail.map(Into::into), hosted_domain: hd.map(Into::into), ..ada() };
            found.let_in(&provider(issuer, rules.clone())).is_ok()
        };
        assert!(from(Some("ada@ACME.example"), None, "https://id.example"));
        assert!(!from(None, None, "https://id.example"));
        assert!(!from(Some("ada@acme.example.evil.example"), None, "https://id.example"));
        assert!(!from(Some("acme.example"), None, "https://id.example"));
        assert!(!from(Some("\"ada@acme.example\"@evil.example"), None, "https://id.example"));
        assert!(!from(Some("ada@acme.example"), None, GOOGLE));
        assert!(from(Some("ada@acme.example"), Some("acme.example"), GOOGLE));
    }

    #[test]
    fn groups_open_the_door_and_give_what_they_are_mapped_to() {
        let line = |group: &str, access| Mapped { group: group.into(), access };
        let rules = ProviderRules {
            groups: vec!["soc".into(), "acme/staff".into()],
            mapping: vec![
                line("soc", Access::everywhere(Duty::Viewer)),
                line("acme/staff", Access::at(Duty::Analyst, [ClientId(7)])),
                line("bosses", Access::Admin),
            ],
            ..ProviderRules::default()
        };
        let oidc = provider("https://id.example", rules.clone());
        let of = |groups: &[&str]| Found { groups: groups.iter().map(ToString::to_string).collect(), ..ada() };
        assert!(of(&["SOC"]).let_in(&oidc).is_err());
        assert!(of(&["soc"]).let_in(&oidc).is_ok());
        assert!(of(&["ACME/Staff"]).let_in(&provider("https://github.com", rules)).is_ok());
        assert_eq!(of(&["other"]).access(&oidc), Some(Access::none()));
        assert_eq!(of(&["bosses", "soc"]).access(&oidc), Some(Access::Admin));
        let two = Access::Given { everywhere: Some(Duty::Viewer), clients: [(ClientId(7), Duty::Analyst)].into() };
        assert_eq!(of(&["soc", "acme/staff"]).access(&oidc), Some(two));
        assert_eq!(of(&["soc"]).access(&provider("https://id.example", ProviderRules::default())), None);
    }
}
