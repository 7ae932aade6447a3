import type { CommandState, Deed, Inventory, Permission } from '$lib/api/schema';
import { duration } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';

/** The words for what nodes are asked. A word that a newer core adds is shown as it is. */

export function commandStateWord(state: string): string {
  const words: Record<CommandState, () => string> = {
    queued: m.command_queued,
    taken: m.command_taken,
    done: m.command_done,
    failed: m.command_failed,
    refused: m.command_refused,
    expired: m.command_expired,
    unknown: m.command_unknown,
    withdrawn: m.command_withdrawn,
  };
  return words[state as CommandState]?.() ?? state;
}

/** What a state means, where its word does not say it all. */
export function commandStateMeaning(state: string): string {
  const words: Partial<Record<CommandState, () => string>> = {
    refused: m.command_refused_text,
    expired: m.command_expired_text,
    unknown: m.command_unknown_text,
    withdrawn: m.command_withdrawn_text,
  };
  return words[state as CommandState]?.() ?? '';
}

export function inventoryWord(what: string): string {
  const words: Record<Inventory, () => string> = {
    hardware: m.inventory_hardware,
    ports: m.inventory_ports,
    packages: m.inventory_packages,
    users: m.inventory_users,
    processes: m.inventory_processes,
    sca: m.inventory_sca,
    vulnerabilities: m.inventory_vulnerabilities,
  };
  return words[what as Inventory]?.() ?? what;
}

/** What is asked, in a few words. */
export function deedWord(deed: Deed): string {
  switch (deed.deed) {
    case 'restart_agent':
      return m.deed_restart_agent();
    case 'add_to_group':
      return m.deed_add_to_group({ group: deed.group });
    case 'remove_from_group':
      return m.deed_remove_from_group({ group: deed.group });
    case 'upgrade_agent':
      return m.deed_upgrade_agent();
    case 'scan_agent':
      return m.deed_scan_agent();
    case 'block_address':
      return m.deed_block_address({ address: deed.address, time: duration(deed.seconds) });
    case 'logtest':
      return m.deed_logtest();
    case 'read_rules':
      return m.deed_read_rules({ file: deed.file });
    case 'inventory':
      return m.deed_inventory({ what: inventoryWord(deed.what) });
    case 'find_vulnerable':
      return m.deed_find_vulnerable({ cve: deed.cve });
    default:
      return (deed as { deed: string }).deed;
  }
}

export function permissionMeaning(permission: Permission): string {
  const words: Record<Permission, () => string> = {
    inventory: m.permission_inventory,
    logtest: m.permission_logtest,
    rules: m.permission_rules,
    restart: m.permission_restart,
    group: m.permission_group,
    upgrade: m.permission_upgrade,
    scan: m.permission_scan,
    block: m.permission_block,
  };
  return words[permission]?.() ?? permission;
}
