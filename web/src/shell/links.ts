import Activity from '@lucide/svelte/icons/activity';
import Bell from '@lucide/svelte/icons/bell';
import Building2 from '@lucide/svelte/icons/building-2';
import House from '@lucide/svelte/icons/house';
import LogIn from '@lucide/svelte/icons/log-in';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Server from '@lucide/svelte/icons/server';
import type { Component } from 'svelte';
import { m } from '$lib/paraglide/messages';

export interface PageLink {
  path: string;
  href: string;
  label: () => string;
  icon: Component;
  keys?: string;
  /** Shown to administrators alone. */
  admin?: boolean;
}

/** The queue: what is still to be done. */
export const alertsHref = '/alerts?q=state%3Aopen';

/** The pages, in the order of the rail. */
export const pages: PageLink[] = [
  { path: '/', href: '/', label: () => m.page_home(), icon: House, keys: 'g h' },
  { path: '/alerts', href: alertsHref, label: () => m.page_alerts(), icon: Bell, keys: 'g a' },
  { path: '/clients', href: '/clients', label: () => m.page_clients(), icon: Building2, keys: 'g c' },
  { path: '/nodes', href: '/nodes', label: () => m.page_nodes(), icon: Server, keys: 'g n' },
  { path: '/providers', href: '/providers', label: () => m.page_providers(), icon: LogIn, admin: true },
  { path: '/health', href: '/health', label: () => m.page_health(), icon: Activity, admin: true },
  { path: '/audit', href: '/audit', label: () => m.page_audit(), icon: ScrollText, admin: true },
];

/** True if the page at `path` is the one shown, or one below it. */
export function isHere(path: string, pathname: string): boolean {
  return path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`);
}
