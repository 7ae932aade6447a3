import { createRouter } from 'sv-router';
import Alerts from './alerts/Alerts.svelte';
import Home from './home/Home.svelte';
import Return from './providers/Return.svelte';
import SetUp from './session/SetUp.svelte';
import SignIn from './session/SignIn.svelte';
import NotFound from './shell/NotFound.svelte';

export const { p, navigate, isActive, route } = createRouter({
  '/': Home,
  '/setup': SetUp,
  '/sign-in': { '/': SignIn, '/return/:slug': Return },
  '/alerts': { '/': Alerts, '/:client/:id': Alerts },
  '/clients': {
    '/': () => import('./clients/Clients.svelte'),
    '/:client': () => import('./clients/Client.svelte'),
  },
  '/nodes': {
    '/': () => import('./nodes/Nodes.svelte'),
    '/:node': () => import('./nodes/Node.svelte'),
  },
  '/providers': () => import('./providers/Providers.svelte'),
  '/health': () => import('./health/Health.svelte'),
  '/audit': () => import('./audit/Audit.svelte'),
  '*': NotFound,
});
