import type { GroupAccess } from '$lib/api/schema';

/** One line of the form: what members of a group may do, at one client or at all of them. */
export interface Line {
  group: string;
  role: 'admin' | 'analyst' | 'viewer';
  /** The client's number as text; empty: all clients. */
  client: string;
}

/** The lines that say the same as a mapping. */
export function linesOf(mapping: GroupAccess[]): Line[] {
  return mapping.flatMap(({ group, access }): Line[] => {
    if (access.admin) return [{ group, role: 'admin', client: '' }];
    const line = (role: string, client: string): Line => ({
      group,
      role: role === 'analyst' ? role : 'viewer',
      client,
    });
    return [
      ...(access.everywhere ? [line(access.everywhere, '')] : []),
      ...access.clients.map(({ client, role }) => line(role, String(client))),
    ];
  });
}

/** The mapping that lines make. Lines without a group are left out; those of one group add up. */
export function mappingOf(lines: Line[]): GroupAccess[] {
  return lines
    .filter(({ group }) => group.trim())
    .map(({ group, role, client }) => ({
      group: group.trim(),
      access: {
        admin: role === 'admin',
        everywhere: role !== 'admin' && !client ? role : null,
        clients: role !== 'admin' && client ? [{ client: Number(client), role }] : [],
      },
    }));
}
