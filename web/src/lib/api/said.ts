import { m } from '$lib/paraglide/messages';

/** The core's own sentences in the reader's language. One that is not here is shown as the core says it, in English. */
const SENTENCES: Record<string, () => string> = {
  'This cannot be taken as it is.': m.said_invalid,
  'This is not possible as things are now.': m.said_refused,
  'You are not signed in.': m.problem_401,
  'Sign in.': m.problem_401_mend,
  'Your role does not allow this.': m.problem_403,
  'Too many attempts.': m.problem_429,
  'Wait a little before you try again.': m.problem_429_mend,
  'The name or the passphrase is wrong.': m.said_wrong_sign_in,
  'Check both. An administrator can give you a new passphrase.': m.said_wrong_sign_in_mend,
  'A passphrase has 12 characters at least. Four words that have nothing to do with each other are good.':
    m.said_passphrase_short,
  'A passphrase has 512 bytes at most.': m.said_passphrase_long,
  'This passphrase is easily guessed. Four words that have nothing to do with each other are good.':
    m.said_passphrase_weak,
  'This passphrase is in a list of stolen ones: attackers try it first. Choose another one.': m.said_passphrase_stolen,
  'A name has 1 to 64 characters.': m.said_name,
  'Another user has this name.': m.said_name_taken,
  'This code is wrong, or was used already.': m.said_wrong_code,
  'Wait for the next one, or use a recovery code.': m.said_wrong_code_mend,
  "This code does not fit. Take the newest; if it goes on, look at the phone's clock.": m.said_first_code,
  'This took too long: begin again.': m.said_too_long,
  'This passkey is unknown here.': m.said_unknown_passkey,
  'This passkey is known already.': m.passkey_known,
  'This is the last way to sign in: set up another one first.': m.said_last_way,
  'This is the last administrator: make another one first.': m.said_last_admin,
  'This user is disabled: enable them first.': m.said_disabled,
  'This link is unknown, used or expired: ask for a new one.': m.said_dead_link,
  'It can be 1 to 3,660 days.': m.said_days,
  'Type the name exactly, to show that you mean it.': m.said_confirm,
  'The client is under legal hold: nothing of it can be deleted until the hold is lifted.': m.said_held,
  'It is under no legal hold.': m.said_not_held,
  'Say why, in 1 to 1,000 characters.': m.said_why,
  'Alerts are kept for 1 to 36,500 days.': m.said_kept_days,
  'Another client is being exported.': m.said_exporting,
  "An agent's id has 3 to 10 digits; 000 is the manager itself.": m.said_agent,
  'A group has 1 to 128 letters, digits, dots, hyphens or underscores.': m.said_group,
  'Give an IP address such as 192.0.2.7.': m.said_address,
  'Give 60 to 86,400 seconds.': m.said_seconds,
  'A line has 1 to 60,000 bytes.': m.said_line,
  'Give a format such as syslog or json.': m.said_format,
  'Give a place such as /var/log/auth.log.': m.said_place,
  'Give the name of a file of rules such as local_rules.xml.': m.said_file,
  'Give a number such as CVE-2026-12345.': m.said_cve,
  'Give 1 second to 7 days.': m.said_within,
  'Its node has begun it already, or it has ended.': m.said_too_late,
};

export const sentences = Object.keys(SENTENCES);

/** A sentence of the core in the reader's language. */
export function said(sentence: string | undefined): string | undefined {
  return sentence === undefined ? undefined : (SENTENCES[sentence]?.() ?? sentence);
}
