import type { Deed, Node, Permission } from '$lib/api/schema';
import { duration } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import { obstacle, unreachable } from '../commands/allowed';

/** What can be done with a host, in the order in which it is offered. */
export const ACTIONS = ['restart_agent', 'scan_agent', 'upgrade_agent', 'add_to_group', 'block_address'] as const;
export type Action = (typeof ACTIONS)[number];

const PERMISSION: Record<Action, Permission> = {
  restart_agent: 'restart',
  scan_agent: 'scan',
  upgrade_agent: 'upgrade',
  add_to_group: 'group',
  block_address: 'block',
};

export function permissionOf(action: Action): Permission {
  return PERMISSION[action];
}

export function actionLabel(action: Action): string {
  const labels: Record<Action, () => string> = {
    restart_agent: m.do_restart,
    scan_agent: m.do_scan,
    upgrade_agent: m.do_upgrade,
    add_to_group: m.do_add_to_group,
    block_address: m.do_block,
  };
  return labels[action]();
}

/** What will happen, for whoever is about to ask for it. */
export function consequence(deed: Deed): string {
  switch (deed.deed) {
    case 'restart_agent':
      return m.will_restart();
    case 'scan_agent':
      return m.will_scan();
    case 'upgrade_agent':
      return m.will_upgrade();
    case 'add_to_group':
      return m.will_add_to_group();
    case 'remove_from_group':
      return m.will_remove_from_group({ group: deed.group });
    case 'block_address':
      return m.will_block({ time: duration(deed.seconds) });
    default:
      return '';
  }
}

/** Why some of it cannot be done now, in one sentence; null if all of it can. */
export function whyNot(node: Node, may: boolean): string | null {
  const none = unreachable(node, may);
  if (none) return none;
  const missing = ACTIONS.map(permissionOf).filter((permission) => obstacle(node, may, permission));
  return missing.length ? m.ask_policy_words({ words: missing.join(', ') }) : null;
}
