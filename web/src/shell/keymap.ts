import { m } from '$lib/paraglide/messages';

/** Every key of the application: what the keyboard handler obeys and what the help shows. EveBox's keys where it has them. */
export interface Binding {
  keys: readonly string[];
  label: () => string;
}

const binding = (label: () => string, ...keys: string[]): Binding => ({ keys, label });

export const listKeys = {
  next: binding(() => m.key_next(), 'j', 'ArrowDown'),
  previous: binding(() => m.key_previous(), 'k', 'ArrowUp'),
  first: binding(() => m.key_first(), 'Shift+H', 'Home'),
  last: binding(() => m.key_last(), 'Shift+G', 'End'),
  pageDown: binding(() => m.key_page_down(), 'PageDown'),
  pageUp: binding(() => m.key_page_up(), 'PageUp'),
  open: binding(() => m.key_open(), 'o', 'Enter'),
  back: binding(() => m.key_back(), 'u', 'Escape'),
  refresh: binding(() => m.key_refresh(), 'r'),
} as const;

export const alertKeys = {
  select: binding(() => m.key_select(), 'x'),
  selectAll: binding(() => m.key_select_all(), '* a'),
  selectNone: binding(() => m.key_select_none(), '* n'),
  selectRule: binding(() => m.key_select_rule(), '* 1'),
  acknowledge: binding(() => m.key_acknowledge(), 'e'),
  close: binding(() => m.key_close(), 'Shift+E'),
  comment: binding(() => m.key_comment(), 'c'),
  undo: binding(() => m.key_undo(), 'z'),
  menu: binding(() => m.key_menu(), '.'),
  showNew: binding(() => m.key_show_new(), 'n'),
  query: binding(() => m.key_query(), '/'),
  clear: binding(() => m.key_clear(), 'Ctrl+\\'),
} as const;

export const globalKeys = {
  goHome: binding(() => m.key_go_home(), 'g h'),
  goAlerts: binding(() => m.key_go_alerts(), 'g a'),
  goNodes: binding(() => m.key_go_nodes(), 'g n'),
  goClients: binding(() => m.key_go_clients(), 'g c'),
  goHosts: binding(() => m.key_go_hosts(), 'g o'),
  goVulnerabilities: binding(() => m.key_go_vulnerabilities(), 'g v'),
  goUsers: binding(() => m.key_go_users(), 'g u'),
  goAudit: binding(() => m.key_go_audit(), 'g l'),
  goMe: binding(() => m.key_go_me(), 'g m'),
  palette: binding(() => m.key_palette(), 'Ctrl+K'),
  help: binding(() => m.key_help(), '?'),
} as const;

export const keymap = { ...listKeys, ...alertKeys, ...globalKeys } satisfies Record<string, Binding>;

export type KeyAction = keyof typeof keymap;
