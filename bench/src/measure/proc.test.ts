import { describe, expect, it } from 'vitest';
import { familyOf, parseMachine, parseMemory, parseProcess, readProc, readProcesses } from './proc.ts';

const rest =
  '0 -1 4194560 31 0 0 0 250 150 7 8 20 0 1 0 500 1000 10 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0';

describe('/proc/PID/stat', () => {
  it('gives the CPU seconds of a process, and apart from them those of its ended children', () => {
    expect(parseProcess(`42 (wireguard-go) S 7 42 42 ${rest}`)).toEqual({
      pid: 42,
      name: 'wireguard-go',
      parent: 7,
      isKernel: false,
      cpu: 4,
      endedCpu: 0.15,
    });
  });

  it('is read past a name with spaces and brackets', () => {
    expect(parseProcess(`42 (a) (b c) R 7 42 42 ${rest}`)).toMatchObject({
      pid: 42,
      name: 'a) (b c',
      parent: 7,
    });
  });

  it('tells threads of the kernel', () => {
    const text = `3 (ksoftirqd/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 100 0 0 20 0 1 0 4`;
    expect(parseProcess(text)).toMatchObject({ parent: 2, isKernel: true, cpu: 1 });
  });

  it('cut short is refused', () => {
    for (const text of ['', '42', '42 (x) S 7', 'x (x) S 7 42 42 0 -1 1 1 1 1 1 1 1']) {
      expect(parseProcess(text)).toBeUndefined();
    }
  });

  it('of this machine is understood', () => {
    const own = readProcesses().find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, isKernel: false });
    expect(own?.cpu).toBeGreaterThan(0);
  });
});

describe('/proc/stat', () => {
  it('gives busy, stolen and all time, guests not twice', () => {
    const text = 'cpu  100 200 300 400 50 6 7 37 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
    expect(parseMachine(text)).toEqual({ busy: 6.13, steal: 0.37, total: 11, cpus: 1 });
  });

  it('without its first line is refused', () => {
    expect(parseMachine('cpu0 1 2 3\n')).toBeUndefined();
  });

  it('of this machine is understood', () => {
    expect(parseMachine(readProc('stat') ?? '')?.total).toBeGreaterThan(0);
  });
});

describe('/proc/PID/status', () => {
  it('gives resident memory in MiB', () => {
    expect(parseMemory('Name:\tx\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n')).toEqual({ now: 2, most: 4 });
  });

  it('of a thread of the kernel has none', () => {
    expect(parseMemory('Name:\tkthreadd\n')).toBeUndefined();
  });
});

describe('a family of processes', () => {
  const process = (pid: number, parent: number) => ({
    pid,
    name: 'x',
    parent,
    isKernel: false,
    cpu: 0,
    endedCpu: 0,
  });

  it('is everything that one began, and what those began', () => {
    const all = [process(1, 0), process(10, 1), process(11, 10), process(12, 11), process(20, 1)];
    expect([...familyOf(all, 10)].toSorted((a, b) => a - b)).toEqual([10, 11, 12]);
  });

  it('ends where a parent is its own child', () => {
    expect([...familyOf([process(5, 5)], 5)]).toEqual([5]);
  });
});
