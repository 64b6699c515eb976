/** Where things are in this checkout, and how to run a child so that it always ends. Plain JavaScript: the machine's own Node runs it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const platform = `${process.platform}-${process.arch}`;
const supported = new Set(['linux-x64', 'linux-arm64']);

/** `undefined` where pqtun can be built, else what is missing. */
export function platformGap() {
  if (supported.has(platform)) return undefined;
  return `this is ${platform}; pqtun needs Linux on x64 or arm64 (TUN devices and netlink are Linux's, the pinned Node comes for these two)`;
}

/** The Node that runs everything of ours, from the npm package of that name: the active line by default. */
export function pinnedNode(member = '.') {
  return join(root, member, 'node_modules', `node-${platform}`, 'bin', 'node');
}

/** The second line, on which the published packages must work as well. */
export const secondNode = () => pinnedNode('test/node24');

/** The caller's environment with the pinned Node and the workspace's tools first on the PATH. */
export function toolEnvironment(extra = {}) {
  const path = [dirname(pinnedNode()), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(':');
  const environment = { ...process.env, PATH: path, ...extra };
  delete environment.NODE_OPTIONS; // a caller's preload or inspector must not decide what our tests see
  return environment;
}

/**
 * Runs a program in its own process group with no standard input and resolves with its exit code. The whole group ends with
 * us, and after `timeout` milliseconds (exit code 124, as timeout(1) gives). A signal's exit code is 128 + its number.
 */
export function run(command, args, { timeout, env = toolEnvironment(), cwd = root, stdin = 'ignore' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: [stdin, 'inherit', 'inherit'],
      detached: stdin === 'ignore',
    });
    const end = (signal) => {
      try {
        process.kill(child.pid === undefined || stdin !== 'ignore' ? child.pid : -child.pid, signal);
      } catch {
        // it has ended already
      }
    };
    let late = false;
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            end('SIGKILL');
          }, timeout);
    const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const forward = (signal) => end(signal);
    for (const signal of forwarded) process.on(signal, forward);
    const finish = (code) => {
      clearTimeout(timer);
      for (const signal of forwarded) process.off(signal, forward);
      resolve(code);
    };
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      finish(127);
    });
    child.on('exit', (code, signal) => finish(late ? 124 : (code ?? 128 + (signalNumbers[signal] ?? 0))));
  });
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/** The first of `names` that the PATH has, or `undefined`. */
export function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(':');
  return names.find((name) => folders.some((folder) => folder !== '' && existsSync(join(folder, name))));
}
