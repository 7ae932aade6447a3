//! The contract with Wazuh, told as stories.
