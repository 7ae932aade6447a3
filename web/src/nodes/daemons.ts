import type { WazuhStatus } from '$lib/api/schema';

/** Daemons that a manager needs, as the node judges them; others run only where something is configured for them. */
const NEEDED = ['analysisd', 'remoted', 'db', 'modulesd', 'monitord', 'authd', 'syscheckd', 'logcollector', 'execd'];

/** The daemons, those that should run and do not first; one that nobody needs and that does not run is left out. */
export function daemons(wazuh: WazuhStatus): { name: string; state: string; runs: boolean }[] {
  const needed = new Set([...NEEDED, ...(wazuh.cluster ? ['clusterd'] : [])].map((name) => `wazuh-${name}`));
  return Object.entries(wazuh.daemons ?? {})
    .map(([name, state]) => ({ name, state, runs: state === 'running' }))
    .filter(({ name, state, runs }) => runs || needed.has(name) || state !== 'stopped')
    .sort((a, b) => Number(a.runs) - Number(b.runs) || a.name.localeCompare(b.name));
}
