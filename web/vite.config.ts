import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where the API answers while developing: the imitation core (`npm run mock`) unless told otherwise. */
const core = process.env.SOCME_CORE ?? 'http://127.0.0.1:4180';

/** bits-ui lays out its command items by inline style, which the content security policy refuses: a class does the same. */
const noInlineStyle: Plugin = {
  name: 'no-inline-style',
  enforce: 'pre',
  transform: {
    filter: { id: /bits-ui\/.*\.svelte$/ },
    handler: (code) => code.replaceAll('style="display: contents;"', 'class="contents"'),
  },
};

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/lib/paraglide',
      strategy: ['globalVariable', 'baseLocale'],
    }),
    noInlineStyle,
    tailwindcss(),
    svelte(),
  ],
  resolve: {
    alias: {
      $lib: fileURLToPath(new URL('./src/lib', import.meta.url)),
      $: fileURLToPath(new URL('./src', import.meta.url)),
    },
  },
  server: { host: '127.0.0.1', port: 5173, strictPort: true, proxy: { '/api': { target: core, changeOrigin: false } } },
  build: {
    target: 'es2023',
    // Data addresses would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
