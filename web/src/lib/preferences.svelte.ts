import { overwriteGetLocale } from '$lib/paraglide/runtime';

const LOCALES = ['en', 'fr'] as const;
const THEMES = ['light', 'dark'] as const;

export type Locale = (typeof LOCALES)[number];
export type Theme = (typeof THEMES)[number] | null;
export type Density = 'dense' | 'comfortable';

/** Reads what this browser remembers; storage may be forbidden or hold nonsense. */
function read<T extends string>(key: string, allowed: readonly T[]): T | null {
  try {
    const value = localStorage.getItem(`socme.${key}`);
    return allowed.includes(value as T) ? (value as T) : null;
  } catch {
    return null;
  }
}

/** True for a language that the pages speak. */
export function isLocale(value: unknown): value is Locale {
  return LOCALES.includes(value as Locale);
}

/** True for a look that was chosen; null, the system's, is none. */
export function isTheme(value: unknown): value is NonNullable<Theme> {
  return THEMES.includes(value as NonNullable<Theme>);
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`socme.${key}`);
    else localStorage.setItem(`socme.${key}`, value);
  } catch {
    // Remembered for this page only.
  }
}

function systemLocale(): Locale {
  return /^fr\b/i.test(navigator.language) ? 'fr' : 'en';
}

/** How this person wants to see things. Theme, language and time zone follow the account; the rest stays in this browser. */
class Preferences {
  #locale = $state<Locale>(read('language', LOCALES) ?? systemLocale());
  #theme = $state<Theme>(read('theme', THEMES));
  #density = $state<Density>(read('density', ['dense', 'comfortable']) ?? 'dense');
  #railFolded = $state(read('rail', ['folded']) === 'folded');
  #facetsFolded = $state(read('facets', ['folded']) === 'folded');
  #systemDark = $state(false);
  #paneWidth = $state(0);
  /** IANA name; null follows the browser. */
  timeZone = $state<string | null>(null);

  constructor() {
    overwriteGetLocale(() => this.#locale);
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', () => {
      this.#systemDark = query.matches;
      this.#paint();
    });
    try {
      this.#paneWidth = Number(localStorage.getItem('socme.pane')) || 0;
    } catch {
      // As above.
    }
  }

  get locale(): Locale {
    return this.#locale;
  }
  set locale(value: Locale) {
    this.#locale = value;
    write('language', value);
    document.documentElement.lang = value;
  }

  get theme(): Theme {
    return this.#theme;
  }
  set theme(value: Theme) {
    this.#theme = value;
    write('theme', value);
    this.#paint();
  }

  get dark(): boolean {
    return this.#theme === 'dark' || (this.#theme === null && this.#systemDark);
  }

  get density(): Density {
    return this.#density;
  }
  set density(value: Density) {
    this.#density = value;
    write('density', value);
  }

  get railFolded(): boolean {
    return this.#railFolded;
  }
  set railFolded(value: boolean) {
    this.#railFolded = value;
    write('rail', value ? 'folded' : null);
  }

  get facetsFolded(): boolean {
    return this.#facetsFolded;
  }
  set facetsFolded(value: boolean) {
    this.#facetsFolded = value;
    write('facets', value ? 'folded' : null);
  }

  /** Width of the details pane in pixels; 0 until it has been dragged. */
  get paneWidth(): number {
    return this.#paneWidth;
  }
  set paneWidth(value: number) {
    this.#paneWidth = Math.round(value);
    write('pane', String(this.#paneWidth));
  }

  #paint(): void {
    document.documentElement.classList.toggle('dark', this.dark);
  }
}

export const preferences = new Preferences();
