// A real provider of identities (oidc-provider, certified) for the tests of the core and of the pages; on loopback alone.
//
// Its first line of input says what it is: {"redirects": […], "accounts": {"ada": {"email": …, "groups": […]}}}. It answers with one
// line, {"issuer": …}. Each further line replaces the accounts. It ends when its input ends, so it never outlives a test.
// The client is «socme», its secret «of the tests alone». Whoever signs in types the name of an account.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// What it says by itself is no answer.
// eslint-disable-next-line no-console
console.info = () => {};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { redirects, accounts: first } = JSON.parse((await lines.next()).value);
let accounts = first;

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: 'socme', client_secret: 'of the tests alone', redirect_uris: redirects }],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  scopes: ['openid', 'profile', 'email', 'groups'],
  cookies: { keys: ['of the tests alone'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  pkce: { required: () => true },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  // Nobody is asked for consent: the core is this provider's own.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid profile email groups');
    await grant.save();
    return grant;
  },
});
/** The page on which somebody says who they are. */
async function interact(request, response) {
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html');
    response.end(`<title>Provider</title><form method="post" action="${request.url}">
      <label>Account <input name="login" autofocus></label><button>Sign in</button></form>`);
    return;
  }
  let body = '';
  for await (const piece of request) body += piece;
  const accountId = new URLSearchParams(body).get('login');
  await provider.interactionFinished(request, response, { login: { accountId } });
}

const callback = provider.callback();
server.on('request', (request, response) =>
  request.url.startsWith('/interaction/') ? interact(request, response) : callback(request, response),
);
process.stdout.write(`${JSON.stringify({ issuer })}\n`);

for (let line = await lines.next(); !line.done; line = await lines.next()) {
  accounts = JSON.parse(line.value);
  process.stdout.write('{}\n');
}
process.exit(0);
