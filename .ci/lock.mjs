/** One at a time: a lock file that names its holder, so that a dead holder's lock is taken over and a living one's is waited for. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `action` while this process alone holds `path`; waits at most `patience` milliseconds for another holder. */
export async function withLock(path, patience, action) {
  const mine = `${process.pid} ${startTime(process.pid)}\n`;
  await take(path, mine, patience);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await action();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function take(path, mine, patience) {
  const deadline = Date.now() + patience;
  for (let told = false; !create(path, mine); ) {
    const holder = read(path);
    if (holder === undefined || (!alive(holder) && removeStale(path, holder))) continue;
    if (Date.now() > deadline)
      throw new Error(
        `${path} is held by process ${holder.split(' ')[0]}; remove it if that is not a set-up`,
      );
    if (!told)
      console.error(`setup: waiting for process ${holder.split(' ')[0]}, which is setting this tree up`);
    told = true;
    await sleep(100);
  }
}

/** Appears with its content or not at all: a reader never meets an empty lock. */
function create(path, content) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Only who holds the guard removes another's lock, and looks again first: two who see one stale lock cannot both take it. */
function removeStale(path, holder) {
  const guard = `${path}.guard`;
  if (!create(guard, `${process.pid}\n`)) return false;
  try {
    if (read(path) === holder) rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Numbers of processes are used again; number and start time together are not. */
function alive(holder) {
  const [pid, started] = holder.trim().split(' ');
  return startTime(Number(pid)) === started;
}

function startTime(pid) {
  const stat = read(`/proc/${pid}/stat`);
  // Field 22, counted behind the program's name, which stands in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'none';
}
