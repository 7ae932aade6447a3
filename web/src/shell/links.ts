import Activity from '@lucide/svelte/icons/activity';
import Bell from '@lucide/svelte/icons/bell';
import Building2 from '@lucide/svelte/icons/building-2';
import Monitor from '@lucide/svelte/icons/monitor';
import ShieldAlert from '@lucide/svelte/icons/shield-alert';
import House from '@lucide/svelte/icons/house';
import LogIn from '@lucide/svelte/icons/log-in';
import KeyRound from '@lucide/svelte/icons/key-round';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Server from '@lucide/svelte/icons/server';
import Users from '@lucide/svelte/icons/users';
import type { Component } from 'svelte';
import type { Role } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';

export interface PageLink {
  path: string;
  href: string;
  label: () => string;
  icon: Component;
  keys?: string;
  /** The least role that it is for. */
  role: Role;
  /** Used less often: behind «More» on a phone. */
  rare?: boolean;
}

/** The queue: what is still to be done. */
export const alertsHref = '/alerts?q=state%3Aopen';

/** The pages, in the order of the rail. */
export const pages: PageLink[] = [
  { path: '/', href: '/', label: () => m.page_home(), icon: House, keys: 'g h', role: 'viewer' },
  { path: '/alerts', href: alertsHref, label: () => m.page_alerts(), icon: Bell, keys: 'g a', role: 'viewer' },
  { path: '/clients', href: '/clients', label: () => m.page_clients(), icon: Building2, keys: 'g c', role: 'viewer' },
  {
    path: '/hosts',
    href: '/hosts',
    label: () => m.page_hosts(),
    icon: Monitor,
    keys: 'g o',
    role: 'viewer',
    rare: true,
  },
  {
    path: '/vulnerabilities',
    href: '/vulnerabilities',
    label: () => m.page_vulnerabilities(),
    icon: ShieldAlert,
    keys: 'g v',
    role: 'viewer',
    rare: true,
  },
  { path: '/nodes', href: '/nodes', label: () => m.page_nodes(), icon: Server, keys: 'g n', role: 'viewer' },
  { path: '/users', href: '/users', label: () => m.page_users(), icon: Users, keys: 'g u', role: 'admin', rare: true },
  { path: '/keys', href: '/keys', label: () => m.page_keys(), icon: KeyRound, role: 'admin', rare: true },
  { path: '/providers', href: '/providers', label: () => m.page_providers(), icon: LogIn, role: 'admin', rare: true },
  { path: '/health', href: '/health', label: () => m.page_health(), icon: Activity, role: 'analyst', rare: true },
  {
    path: '/audit',
    href: '/audit',
    label: () => m.page_audit(),
    icon: ScrollText,
    keys: 'g l',
    role: 'admin',
    rare: true,
  },
];

/** True if the page at `path` is the one shown, or one below it. */
export function isHere(path: string, pathname: string): boolean {
  return path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`);
}

/** True for the pages that are seen before signing in. */
export function isOpen(pathname: string): boolean {
  return ['/sign-in', '/setup', '/invitation'].includes(pathname) || pathname.startsWith('/sign-in/return/');
}
