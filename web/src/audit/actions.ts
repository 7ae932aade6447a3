import { m } from '$lib/paraglide/messages';
import { howWords } from '../sessions/words';

/** What the core writes into the audit log, by thing, in the order in which it is offered. */
export const THINGS = {
  session: ['begin', 'prove', 'end', 'refuse'],
  user: ['create', 'change', 'passphrase', 'authenticator', 'recovery', 'passkey', 'reset', 'keep', 'delete'],
  identity: ['link', 'unlink'],
  link: ['create', 'accept'],
  key: ['create', 'delete', 'rotate'],
  provider: ['create', 'change', 'delete'],
  client: ['create', 'change', 'keep', 'hold', 'release', 'export', 'delete'],
  token: ['create', 'delete'],
  node: ['enrol', 'change', 'revoke', 'delete'],
  command: ['create', 'withdraw'],
  alert: ['acknowledge', 'close', 'reopen', 'comment'],
  audit: ['export'],
  authority: ['create', 'change'],
  secret: ['change', 'delete'],
  setting: ['change'],
  database: ['restore'],
} as const;

export type Thing = keyof typeof THINGS;

export function thingWord(thing: string): string {
  const words: Record<Thing, () => string> = {
    session: m.thing_session,
    user: m.page_users,
    identity: m.identities,
    link: m.thing_link,
    key: m.page_keys,
    provider: m.page_providers,
    client: m.page_clients,
    token: m.thing_token,
    node: m.page_nodes,
    command: m.thing_command,
    alert: m.page_alerts,
    audit: m.page_audit,
    authority: m.thing_authority,
    secret: m.thing_secret,
    setting: m.thing_setting,
    database: m.health_database,
  };
  return words[thing as Thing]?.() ?? thing;
}

const ACTIONS: Record<string, () => string> = {
  'session.begin': m.action_session_begin,
  'session.prove': m.action_session_prove,
  'session.end': m.action_session_end,
  'session.refuse': m.action_session_refuse,
  'user.create': m.action_user_create,
  'user.change': m.action_user_change,
  'user.passphrase': m.action_user_passphrase,
  'user.authenticator': m.action_user_authenticator,
  'user.recovery': m.action_user_recovery,
  'user.passkey': m.action_user_passkey,
  'user.reset': m.action_user_reset,
  'user.keep': m.action_user_keep,
  'user.delete': m.action_user_delete,
  'identity.link': m.action_identity_link,
  'identity.unlink': m.action_identity_unlink,
  'link.create': m.action_link_create,
  'link.accept': m.action_link_accept,
  'key.create': m.action_key_create,
  'key.delete': m.action_key_delete,
  'key.rotate': m.action_key_rotate,
  'provider.create': m.action_provider_create,
  'provider.change': m.action_provider_change,
  'provider.delete': m.action_provider_delete,
  'client.create': m.action_client_create,
  'client.change': m.action_client_change,
  'client.keep': m.action_client_keep,
  'client.hold': m.action_client_hold,
  'client.release': m.action_client_release,
  'client.export': m.action_client_export,
  'client.delete': m.action_client_delete,
  'token.create': m.action_token_create,
  'token.delete': m.action_token_delete,
  'node.enrol': m.action_node_enrol,
  'node.change': m.action_node_change,
  'node.revoke': m.action_node_revoke,
  'node.delete': m.action_node_delete,
  'command.create': m.action_command_create,
  'command.withdraw': m.action_command_withdraw,
  'command.end': m.action_command_end,
  'alert.acknowledge': m.action_alert_acknowledge,
  'alert.close': m.action_alert_close,
  'alert.reopen': m.action_alert_reopen,
  'alert.comment': m.action_alert_comment,
  'audit.export': m.action_audit_export,
  'authority.create': m.action_authority_create,
  'authority.change': m.action_authority_change,
  'secret.change': m.action_secret_change,
  'secret.delete': m.action_secret_delete,
  'setting.change': m.action_setting_change,
  'database.restore': m.action_database_restore,
};

/** What was done, in words. An action that a newer core adds is shown as it is. */
export function actionWord(action: string): string {
  return ACTIONS[action]?.() ?? action;
}

/** The rest of an entry, where it is a word of the core's own. */
export function detailWords({ action, detail }: { action: string; detail: string }): string {
  if (action === 'session.begin' || action === 'session.prove') return howWords(detail);
  if (action !== 'link.create') return detail;
  const links: Record<string, () => string> = { invites: m.link_invites, 'signs in': m.link_signs_in };
  return links[detail]?.() ?? detail;
}
