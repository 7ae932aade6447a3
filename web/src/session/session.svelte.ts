import { ask, http, onSessionEnded } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Me, NewProof, Role, VisitReturn } from '$lib/api/schema';
import { live } from '$lib/live.svelte';
import { showPasskey } from '$lib/passkeys';
import { isLocale, isTheme, preferences } from '$lib/preferences.svelte';

type Change = Partial<Pick<Me, 'name' | 'language' | 'theme' | 'time_zone'>>;
type Stage = 'unknown' | 'in' | 'out' | 'ended' | 'failed';

/** Each may do what those before may. */
const ROLES: Role[] = ['guest', 'viewer', 'analyst', 'admin'];

/** Who is before the screen. */
class Session {
  #stage = $state<Stage>('unknown');
  #me = $state<Me | null>(null);
  problem = $state<Problem | null>(null);
  /** Counts up when the rights change: what was read before belongs to other rights. */
  rights = $state(0);

  constructor() {
    onSessionEnded(() => this.end());
    live.on('rights', () => void this.#readRights());
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

  /** True if they have this role, or more, at one client at least. */
  may(role: Role): boolean {
    return ROLES.indexOf(this.#me?.role ?? 'guest') >= ROLES.indexOf(role);
  }

  /** True if they may acknowledge, close and comment at this client. */
  mayActAt(client: number): boolean {
    const access = this.#me?.access;
    if (!access) return false;
    if (access.admin || access.everywhere === 'analyst') return true;
    return access.clients.some((given) => given.client === client && given.role === 'analyst');
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

  async acceptInvitation(token: string, passphrase: string): Promise<void> {
    this.#accept(await ask(http.POST('/api/v1/session/invitation', { body: { token, passphrase } })));
  }

  /** Shows again who they are; the core's «no» is thrown. */
  async prove(proof: NewProof): Promise<void> {
    this.#me = await ask(http.POST('/api/v1/session/proof', { body: proof }));
  }

  async proveByPasskey(): Promise<void> {
    await this.prove({ passkey: await showPasskey() });
  }

  /** Asks again who they are: what they have to sign in with may have changed. */
  async refresh(): Promise<void> {
    this.#me = await ask(http.GET('/api/v1/me'));
  }

  async changePassphrase(old: string | undefined, fresh: string): Promise<void> {
    this.#me = await ask(http.PUT('/api/v1/me/passphrase', { body: { old, new: fresh } }));
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
  async keep(change: Change): Promise<void> {
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

  /** Asks who they are now; then every page begins anew. */
  async #readRights(): Promise<void> {
    if (this.#stage !== 'in') return;
    try {
      this.#me = await ask(http.GET('/api/v1/me'));
    } catch {
      // The pages say themselves what they may not read.
    }
    this.rights += 1;
    live.emit('reset', {});
  }

  #show(change: Change): void {
    if (isLocale(change.language)) preferences.locale = change.language;
    if (change.theme === null || isTheme(change.theme)) preferences.theme = change.theme;
    if (change.time_zone !== undefined) preferences.timeZone = change.time_zone;
  }
}

export const session = new Session();
