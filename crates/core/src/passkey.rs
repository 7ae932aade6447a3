//! Passkeys (WebAuthn level 3), checked by `webauthn-rs`. They are bound to the name under which people reach the pages, so
//! there are none where that is a bare address.

use anyhow::Context as _;
use store::{User, UserId};
use uuid::Uuid;
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, DiscoverableAuthentication, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse, Url, WebauthnBuilder, WebauthnError,
};
use webauthn_rs_proto::ResidentKeyRequirement;

/// Above the users' numbers in their devices' names for them: tells ours from others' in a device's list.
const OURS: u64 = 0x534f_436d_6500_0001;

/// Makes challenges, and checks the answers.
pub(crate) struct Passkeys(Option<Webauthn>);

impl Passkeys {
    /// For pages that people reach there.
    pub(crate) fn new(people_url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(people_url).with_context(|| format!("{people_url} is no address"))?;
        let Some(name) = url.domain().map(str::to_owned) else { return Ok(Self(None)) };
        // Browsers speak WebAuthn over TLS only, and with this machine.
        if url.scheme() != "https" && name != "localhost" {
            return Ok(Self(None));
        }
        let built = WebauthnBuilder::new(&name, &url).map(|builder| builder.rp_name("SOCme"));
        Ok(Self(Some(built.and_then(WebauthnBuilder::build).context("passkeys cannot be offered")?)))
    }

    /// True if people can have passkeys here.
    pub(crate) fn offered(&self) -> bool {
        self.0.is_some()
    }

    fn there(&self) -> anyhow::Result<&Webauthn> {
        self.0.as_ref().context("there are no passkeys here")
    }

    /// What a browser needs to make a passkey, and what must be remembered until it has.
    pub(crate) fn begin(
        &self,
        user: &User,
        known: &[Passkey],
    ) -> anyhow::Result<(CreationChallengeResponse, PasskeyRegistration)> {
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let begun = self.there()?.start_passkey_registration(handle(user.id), &user.name, &user.name, Some(known));
        let (mut options, state) = begun?;
        // The device must know the account by itself, so that nobody has to type a name to sign in.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        Ok((options, state))
    }

    /// The passkey that a browser has made.
    pub(crate) fn finish(
        &self,
        made: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> anyhow::Result<Result<Passkey, WebauthnError>> {
        Ok(self.there()?.finish_passkey_registration(made, state))
    }

    /// What a browser needs to show a passkey, and what must be remembered until it has.
    pub(crate) fn ask(&self) -> anyhow::Result<(RequestChallengeResponse, DiscoverableAuthentication)> {
        let (mut options, state) = self.there()?.start_discoverable_authentication()?;
        // A person has pressed a button: the browser asks at once.
        options.mediation = None;
        Ok((options, state))
    }

    /// Whose passkey a browser says that it shows; nothing is proved yet.
    pub(crate) fn whose(&self, shown: &PublicKeyCredential) -> anyhow::Result<Option<UserId>> {
        let found = self.there()?.identify_discoverable_authentication(shown);
        Ok(found.ok().and_then(|(handle, _)| user_of(handle)))
    }

    /// Checks what a browser has shown against the passkey that it names.
    pub(crate) fn check(
        &self,
        shown: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        known: &Passkey,
    ) -> anyhow::Result<Result<AuthenticationResult, WebauthnError>> {
        Ok(self.there()?.finish_discoverable_authentication_v2(shown, state, known))
    }
}

/// What a device calls a user.
fn handle(user: UserId) -> Uuid {
    Uuid::from_u64_pair(OURS, user.0 as u64)
}

fn user_of(handle: Uuid) -> Option<UserId> {
    let (ours, user) = handle.as_u64_pair();
    (ours == OURS).then(|| i64::try_from(user).ok().map(UserId)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_name_and_tls() {
        let offered = |url: &str| Passkeys::new(url).unwrap().offered();
        assert!(offered("https://soc.example:8443"));
        assert!(offered("http://localhost:7440"));
        assert!(!offered("http://soc.example"));
        assert!(!offered("https://192.0.2.1"));
        assert!(!offered("http://127.0.0.1:7440"));
        assert!(!offered("https://[2001:db8::1]:7440"));
    }

    #[test]
    fn a_device_names_a_user_and_nobody_else() {
        assert_eq!(user_of(handle(UserId(7))), Some(UserId(7)));
        assert_eq!(user_of(Uuid::from_u64_pair(7, 7)), None);
        assert_eq!(user_of(Uuid::from_u64_pair(OURS, u64::MAX)), None);
    }
}
