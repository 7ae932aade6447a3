import type { Inventory } from '$lib/api/schema';
import { count, number } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import { endpoint } from '$lib/text';
import * as answers from '../commands/answers';
import type { Cell, Column } from '../commands/table';
import { isCve } from './bounds';

/** What can be known of a host, in the order in which it is shown. */
export const PARTS: Inventory[] = ['vulnerabilities', 'sca', 'packages', 'ports', 'users', 'processes', 'hardware'];

/** What was found, as a table. */
export interface Found {
  columns: Column[];
  rows: Cell[][];
  total: number;
  cut: boolean;
}

const figure = (value: number | null) => (value === null ? '' : String(value));
/** A moment if it is one; else the text as it came. */
const moment = (text: string): Cell => (Number.isNaN(Date.parse(text)) ? text : { text, time: text });

function table<T>(of: answers.Items<T>, columns: Column[], row: (item: T) => Cell[]): Found {
  return { columns, rows: of.items.map(row), total: of.total, cut: of.cut };
}

/** An answer as a table; null for what is not one. */
export function found(what: Inventory, answer: unknown): Found | null {
  switch (what) {
    case 'vulnerabilities':
      return table(
        answers.vulnerabilities(answer),
        [
          { label: m.column_severity(), width: 'w-24' },
          { label: 'CVE', width: 'w-36', mono: true },
          { label: m.vulnerability_score(), width: 'w-14', right: true, wide: true },
          { label: m.package(), width: 'w-[22%]' },
          { label: m.node_version(), width: 'w-[16%]', wide: true },
          { label: m.vulnerability_title(), wide: true },
          { label: m.vulnerability_detected(), width: 'w-32', wide: true },
        ],
        (item) => [
          { text: item.severity || '–', severity: answers.severityOf(item.severity) },
          isCve(item.cve) ? { text: item.cve, href: `/vulnerabilities?cve=${item.cve}` } : item.cve,
          item.score === null ? '' : number(item.score, 1),
          item.package,
          item.version,
          item.title,
          moment(item.detected),
        ],
      );
    case 'packages':
      return table(
        answers.packages(answer),
        [
          { label: m.name() },
          { label: m.node_version(), width: 'w-[26%]' },
          { label: m.package_vendor(), width: 'w-[26%]', wide: true },
          { label: m.host_architecture(), width: 'w-24', wide: true },
          { label: m.package_format(), width: 'w-20', wide: true },
        ],
        (item) => [item.name, item.version, item.vendor, item.architecture, item.format],
      );
    case 'ports':
      return table(
        answers.ports(answer),
        [
          { label: m.port_protocol(), width: 'w-20' },
          { label: m.port_local(), mono: true },
          { label: m.port_remote(), mono: true, wide: true },
          { label: m.state(), width: 'w-28', wide: true },
          { label: m.fact_process(), width: 'w-[26%]' },
          { label: 'PID', width: 'w-20', right: true, wide: true },
        ],
        (item) => [
          item.protocol,
          endpoint(item.address, item.port) || figure(item.port),
          item.remotePort ? endpoint(item.remoteAddress, item.remotePort) : '',
          item.state,
          item.process,
          figure(item.pid),
        ],
      );
    case 'users':
      return table(
        answers.users(answer),
        [
          { label: m.entity_account(), width: 'w-[22%]' },
          { label: 'ID', width: 'w-20', right: true, wide: true },
          { label: m.host_groups() },
          { label: m.user_shell(), width: 'w-[18%]', mono: true, wide: true },
          { label: m.user_home(), width: 'w-[18%]', mono: true, wide: true },
          { label: m.user_last_login(), width: 'w-32' },
        ],
        (item) => [item.name, item.id, item.groups.join(', '), item.shell, item.home, moment(item.lastLogin)],
      );
    case 'processes':
      return table(
        answers.processes(answer),
        [
          { label: 'PID', width: 'w-20', right: true },
          { label: m.name(), width: 'w-[22%]' },
          { label: m.process_command(), mono: true },
          { label: m.entity_account(), width: 'w-28', wide: true },
          { label: m.state(), width: 'w-20', wide: true },
          { label: m.process_started(), width: 'w-32', wide: true },
        ],
        (item) => [figure(item.pid), item.name, item.command, item.user, item.state, moment(item.started)],
      );
    default:
      return null;
  }
}

/** An answer in a few words, beside its title. */
export function summary(what: Inventory, answer: unknown): string {
  if (what === 'hardware') return answers.hardware(answer).cpu.slice(0, 80);
  if (what === 'sca') {
    const { items } = answers.policies(answer);
    const failed = items.reduce((sum, { fail }) => sum + fail, 0);
    return items.length ? m.sca_failed({ n: failed, count: count(failed) }) : m.audit_nothing();
  }
  const { total } = found(what, answer) ?? { total: 0 };
  return count(total);
}
