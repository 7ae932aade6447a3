import { ask, http, onSessionEnded } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Me, VisitReturn } from '$lib/api/schema';
import { showPasskey } from '$lib/passkeys';
import { isLocale, isTheme, preferences } from '$lib/preferences.svelte';

type Stage = 'unknown' | 'in' | 'out' | 'ended' | 'failed';

/** Who is before the screen. */
class Session {
  #stage = $state<Stage>('unknown');
  #me = $state<Me | null>(null);
  problem = $state<Problem | null>(null);

  constructor() {
    onSessionEnded(() => this.end());
  }

  get stage(): Stage {
    return this.#stage;
  }

  get me(): Me | null {
    return this.#me;
  }

  get isAdmin(): boolean {
    return this.#me?.role === 'admin';
  }

  /** May acknowledge, close and comment. */
  get canAct(): boolean {
    return this.#me?.role === 'admin' || this.#me?.role === 'analyst';
  }

  /** Asks the core who is signed in. */
  async load(): Promise<void> {
    this.problem = null;
    try {
      this.#accept(await ask(http.GET('/api/v1/me')));
    } catch (error) {
      const problem = Problem.of(error);
      if (problem.status === 401) this.#stage = 'out';
      else {
        this.problem = problem;
        this.#stage = 'failed';
      }
    }
  }

  /** Signs in, unless a code is owed: then says the ticket to give with it. */
  async signIn(name: string, passphrase: string): Promise<string | null> {
    const answer = await ask(http.POST('/api/v1/session', { body: { name, passphrase } }));
    if ('ticket' in answer) return answer.ticket;
    this.#accept(answer);
    return null;
  }

  async signInByCode(ticket: string, code: string): Promise<void> {
    this.#accept(await ask(http.POST('/api/v1/session/second', { body: { ticket, code } })));
  }

  async signInByPasskey(): Promise<void> {
    this.#accept(await ask(http.POST('/api/v1/session/passkey', { body: await showPasskey() })));
  }

  async signInByLink(token: string): Promise<void> {
    this.#accept(await ask(http.POST('/api/v1/session/link', { body: { token } })));
  }

  /** Hands the core what a provider sent the browser back with. */
  async endVisit(brought: VisitReturn): Promise<void> {
    this.#accept((await ask(http.POST('/api/v1/session/visit/end', { body: brought }))).me);
  }

  async setUp(token: string, name: string, passphrase: string): Promise<void> {
    this.#accept(await ask(http.POST('/api/v1/setup', { body: { token, name, passphrase } })));
  }

  async signOut(): Promise<void> {
    await ask(http.DELETE('/api/v1/session'));
    this.#me = null;
    this.#stage = 'out';
  }

  /** The session is over: what is on the screen stays readable, and says so. */
  end(): void {
    if (this.#stage === 'in') this.#stage = 'ended';
  }

  /** Keeps a choice with the account; the page follows at once and goes back if the core refuses. */
  async keep(change: Partial<Pick<Me, 'language' | 'theme' | 'time_zone'>>): Promise<void> {
    const before = {
      language: preferences.locale,
      theme: preferences.theme,
      time_zone: preferences.timeZone,
    };
    this.#show(change);
    try {
      this.#me = await ask(http.PATCH('/api/v1/me', { body: change }));
    } catch (error) {
      this.#show(before);
      throw error;
    }
  }

  #accept(me: Me): void {
    this.#me = me;
    this.#stage = 'in';
    // What they never chose stays as this browser has it.
    this.#show({ language: me.language, theme: me.theme ?? undefined, time_zone: me.time_zone ?? null });
  }

  #show(change: Partial<Pick<Me, 'language' | 'theme' | 'time_zone'>>): void {
    if (isLocale(change.language)) preferences.locale = change.language;
    if (change.theme === null || isTheme(change.theme)) preferences.theme = change.theme;
    if (change.time_zone !== undefined) preferences.timeZone = change.time_zone;
  }
}

export const session = new Session();
