import type { Node, SourceStatus } from '$lib/api/schema';
import { bytes, count, duration, exactTime, number, percent } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import type { Fact } from '$lib/ui/facts';

/** Seconds by which a clock may differ before it is said. */
const SKEW = 5;
/** Days before its end at which a certificate is worth a look: it renews itself well before. */
const CERTIFICATE_DAYS = 1;

export function daysUntil(time: string, now: number): number {
  return Math.floor((new Date(time).getTime() - now) / 86_400_000);
}

/** What a node says of its way to the core and of itself. */
export function nodeFacts(node: Node, now: number): Fact[] {
  const facts: Fact[] = [];
  const status = node.status;
  if (status) {
    const { spool } = status;
    facts.push(
      { name: m.node_events_rate(), value: number(status.events_per_second, 1) },
      { name: m.node_alerts_rate(), value: number(status.alerts_per_second, 1) },
      {
        name: m.node_spool(),
        value: m.node_spool_value({ n: spool.depth, size: bytes(spool.bytes), limit: bytes(spool.limit) }),
        bad: !!spool.error,
        hover: spool.error ?? undefined,
      },
      { name: m.node_spool_age(), value: duration(Math.round(spool.age_seconds)), bad: spool.age_seconds > 300 },
    );
    if (spool.refused > 0)
      facts.push({
        name: m.node_refused(),
        value: count(spool.refused),
        hover: spool.refused_why ?? undefined,
        bad: true,
      });
  }
  if (node.skew_seconds != null)
    facts.push({
      name: m.node_skew(),
      value: duration(Math.round(node.skew_seconds * 10) / 10),
      bad: Math.abs(node.skew_seconds) > SKEW,
    });
  if (node.certificate_end) {
    const days = daysUntil(node.certificate_end, now);
    facts.push({
      name: m.node_certificate(),
      value: m.in_days({ n: days }),
      hover: exactTime(node.certificate_end),
      bad: days < CERTIFICATE_DAYS,
    });
  }
  facts.push({ name: m.node_version(), value: node.version ?? '–' });
  return facts;
}

export function suricataFacts(node: Node): Fact[] {
  const s = node.status?.suricata;
  if (!s) return [];
  return [
    { name: m.suricata_packets(), value: count(s.packets), hover: number(s.packets) },
    { name: m.suricata_drops(), value: `${count(s.drops)} (${percent(s.drop_share, 1)})`, bad: s.drop_share > 0.01 },
    { name: m.suricata_rules(), value: count(s.rules_loaded), bad: s.rules_loaded === 0 },
    { name: m.suricata_failed(), value: count(s.rules_failed), bad: s.rules_failed > 0 },
    { name: m.uptime(), value: duration(s.uptime) },
  ];
}

export function machineFacts(node: Node): Fact[] {
  const machine = node.status?.machine;
  if (!machine) return [];
  const share = (used: number, total: number) => (total > 0 ? used / total : 0);
  const memory = share(machine.memory_used, machine.memory_total);
  const disk = share(machine.disk_used, machine.disk_total);
  const facts: Fact[] = [
    { name: m.machine_cpu(), value: percent(machine.cpu), bad: machine.cpu > 0.95 },
    {
      name: m.machine_memory(),
      value: `${percent(memory)} · ${bytes(machine.memory_total)}`,
      hover: m.machine_memory_node({ size: bytes(machine.memory_node) }),
      bad: memory > 0.95,
    },
    { name: m.machine_disk(), value: `${percent(disk)} · ${bytes(machine.disk_total)}`, bad: disk > 0.9 },
    { name: m.uptime(), value: duration(machine.uptime) },
  ];
  if (machine.temperature != null)
    facts.push({
      name: m.machine_temperature(),
      value: `${number(machine.temperature)}\u00a0°C`,
      bad: machine.temperature > 85,
    });
  return facts;
}

export function sourceStateWord(state: SourceStatus['state']): string {
  const words = {
    live: m.source_live,
    behind: m.source_behind,
    missing: m.source_missing,
    failed: m.source_failed,
    paused: m.source_paused,
  };
  return words[state]?.() ?? state;
}

/** True if somebody should look at it. */
export function needsLook(node: Node): boolean {
  return ['late', 'offline'].includes(node.state) || !!node.blind || !!node.status?.spool.error;
}
