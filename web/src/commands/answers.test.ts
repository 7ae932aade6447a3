import { describe, expect, it } from 'vitest';
import * as answers from './answers';

const READERS = [
  answers.hardware,
  answers.ports,
  answers.packages,
  answers.users,
  answers.processes,
  answers.policies,
  answers.vulnerabilities,
  answers.verdict,
  answers.rules,
  answers.vulnerable,
];

describe('answers of nodes', () => {
  it.each(READERS)('%o takes anything at all', (read) => {
    const nonsense: unknown[] = [
      undefined,
      null,
      0,
      '',
      'text',
      [],
      [[]],
      {},
      { items: 7 },
      { items: [null, 7, 'x', [], { name: { toString: null }, groups: 'root', failed: [null] }] },
      { total: -5, cut: 'yes', counts: [], rule: 'x', messages: {}, items: {} },
      JSON.parse('{"__proto__": {"items": 1}, "items": [{"__proto__": null}]}'),
    ];
    for (const answer of nonsense) expect(() => JSON.stringify(read(answer))).not.toThrow();
  });

  it('keeps hostile texts as texts, and numbers that are texts as numbers', () => {
    const name = '<img src=x onerror=alert(1)>\u202e\u0000';
    const found = answers.processes({ items: [{ name, pid: '0012', command: 5 }], total: '1' });
    expect(found.items[0]).toMatchObject({ name, pid: 12, command: '5', user: '' });
    expect(found).toMatchObject({ total: 1, cut: false });
    expect(
      answers.ports({ items: [{ port: 'ssh' }, { port: '' }, { port: Infinity }] }).items.map((p) => p.port),
    ).toEqual([null, null, null]);
  });

  it('says that a list is cut if it is shorter than it should be, and never tells of fewer than it has', () => {
    expect(answers.packages({ items: [{}], total: 900 })).toMatchObject({ total: 900, cut: true });
    expect(answers.packages({ items: [{}, {}], total: 1, cut: true })).toMatchObject({ total: 2, cut: true });
    expect(answers.packages({ items: [{}] })).toMatchObject({ total: 1, cut: false });
  });

  it('reads counts and severities', () => {
    const found = answers.vulnerabilities({ counts: { critical: 2, high: '3', low: -1, other: 'x' } });
    expect(found.counts).toEqual({ critical: 2, high: 3, medium: 0, low: 0, other: 0 });
    expect(['Critical', ' HIGH ', 'medium', 'Low', '-', ''].map(answers.severityOf)).toEqual([
      'critical',
      'high',
      'medium',
      'low',
      null,
      null,
    ]);
  });

  it('puts the severest first', () => {
    const items = [
      { cve: 'a', severity: 'Low', score: 2 },
      { cve: 'b', severity: '-' },
      { cve: 'c', severity: 'Critical', score: '9.8' },
      { cve: 'd', severity: 'critical', score: 10 },
    ];
    expect(
      answers
        .vulnerabilities({ items })
        .items.map(({ cve }) => cve)
        .join(''),
    ).toBe('dcab');
  });

  it('knows a line without a rule from one with', () => {
    expect(answers.verdict({ alert: 'true', rule: null, messages: ['a', 1, null] })).toMatchObject({
      alert: false,
      rule: null,
      messages: ['a', '1'],
    });
    expect(answers.verdict({ alert: true, rule: { id: 5710, level: '5', groups: ['sshd', {}] } }).rule).toEqual({
      id: '5710',
      level: 5,
      description: '',
      groups: ['sshd'],
    });
  });
});
