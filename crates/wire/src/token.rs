//! The one-time token with which a node enrols.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// What a token carries. Its text form is `socme1.` and base64url of JSON, one word that survives mail and chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Where the core is reached, `host:port` each, tried in order.
    #[serde(rename = "a")]
    pub addresses: Vec<String>,
    /// SHA-256 over the DER form of the core's certificate authority, lower-case hexadecimal.
    #[serde(rename = "c")]
    pub ca_sha256: String,
    /// The secret.
    #[serde(rename = "s")]
    pub secret: String,
}

/// Why a text is not a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not begin as one.
    #[error("this is not an enrolment token: it must begin with «{PREFIX}». Copy the whole line from «Add a node».")]
    Prefix,
    /// The rest is damaged.
    #[error("the enrolment token is damaged or cut short. Copy the whole line from «Add a node».")]
    Damaged,
}

const PREFIX: &str = "socme1.";

impl Token {
    /// The text form.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json))
    }

    /// Reads the text form; white space around and within it is ignored.
    ///
    /// # Errors
    /// Says why it is not a token.
    pub fn decode(text: &str) -> Result<Self, TokenError> {
        let text: String = text.split_whitespace().collect();
        let body = text.strip_prefix(PREFIX).ok_or(TokenError::Prefix)?;
        let json = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Damaged)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::Damaged)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token { addresses: vec!["core.example:7443".into()], ca_sha256: "ab".repeat(32), secret: "s3cret".into() }
    }

    #[test]
    fn a_token_survives_a_line_break_in_a_mail() {
        let mut text = token().encode();
        text.insert_str(20, "\r\n ");
        assert_eq!(Token::decode(&text), Ok(token()));
    }

    #[test]
    fn a_damaged_token_says_what_to_do() {
        assert_eq!(Token::decode("hello"), Err(TokenError::Prefix));
        let text = token().encode();
        assert_eq!(Token::decode(&text[..text.len() - 5]), Err(TokenError::Damaged));
    }

    #[test]
    fn a_token_does_not_print_its_secret() {
        assert!(!format!("{:?}", token()).contains("s3cret"));
    }
}
