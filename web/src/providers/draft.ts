import type { NewProvider, Provider, ProviderChange, ProviderKind, ProviderRules } from '$lib/api/schema';
import { linesOf, mappingOf, type Line } from './mapping';

/** A provider as the form has it. */
export interface Draft {
  name: string;
  slug: string;
  kind: ProviderKind;
  issuer: string;
  client_id: string;
  secret: string;
  enabled: boolean;
  strangers: boolean;
  scopes: string;
  groups_claim: string;
  domains: string;
  groups: string;
  lines: Line[];
}

export function draftOf(provider: Provider | null): Draft {
  const rules = provider?.rules;
  return {
    name: provider?.name ?? '',
    slug: provider?.slug ?? '',
    kind: provider?.kind ?? 'oidc',
    issuer: provider?.issuer ?? '',
    client_id: provider?.client_id ?? '',
    secret: '',
    enabled: provider?.enabled ?? true,
    strangers: provider?.strangers ?? false,
    scopes: rules?.scopes?.join(' ') ?? '',
    groups_claim: rules?.groups_claim ?? '',
    domains: rules?.domains?.join('\n') ?? '',
    groups: rules?.groups?.join('\n') ?? '',
    lines: linesOf(rules?.mapping ?? []),
  };
}

function rulesOf(draft: Draft): ProviderRules {
  const oidc = draft.kind === 'oidc';
  return {
    scopes: entries(draft.scopes, /\s+/),
    groups_claim: oidc ? draft.groups_claim.trim() : '',
    domains: oidc ? entries(draft.domains, /[\s,]+/) : [],
    // A group's name may have blanks in it.
    groups: entries(draft.groups, /\n/),
    mapping: mappingOf(draft.lines),
  };
}

export function newOf(draft: Draft): NewProvider {
  const { name, kind, client_id, secret, enabled, strangers } = draft;
  const rules = rulesOf(draft);
  return {
    name,
    kind,
    client_id,
    secret,
    enabled,
    strangers,
    rules,
    slug: slugOf(draft),
    issuer: draft.issuer || undefined,
  };
}

/** What is to change; an empty secret leaves the one that is stored. */
export function changeOf(draft: Draft): ProviderChange {
  const { name, client_id, issuer, enabled, strangers, secret } = draft;
  return { name, client_id, issuer, enabled, strangers, rules: rulesOf(draft), ...(secret ? { secret } : {}) };
}

/** The word in the return address: as typed, else made from the name as the core would. */
export function slugOf({ slug, name }: Pick<Draft, 'slug' | 'name'>): string {
  const word = (slug || name).toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return word.replace(/^-/, '').slice(0, 40).replace(/-$/, '') || 'provider';
}

function entries(text: string, between: RegExp): string[] {
  return text.split(between).flatMap((entry) => entry.trim() || []);
}
