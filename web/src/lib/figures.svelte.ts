import { m } from '$lib/paraglide/messages';
import { preferences } from './preferences.svelte';

/** Numbers, sizes, durations and times as the person reads them: language and time zone are theirs. */

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function cached<T extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(
  key: string,
  make: () => T,
): T {
  let format = cache.get(key);
  if (!format) cache.set(key, (format = make()));
  return format as T;
}

function tag(): string {
  return preferences.locale === 'fr' ? 'fr-FR' : 'en-GB';
}

/** A whole or fractional number in full. */
export function number(value: number, digits = 0): string {
  const locale = tag();
  return cached(`n${locale}${digits}`, () => new Intl.NumberFormat(locale, { maximumFractionDigits: digits })).format(
    value,
  );
}

/** A count: whole up to 9,999, shortened above. */
export function count(value: number): string {
  if (value < 10_000) return number(value);
  const locale = tag();
  return cached(
    `c${locale}`,
    () => new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 }),
  ).format(value);
}

/** A share from 0 to 1. */
export function percent(share: number, digits = 0): string {
  const locale = tag();
  return cached(
    `p${locale}${digits}`,
    () => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: digits }),
  ).format(share);
}

/** A number of bytes, in binary units. */
export function bytes(value: number): string {
  const units = preferences.locale === 'fr' ? ['o', 'Kio', 'Mio', 'Gio', 'Tio'] : ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${number(value, at === 0 || value >= 100 ? 0 : 1)}\u00a0${units[at]}`;
}

/** A span of seconds with its two largest units: `3 d 4 h`, `58 s`, `120 ms`. */
export function duration(seconds: number): string {
  const sign = seconds < 0 ? '−' : '';
  const span = Math.abs(seconds);
  if (span < 1 && span > 0) return `${sign}${number(Math.round(span * 1000))}\u00a0ms`;
  if (span < 10 && !Number.isInteger(span)) return `${sign}${number(span, 1)}\u00a0s`;
  const day = preferences.locale === 'fr' ? 'j' : 'd';
  const parts: [number, string][] = [
    [Math.floor(span / 86_400), day],
    [Math.floor((span % 86_400) / 3600), 'h'],
    [Math.floor((span % 3600) / 60), 'min'],
    [Math.floor(span % 60), 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return `0\u00a0s`;
  const words = parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}\u00a0${unit}`);
  return sign + words.join(' ');
}

function dateFormat(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = tag();
  const timeZone = preferences.timeZone ?? undefined;
  return cached(`d${name}${locale}${timeZone ?? ''}`, () => {
    try {
      return new Intl.DateTimeFormat(locale, { ...options, timeZone, hourCycle: 'h23' });
    } catch {
      return new Intl.DateTimeFormat(locale, { ...options, hourCycle: 'h23' });
    }
  });
}

/** Date, time to the millisecond and zone: for hover and copy. Text that is no time stays as it is. */
export function exactTime(time: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  return dateFormat('exact', {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  }).format(at);
}

/** Hours and minutes. */
export function clock(time: string | number): string {
  return dateFormat('clock', { hour: '2-digit', minute: '2-digit' }).format(new Date(time));
}

/** Hours, minutes and seconds. */
export function clockSeconds(time: string | number): string {
  return dateFormat('clocks', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(time));
}

/** Day, month, hours and minutes; with the year where it is not this one. */
export function dateTime(time: string | number): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return String(time);
  const here = sameYear(at.getTime());
  return dateFormat(here ? 'dt' : 'dty', {
    ...(here ? {} : { year: 'numeric' as const }),
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(at);
}

/** Day, month and year. */
function date(time: string): string {
  return dateFormat('date', { year: 'numeric', month: 'short', day: 'numeric' }).format(new Date(time));
}

function sameYear(at: number): boolean {
  return new Date(at).getFullYear() === new Date().getFullYear();
}

/** Day and month. */
export function day(time: string | number): string {
  return dateFormat('day', { weekday: 'short', month: 'short', day: 'numeric' }).format(new Date(time));
}

/** Relative within a day («3 min»), then date and time, or the date alone where it is of another year. */
export function ago(time: string, now: number): string {
  const at = new Date(time).getTime();
  if (Number.isNaN(at)) return time;
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < -60 || seconds >= 86_400) return sameYear(at) ? dateTime(time) : date(time);
  if (seconds < 1) return m.time_now();
  if (seconds < 60) return `${seconds}\u00a0s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min`;
  return `${Math.floor(seconds / 3600)}\u00a0h`;
}

/** A clock that ticks for every relative time on the page: each second while the page is seen. */
class Now {
  #value = $state(Date.now());
  #ahead = 0;

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.#value = Date.now() + this.#ahead;
    }, 1000);
  }

  get value(): number {
    return this.#value;
  }

  /** Follows the core's clock, so that a wrong clock in the browser does not make everything look old. */
  follow(coreNow: string): void {
    const ahead = new Date(coreNow).getTime() - Date.now();
    if (Number.isFinite(ahead)) this.#ahead = Math.abs(ahead) > 2000 ? ahead : 0;
  }
}

export const now = new Now();
