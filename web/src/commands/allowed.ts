import type { Deed, Node, Permission } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';

/** What a client's policy can allow, in the order in which it is shown. */
export const PERMISSIONS: Permission[] = [
  'inventory',
  'logtest',
  'rules',
  'restart',
  'scan',
  'upgrade',
  'group',
  'block',
];

const NEEDED: Record<Deed['deed'], Permission> = {
  restart_agent: 'restart',
  add_to_group: 'group',
  remove_from_group: 'group',
  upgrade_agent: 'upgrade',
  scan_agent: 'scan',
  block_address: 'block',
  logtest: 'logtest',
  read_rules: 'rules',
  inventory: 'inventory',
  find_vulnerable: 'inventory',
};

/** The word that the client's policy must have for this to be done. */
export function needed(deed: Deed['deed']): Permission {
  return NEEDED[deed];
}

type Asked = Pick<Node, 'state' | 'status'>;

/** Why this node can be asked nothing at all by this person; null: it can. */
export function unreachable(node: Asked, may: boolean): string | null {
  if (!may) return m.ask_viewer();
  if (node.state === 'disabled' || node.state === 'revoked') return m.ask_disabled();
  if (node.state === 'offline' || node.state === 'pending') return m.ask_silent();
  if (!node.status?.allowed?.length) return node.status?.wazuh ? m.ask_nothing_allowed() : m.ask_no_manager();
  return null;
}

/** Why this cannot be asked of this node by this person; null: it can. */
export function obstacle(node: Asked, may: boolean, permission: Permission): string | null {
  const none = unreachable(node, may);
  if (none) return none;
  return node.status?.allowed?.includes(permission) ? null : m.ask_policy({ word: permission });
}
