import type { Command, Deed, HostState, Inventory } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';

export function hostStateWord(state: HostState): string {
  const words: Record<HostState, () => string> = {
    active: m.host_active,
    disconnected: m.host_disconnected,
    pending: m.host_pending,
    never_connected: m.host_never,
  };
  return words[state]?.() ?? state;
}

export const PARTS: Inventory[] = ['vulnerabilities', 'sca', 'packages', 'ports', 'users', 'processes', 'hardware'];

export function partWord(part: string): string {
  const words: Record<Inventory, () => string> = {
    vulnerabilities: m.part_vulnerabilities,
    sca: m.part_sca,
    packages: m.part_packages,
    ports: m.part_ports,
    users: m.part_users,
    processes: m.part_processes,
    hardware: m.part_hardware,
  };
  return words[part as Inventory]?.() ?? part;
}

/** A column of an answer. */
export function columnWord(column: string): string {
  const words: Record<string, () => string> = {
    name: m.column_name,
    version: m.column_version,
    vendor: m.column_vendor,
    architecture: m.column_architecture,
    format: m.column_format,
    protocol: m.column_protocol,
    address: m.column_address,
    port: m.column_port,
    remote_address: m.column_remote_address,
    remote_port: m.column_remote_port,
    state: m.state,
    process: m.column_process,
    pid: m.column_pid,
    id: m.column_id,
    groups: m.host_groups,
    shell: m.column_shell,
    home: m.column_home,
    last_login: m.column_last_login,
    command: m.column_command,
    user: m.column_user,
    policy: m.column_policy,
    score: m.column_score,
    pass: m.column_pass,
    fail: m.column_fail,
    invalid: m.column_invalid,
    total: m.column_total,
    severity: m.column_severity,
    cve: m.column_cve,
    package: m.column_package,
    title: m.column_title,
    agent: m.host_agent,
    detected: m.column_detected,
    system: m.host_system,
    cpu: m.column_cpu,
    cores: m.column_cores,
    memory_bytes: m.column_memory,
    board_serial: m.column_board,
  };
  return words[column]?.() ?? column;
}

export function commandStateWord(state: Command['state']): string {
  const words: Record<Command['state'], () => string> = {
    queued: m.command_queued,
    taken: m.command_taken,
    done: m.command_done,
    failed: m.command_failed,
    refused: m.command_refused,
    expired: m.command_expired,
    unknown: m.command_unknown,
    withdrawn: m.command_withdrawn,
  };
  return words[state]?.() ?? state;
}

export const isOpen = (command: Pick<Command, 'state'>) => command.state === 'queued' || command.state === 'taken';

/** What was asked, in words. */
export function deedWord(deed: Deed): string {
  switch (deed.deed) {
    case 'restart_agent':
      return m.deed_restart();
    case 'add_to_group':
      return m.deed_add_to_group({ group: deed.group });
    case 'remove_from_group':
      return m.deed_remove_from_group({ group: deed.group });
    case 'upgrade_agent':
      return m.deed_upgrade();
    case 'scan_agent':
      return m.deed_scan();
    case 'block_address':
      return m.deed_block({ address: deed.address, seconds: deed.seconds });
    case 'logtest':
      return m.deed_logtest();
    case 'read_rules':
      return m.deed_rules({ file: deed.file });
    case 'inventory':
      return m.deed_inventory({ part: partWord(deed.what) });
    case 'find_vulnerable':
      return m.deed_find({ cve: deed.cve });
    default:
      return (deed as Deed).deed;
  }
}
