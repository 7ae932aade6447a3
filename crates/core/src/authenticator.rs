//! Authenticators: codes of six digits that change every 30 seconds (TOTP, RFC 6238, with SHA-1, which is what all apps know).

use anyhow::Context as _;
use qrcode::QrCode;
use qrcode::render::svg;
use store::Secret;
use totp_rs::{Builder, Totp};

use crate::seal::random;

/// Recovery codes that somebody gets.
const CODES: usize = 10;

/// A secret that an authenticator shares with the core.
pub(crate) struct Shared([u8; 20]);

impl Shared {
    /// Draws one: 160 bits, as RFC 4226 recommends.
    pub(crate) fn draw() -> anyhow::Result<Self> {
        Ok(Self(random()?))
    }

    /// One that was sealed.
    pub(crate) fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(Self(bytes.try_into().context("an authenticator's secret has the wrong length")?))
    }

    /// What is sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// To be typed, where there is no camera.
    pub(crate) fn base32(&self) -> String {
        totp_rs::Secret::from(self.0).to_base32()
    }

    /// To be scanned: the address in an app's own form, and a picture of it.
    pub(crate) fn picture(&self, name: &str) -> anyhow::Result<(String, String)> {
        // In the address, a colon parts the issuer from the account.
        let account = name.replace(':', " ");
        let url = self.totp(Some(&account))?.to_url()?;
        let code = QrCode::new(&url).context("the name is too long for a picture")?;
        let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        Ok((url, picture))
    }

    /// The 30 seconds to which this code belongs, if it is one of now, of those before, or of those after.
    pub(crate) fn step(&self, code: &str, seconds: u64) -> anyhow::Result<Option<u64>> {
        Ok(self.totp(None)?.check(code, seconds))
    }

    fn totp(&self, account: Option<&str>) -> anyhow::Result<Totp> {
        let builder = Builder::new().with_secret(self.0).with_issuer(Some("SOCme"));
        Ok(builder.with_account_name(account.unwrap_or_default()).build()?)
    }
}

/// Draws recovery codes.
pub(crate) fn recovery_codes() -> store::Result<Vec<Secret>> {
    (0..CODES).map(|_| Secret::draw_code()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_holds_for_its_time_and_those_beside_it() {
        // RFC 6238, appendix B, of which apps show the last six digits.
        let shared = Shared::of(b"12345678901234567890").unwrap();
        assert_eq!(shared.step("287082", 59).unwrap(), Some(1));
        assert_eq!(shared.step("287082", 59 + 30).unwrap(), Some(1));
        assert_eq!(shared.step("287082", 59 + 61).unwrap(), None);
        assert_eq!(shared.step("081804", 1_111_111_109).unwrap(), Some(37_037_036));
        for nonsense in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(shared.step(nonsense, 59).unwrap(), None, "{nonsense}");
        }
    }

    #[test]
    fn a_picture_holds_the_address_and_no_name_breaks_it() {
        let shared = Shared::draw().unwrap();
        for name in ["Ada", "a:b?secret=x&issuer=y", "<svg onload=x>", "שלום", &"長".repeat(64)] {
            let (url, picture) = shared.picture(name).unwrap();
            assert!(url.starts_with("otpauth://totp/SOCme:") && url.contains(&shared.base32()), "{url}");
            assert_eq!(url.matches("issuer=").count(), 1, "{url}");
            assert!(picture.contains("<svg") && !picture.contains("onload"));
        }
        assert_eq!(recovery_codes().unwrap().len(), CODES);
    }
}
