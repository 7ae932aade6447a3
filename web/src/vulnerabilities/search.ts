import type { Command, Node, Obstacle } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';

/** Commands that were made within so many milliseconds of the one before belong to one search. */
const TOGETHER = 5000;

/** One question put to many nodes. */
export interface Search {
  cve: string;
  who: string;
  at: string;
  ids: number[];
}

/** Searches, latest first, from the commands that they were made of, latest first. */
export function searches(commands: readonly Command[]): Search[] {
  const found: (Search & { from: number })[] = [];
  for (const command of commands) {
    if (command.deed !== 'find_vulnerable') continue;
    const at = Date.parse(command.created);
    const same = found.find(
      ({ cve, who, from }) => cve === command.cve && who === command.who && from - at <= TOGETHER,
    );
    if (same) {
      same.ids.push(command.id);
      same.from = at;
    } else found.push({ cve: command.cve, who: command.who, at: command.created, ids: [command.id], from: at });
  }
  return found.map(({ cve, who, at, ids }) => ({ cve, who, at, ids }));
}

/** Why a node cannot be asked, as the core decides it; null: it can, or could. */
export function nodeObstacle(node: Pick<Node, 'state' | 'status'>): Obstacle | null {
  if (node.state === 'disabled' || node.state === 'revoked') return 'disabled';
  if (!node.status?.wazuh?.indexer) return 'no_indexer';
  return node.status.allowed?.includes('inventory') ? null : 'policy';
}

export function obstacleWord(why: Obstacle): string {
  const words: Record<Obstacle, () => string> = {
    no_indexer: m.ask_no_indexer,
    policy: () => m.ask_policy({ word: 'inventory' }),
    disabled: m.ask_disabled,
    busy: m.ask_busy,
  };
  return words[why]?.() ?? why;
}
