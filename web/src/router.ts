import { createRouter } from 'sv-router';
import Alerts from './alerts/Alerts.svelte';
import Home from './home/Home.svelte';
import Return from './providers/Return.svelte';
import Invitation from './session/Invitation.svelte';
import SetUp from './session/SetUp.svelte';
import SignIn from './session/SignIn.svelte';
import Allowed from './shell/Allowed.svelte';
import NotFound from './shell/NotFound.svelte';

export const { p, navigate, isActive, route } = createRouter({
  '/': Home,
  '/setup': SetUp,
  '/sign-in': { '/': SignIn, '/return/:slug': Return },
  '/invitation': Invitation,
  '/me': () => import('./me/Me.svelte'),
  '/alerts': { '/': Alerts, '/:client/:id': Alerts },
  '/clients': {
    '/': () => import('./clients/Clients.svelte'),
    '/:client': () => import('./clients/Client.svelte'),
  },
  '/hosts': {
    '/': () => import('./hosts/Hosts.svelte'),
    '/:node/:agent': () => import('./hosts/Host.svelte'),
  },
  '/vulnerabilities': () => import('./vulnerabilities/Vulnerabilities.svelte'),
  '/nodes': {
    '/': () => import('./nodes/Nodes.svelte'),
    '/:node': () => import('./nodes/Node.svelte'),
  },
  '/providers': () => import('./providers/Providers.svelte'),
  '/users': {
    '/': () => import('./users/Users.svelte'),
    '/:user': () => import('./users/User.svelte'),
  },
  '/keys': () => import('./keys/Keys.svelte'),
  '/health': () => import('./health/Health.svelte'),
  '/audit': () => import('./audit/Audit.svelte'),
  '*': NotFound,
  layout: Allowed,
});
