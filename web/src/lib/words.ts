import type { AlertState, Presence, Role, Severity, Source } from './api/schema';
import { m } from './paraglide/messages';

/** The words for what the API names by a fixed word. A word that a newer core adds is shown as it is. */

export const SEVERITIES: Severity[] = ['critical', 'high', 'medium', 'low'];

export function severityWord(severity: string): string {
  const words: Record<Severity, () => string> = {
    low: m.severity_low,
    medium: m.severity_medium,
    high: m.severity_high,
    critical: m.severity_critical,
  };
  return words[severity as Severity]?.() ?? severity;
}

export function severityLetter(severity: string): string {
  const letters: Record<Severity, () => string> = {
    low: m.severity_low_letter,
    medium: m.severity_medium_letter,
    high: m.severity_high_letter,
    critical: m.severity_critical_letter,
  };
  return letters[severity as Severity]?.() ?? severity.slice(0, 1).toUpperCase();
}

export function stateWord(state: string): string {
  const words: Record<AlertState, () => string> = {
    open: m.state_open,
    acknowledged: m.state_acknowledged,
    closed: m.state_closed,
  };
  return words[state as AlertState]?.() ?? state;
}

export function sourceWord(source: string): string {
  const words: Record<Source, string> = { suricata: 'Suricata', wazuh: 'Wazuh', socme: 'SOCme' };
  return words[source as Source] ?? source;
}

export function nodeStateWord(state: string): string {
  const words: Record<Presence, () => string> = {
    pending: m.node_pending,
    online: m.node_online,
    late: m.node_late,
    offline: m.node_offline,
    disabled: m.node_disabled,
    revoked: m.node_revoked,
  };
  return words[state as Presence]?.() ?? state;
}

export function roleWord(role: string): string {
  const words: Record<Role, () => string> = {
    guest: m.role_guest,
    viewer: m.role_viewer,
    analyst: m.role_analyst,
    admin: m.role_admin,
  };
  return words[role as Role]?.() ?? role;
}
